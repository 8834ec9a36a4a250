package sallyport_test

import (
	"crypto/tls"
	"errors"
	"io"
	"testing"

	sallyport "sallyport.dev/go"
)

func TestATLSClientOfTheStandardLibrary(t *testing.T) {
	for name, number := range versions {
		t.Run(name, func(t *testing.T) {
			listener := listen(t, serverConfig(t, version(number)))
			go echo(listener)
			conn, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{
				RootCAs: ca.pool(), Certificates: []tls.Certificate{client.forTLS()}, ServerName: "localhost",
			})
			ok(t, err)
			defer conn.Close()
			write(t, conn, "over and back")
			expect(t, conn, "over and back")
			ok(t, conn.CloseWrite())
			if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
				t.Error(err)
			}
			stranger, err := tls.Dial("tcp", listener.Addr().String(), &tls.Config{
				RootCAs: ca.pool(), ServerName: "localhost",
			})
			if err == nil {
				_, err = stranger.Read(make([]byte, 1))
				stranger.Close()
			}
			if err == nil {
				t.Error("a client without a certificate was let in")
			}
			refusal, err := listener.NextRefusal(within(t))
			if err != nil || refusal.Why.Status != sallyport.StatusClientCertificateRequired {
				t.Error(refusal, err)
			}
		})
	}
}

func TestATLSServerOfTheStandardLibrary(t *testing.T) {
	for name, number := range versions {
		t.Run(name, func(t *testing.T) {
			listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
				Certificates: []tls.Certificate{server.forTLS()}, ClientCAs: ca.pool(),
				ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: number, MaxVersion: number,
			})
			ok(t, err)
			defer listener.Close()
			go echo(listener)
			conn, err := sallyport.Dial(within(t), listener.Addr().String(), clientConfig(t))
			ok(t, err)
			defer conn.Close()
			write(t, conn, "over and back")
			expect(t, conn, "over and back")
			ok(t, conn.CloseWrite())
			if _, err := conn.Read(make([]byte, 1)); err != io.EOF {
				t.Error(err)
			}
			stranger, err := sallyport.Dial(within(t), listener.Addr().String(), clientConfig(t, credentials()))
			if err == nil {
				_, err = stranger.Read(make([]byte, 1))
				stranger.Close()
			}
			// What crypto/tls says depends on its version.
			var detail *sallyport.Error
			if !errors.As(err, &detail) || detail.Alert == nil || detail.Alert.Direction != "received" {
				t.Error(err)
			}
		})
	}
}
