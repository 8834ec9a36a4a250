package sallyport_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"io"
	"runtime"
	"testing"

	sallyport "sallyport.dev/go"
)

func TestADecisionIsAnsweredLate(t *testing.T) {
	asked, answer := make(chan *sallyport.Peer), make(chan error)
	listener := listen(t, serverConfig(t, func(o *sallyport.Options) {
		o.VerifyPeer = func(_ context.Context, peer *sallyport.Peer) error {
			asked <- peer
			return <-answer
		}
	}))
	go func() {
		accepted, err := listener.AcceptContext(within(t))
		if err == nil {
			accepted.Write([]byte("in"))
			accepted.Close()
		}
	}()
	const clients = 2
	told := make(chan error)
	for i := 0; i < clients; i++ {
		go func() {
			conn, err := sallyport.Dial(within(t), listener.Addr().String(), clientConfig(t))
			if err == nil {
				_, err = io.ReadFull(conn, make([]byte, 2))
				conn.Close()
			}
			told <- err
		}()
	}
	for i := 0; i < clients; i++ { // both wait side by side
		peer := <-asked
		certificate, err := peer.Certificate()
		ok(t, err)
		if certificate.Subject.CommonName != "client" || peer.Verdict != nil || peer.Address == "" {
			t.Error(peer)
		}
	}
	select {
	case err := <-told:
		t.Error("before there was an answer:", err)
	default:
	}
	answer <- nil
	answer <- sallyport.StatusCertificateRevoked
	let, refused := <-told, <-told
	if let != nil {
		let, refused = refused, let
	}
	if let != nil || !errors.Is(refused, sallyport.StatusAlertCertificateRevoked) {
		t.Error(let, refused)
	}
}

func TestAClientJudgesItsServer(t *testing.T) {
	mine := errors.New("not that one")
	listener := listen(t, serverConfig(t))
	dial := func(trust *authority, verify func(context.Context, *sallyport.Peer) error) error {
		conn, err := sallyport.Dial(within(t), listener.Addr().String(), clientConfig(t, func(o *sallyport.Options) {
			o.VerifyPeer, o.Trust = verify, trust.trust()
		}))
		if err == nil {
			conn.Close()
		}
		return err
	}
	err := dial(ca, func(context.Context, *sallyport.Peer) error { return mine })
	if !errors.Is(err, mine) || !errors.Is(err, sallyport.StatusDecisionDenied) {
		t.Error(err)
	}
	err = dial(otherCA, func(context.Context, *sallyport.Peer) error { return nil })
	if !errors.Is(err, sallyport.StatusCertificateUnknownCa) {
		t.Error("no word of the program is no acceptance:", err)
	}
	ok(t, dial(otherCA, func(_ context.Context, peer *sallyport.Peer) error {
		if !errors.Is(peer.Verdict, sallyport.StatusCertificateUnknownCa) {
			t.Error(peer.Verdict)
		}
		return sallyport.InsecureAccept
	}))
}

func TestAClientChoosesWhatItShows(t *testing.T) {
	listener := listen(t, serverConfig(t, func(o *sallyport.Options) { o.ClientAuth = sallyport.ClientAuthRequest }))
	second := ca.issue("second client", newKey(), x509.ExtKeyUsageClientAuth).credential()
	for _, c := range []struct {
		choice *sallyport.Credential
		shown  string
	}{{nil, "client"}, {second, "second client"}, {sallyport.NoCredential, ""}} {
		conn, err := sallyport.Dial(within(t), listener.Addr().String(), clientConfig(t, func(o *sallyport.Options) {
			o.ChooseCredential = func(_ context.Context, request *sallyport.CredentialRequest) (*sallyport.Credential, error) {
				if len(request.AcceptableCAs) != 1 || request.AcceptableCAs[0] != "CN=CA" || len(request.SignatureSchemes) == 0 {
					t.Errorf("%+v", request)
				}
				return c.choice, nil
			}
		}))
		ok(t, err)
		accepted, err := listener.AcceptContext(within(t))
		ok(t, err)
		shown := ""
		if certificate, err := accepted.PeerCertificate(); err == nil {
			shown = certificate.Subject.CommonName
		}
		if shown != c.shown {
			t.Errorf("%q instead of %q", shown, c.shown)
		}
		conn.Close()
		accepted.Close()
	}
}

