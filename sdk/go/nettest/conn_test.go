// Package nettest holds a Conn against what golang.org/x/net demands of every net.Conn. It is a module of its own, so
// that the binding depends on nothing.
package nettest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"

	"golang.org/x/net/nettest"
	sallyport "sallyport.dev/go"
)

// selfSigned is a certificate for both sides, which is its own CA.
func selfSigned(t *testing.T) (certificate, key []byte) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "both"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"},
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	encoded, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	encodedKey, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: encoded}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE" + " KEY", Bytes: encodedKey})
}

func TestConn(t *testing.T) {
	certificate, key := selfSigned(t)
	credential, err := sallyport.NewCredential(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := sallyport.NewTrust(certificate)
	if err != nil {
		t.Fatal(err)
	}
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		options := sallyport.Options{
			Credentials: []*sallyport.Credential{credential}, Trust: trust, MinVersion: version, MaxVersion: version,
		}
		clientConfig, err := sallyport.NewClientConfig(options)
		if err != nil {
			t.Fatal(err)
		}
		options.ClientAuth = sallyport.ClientAuthRequire
		serverConfig, err := sallyport.NewServerConfig(options)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
				return pair(clientConfig, serverConfig)
			})
		})
	}
}

func pair(clientConfig, serverConfig *sallyport.Config) (net.Conn, net.Conn, func(), error) {
	listener, err := sallyport.Listen("127.0.0.1:0", serverConfig)
	if err != nil {
		return nil, nil, nil, err
	}
	defer listener.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	dialer := sallyport.Dialer{Config: clientConfig, VerifyName: "localhost"}
	dialed, err := dialer.Dial(ctx, listener.Addr().String())
	if err != nil {
		return nil, nil, nil, err
	}
	accepted, err := listener.AcceptContext(ctx)
	if err != nil {
		dialed.Close()
		return nil, nil, nil, err
	}
	return dialed, accepted, func() { dialed.Close(); accepted.Close() }, nil
}
