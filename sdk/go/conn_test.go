package sallyport_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	sallyport "sallyport.dev/go"
)

var versions = map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13}

func TestBothSidesKnowEachOther(t *testing.T) {
	for name, number := range versions {
		t.Run(name, func(t *testing.T) {
			dialed, accepted := pair(t, serverConfig(t, version(number)), clientConfig(t))
			write(t, dialed, "hello")
			expect(t, accepted, "hello")
			info, err := accepted.Info()
			ok(t, err)
			certificate, err := accepted.PeerCertificate()
			ok(t, err)
			if info.Version != number || !info.PeerVerified || certificate.Subject.CommonName != "client" || len(info.VerifiedChain) != 2 {
				t.Error(info.Version, info.PeerVerified, certificate.Subject)
			}
			state := dialed.ConnectionState()
			if state.Version != number || state.CipherSuite == 0 || state.PeerCertificates[0].Subject.CommonName != "server" {
				t.Errorf("%+v", state)
			}
			theirs, _ := dialed.Info()
			if theirs.CorrelationID == "" || theirs.CorrelationID != info.CorrelationID || !theirs.ClientCertificateSent {
				t.Error("the two do not tell of the same connection")
			}
			if dialed.LocalAddr().String() != accepted.RemoteAddr().String() {
				t.Error(dialed.LocalAddr(), accepted.RemoteAddr())
			}
		})
	}
}

func TestMegabytesArriveAsTheyWereSent(t *testing.T) {
	dialed, accepted := pair(t, serverConfig(t), clientConfig(t))
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<19) // 8 MiB, more than the system takes
	failed := make(chan error, 2)
	go func() {
		_, err := dialed.Write(sent)
		failed <- err
		failed <- dialed.CloseWrite()
	}()
	received, err := io.ReadAll(accepted)
	ok(t, err)
	ok(t, <-failed)
	ok(t, <-failed)
	if !bytes.Equal(sent, received) {
		t.Error("other bytes")
	}
	write(t, accepted, "and back")
	expect(t, dialed, "and back")
}

func TestClosingSendsWhatWasWritten(t *testing.T) {
	dialed, accepted := pair(t, serverConfig(t), clientConfig(t))
	sent := make([]byte, 4<<20)
	go func() {
		dialed.Write(sent)
		dialed.Close()
	}()
	received, err := io.ReadAll(accepted)
	if err != nil || len(received) != len(sent) {
		t.Error(len(received), err)
	}
}

func TestBuffersLeaveTogether(t *testing.T) {
	dialed, accepted := pair(t, serverConfig(t), clientConfig(t))
	before, _ := dialed.Info()
	n, err := dialed.WriteBuffers(net.Buffers{[]byte("one "), nil, []byte("two "), []byte("three")})
	if n != 13 || err != nil {
		t.Fatal(n, err)
	}
	expect(t, accepted, "one two three")
	after, _ := dialed.Info()
	if records := after.WireSent - before.WireSent; records > 13+40 {
		t.Errorf("%d bytes on the wire for one record", records)
	}
}

func TestADeadlineEndsAReadWhichCanGoOn(t *testing.T) {
	dialed, accepted := pair(t, serverConfig(t), clientConfig(t))
	ok(t, dialed.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
	_, err := dialed.Read(make([]byte, 1))
	var netError net.Error
	if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &netError) || !netError.Timeout() {
		t.Fatal(err)
	}
	write(t, accepted, "late")
	if _, err := dialed.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("a deadline holds until there is another:", err)
	}
	ok(t, dialed.SetReadDeadline(time.Time{}))
	expect(t, dialed, "late")
}

