package sallyport

// #include "waist.h"
import "C"

import (
	"context"
	"crypto/x509"
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
	read, write   *direction
	local, remote net.Addr
}

var _ net.Conn = (*Conn)(nil)

// newConn takes over the stream and one use of the route.
func newConn(e *engine, stream unsafe.Pointer, r *route) *Conn {
	read, write := newDirection(e), newDirection(e)
	c := &Conn{engine: e, route: r, read: read, write: write}
	c.handle = newHandle(stream, func(object unsafe.Pointer) {
		read.deadline.set(time.Time{}, nil)
		write.deadline.set(time.Time{}, nil)
		e.drop(read.tag, write.tag)
		r.leave()
		C.sally_stream_release((*C.sally_stream)(object))
	})
	whenForgotten(c, c.handle)
	return c
}

// established notes the addresses, which are asked for after closing, too.
func (c *Conn) established() {
	var info *C.sally_stream_info
	if C.sally_stream_copy_info((*C.sally_stream)(c.handle.pointer), &info, nil) != C.SALLY_OK {
		c.local, c.remote = &net.TCPAddr{}, &net.TCPAddr{}
		return
	}
	c.local = address(C.GoString(C.sally_stream_info_local_address(info)))
	c.remote = address(C.GoString(C.sally_stream_info_peer_address(info)))
	C.sally_stream_info_release(info)
}

// Read reads as io.Reader does. The end is io.EOF only where the peer closed properly; a stream that was cut is
// [StatusTruncated]. In TLS 1.3 a client's first Read tells that the server refused its certificate.
func (c *Conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	d := c.read
	d.mutex.Lock()
	defer d.mutex.Unlock()
	for {
		if d.deadline.over.Load() && !c.handle.isClosed() {
			return 0, failure("read", StatusTimedOut, nil)
		}
		stream := c.handle.acquire()
		if stream == nil {
			return 0, failure("read", StatusClosed, nil)
		}
		arm := d.arm()
		moved := C.waist_read((*C.sally_stream)(stream), unsafe.Pointer(&p[0]), C.size_t(len(p)), c.engine.queue, C.uint64_t(d.tag), arm)
		d.disarm(arm, moved.waits)
		c.handle.release()
		switch moved.status {
		case C.SALLY_OK:
			return int(moved.size), nil
		case C.SALLY_END_OF_STREAM:
			return 0, io.EOF
		case C.SALLY_WOULD_BLOCK:
			<-d.wake
		default:
			return 0, takeError("read", moved.status, moved.error)
		}
	}
}

// arm is 1 where no wait is in place; that one may be told before the call that places it returns.
func (d *direction) arm() C.int32_t {
	if d.armed.Load() {
		return 0
	}
	d.armed.Store(true)
	return 1
}

func (d *direction) disarm(arm, waits C.int32_t) {
	if arm == 1 && waits == 0 {
		d.armed.Store(false)
	}
}

// Write writes all of p, unless it fails; what was counted then will still be sent. It returns when the library has the
// bytes, of which up to 64 KiB may be on their way to the operating system; CloseWrite and Close send them.
func (c *Conn) Write(p []byte) (int, error) {
	c.write.mutex.Lock()
	defer c.write.mutex.Unlock()
	return c.send(p, 0)
}

