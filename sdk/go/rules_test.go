package sallyport_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	sallyport "sallyport.dev/go"
)

func TestAChainIsJudgedWithoutAConnection(t *testing.T) {
	verdict, err := sallyport.Verify(sallyport.VerifyOptions{Trust: ca.trust(), Leaf: server.chain, Name: "localhost"})
	ok(t, err)
	if verdict.Refused != nil || len(verdict.Chain) != 2 || !json.Valid([]byte(verdict.JSON)) {
		t.Errorf("%+v", verdict)
	}
	for name, c := range map[string]struct {
		options sallyport.VerifyOptions
		why     sallyport.Status
	}{
		"another name":    {sallyport.VerifyOptions{Trust: ca.trust(), Leaf: server.chain, Name: "elsewhere.example"}, sallyport.StatusCertificateNameMismatch},
		"another CA":      {sallyport.VerifyOptions{Trust: otherCA.trust(), Leaf: server.chain}, sallyport.StatusCertificateUnknownCa},
		"too late":        {sallyport.VerifyOptions{Trust: ca.trust(), Leaf: server.chain, Time: time.Now().AddDate(1, 0, 0)}, sallyport.StatusCertificateExpired},
		"another purpose": {sallyport.VerifyOptions{Trust: ca.trust(), Leaf: server.chain, Purpose: sallyport.PurposeClient}, sallyport.StatusCertificateWrongUsage},
		"by a config":     {sallyport.VerifyOptions{Config: serverConfig(t), Leaf: otherClient.chain}, sallyport.StatusCertificateUnknownCa},
	} {
		verdict, err := sallyport.Verify(c.options)
		ok(t, err)
		if verdict.Refused == nil || !errors.Is(verdict.Refused, c.why) || len(verdict.Findings) == 0 {
			t.Error(name, verdict.Refused)
		}
	}
	if _, err := sallyport.Verify(sallyport.VerifyOptions{Leaf: []byte("no certificate")}); err == nil {
		t.Error("no certificate was judged")
	}
}

// For C the first NUL would be the end of it.
func TestATextWithANULIsNotTakenForItsBeginning(t *testing.T) {
	verdict, err := sallyport.Verify(sallyport.VerifyOptions{Trust: ca.trust(), Leaf: server.chain, Name: "localhost\x00.example"})
	if !errors.Is(err, sallyport.StatusInvalidArgument) {
		t.Error("a name:", verdict, err)
	}
	folder := t.TempDir()
	path := filepath.Join(folder, "ca.pem")
	ok(t, os.WriteFile(path, encode("CERTIFICATE", ca.certificate.Raw), 0o600))
	if _, err := sallyport.LoadTrust(path + "\x00.example"); !errors.Is(err, sallyport.StatusFileNotFound) {
		t.Error("a file:", err)
	}
	if _, err := sallyport.LoadTrust(path); err != nil {
		t.Error("the file:", err)
	}
}

// revoked is a CRL of the CA that names one certificate.
func revoked(t *testing.T, i *identity) []byte {
	t.Helper()
	encoded, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(time.Hour).Truncate(time.Second),
		RevokedCertificates: []pkix.RevokedCertificate{{SerialNumber: i.certificate().SerialNumber, RevocationTime: time.Now()}},
	}, ca.certificate, ca.key)
	ok(t, err)
	return encode("X509 CRL", encoded)
}

func TestRevocationEndsConnections(t *testing.T) {
	trust := ca.trust()
	dialed, accepted := pair(t, serverConfig(t, func(o *sallyport.Options) {
		o.Trust, o.TrustChange = trust, sallyport.TrustChangeDrop
	}), clientConfig(t))
	write(t, dialed, "in")
	expect(t, accepted, "in")
	ended := make(chan error)
	go func() {
		_, err := accepted.Read(make([]byte, 1))
		ended <- err
	}()
	generation := trust.Generation()
	ok(t, trust.AddCRLFromMemory(revoked(t, client)))
	if err := <-ended; !errors.Is(err, sallyport.StatusCertificateRevoked) {
		t.Error("the one that waits:", err)
	}
	if trust.CRLs() != 1 || trust.NextUpdate().IsZero() || trust.NotAfter().IsZero() || trust.Generation() <= generation {
		t.Error(trust.CRLs(), trust.NextUpdate(), trust.NotAfter(), trust.Generation())
	}
}

func TestWhatIsDemandedOfCRLs(t *testing.T) {
	verdict, err := sallyport.Verify(sallyport.VerifyOptions{Leaf: client.chain, Config: serverConfig(t, func(o *sallyport.Options) {
		o.Rules.Revocation = sallyport.RevocationLeaf
	})})
	ok(t, err)
	if !errors.Is(verdict.Refused, sallyport.StatusCertificateRevocationUnknown) {
		t.Error(verdict.Refused)
	}
}

