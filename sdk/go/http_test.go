package sallyport_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	sallyport "sallyport.dev/go"
)

// greet tells the client who it is.
func greet(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	state := r.TLS
	if c := sallyport.FromContext(r.Context()); c != nil {
		found := c.ConnectionState()
		state = &found
	}
	fmt.Fprintf(w, "hello %s, %d bytes", state.PeerCertificates[0].Subject.CommonName, len(body))
}

func ask(t *testing.T, transport *http.Transport, address string) {
	t.Helper()
	defer transport.CloseIdleConnections()
	web := &http.Client{Transport: transport}
	for i := 0; i < 3; i++ {
		response, err := web.Post("https://"+address, "application/octet-stream", bytes.NewReader(make([]byte, 300_000)))
		ok(t, err)
		answer, err := io.ReadAll(response.Body)
		ok(t, err)
		response.Body.Close()
		if string(answer) != "hello client, 300000 bytes" {
			t.Errorf("%s", answer)
		}
	}
}

func serveHTTP(t *testing.T, listener net.Listener) {
	web := &http.Server{Handler: http.HandlerFunc(greet), ConnContext: sallyport.ConnContext}
	ended := make(chan error)
	go func() { ended <- web.Serve(listener) }()
	t.Cleanup(func() {
		ok(t, web.Shutdown(within(t)))
		if err := <-ended; err != http.ErrServerClosed {
			t.Error(err)
		}
	})
}

func TestHTTPServerWithAClientOfTheStandardLibrary(t *testing.T) {
	for name, number := range versions {
		t.Run(name, func(t *testing.T) {
			listener := listen(t, serverConfig(t, version(number)))
			serveHTTP(t, listener)
			ask(t, &http.Transport{TLSClientConfig: &tls.Config{
				RootCAs: ca.pool(), Certificates: []tls.Certificate{client.forTLS()},
			}}, listener.Addr().String())
		})
	}
}

func TestHTTPClientWithAServerOfTheStandardLibrary(t *testing.T) {
	for name, number := range versions {
		t.Run(name, func(t *testing.T) {
			web := httptest.NewUnstartedServer(http.HandlerFunc(greet))
			web.TLS = &tls.Config{
				Certificates: []tls.Certificate{server.forTLS()}, ClientCAs: ca.pool(),
				ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: number, MaxVersion: number,
			}
			web.StartTLS()
			defer web.Close()
			dialer := &sallyport.Dialer{Config: clientConfig(t)}
			ask(t, &http.Transport{DialTLSContext: dialer.DialContext}, web.Listener.Addr().String())
		})
	}
}

func TestHTTPOnBothSides(t *testing.T) {
	listener := listen(t, serverConfig(t))
	serveHTTP(t, listener)
	dialer := &sallyport.Dialer{Config: clientConfig(t)}
	ask(t, &http.Transport{DialTLSContext: dialer.DialContext}, listener.Addr().String())
}
