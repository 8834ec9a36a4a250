package sallyport

// #include "waist.h"
import "C"

import (
	"context"
	"net"
	"runtime"
	"unsafe"
)

// Dialer connects. Its DialContext is what http.Transport.DialTLSContext takes.
type Dialer struct {
	Config     *Config // a client's; not needed where Plain is set
	VerifyName string  // what the server's certificate must bear, and SNI; "": the host that is connected to
	Plain      bool    // not under TLS before [Conn.Upgrade]
	Confirmed  bool    // connected only when the server has accepted this side's certificate
	LowLatency bool    // small TLS records where a burst of writing begins
	Runtime    *Runtime
}

// Dial connects to "host:port".
func Dial(ctx context.Context, address string, config *Config) (*Conn, error) {
	return (&Dialer{Config: config}).Dial(ctx, address)
}

// DialContext is [Dialer.Dial] in the form that the standard library wants; the result is a *Conn. The network is "tcp".
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if network != "tcp" {
		return nil, net.UnknownNetworkError(network)
	}
	c, err := d.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Dial connects to "host:port", with a handshake unless Plain is set. Without a deadline of the context it takes 30 s at
// most.
func (d *Dialer) Dial(ctx context.Context, address string) (*Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, failure("dial", StatusInvalidArgument, err)
	}
	e, err := sharedEngine()
	if err != nil {
		return nil, err
	}
	r := e.newRoute(d.Config)
	stream, failed := d.create(e, r, host, port)
	if failed != nil {
		r.end()
		return nil, failed
	}
	c := newConn(e, unsafe.Pointer(stream), r)
	err = c.wait(ctx, "dial", func(stream *C.sally_stream, completion *C.sally_completion, operation **C.sally_operation, cause **C.sally_error) C.sally_status {
		return C.sally_stream_connect_async(stream, milliseconds(ctx), completion, operation, cause)
	})
	if err != nil {
		failed := r.because(err.(*Error), nil)
		c.handle.close()
		return nil, failed
	}
	if failed := c.established(); failed != nil {
		return nil, failed
	}
	return c, nil
}

// create hands text and completions over in memory of C: the options point to them.
func (d *Dialer) create(e *engine, r *route, host, port string) (*C.sally_stream, error) {
	options := (*C.sally_stream_options)(C.calloc(1, C.sizeof_sally_stream_options))
	defer C.free(unsafe.Pointer(options))
	decisions := (*C.sally_completion)(C.calloc(1, C.sizeof_sally_completion))
	defer C.free(unsafe.Pointer(decisions))
	*decisions = C.waist_decisions(e.queue, C.uint64_t(r.tag))
	options.struct_size = C.sizeof_sally_stream_options
	options.decisions = decisions
	for _, part := range []struct {
		to    **C.char
		value string
	}{{&options.host, host}, {&options.service, port}, {&options.verify_name, d.VerifyName}} {
		copied, free := text(part.value)
		defer free()
		*part.to = copied
	}
	for flag, wanted := range map[C.uint32_t]bool{
		C.SALLY_STREAM_PLAIN: d.Plain, C.SALLY_STREAM_CONFIRMED: d.Confirmed, C.SALLY_STREAM_LOW_LATENCY: d.LowLatency,
	} {
		if wanted {
			options.flags |= flag
		}
	}
	loops, free, err := d.Runtime.lend("dial")
	if err != nil {
		return nil, err
	}
	defer free()
	options.runtime = loops
	if d.Config != nil && !d.Plain {
		object := d.Config.handle.acquire()
		if object == nil {
			return nil, failure("dial", StatusClosed, nil)
		}
		defer d.Config.handle.release()
		options.tls = (*C.sally_tls_config)(object)
	}
	var stream *C.sally_stream
	var cause *C.sally_error
	status := C.sally_stream_create(options, &stream, &cause)
	runtime.KeepAlive(d)
	return stream, check("dial", status, cause)
}