func TestAServerChoosesItsConfigByTheHello(t *testing.T) {
	tenant := ca.issue("tenant", newKey(), x509.ExtKeyUsageServerAuth, "tenant.example.org")
	other := serverConfig(t, credentials(tenant.credential()))
	listener := listen(t, serverConfig(t, func(o *sallyport.Options) {
		o.ALPN = []string{"echo"}
		o.ChooseConfig = func(_ context.Context, hello *sallyport.ClientHello) (*sallyport.Config, error) {
			if hello.ServerName == "tenant.example.org" {
				return other, nil
			}
			if len(hello.ALPN) != 1 || hello.ALPN[0] != "echo" {
				t.Error(hello)
			}
			return nil, nil
		}
	}))
	for name, subject := range map[string]string{"tenant.example.org": "tenant", "localhost": "server"} {
		config := clientConfig(t, func(o *sallyport.Options) { o.ALPN = []string{"echo"} })
		conn, err := (&sallyport.Dialer{Config: config, VerifyName: name}).Dial(within(t), listener.Addr().String())
		ok(t, err)
		if certificate, err := conn.PeerCertificate(); err != nil || certificate.Subject.CommonName != subject {
			t.Error(name, certificate.Subject, err)
		}
		conn.Close()
	}
}

func TestASignerSigns(t *testing.T) {
	_, edwards := must2(ed25519.GenerateKey(rand.Reader))
	keys := map[string]crypto.Signer{
		"RSA": must(rsa.GenerateKey(rand.Reader, 2048)), "P-256": newKey(), "Ed25519": edwards,
		"P-384": must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)),
	}
	for kind, key := range keys {
		for name, number := range versions {
			t.Run(kind+" "+name, func(t *testing.T) {
				signing := func(usage x509.ExtKeyUsage) *sallyport.Credential {
					return must(sallyport.NewSignerCredential(ca.issue(kind, key, usage, "localhost").chain, key))
				}
				dialed, accepted := pair(t, serverConfig(t, version(number), credentials(signing(x509.ExtKeyUsageServerAuth))),
					clientConfig(t, credentials(signing(x509.ExtKeyUsageClientAuth))))
				write(t, dialed, "signed")
				expect(t, accepted, "signed")
			})
		}
	}
}

func must2[A, B any](a A, b B, err error) (A, B) {
	if err != nil {
		panic(err)
	}
	return a, b
}

func TestASignerThatNobodyElseKeepsSigns(t *testing.T) {
	listener := listen(t, serverConfig(t))
	go echo(listener)
	config := clientConfig(t, func(o *sallyport.Options) {
		o.ChooseCredential = func(context.Context, *sallyport.CredentialRequest) (*sallyport.Credential, error) {
			goOn := sallyport.HoldEvents()
			go func() {
				defer goOn() // and ask for the signature
				for i := 0; i < 10; i++ {
					runtime.GC()
					runtime.Gosched()
				}
			}()
			return sallyport.NewSignerCredential(client.chain, client.key)
		}
	})
	dialed, err := sallyport.Dial(within(t), listener.Addr().String(), config)
	ok(t, err)
	defer dialed.Close()
	write(t, dialed, "signed")
	expect(t, dialed, "signed")
}

func TestADenialIsOfOneConnectionOnly(t *testing.T) {
	listener, err := (&sallyport.ListenConfig{Plain: true}).Listen("127.0.0.1:0")
	ok(t, err)
	defer listener.Close()
	plain := func() (dialed, accepted *sallyport.Conn) {
		dialed, err := (&sallyport.Dialer{Plain: true}).Dial(within(t), listener.Addr().String())
		ok(t, err)
		accepted, err = listener.AcceptContext(within(t))
		ok(t, err)
		t.Cleanup(func() { dialed.Close(); accepted.Close() })
		return dialed, accepted
	}
	mine, asked, answer := errors.New("not that one"), make(chan bool, 2), make(chan bool)
	config := serverConfig(t, func(o *sallyport.Options) {
		o.VerifyPeer = func(context.Context, *sallyport.Peer) error {
			asked <- true
			<-answer
			return mine
		}
	})
	upgrade := func(ctx context.Context, accepted *sallyport.Conn) chan error {
		ended := make(chan error, 1)
		go func() { ended <- accepted.Upgrade(ctx, config, "") }()
		return ended
	}
	talker, talkedTo := plain()
	denied, denying := plain()
	talkedToEnded := upgrade(within(t), talkedTo)
	ctx, cancel := context.WithCancel(context.Background())
	denyingEnded := upgrade(ctx, denying)
	go denied.Upgrade(within(t), clientConfig(t), "localhost")
	<-asked
	cancel() // so the answer comes too late, and for nobody
	if err := <-denyingEnded; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(answer)
	for i := 0; i < 100; i++ {
		runtime.Gosched()
	}
	write(t, talker, "This is no TLS.\n")
	if err := <-talkedToEnded; err == nil || errors.Is(err, mine) {
		t.Error("another was denied:", err)
	}
	denied, denying = plain()
	go denied.Upgrade(within(t), clientConfig(t), "localhost")
	if err := <-upgrade(within(t), denying); !errors.Is(err, mine) {
		t.Error("not why it was denied:", err)
	}
}
