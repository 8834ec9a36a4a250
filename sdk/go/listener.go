package sallyport

// #include "waist.h"
import "C"

import (
	"context"
	"net"
	"runtime"
	"sync"
	"time"
	"unsafe"
)

// ListenConfig is how a [Listener] listens. Zero is a default in every field but Config; what is negative
// is [StatusInvalidArgument].
type ListenConfig struct {
	Config                  *Config // a server's; not needed where Plain is set
	Plain                   bool    // connections are not under TLS before [Conn.Upgrade]
	LowLatency              bool
	HandshakeTimeout        time.Duration // default 10 s
	MaxPendingHandshakes    int           // further clients wait in the system's backlog; default 4096
	MaxUnaccepted           int           // connections that nobody has accepted yet; likewise; default 128
	Backlog                 int           // of listen(); default the system's
	MaxRefusals             int           // kept for NextRefusal; default 64
	MaxConnections          int           // default: no limit
	MaxConnectionsPerSource int           // default: no limit
	Runtime                 *Runtime
}

// Listener hands out connections whose handshakes have succeeded: these run elsewhere, side by side, so that no client
// delays another. A handshake that fails is never a failed Accept; [Listener.NextRefusal] tells of it.
type Listener struct {
	handle  *handle
	engine  *engine
	route   *route
	address net.Addr

	mutex    sync.Mutex
	deadline time.Time
	changed  chan struct{} // closed when the deadline was changed
}

var _ net.Listener = (*Listener)(nil)

// Listen listens on "host:port"; without a host on every address of this machine, and port 0 picks a free one.
func Listen(address string, config *Config) (*Listener, error) {
	return (&ListenConfig{Config: config}).Listen(address)
}

// Listen listens on "host:port".
func (l *ListenConfig) Listen(hostAndPort string) (*Listener, error) {
	host, port, err := net.SplitHostPort(hostAndPort)
	if err != nil {
		return nil, failure("listen", StatusInvalidArgument, err)
	}
	e, err := sharedEngine()
	if err != nil {
		return nil, err
	}
	r := e.newRoute(l.Config)
	listener, err := l.bind(e, r, host, port)
	if err != nil {
		r.end()
		return nil, err
	}
	result := &Listener{engine: e, route: r, changed: make(chan struct{})}
	result.address = address(C.GoString(C.sally_listener_address(listener)))
	result.handle = newHandle(unsafe.Pointer(listener), func(object unsafe.Pointer) {
		C.sally_listener_release((*C.sally_listener)(object))
	})
	whenForgotten(result, result.handle)
	return result, nil
}

func (l *ListenConfig) bind(e *engine, r *route, host, port string) (*C.sally_listener, error) {
	options := (*C.sally_listener_options)(C.calloc(1, C.sizeof_sally_listener_options))
	defer C.free(unsafe.Pointer(options))
	decisions := (*C.sally_completion)(C.calloc(1, C.sizeof_sally_completion))
	defer C.free(unsafe.Pointer(decisions))
	*decisions = C.waist_decisions(e.queue, C.uint64_t(r.tag))
	hostText, freeHost := text(host)
	defer freeHost()
	service, freeService := text(port)
	defer freeService()
	options.struct_size = C.sizeof_sally_listener_options
	options.decisions, options.host, options.service = decisions, hostText, service
	if l.Plain {
		options.flags |= C.SALLY_STREAM_PLAIN
	}
	if l.LowLatency {
		options.flags |= C.SALLY_STREAM_LOW_LATENCY
	}
	if l.HandshakeTimeout != 0 {
		options.handshake_timeout_ms = option(l.HandshakeTimeout)
	}
	for _, part := range []struct {
		to    *C.uint32_t
		count int
	}{
		{&options.max_pending_handshakes, l.MaxPendingHandshakes}, {&options.max_unaccepted, l.MaxUnaccepted},
		{&options.backlog, l.Backlog}, {&options.max_refusals, l.MaxRefusals},
		{&options.max_connections, l.MaxConnections}, {&options.max_connections_per_source, l.MaxConnectionsPerSource},
	} {
		if err := limit("listen", part.count, part.to); err != nil {
			return nil, err
		}
	}
	loops, free, err := l.Runtime.lend("listen")
	if err != nil {
		return nil, err
	}
	defer free()
	options.runtime = loops
	if l.Config != nil && !l.Plain {
		object := l.Config.handle.acquire()
		if object == nil {
			return nil, failure("listen", StatusClosed, nil)
		}
		defer l.Config.handle.release()
		options.tls = (*C.sally_tls_config)(object)
	}
	var listener *C.sally_listener
	var cause *C.sally_error
	status := C.sally_listener_bind(options, &listener, &cause)
	runtime.KeepAlive(l)
	return listener, check("listen", status, cause)
}

