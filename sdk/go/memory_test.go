package sallyport_test

import (
	"context"
	"net"
	"runtime"
	"testing"

	sallyport "sallyport.dev/go"
)

// held is how programs have their buffers: as a part of what refers to more, which C may not be shown.
type held struct {
	next *held
	data [4096]byte
}

func hold(data []byte) []byte {
	h := &held{next: new(held)}
	return h.data[:copy(h.data[:], data)]
}

func TestABufferMayBeAPartOfWhatRefersToMore(t *testing.T) {
	dialed, accepted := pair(t, serverConfig(t), clientConfig(t))
	for name, send := range map[string]func(p []byte) error{
		"Write":        func(p []byte) error { _, err := dialed.Write(p); return err },
		"WriteContext": func(p []byte) error { _, err := dialed.WriteContext(within(t), p); return err },
		"WriteBuffers": func(p []byte) error { _, err := dialed.WriteBuffers(net.Buffers{p[:2], p[2:]}); return err },
	} {
		ok(t, send(hold([]byte("hello"))))
		in := hold(make([]byte, 5))
		for got := 0; got < len(in); {
			n, err := accepted.Read(in[got:])
			ok(t, err)
			got += n
		}
		if string(in) != "hello" {
			t.Errorf("%s: %q", name, in)
		}
	}
}

func TestMaterialMayBeAPartOfWhatRefersToMore(t *testing.T) {
	credential, err := sallyport.NewCredential(hold(server.chain), hold(server.keyPEM))
	ok(t, err)
	_, err = sallyport.NewSignerCredential(hold(server.chain), server.key)
	ok(t, err)
	trust, err := sallyport.NewTrust(hold(ca.pem))
	ok(t, err)
	ok(t, trust.AddCRLFromMemory(hold(revoked(t, otherClient))))
	_, err = sallyport.NewTicketKeys(hold(make([]byte, 80)))
	ok(t, err)
	dialed, _ := pair(t, serverConfig(t, credentials(credential)), clientConfig(t))
	_, err = dialed.ExportKeyingMaterial("EXPERIMENTAL test", hold([]byte("context")), 32)
	ok(t, err)
}

func TestAConnectionIsNotForgottenWhileItIsUsed(t *testing.T) {
	listener := listen(t, serverConfig(t, func(o *sallyport.Options) { o.ClientAuth = sallyport.ClientAuthNone }))
	dialed, err := sallyport.Dial(within(t), listener.Addr().String(), clientConfig(t, func(o *sallyport.Options) {
		o.PostHandshakeAuth = true
	}))
	ok(t, err)
	defer dialed.Close()
	ended := make(chan error)
	func() {
		accepted, err := listener.AcceptContext(within(t))
		ok(t, err)
		go func() { ended <- accepted.Authenticate(within(t)) }()
	}()
	for i := 0; i < 20; i++ {
		runtime.GC()
		runtime.Gosched()
	}
	go dialed.Read(make([]byte, 1)) // so the client answers
	ok(t, <-ended)
}

func TestAVerdictIsAnAnswer(t *testing.T) {
	listener := listen(t, serverConfig(t, func(o *sallyport.Options) {
		o.VerifyPeer = func(_ context.Context, peer *sallyport.Peer) error {
			verdict, err := sallyport.Verify(sallyport.VerifyOptions{
				Trust: ca.trust(), Leaf: peer.Chain[0], Purpose: sallyport.PurposeClient,
			})
			if err != nil {
				return err
			}
			return verdict.Refused
		}
	}))
	dialed, err := sallyport.Dial(within(t), listener.Addr().String(), clientConfig(t))
	ok(t, err)
	defer dialed.Close()
	accepted, err := listener.AcceptContext(within(t))
	ok(t, err)
	ok(t, accepted.Close())
}
