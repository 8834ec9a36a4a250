package sallyport

// #include "waist.h"
import "C"

import (
	"context"
	"crypto/x509"
	"runtime"
	"unsafe"
)

// Upgrade turns a plain connection into a secured one, as STARTTLS does, when both sides have agreed and the peer's plain
// answer was read. verifyName is for clients; "" is the host that was connected to. Any failure but [StatusBusy], which
// says that a Read or Write is going on, ends the connection. Without a deadline of the context it takes 10 s at most.
//
// The questions of config are asked as for a Dialer; of a plain Listener's connections that are upgraded at the same time,
// all must have the same config if that asks any.
func (c *Conn) Upgrade(ctx context.Context, config *Config, verifyName string) error {
	if config == nil {
		return failure("upgrade", StatusInvalidArgument, nil)
	}
	for _, h := range []*half{&c.link.read, &c.link.write} {
		if !h.mutex.TryLock() {
			return failure("upgrade", StatusBusy, nil)
		}
		defer h.mutex.Unlock()
	}
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
		return c.route.because(failed, c.remote)
	}
	return nil
}

// Authenticate asks the client of a TLS 1.3 connection for its certificate after the handshake. No Read may be going on.
// Without a deadline of the context it takes 10 s at most.
func (c *Conn) Authenticate(ctx context.Context) error {
	if !c.link.read.mutex.TryLock() {
		return failure("authenticate", StatusBusy, nil)
	}
	defer c.link.read.mutex.Unlock()
	return c.wait(ctx, "authenticate", func(stream *C.sally_stream, completion *C.sally_completion, operation **C.sally_operation, cause **C.sally_error) C.sally_status {
		return C.sally_stream_authenticate_async(stream, milliseconds(ctx), completion, operation, cause)
	})
}

// UpdateKeys makes this side send under a new key from here on, and asks the peer for the same if wanted. Nobody has to
// call it: what must be done is done by itself. TLS 1.3 only.
func (c *Conn) UpdateKeys(requestPeer bool) error {
	var request C.int32_t
	if requestPeer {
		request = 1
	}
	return using("update keys", c.handle, func(stream unsafe.Pointer, cause **C.sally_error) C.sally_status {
		return C.sally_stream_update_keys((*C.sally_stream)(stream), request, cause)
	})
}

// RequireProtection sets the least TLS version under which bytes may be read or written from now on; on a plain
// connection nothing is, then, before it is upgraded.
func (c *Conn) RequireProtection(version uint16) error {
	return using("require protection", c.handle, func(stream unsafe.Pointer, cause **C.sally_error) C.sally_status {
		return C.sally_stream_require_protection((*C.sally_stream)(stream), C.int32_t(version), cause)
	})
}

const maxExported = 8160 // 255 hashes of 32 bytes, RFC 5869 section 2.3

// ExportKeyingMaterial derives key bytes that both sides get, and nobody between (RFC 5705; RFC 8446 section 7.5), 8160 at
// most. A nil context is none.
func (c *Conn) ExportKeyingMaterial(label string, context []byte, length int) ([]byte, error) {
	if length <= 0 || length > maxExported {
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