// WriteBuffers writes several buffers, one behind the other: they share TLS records, and leave in few system calls.
func (c *Conn) WriteBuffers(buffers net.Buffers) (int64, error) {
	c.write.mutex.Lock()
	defer c.write.mutex.Unlock()
	var total int64
	for i, buffer := range buffers {
		var flags C.uint32_t = C.SALLY_MORE
		if i == len(buffers)-1 {
			flags = 0
		}
		size, err := c.send(buffer, flags)
		total += int64(size)
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// send needs the turn of the writer.
func (c *Conn) send(p []byte, flags C.uint32_t) (int, error) {
	d := c.write
	written := 0
	for {
		if d.deadline.over.Load() && !c.handle.isClosed() {
			return written, failure("write", StatusTimedOut, nil)
		}
		stream := c.handle.acquire()
		if stream == nil {
			return written, failure("write", StatusClosed, nil)
		}
		arm := d.arm()
		data, size := lend(p[written:])
		moved := C.waist_write((*C.sally_stream)(stream), data, size, flags, c.engine.queue, C.uint64_t(d.tag), arm)
		d.disarm(arm, moved.waits)
		c.handle.release()
		written += int(moved.size)
		switch moved.status {
		case C.SALLY_OK:
			return written, nil
		case C.SALLY_WOULD_BLOCK:
			<-d.wake
		default:
			return written, takeError("write", moved.status, moved.error)
		}
	}
}

// CloseWrite ends the sending direction: what was written is sent, then close_notify. Reading goes on.
func (c *Conn) CloseWrite() error {
	c.write.mutex.Lock()
	defer c.write.mutex.Unlock()
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
	_, err := c.engine.run(ctx, op, func(completion *C.sally_completion, operation **C.sally_operation, cause **C.sally_error) C.sally_status {
		return submit((*C.sally_stream)(stream), completion, operation, cause)
	})
	if err != nil {
		return err
	}
	return nil
}

// Close closes both directions and does not wait for the peer. What was written before is sent still, if need be in the
// background; close_notify follows. What waits ends with net.ErrClosed.
func (c *Conn) Close() error {
	stream := c.handle.acquire()
	if stream == nil || !c.handle.close() {
		if stream != nil {
			c.handle.release()
		}
		return failure("close", StatusClosed, nil)
	}
	h := c.handle // and not the Conn, which may be forgotten meanwhile
	o := c.engine.once(func(result outcome) {
		C.sally_error_release(result.cause)
		h.release()
	})
	if C.waist_close((*C.sally_stream)(stream), c.engine.queue, C.uint64_t(o.tag)) == 0 {
		c.engine.drop(o.tag)
		h.release()
	}
	c.read.poke()
	c.write.poke()
	return nil
}

// LocalAddr is this side's address, a *net.TCPAddr; also after closing.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr is the peer's address, a *net.TCPAddr; also after closing.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets until when reads and writes may take, those that wait already too; zero is for ever. Whatever a
// deadline ended can be gone on with after another was set.
func (c *Conn) SetDeadline(t time.Time) error {
	return c.setDeadlines(t, c.read, c.write)
}

// SetReadDeadline is SetDeadline for reads.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.setDeadlines(t, c.read) }

// SetWriteDeadline is SetDeadline for writes.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.setDeadlines(t, c.write) }

func (c *Conn) setDeadlines(t time.Time, directions ...*direction) error {
	if c.handle.acquire() == nil {
		return failure("set deadline", StatusClosed, nil)
	}
	defer c.handle.release()
	for _, d := range directions {
		d.setDeadline(t)
	}
	return nil
}

// Upgrade turns a plain connection into a secured one, as STARTTLS does, when both sides have agreed and the peer's plain
// answer was read. verifyName is for clients; "" is the host that was connected to. Any failure but [StatusBusy], which
// says that a Read or Write is going on, ends the connection.
//
// The questions of config are asked as for a Dialer; of a plain Listener's connections that are upgraded at the same time,
// all must have the same config if that asks any.
func (c *Conn) Upgrade(ctx context.Context, config *Config, verifyName string) error {
	for _, d := range []*direction{c.read, c.write} {
		if !d.mutex.TryLock() {
			return failure("upgrade", StatusBusy, nil)
		}
		defer d.mutex.Unlock()
	}
	c.disarmAll()
	object := config.handle.acquire()
	if object == nil {
		return failure("upgrade", StatusClosed, nil)
	}
	defer config.handle.release()
	name, free := text(verifyName)
	defer free()
	c.route.use(config)
	err := c.wait(ctx, "upgrade", func(stream *C.sally_stream, completion *C.sally_completion, operation **C.sally_operation, cause **C.sally_error) C.sally_status {
		return C.sally_stream_upgrade_async(stream, (*C.sally_tls_config)(object), name, milliseconds(ctx), completion, operation, cause)
	})
	runtime.KeepAlive(config)
	if failed, ok := err.(*Error); ok {
		return c.route.because(failed)
	}
	return nil
}

// disarmAll ends the waits that a deadline left in place.
func (c *Conn) disarmAll() {
	stream := c.handle.acquire()
	if stream == nil {
		return
	}
	defer c.handle.release()
	_ = C.sally_stream_cancel((*C.sally_stream)(stream), C.SALLY_DIRECTION_READ|C.SALLY_DIRECTION_WRITE, nil)
	for _, d := range []*direction{c.read, c.write} {
		for d.armed.Load() {
			<-d.wake
		}
	}
}

// Authenticate asks the client of a TLS 1.3 connection for its certificate after the handshake. No Read may be going on.
func (c *Conn) Authenticate(ctx context.Context) error {
	if !c.read.mutex.TryLock() {
		return failure("authenticate", StatusBusy, nil)
	}
	defer c.read.mutex.Unlock()
	return c.wait(ctx, "authenticate", func(stream *C.sally_stream, completion *C.sally_completion, operation **C.sally_operation, cause **C.sally_error) C.sally_status {
		return C.sally_stream_authenticate_async(stream, milliseconds(ctx), completion, operation, cause)
	})
}

// RequireProtection sets the least TLS version under which bytes may be read or written from now on; on a plain
// connection nothing is, then, before it is upgraded.
func (c *Conn) RequireProtection(version uint16) error {
	return using("require protection", c.handle, func(stream unsafe.Pointer, cause **C.sally_error) C.sally_status {
		return C.sally_stream_require_protection((*C.sally_stream)(stream), C.int32_t(version), cause)
	})
}

// ExportKeyingMaterial derives key bytes that both sides get, and nobody between (RFC 5705; RFC 8446 section 7.5). A nil
// context is none.
func (c *Conn) ExportKeyingMaterial(label string, context []byte, length int) ([]byte, error) {
	if length <= 0 {
		return nil, failure("export key", StatusInvalidArgument, nil)
	}
	copied, free := text(label)
	defer free()
	bytes, size := lend(context)
	if context != nil && size == 0 {
		bytes = unsafe.Pointer(&[1]byte{}) // empty, which is not the same as none
	}
	key := make([]byte, length)
	err := using("export key", c.handle, func(stream unsafe.Pointer, cause **C.sally_error) C.sally_status {
		return C.sally_stream_export_key((*C.sally_stream)(stream), copied, bytes, size, unsafe.Pointer(&key[0]), C.size_t(length), cause)
	})
	if err != nil {
		return nil, err
	}
	return key, nil
}

// ChannelBinding is what binds a login to this very connection; kind is "tls-exporter" or "tls-server-end-point".
func (c *Conn) ChannelBinding(kind string) (binding []byte, err error) {
	copied, free := text(kind)
	defer free()
	err = using("channel binding", c.handle, func(stream unsafe.Pointer, cause **C.sally_error) C.sally_status {
		var bytes *C.sally_bytes
		status := C.sally_stream_channel_binding((*C.sally_stream)(stream), copied, &bytes, cause)
		if status == C.SALLY_OK {
			binding = takeBytes(bytes)
		}
		return status
	})
	return binding, err
}

// PeerCertificate decodes the certificate that the peer has shown.
func (c *Conn) PeerCertificate() (*x509.Certificate, error) {
	info, err := c.Info()
	if err != nil {
		return nil, err
	}
	return parseFirst(info.PeerChain)
}

func address(text string) net.Addr {
	resolved, err := net.ResolveTCPAddr("tcp", text)
	if err != nil {
		return &net.TCPAddr{}
	}
	return resolved
}
