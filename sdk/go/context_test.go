package sallyport_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	sallyport "sallyport.dev/go"
)

func TestAContextEndsAReadWhichCanGoOn(t *testing.T) {
	dialed, accepted := pair(t, serverConfig(t), clientConfig(t))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() {
		_, err := dialed.ReadContext(ctx, make([]byte, 1))
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) || !errors.Is(err, sallyport.StatusCanceled) {
		t.Error(err)
	}
	if _, err := dialed.ReadContext(ctx, make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Error("it has ended before:", err)
	}
	soon, release := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer release()
	_, err := dialed.ReadContext(soon, make([]byte, 1))
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	write(t, accepted, "on")
	buffer := make([]byte, 2)
	if n, err := dialed.ReadContext(within(t), buffer); err != nil || string(buffer[:n]) != "on" {
		t.Error(n, err)
	}
	ok(t, accepted.Close())
	if _, err := dialed.ReadContext(within(t), buffer); err != io.EOF {
		t.Error(err)
	}
}

func TestAContextLeavesTheDeadlineAsItWas(t *testing.T) {
	dialed, _ := pair(t, serverConfig(t), clientConfig(t))
	ok(t, dialed.SetReadDeadline(time.Now().Add(2*time.Second)))
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(time.Millisecond, cancel)
	if _, err := dialed.ReadContext(ctx, make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	_, err := dialed.Read(make([]byte, 1))
	if !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestWhatAWriteHasCountedIsSentAlsoWhereItWasEnded(t *testing.T) {
	// came: something has been taken, for the peer has it.
	for name, end := range map[string]func(c *sallyport.Conn, p []byte, came <-chan struct{}) (int, error){
		"deadline": func(c *sallyport.Conn, p []byte, came <-chan struct{}) (int, error) {
			c.SetWriteDeadline(time.Now().Add(time.Second))
			return c.Write(p)
		},
		"deadline while it writes": func(c *sallyport.Conn, p []byte, came <-chan struct{}) (int, error) {
			go func() {
				<-came
				c.SetWriteDeadline(time.Now())
			}()
			return c.Write(p)
		},
		"context": func(c *sallyport.Conn, p []byte, came <-chan struct{}) (int, error) {
			ctx, cancel := context.WithCancel(context.Background())
			go func() {
				<-came
				cancel()
			}()
			return c.WriteContext(ctx, p)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dialed, accepted := pair(t, serverConfig(t), clientConfig(t))
			sent := make([]byte, 32<<20) // hardly anything is read, so not all of it is taken
			for i := range sent {
				sent[i] = byte(i >> 12)
			}
			first, came := make([]byte, 1), make(chan struct{})
			go func() {
				defer close(came)
				if _, err := accepted.Read(first); err != nil {
					t.Error(err)
				}
			}()
			n, err := end(dialed, sent, came)
			if err == nil || n == 0 || n == len(sent) {
				t.Fatal(n, err)
			}
			<-came
			rest := make([]byte, n-1)
			_, err = io.ReadFull(accepted, rest)
			ok(t, err)
			if string(first)+string(rest) != string(sent[:n]) {
				t.Error("other bytes")
			}
			ok(t, dialed.SetWriteDeadline(time.Time{}))
			write(t, dialed, "goes on")
			expect(t, accepted, "goes on")
		})
	}
}

func TestAContextEndsWhatWaitsForItsTurn(t *testing.T) {
	dialed, accepted := pair(t, serverConfig(t), clientConfig(t))
	read, written := make(chan error), make(chan error)
	go func() {
		_, err := dialed.Read(make([]byte, 1))
		read <- err
	}()
	for ctx := within(t); !errors.Is(dialed.Authenticate(ctx), sallyport.StatusBusy); { // until the turn is taken
		runtime.Gosched()
	}
	go func() {
		_, err := dialed.Write(make([]byte, 64<<20))
		written <- err
	}()
	_, err := accepted.Read(make([]byte, 1)) // that turn is taken, too
	ok(t, err)
	for name, move := range map[string]func(context.Context, []byte) (int, error){
		"read": dialed.ReadContext, "write": dialed.WriteContext,
	} {
		ctx, release := context.WithTimeout(context.Background(), 10*time.Millisecond)
		n, err := move(ctx, make([]byte, 1))
		if n != 0 || !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, sallyport.StatusTimedOut) {
			t.Error(name, n, err)
		}
		release()
	}
	write(t, accepted, "x")
	ok(t, <-read)
	ok(t, dialed.Close())
	if err := <-written; err == nil {
		t.Error("all of it was written to nobody")
	}
}

func TestADeadlineIsNotTakenForTheEndOfTheContext(t *testing.T) {
	dialed, _ := pair(t, serverConfig(t), clientConfig(t))
	ok(t, dialed.SetReadDeadline(time.Now().Add(time.Millisecond)))
	_, err := dialed.ReadContext(within(t), make([]byte, 1))
	if !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestBuffersThatWereCountedAreSent(t *testing.T) {
	dialed, accepted := pair(t, serverConfig(t), clientConfig(t))
	ok(t, accepted.SetReadDeadline(time.Now().Add(20*time.Second)))
	n, err := dialed.WriteBuffers(net.Buffers{[]byte("the last "), []byte("is empty"), nil})
	if n != 17 || err != nil {
		t.Fatal(n, err)
	}
	expect(t, accepted, "the last is empty")
	var buffers net.Buffers
	for i := 0; i < 5000; i++ {
		buffers = append(buffers, make([]byte, 7001)) // parts of records
	}
	ok(t, dialed.SetWriteDeadline(time.Now().Add(time.Second/2)))
	n, err = dialed.WriteBuffers(buffers)
	if !errors.Is(err, os.ErrDeadlineExceeded) || n == 0 {
		t.Fatal(n, err)
	}
	got, err := io.CopyN(io.Discard, accepted, n)
	if err != nil || got != n {
		t.Errorf("%d of %d: %v", got, n, err)
	}
}
