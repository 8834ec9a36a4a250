package sallyport

// #include "waist.h"
import "C"

import (
	"context"
	"io"
	"net"
	"runtime"
	"time"
	"unsafe"
)

// Conn is a connection under TLS, or a plain one until it is upgraded. It is a net.Conn: any number of goroutines may use
// it; Close and deadlines end what waits.
type Conn struct {
	handle        *handle
	engine        *engine
	route         *route
	link          *link // nil before it is connected
	local, remote net.Addr
}

var _ net.Conn = (*Conn)(nil)

// newConn takes over the stream.
func newConn(e *engine, stream unsafe.Pointer, r *route) *Conn {
	c := &Conn{engine: e, route: r}
	c.handle = newHandle(stream, func(object unsafe.Pointer) { C.sally_stream_release((*C.sally_stream)(object)) })
	return c
}

// established has Go's poller watch it, and notes the addresses, which are asked for after closing, too.
func (c *Conn) established() *Error {
	stream := (*C.sally_stream)(c.handle.pointer)
	l, err := newLink(c.handle)
	if err != nil {
		c.handle.close()
		return err
	}
	c.link = l
	whenForgotten(c, l)
	var info *C.sally_stream_info
	if C.sally_stream_copy_info(stream, &info, nil) != C.SALLY_OK {
		c.local, c.remote = &net.TCPAddr{}, &net.TCPAddr{}
		return nil
	}
	c.local = address(C.GoString(C.sally_stream_info_local_address(info)))
	c.remote = address(C.GoString(C.sally_stream_info_peer_address(info)))
	C.sally_stream_info_release(info)
	return nil
}

// Read reads as io.Reader does. The end is io.EOF only where the peer closed properly; a stream that was cut is
// [StatusTruncated]. In TLS 1.3 a client's first Read tells that the server refused its certificate.
func (c *Conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	h := &c.link.read
	h.mutex.Lock()
	defer h.mutex.Unlock()
	defer runtime.KeepAlive(c) // forgotten while it reads, it would be closed
	n, status, err := c.link.receive(p)
	switch {
	case status == C.SALLY_END_OF_STREAM:
		return 0, io.EOF
	case err != nil:
		return n, err
	}
	return n, nil
}

// Write writes all of p, unless it fails; what was counted then will still be sent. It returns when the library has the
// bytes, of which up to 64 KiB may be on their way to the operating system; CloseWrite and Close send them.
func (c *Conn) Write(p []byte) (int, error) {
	h := &c.link.write
	h.mutex.Lock()
	defer h.mutex.Unlock()
	defer runtime.KeepAlive(c)
	n, err := c.link.send(p, 0)
	if err != nil {
		return n, err
	}
	return n, nil
}

// WriteBuffers writes several buffers, one behind the other: they share TLS records, and leave in few system calls.
func (c *Conn) WriteBuffers(buffers net.Buffers) (int64, error) {
	h := &c.link.write
	h.mutex.Lock()
	defer h.mutex.Unlock()
	defer runtime.KeepAlive(c)
	var total int64
	for i, buffer := range buffers {
		var flags C.uint32_t = C.SALLY_MORE
		if i == len(buffers)-1 {
			flags = 0
		}
		size, err := c.link.send(buffer, flags)
		total += int64(size)
		if err != nil {
			if total > 0 {
				c.link.sendRest()
			}
			return total, err
		}
	}
	return total, nil
}

// CloseWrite ends the sending direction: what was written is sent, then close_notify, within 5 s. Reading goes on.
func (c *Conn) CloseWrite() error {
	c.link.write.mutex.Lock()
	defer c.link.write.mutex.Unlock()
	return c.wait(context.Background(), "close write", func(stream *C.sally_stream, completion *C.sally_completion, operation **C.sally_operation, cause **C.sally_error) C.sally_status {
		return C.sally_stream_shutdown_async(stream, C.SALLY_TIMEOUT_DEFAULT, completion, operation, cause)
	})
}

// wait runs an operation on the stream.
func (c *Conn) wait(ctx context.Context, op string, submit func(*C.sally_stream, *C.sally_completion, **C.sally_operation, **C.sally_error) C.sally_status) error {
	stream := c.handle.acquire()
	if stream == nil {
		return failure(op, StatusClosed, nil)
	}
	defer c.handle.release()
	defer runtime.KeepAlive(c)
	_, err := c.engine.run(ctx, op, func(completion *C.sally_completion, operation **C.sally_operation, cause **C.sally_error) C.sally_status {
		return submit((*C.sally_stream)(stream), completion, operation, cause)
	})
	if err != nil {
		return err
	}
	return nil
}

// Close closes both directions and does not wait for the peer. What was written before is sent still, if need be in the
// background, which the end of the program ends too: CloseWrite before it waits until the operating system has everything.
// close_notify follows. What waits ends with net.ErrClosed.
func (c *Conn) Close() error {
	if !c.link.close() {
		return failure("close", StatusClosed, nil)
	}
	return nil
}

// LocalAddr is this side's address, a *net.TCPAddr; also after closing.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr is the peer's address, a *net.TCPAddr; also after closing.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets until when reads and writes may take, those that wait already too; zero is for ever. Whatever a
// deadline ended can be gone on with after another was set.
func (c *Conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline is SetDeadline for reads.
func (c *Conn) SetReadDeadline(t time.Time) error {
	return deadlineSet(c.link.read.setDeadline(t, c.link.file.SetReadDeadline))
}

// SetWriteDeadline is SetDeadline for writes.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	return deadlineSet(c.link.write.setDeadline(t, c.link.file.SetWriteDeadline))
}

func deadlineSet(err error) error {
	if err != nil {
		return failure("set deadline", StatusClosed, nil)
	}
	return nil
}

func address(text string) net.Addr {
	resolved, err := net.ResolveTCPAddr("tcp", text)
	if err != nil {
		return &net.TCPAddr{}
	}
	return resolved
}