func TestRulesAreInForce(t *testing.T) {
	later := time.Now().AddDate(1, 0, 0)
	for name, c := range map[string]struct {
		rules sallyport.Rules
		why   sallyport.Status
	}{
		"time":    {sallyport.Rules{Time: later}, sallyport.StatusCertificateExpired},
		"ignored": {sallyport.Rules{Time: later, InsecureIgnore: []sallyport.Status{sallyport.StatusCertificateExpired}}, sallyport.StatusOk},
		"level":   {sallyport.Rules{SecurityLevel: 4}, sallyport.StatusCertificateWeakKey},
		"others": {sallyport.Rules{
			MaxDepth: -1, PartialChain: true, VerificationCache: -1, InsecureSecurityLevel: 1,
		}, sallyport.StatusOk},
	} {
		config := serverConfig(t, func(o *sallyport.Options) { o.Rules, o.Credentials = c.rules, nil })
		verdict, err := sallyport.Verify(sallyport.VerifyOptions{Config: config, Leaf: client.chain})
		ok(t, err)
		status := sallyport.StatusOk
		if verdict.Refused != nil {
			status = verdict.Refused.Status
		}
		if status != c.why {
			t.Error(name, verdict.Refused)
		}
	}
	if _, err := sallyport.NewServerConfig(sallyport.Options{Rules: sallyport.Rules{MaxDepth: 101}}); !errors.Is(err, sallyport.StatusInvalidArgument) {
		t.Error(err)
	}
	if _, err := sallyport.NewServerConfig(sallyport.Options{OCSP: sallyport.OCSPRequire}); !errors.Is(err, sallyport.StatusInvalidState) {
		t.Error(err)
	}
	if err := sallyport.LoadProvider("nobody has this one", ""); !errors.Is(err, sallyport.StatusProviderUnavailable) {
		t.Error(err)
	}
}

func TestCodesAreTranslated(t *testing.T) {
	if status := sallyport.StatusFromNative(sallyport.DomainErrno, int64(syscall.ECONNREFUSED)); status != sallyport.StatusConnectionRefused {
		t.Error(status)
	}
	if status := sallyport.StatusFromName(sallyport.DomainAlert, "unknown_ca"); status != sallyport.StatusAlertUnknownCa {
		t.Error(status)
	}
	if code, known := sallyport.StatusAlertUnknownCa.Native(sallyport.DomainAlert); !known || code != 48 {
		t.Error(code, known)
	}
	if name := sallyport.StatusConnectionRefused.NativeName(sallyport.DomainWinsock); name != "WSAECONNREFUSED" {
		t.Error(name)
	}
	if name := sallyport.NativeName(sallyport.DomainAlert, 48); name != "unknown_ca" {
		t.Error(name)
	}
	if layer := sallyport.StatusAlertUnknownCa.Layer(); layer != "tls" {
		t.Error(layer)
	}
	refused := &os.SyscallError{Syscall: "connect", Err: syscall.ECONNREFUSED}
	if sallyport.StatusOf(refused) != sallyport.StatusConnectionRefused || sallyport.StatusOf(nil) != sallyport.StatusOk ||
		sallyport.StatusOf(errors.New("x")) != sallyport.StatusUnknown || sallyport.StatusOf(sallyport.StatusBusy) != sallyport.StatusBusy {
		t.Error(sallyport.StatusOf(refused))
	}
}

func TestWindowsHasWordsForTheSame(t *testing.T) {
	if status := sallyport.StatusConnectionRefused.SocketErrorStatus(); status != sallyport.SocketErrorStatusConnectionRefused ||
		status.String() != "ConnectionRefused" || status.Status() != sallyport.StatusConnectionRefused {
		t.Error(status)
	}
	expired := sallyport.StatusCertificateExpired
	if result, ofAChain := expired.ChainValidationResult(); !ofAChain || result.String() != "Expired" || result.Status() != expired {
		t.Error(result)
	}
	if _, ofAChain := sallyport.StatusBusy.ChainValidationResult(); ofAChain {
		t.Error("a status that is about no chain")
	}
	if severity := expired.SocketSslErrorSeverity(); severity.String() != "Ignorable" {
		t.Error(severity)
	}
	if status := sallyport.StatusTimedOut.WebErrorStatus(); status.String() != "Timeout" || status.Status() != sallyport.StatusConnectionTimedOut {
		t.Error(status, status.Status())
	}
}

