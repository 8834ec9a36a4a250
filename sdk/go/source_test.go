package sallyport_test

import (
	"crypto/x509"
	"errors"
	"testing"

	sallyport "sallyport.dev/go"
)

// shown is the name in the certificate that a server shows.
func shown(t *testing.T, listener *sallyport.Listener, config *sallyport.Config) string {
	t.Helper()
	conn, err := sallyport.Dial(within(t), listener.Addr().String(), config)
	ok(t, err)
	defer conn.Close()
	certificate, err := conn.PeerCertificate()
	ok(t, err)
	return certificate.Subject.CommonName
}

func fresh(o *sallyport.Options) { o.DisableResumption = true }

func TestACredentialIsReloadedWhileItServes(t *testing.T) {
	chain, key := files(t, server)
	credential, err := sallyport.LoadCredential(chain, key)
	ok(t, err)
	listener := listen(t, serverConfig(t, credentials(credential), fresh))
	config := clientConfig(t, fresh)
	if name := shown(t, listener, config); name != "server" {
		t.Error(name)
	}
	renewed := ca.issue("renewed", newKey(), x509.ExtKeyUsageServerAuth, "localhost")
	writeFile(t, chain, renewed.chain)
	if err := credential.Reload(); !errors.Is(err, sallyport.StatusCredentialKeyMismatch) || credential.Generation() != 1 {
		t.Error("half of it was new:", err)
	}
	if name := shown(t, listener, config); name != "server" {
		t.Error(name)
	}
	writeFile(t, key, renewed.keyPEM)
	ok(t, credential.Reload())
	if name := shown(t, listener, config); name != "renewed" || credential.Generation() != 2 {
		t.Error(name)
	}
	ok(t, credential.Replace(server.credential()))
	if name := shown(t, listener, config); name != "server" {
		t.Error(name)
	}
}

func TestASignerIsReplacedWithItsCertificate(t *testing.T) {
	first := must(sallyport.NewSignerCredential(server.chain, server.key))
	listener := listen(t, serverConfig(t, credentials(first), fresh))
	next := ca.issue("next", newKey(), x509.ExtKeyUsageServerAuth, "localhost")
	by := must(sallyport.NewSignerCredential(next.chain, next.key))
	ok(t, first.Replace(by))
	ok(t, by.Close())
	if name := shown(t, listener, clientConfig(t, fresh)); name != "next" {
		t.Error(name)
	}
}

func TestTrustIsReloadedWhileItServes(t *testing.T) {
	file := writeFile(t, t.TempDir()+"/ca.pem", ca.pem)
	trust, err := sallyport.LoadTrust(file)
	ok(t, err)
	listener := listen(t, serverConfig(t, func(o *sallyport.Options) { o.Trust = trust }))
	dial := func(i *identity) error {
		conn, err := (&sallyport.Dialer{Config: clientConfig(t, credentials(i.credential()), fresh), Confirmed: true}).Dial(within(t), listener.Addr().String())
		if err == nil {
			conn.Close()
		}
		return err
	}
	ok(t, dial(client))
	writeFile(t, file, otherCA.pem)
	ok(t, trust.Reload())
	if err := dial(client); err == nil {
		t.Error("still trusted")
	}
	ok(t, dial(otherClient))
	writeFile(t, file, []byte("torn"))
	if err := trust.Reload(); err == nil || trust.Generation() != 2 || trust.ReloadStatus() == nil {
		t.Error(err)
	}
	ok(t, dial(otherClient))
}