// Accept is [Listener.AcceptContext] in the form that the standard library wants, with the deadline of SetDeadline; the
// result is a *Conn.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		l.mutex.Lock()
		deadline, changed := l.deadline, l.changed
		l.mutex.Unlock()
		ctx, cancel := context.Background(), func() {}
		if !deadline.IsZero() {
			ctx, cancel = context.WithDeadline(ctx, deadline)
		}
		c, err := l.accept(ctx, changed)
		cancel()
		if err == nil {
			return c, nil
		}
		if err.Status != StatusCanceled { // or else there is another deadline
			return nil, err
		}
	}
}

// AcceptContext waits for the next connection.
func (l *Listener) AcceptContext(ctx context.Context) (*Conn, error) {
	c, err := l.accept(ctx, nil)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (l *Listener) accept(ctx context.Context, interrupt <-chan struct{}) (*Conn, *Error) {
	listener := l.handle.acquire()
	if listener == nil {
		return nil, failure("accept", StatusClosed, nil)
	}
	defer l.handle.release()
	for {
		c, err := l.next(ctx, interrupt, (*C.sally_listener)(listener))
		if err != nil {
			return nil, err
		}
		failed := c.established()
		if failed == nil {
			return c, nil
		}
		if failed.Temporary() {
			return nil, failed
		} // or else it has ended meanwhile, which is no failure of the listener
	}
}

// next hands out a connection that may have ended since its handshake.
func (l *Listener) next(ctx context.Context, interrupt <-chan struct{}, listener *C.sally_listener) (*Conn, *Error) {
	if ctx.Err() != nil {
		return nil, failure("accept", StatusCanceled, nil).because(ctx)
	}
	var stream *C.sally_stream
	if C.sally_listener_accept(listener, C.SALLY_TIMEOUT_ATTEMPT, &stream, nil) != C.SALLY_OK {
		result, err := l.engine.runUntil(ctx, interrupt, "accept", func(completion *C.sally_completion, operation **C.sally_operation, cause **C.sally_error) C.sally_status {
			return C.sally_listener_accept_async(listener, milliseconds(ctx), completion, operation, cause)
		})
		if err != nil {
			return nil, err
		}
		stream = (*C.sally_stream)(result.object)
	}
	return newConn(l.engine, unsafe.Pointer(stream), l.route), nil
}

// SetDeadline sets until when Accept may wait, also one that waits already; zero is for ever.
func (l *Listener) SetDeadline(t time.Time) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.deadline = t
	close(l.changed)
	l.changed = make(chan struct{})
	return nil
}

// Refusal is a client whose handshake failed.
type Refusal struct {
	Address string
	Why     *Error
}

// NextRefusal waits for the next client that was refused. Taking them is not required: the oldest are dropped.
func (l *Listener) NextRefusal(ctx context.Context) (*Refusal, error) {
	listener := l.handle.acquire()
	if listener == nil {
		return nil, failure("next refusal", StatusClosed, nil)
	}
	defer l.handle.release()
	result, err := l.engine.run(ctx, "next refusal", func(completion *C.sally_completion, operation **C.sally_operation, cause **C.sally_error) C.sally_status {
		return C.sally_listener_next_refusal_async((*C.sally_listener)(listener), milliseconds(ctx), completion, operation, cause)
	})
	if err != nil {
		return nil, err
	}
	why := takeError("handshake", C.sally_error_status(result.cause), result.cause)
	return &Refusal{string(takeBytes((*C.sally_bytes)(result.object))), why}, nil
}

// DroppedRefusals counts the refusals that nobody took in time.
func (l *Listener) DroppedRefusals() uint64 {
	listener := l.handle.acquire()
	if listener == nil {
		return 0
	}
	defer l.handle.release()
	return uint64(C.sally_listener_dropped_refusals((*C.sally_listener)(listener)))
}

// Drain stops listening and waits until every connection was closed; when the context ends, what is left is closed.
func (l *Listener) Drain(ctx context.Context) error {
	listener := l.handle.acquire()
	if listener == nil {
		return failure("drain", StatusClosed, nil)
	}
	defer l.handle.release()
	_, err := l.engine.run(ctx, "drain", func(completion *C.sally_completion, operation **C.sally_operation, cause **C.sally_error) C.sally_status {
		return C.sally_listener_drain_async((*C.sally_listener)(listener), milliseconds(ctx), completion, operation, cause)
	})
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		// The library closes what is left at a deadline only. This one is over at once.
		C.sally_listener_drain((*C.sally_listener)(listener), C.SALLY_TIMEOUT_ATTEMPT, nil)
	}
	return err
}

// Close stops listening; what waits in Accept ends with net.ErrClosed. Connections that were accepted go on.
func (l *Listener) Close() error {
	listener := l.handle.acquire()
	if listener == nil || !l.handle.close() {
		if listener != nil {
			l.handle.release()
		}
		return failure("close", StatusClosed, nil)
	}
	var cause *C.sally_error
	status := C.sally_listener_close((*C.sally_listener)(listener), &cause)
	l.handle.release()
	return check("close", status, cause)
}

// Addr is where it really listens, a *net.TCPAddr.
func (l *Listener) Addr() net.Addr { return l.address }
