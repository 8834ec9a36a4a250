package sallyport_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	sallyport "sallyport.dev/go"
)

// authority is a CA of a test.
type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
	pem         []byte
}

// identity is a certificate that a CA has issued, with its key.
type identity struct {
	chain, keyPEM []byte
	key           crypto.Signer
}

var serial = big.NewInt(time.Now().UnixNano())

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func newKey() crypto.Signer { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

func newAuthority(name string) *authority {
	key := newKey()
	template := &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	encoded := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return &authority{must(x509.ParseCertificate(encoded)), key, encode("CERTIFICATE", encoded)}
}

func (a *authority) issue(name string, key crypto.Signer, usage x509.ExtKeyUsage, hosts ...string) *identity {
	template := &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{usage}, DNSNames: hosts,
	}
	if usage == x509.ExtKeyUsageServerAuth {
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	encoded := must(x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key))
	return &identity{encode("CERTIFICATE", encoded), encode("PRIVATE"+" KEY", must(x509.MarshalPKCS8PrivateKey(key))), key}
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func (i *identity) credential() *sallyport.Credential {
	return must(sallyport.NewCredential(i.chain, i.keyPEM))
}

func (i *identity) certificate() *x509.Certificate {
	return must(x509.ParseCertificate(i.forTLS().Certificate[0]))
}

func (i *identity) forTLS() tls.Certificate { return must(tls.X509KeyPair(i.chain, i.keyPEM)) }

func (a *authority) trust() *sallyport.TrustStore { return must(sallyport.NewTrust(a.pem)) }

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// What most tests use.
var (
	ca          = newAuthority("CA")
	otherCA     = newAuthority("other CA")
	server      = ca.issue("server", newKey(), x509.ExtKeyUsageServerAuth, "localhost")
	client      = ca.issue("client", newKey(), x509.ExtKeyUsageClientAuth, "client.example.org")
	otherClient = otherCA.issue("other client", newKey(), x509.ExtKeyUsageClientAuth)
)

type change func(*sallyport.Options)

func options(changes []change, options sallyport.Options) sallyport.Options {
	for _, change := range changes {
		change(&options)
	}
	return options
}

func version(number uint16) change {
	return func(o *sallyport.Options) { o.MinVersion, o.MaxVersion = number, number }
}

func serverConfig(t testing.TB, changes ...change) *sallyport.Config {
	config, err := sallyport.NewServerConfig(options(changes, sallyport.Options{
		Credentials: []*sallyport.Credential{server.credential()}, Trust: ca.trust(), ClientAuth: sallyport.ClientAuthRequire,
	}))
	ok(t, err)
	return config
}

func clientConfig(t testing.TB, changes ...change) *sallyport.Config {
	config, err := sallyport.NewClientConfig(options(changes, sallyport.Options{
		Credentials: []*sallyport.Credential{client.credential()}, Trust: ca.trust(),
	}))
	ok(t, err)
	return config
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func listen(t testing.TB, config *sallyport.Config) *sallyport.Listener {
	t.Helper()
	listener, err := sallyport.Listen("127.0.0.1:0", config)
	ok(t, err)
	t.Cleanup(func() { listener.Close() })
	return listener
}

// echo serves whoever comes until the listener is closed.
func echo(listener net.Listener) {
	for {
		peer, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer peer.Close()
			io.Copy(peer, peer)
		}()
	}
}

// pair makes both ends of a connection.
func pair(t testing.TB, serverSide, clientSide *sallyport.Config) (*sallyport.Conn, *sallyport.Conn) {
	t.Helper()
	listener := listen(t, serverSide)
	dialed, err := sallyport.Dial(within(t), listener.Addr().String(), clientSide)
	ok(t, err)
	accepted, err := listener.AcceptContext(within(t))
	ok(t, err)
	t.Cleanup(func() { dialed.Close(); accepted.Close() })
	return dialed, accepted
}

func write(t testing.TB, w io.Writer, text string) {
	t.Helper()
	if n, err := io.WriteString(w, text); err != nil || n != len(text) {
		t.Fatal(n, err)
	}
}

func expect(t testing.TB, r io.Reader, text string) {
	t.Helper()
	buffer := make([]byte, len(text))
	if _, err := io.ReadFull(r, buffer); err != nil || string(buffer) != text {
		t.Fatalf("%q instead of %q: %v", buffer, text, err)
	}
}

func writeFile(t testing.TB, name string, data []byte) string {
	t.Helper()
	ok(t, os.WriteFile(name+".new", data, 0o600))
	ok(t, os.Rename(name+".new", name))
	return name
}

func files(t testing.TB, i *identity) (chain, key string) {
	folder := t.TempDir()
	return writeFile(t, filepath.Join(folder, "chain.pem"), i.chain), writeFile(t, filepath.Join(folder, "chain.key"), i.keyPEM)
}