func TestClosingEndsWhatWaits(t *testing.T) {
	dialed, _ := pair(t, serverConfig(t), clientConfig(t))
	failed := make(chan error)
	go func() {
		_, err := dialed.Read(make([]byte, 1))
		failed <- err
	}()
	go func() {
		_, err := dialed.Write(make([]byte, 64<<20))
		failed <- err
	}()
	ok(t, dialed.Close())
	for i := 0; i < 2; i++ {
		if err := <-failed; !errors.Is(err, net.ErrClosed) || !errors.Is(err, sallyport.StatusClosed) {
			t.Error(err)
		}
	}
	if err := dialed.Close(); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

func TestACutStreamIsNoEnd(t *testing.T) {
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	defer raw.Close()
	go func() {
		conn, _ := raw.Accept()
		secured := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{server.forTLS()}})
		secured.Write([]byte("half"))
		conn.Close()
	}()
	dialed, err := sallyport.Dial(within(t), raw.Addr().String(), clientConfig(t))
	ok(t, err)
	defer dialed.Close()
	expect(t, dialed, "half")
	if _, err := dialed.Read(make([]byte, 1)); !errors.Is(err, sallyport.StatusTruncated) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}

func TestAContextEndsADial(t *testing.T) {
	deaf, err := net.Listen("tcp", "127.0.0.1:0")
	ok(t, err)
	defer deaf.Close()
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		conn, _ := deaf.Accept()
		conn.Read(make([]byte, 1)) // the client has said something, and waits
		cancel()
	}()
	_, err = sallyport.Dial(ctx, deaf.Addr().String(), clientConfig(t))
	if !errors.Is(err, context.Canceled) || !errors.Is(err, sallyport.StatusCanceled) {
		t.Error(err)
	}
	ctx, cancel = context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_, err = sallyport.Dial(ctx, deaf.Addr().String(), clientConfig(t))
	var detail *sallyport.Error
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &detail) ||
		!detail.Timeout() || detail.Phase != "handshake" {
		t.Error(err)
	}
}

func TestAcceptEndsByContextDeadlineAndClosing(t *testing.T) {
	listener := listen(t, serverConfig(t))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() {
		_, err := listener.AcceptContext(ctx)
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	go func() {
		_, err := listener.Accept()
		ended <- err
	}()
	ok(t, listener.SetDeadline(time.Now().Add(time.Millisecond)))
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	ok(t, listener.SetDeadline(time.Time{}))
	go func() {
		_, err := listener.Accept()
		ended <- err
	}()
	ok(t, listener.Close())
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

func TestAPlainConnectionIsUpgraded(t *testing.T) {
	listener, err := (&sallyport.ListenConfig{Plain: true}).Listen("127.0.0.1:0")
	ok(t, err)
	defer listener.Close()
	dialed, err := (&sallyport.Dialer{Plain: true}).Dial(within(t), listener.Addr().String())
	ok(t, err)
	defer dialed.Close()
	accepted, err := listener.AcceptContext(within(t))
	ok(t, err)
	defer accepted.Close()
	// A deadline leaves something behind that an upgrade has to clear away.
	ok(t, dialed.SetReadDeadline(time.Now().Add(time.Millisecond)))
	dialed.Read(make([]byte, 1))
	ok(t, dialed.SetReadDeadline(time.Time{}))
	write(t, dialed, "STARTTLS")
	expect(t, accepted, "STARTTLS")
	write(t, accepted, "OK")
	expect(t, dialed, "OK")

	ended := make(chan error, 1)
	go func() { ended <- accepted.Upgrade(within(t), serverConfig(t), "") }()
	ok(t, dialed.Upgrade(within(t), clientConfig(t), "localhost"))
	ok(t, <-ended)
	write(t, dialed, "secret")
	expect(t, accepted, "secret")
	if info, _ := accepted.Info(); !info.PeerVerified {
		t.Error("no client certificate")
	}
	key, err := dialed.ExportKeyingMaterial("EXPERIMENTAL test", nil, 32)
	ok(t, err)
	same, _ := accepted.ExportKeyingMaterial("EXPERIMENTAL test", nil, 32)
	if !bytes.Equal(key, same) {
		t.Error("the keys differ")
	}
}
