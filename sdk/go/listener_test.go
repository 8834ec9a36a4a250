package sallyport_test

import (
	"context"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	sallyport "sallyport.dev/go"
)

func TestAConnectionThatEndedBeforeItWasAcceptedIsNoFailedAccept(t *testing.T) {
	trust := ca.trust()
	listener := listen(t, serverConfig(t, func(o *sallyport.Options) {
		o.Trust, o.TrustChange = trust, sallyport.TrustChangeDrop
	}))
	gone := ca.issue("gone", newKey(), x509.ExtKeyUsageClientAuth, "gone.example.org")
	dialer := sallyport.Dialer{Config: clientConfig(t, credentials(gone.credential())), Confirmed: true}
	first, err := dialer.Dial(within(t), listener.Addr().String())
	ok(t, err)
	defer first.Close()
	ok(t, trust.AddCRLFromMemory(revoked(t, gone)))
	if _, err := first.Read(make([]byte, 1)); err == nil {
		t.Fatal("it has not ended")
	}
	second, err := sallyport.Dial(within(t), listener.Addr().String(), clientConfig(t))
	ok(t, err)
	defer second.Close()
	ok(t, listener.SetDeadline(time.Now().Add(20*time.Second)))
	accepted, err := listener.Accept()
	ok(t, err)
	defer accepted.Close()
	if accepted.RemoteAddr().String() != second.LocalAddr().String() {
		t.Error(accepted.RemoteAddr(), second.LocalAddr())
	}
}

func TestTheEndOfAContextEndsWhatDrains(t *testing.T) {
	before, cancelBefore := context.WithCancel(context.Background())
	cancelBefore()
	over, cancelOver := context.WithTimeout(context.Background(), -1)
	defer cancelOver()
	soon, cancelSoon := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancelSoon()
	later, cancelLater := context.WithCancel(context.Background())
	defer cancelLater()
	for name, c := range map[string]struct {
		ctx context.Context
		why error
	}{
		"cancelled before": {before, context.Canceled}, "over before": {over, context.DeadlineExceeded},
		"a deadline": {soon, context.DeadlineExceeded}, "cancelled later": {later, context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			listener := listen(t, serverConfig(t))
			dialed, err := sallyport.Dial(within(t), listener.Addr().String(), clientConfig(t))
			ok(t, err)
			defer dialed.Close()
			accepted, err := listener.AcceptContext(within(t))
			ok(t, err)
			defer accepted.Close()
			if c.ctx == later {
				// Its listening has ended when somebody else's has begun.
				go func() {
					for {
						other, err := sallyport.Listen(listener.Addr().String(), serverConfig(t))
						if err == nil {
							other.Close()
							cancelLater()
							return
						}
					}
				}()
			}
			if err := listener.Drain(c.ctx); !errors.Is(err, c.why) {
				t.Error(err)
			}
			ok(t, dialed.SetReadDeadline(time.Now().Add(10*time.Second)))
			if _, err := dialed.Read(make([]byte, 1)); err == nil || errors.Is(err, sallyport.StatusTimedOut) {
				t.Error("it goes on:", err)
			}
			if _, err := accepted.Write([]byte("x")); err == nil {
				t.Error("it goes on")
			}
			if other, err := sallyport.Listen(listener.Addr().String(), serverConfig(t)); err != nil {
				t.Error("it listens still:", err)
			} else {
				other.Close()
			}
		})
	}
}
