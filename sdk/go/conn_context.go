package sallyport

// #include "waist.h"
import "C"

import (
	"context"
	"io"
	"runtime"
	"time"
)

// ReadContext is Read that the end of a context ends, too: with [StatusCanceled], or [StatusTimedOut] at its deadline.
// The connection stays usable.
func (c *Conn) ReadContext(ctx context.Context, p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	defer runtime.KeepAlive(c)
	failed := c.link.read.until(ctx, "read", c.link.file.SetReadDeadline, func() *Error {
		count, status, failed := c.link.receive(p)
		if n = count; status == C.SALLY_END_OF_STREAM {
			err = io.EOF
		}
		return failed
	})
	if failed != nil {
		return n, failed
	}
	return n, err
}

// WriteContext is Write that the end of a context ends, too, like ReadContext; what was counted will be sent.
func (c *Conn) WriteContext(ctx context.Context, p []byte) (n int, err error) {
	defer runtime.KeepAlive(c)
	failed := c.link.write.until(ctx, "write", c.link.file.SetWriteDeadline, func() (failed *Error) {
		n, failed = c.link.send(p, 0)
		return failed
	})
	if failed != nil {
		return n, failed
	}
	return n, nil
}

var longAgo = time.Unix(1, 0)

// until runs what moves bytes in this direction, and ends it with the context: by a deadline that is over, after which
// the real one holds again.
func (h *half) until(ctx context.Context, op string, set func(time.Time) error, move func() *Error) *Error {
	if !h.turn(ctx) {
		return failure(op, StatusCanceled, nil).because(ctx)
	}
	defer h.mutex.Unlock()
	if ctx.Done() == nil {
		return move()
	}
	over, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-ctx.Done():
			h.interrupt(true, set)
		case <-over:
		}
	}()
	failed := move()
	close(over)
	<-watched
	h.interrupt(false, set)
	if failed != nil && ctx.Err() != nil { // or else it was the connection's own deadline
		failed.because(ctx)
	}
	return failed
}

// turn waits for the turn of this direction, and answers false where the context ends first.
func (h *half) turn(ctx context.Context) bool {
	if ctx.Err() != nil {
		return false
	}
	if h.mutex.TryLock() {
		return true
	}
	if ctx.Done() == nil {
		h.mutex.Lock()
		return true
	}
	taken := make(chan struct{})
	go func() {
		h.mutex.Lock()
		select {
		case taken <- struct{}{}:
		case <-ctx.Done():
			h.mutex.Unlock()
		}
	}()
	select {
	case <-taken:
		return true
	case <-ctx.Done():
		return false
	}
}

func (h *half) interrupt(now bool, set func(time.Time) error) {
	h.crossing.Lock()
	defer h.crossing.Unlock()
	if h.interrupted == now {
		return
	}
	h.interrupted = now
	h.apply(set)
}