func TestTicketKeysRotate(t *testing.T) {
	keys := make([]byte, 160)
	rand.Read(keys)
	file := writeFile(t, filepath.Join(t.TempDir(), "keys"), keys[:80])
	ring, err := sallyport.LoadTicketKeys(file)
	ok(t, err)
	ok(t, ring.Watch())
	config := clientConfig(t)
	resumed := func(server *sallyport.Config) bool {
		listener := listen(t, server)
		dialed, err := sallyport.Dial(within(t), listener.Addr().String(), config)
		ok(t, err)
		defer dialed.Close()
		accepted, err := listener.AcceptContext(within(t))
		ok(t, err)
		defer accepted.Close()
		write(t, accepted, "ticket")
		expect(t, dialed, "ticket")
		info, err := dialed.Info()
		ok(t, err)
		return info.Resumed
	}
	fleet := func() *sallyport.Config {
		return serverConfig(t, func(o *sallyport.Options) { o.TicketKeys, o.Resumable = ring, time.Minute })
	}
	if resumed(fleet()) {
		t.Error("there was no session")
	}
	writeFile(t, file, append(keys[80:], keys[:80]...))
	generation, err := ring.WaitChange(within(t), 1)
	ok(t, err)
	if generation != 2 || ring.Generation() != 2 || ring.Len() != 2 || ring.ReloadStatus() != nil {
		t.Error(generation, ring.Len())
	}
	if !resumed(fleet()) {
		t.Error("another server of the fleet, where the old key is there still, did not know the session")
	}
	fresh := make([]byte, 80)
	rand.Read(fresh)
	by, err := sallyport.NewTicketKeys(fresh)
	ok(t, err)
	ok(t, ring.Replace(by))
	if resumed(fleet()) {
		t.Error("no key of before is there")
	}
	if _, err := sallyport.NewTicketKeys(keys[:79]); err == nil {
		t.Error("half a key was taken")
	}
}

func TestAWatchedSourceTellsItsChanges(t *testing.T) {
	chain, key := files(t, server)
	credential, err := sallyport.LoadCredential(chain, key)
	ok(t, err)
	ok(t, credential.Watch())
	changed := make(chan error)
	go func() {
		for generation := uint64(1); ; { // the chain alone, without its key, is a failure that passes
			now, err := credential.WaitChange(within(t), generation)
			if err == nil || !errors.Is(err, sallyport.StatusCredentialKeyMismatch) {
				if err == nil && now != 2 {
					err = errors.New("another generation")
				}
				changed <- err
				return
			}
		}
	}()
	renewed := ca.issue("renewed", newKey(), x509.ExtKeyUsageServerAuth, "localhost")
	writeFile(t, chain, renewed.chain)
	writeFile(t, key, renewed.keyPEM)
	ok(t, <-changed)

	file := writeFile(t, filepath.Join(t.TempDir(), "ca.pem"), ca.pem)
	trust, err := sallyport.LoadTrust(file)
	ok(t, err)
	ok(t, trust.Watch())
	go func() {
		_, err := trust.WaitChange(within(t), 1)
		changed <- err
	}()
	writeFile(t, file, append(append([]byte{}, ca.pem...), otherCA.pem...))
	ok(t, <-changed)
	if trust.Len() != 2 {
		t.Error(trust.Len())
	}
}

func TestKeysAreRenewedWithinAConnection(t *testing.T) {
	dialed, accepted := pair(t, serverConfig(t), clientConfig(t))
	ok(t, dialed.UpdateKeys(true))
	write(t, dialed, "new key")
	expect(t, accepted, "new key")
	write(t, accepted, "likewise")
	expect(t, dialed, "likewise")
	told, err := dialed.InfoJSON()
	ok(t, err)
	var info struct {
		TLS struct{ Version string }
	}
	if err := json.Unmarshal([]byte(told), &info); err != nil || info.TLS.Version != "TLSv1.3" {
		t.Error(err, told)
	}
	if facts, err := dialed.Info(); err != nil || len(facts.Attempts) != 1 || facts.Attempts[0].Status != sallyport.StatusOk {
		t.Errorf("%+v %v", facts, err)
	}
	old, _ := pair(t, serverConfig(t, version(versions["TLS 1.2"])), clientConfig(t))
	if err := old.UpdateKeys(false); !errors.Is(err, sallyport.StatusNotSupported) {
		t.Error(err)
	}
}

func TestConnectionsLiveOnARuntimeOfTheirOwn(t *testing.T) {
	loops, err := sallyport.NewRuntime(2)
	ok(t, err)
	if loops.Loops() != 2 {
		t.Error(loops.Loops())
	}
	listener, err := (&sallyport.ListenConfig{Config: serverConfig(t), Runtime: loops}).Listen("127.0.0.1:0")
	ok(t, err)
	defer listener.Close()
	go echo(listener)
	conn, err := (&sallyport.Dialer{Config: clientConfig(t), Runtime: loops}).Dial(within(t), listener.Addr().String())
	ok(t, err)
	defer conn.Close()
	ok(t, loops.Close())
	sent := bytes.Repeat([]byte("x"), 1000)
	write(t, conn, string(sent))
	expect(t, conn, string(sent))
	if _, err := (&sallyport.Dialer{Config: clientConfig(t), Runtime: loops}).Dial(within(t), listener.Addr().String()); !errors.Is(err, sallyport.StatusClosed) {
		t.Error(err)
	}
}
