package sallyport

// #include "waist.h"
import "C"

import (
	"errors"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// highWatermark is how much the library takes that the system does not.
const highWatermark = 64 << 10

// link moves the bytes of a connected stream: each read and write is an attempt of the library's on the caller's
// goroutine, and what would block parks that in Go's poller, which watches a descriptor of Go's own for the same
// connection, and keeps the deadlines. No thread of the library has a part in it. While an attempt is within a file,
// closing the file waits; so the stream stays.
type link struct {
	handle      *handle
	file        *os.File
	read, write half
}

// half is one direction: what the attempt that is under way in it moves, and how it ended.
type half struct {
	mutex  sync.Mutex // held by who reads, or writes
	try    func() (moved C.waist_moved)
	wait   func(attempt func(uintptr) bool) error // in Go's poller, between attempts
	here   func(uintptr) bool                     // an attempt that waits in its own direction
	data   []byte
	flags  C.uint32_t
	large  C.int32_t // a write of more than the library takes at once
	moved  int
	status C.sally_status
	cause  *C.sally_error
	across bool // it waits for the other direction

	crossing    sync.Mutex // guards what follows
	deadline    time.Time
	interrupted bool     // by the end of a context
	other       *os.File // where it waits for the other direction
	closed      bool
}

func newLink(h *handle) (*link, *Error) {
	stream := (*C.sally_stream)(h.pointer)
	var number C.intptr_t
	var cause *C.sally_error
	if status := C.sally_stream_fd(stream, &number, &cause); status != C.SALLY_OK {
		return nil, takeError("connect", status, cause)
	}
	file, raw, err := watch(uintptr(number))
	if err != nil {
		return nil, err
	}
	l := &link{handle: h, file: file}
	// These are made once: made for each call they would be garbage.
	read, write := &l.read, &l.write
	read.wait, write.wait = raw.Read, raw.Write
	read.try = func() C.waist_moved {
		return C.waist_read(stream, unsafe.Pointer(&read.data[0]), C.size_t(len(read.data)))
	}
	write.try = func() C.waist_moved {
		var data *C.uint8_t
		left := write.data[write.moved:]
		if len(left) > 0 {
			data = (*C.uint8_t)(&left[0])
		}
		return C.waist_write(stream, data, C.size_t(len(left)), write.flags, write.large)
	}
	read.here = func(uintptr) bool { return !read.attempt() || read.across }
	write.here = func(uintptr) bool { return !write.attempt() || write.across }
	return l, nil
}

// watch has Go's poller watch a copy of the descriptor: the library's own is not Go's to close.
func watch(descriptor uintptr) (*os.File, syscall.RawConn, *Error) {
	copied, err := duplicate(descriptor)
	if err != nil {
		return nil, nil, failure("connect", StatusTooManyOpenFiles, err)
	}
	file := os.NewFile(copied, "sallyport")
	raw, err := file.SyscallConn()
	if err != nil {
		file.Close()
		return nil, nil, failure("connect", StatusInternal, err)
	}
	return file, raw, nil
}

// attempt tells whether it would block.
func (h *half) attempt() bool {
	moved := h.try()
	h.moved += int(moved.size)
	h.status, h.cause, h.across = moved.status, moved.error, moved.across != 0
	return moved.status == C.SALLY_WOULD_BLOCK
}

// receive needs the turn of the reader.
func (l *link) receive(p []byte) (int, C.sally_status, *Error) {
	return l.read.move(l, "read", p, 0)
}

// send needs the turn of the writer.
func (l *link) send(p []byte, flags C.uint32_t) (int, *Error) {
	l.write.large = 0
	if len(p) > highWatermark {
		l.write.large = 1
	}
	n, _, err := l.write.move(l, "write", p, flags)
	if err != nil && l.write.large != 0 && n > 0 {
		l.sendRest()
	}
	return n, err
}

// sendRest keeps the promise that what was counted will be sent, also where a deadline ends a large write, or one of
// several buffers.
func (l *link) sendRest() {
	if stream := l.handle.acquire(); stream != nil {
		C.waist_send_rest((*C.sally_stream)(stream))
		l.handle.release()
	}
}

// move attempts until it is over, or the deadline, or the closing.
func (h *half) move(l *link, op string, data []byte, flags C.uint32_t) (int, C.sally_status, *Error) {
	h.data, h.moved, h.flags = data, 0, flags
	err := h.wait(h.here)
	for err == nil && h.status == C.SALLY_WOULD_BLOCK {
		if err = h.cross(l); err == nil && h.status == C.SALLY_WOULD_BLOCK {
			err = h.wait(h.here)
		}
	}
	h.data = nil
	var failed *Error
	switch {
	case err == nil && (h.status == C.SALLY_OK || h.status == C.SALLY_END_OF_STREAM):
		return h.moved, h.status, nil
	case err == nil:
		return h.moved, h.status, takeError(op, h.status, h.cause)
	case errors.As(err, &failed):
		return h.moved, C.sally_status(failed.Status), failed
	case os.IsTimeout(err):
		return h.moved, C.SALLY_TIMED_OUT, failure(op, StatusTimedOut, nil)
	}
	return h.moved, C.SALLY_CLOSED, failure(op, StatusClosed, nil)
}

// cross waits for the other direction: a write, for the rest of a message of the peer's; a read, for a peer that does not
// take its answers. It is rare, and needs a descriptor of its own: on the usual one somebody may wait in that direction.
func (h *half) cross(l *link) error {
	file, raw, err := l.crossing(h)
	if err != nil {
		return err
	}
	defer func() {
		h.crossing.Lock()
		h.other = nil
		h.crossing.Unlock()
		file.Close()
	}()
	there := func(uintptr) bool { return !h.attempt() || !h.across }
	if h == &l.write {
		return raw.Read(there)
	}
	return raw.Write(there)
}

func (l *link) crossing(h *half) (file *os.File, raw syscall.RawConn, err error) {
	usual, err := l.file.SyscallConn()
	if err != nil {
		return nil, nil, err
	}
	h.crossing.Lock()
	defer h.crossing.Unlock()
	if h.closed {
		return nil, nil, os.ErrClosed
	}
	var failed *Error
	if err := usual.Control(func(descriptor uintptr) { file, raw, failed = watch(descriptor) }); err != nil {
		return nil, nil, err
	}
	if failed != nil {
		return nil, nil, failed
	}
	h.other = file
	return file, raw, h.apply(func(time.Time) error { return nil })
}

// setDeadline is for one direction; set does it for the usual descriptor.
func (h *half) setDeadline(t time.Time, set func(time.Time) error) error {
	h.crossing.Lock()
	defer h.crossing.Unlock()
	h.deadline = t
	return h.apply(set)
}

func (h *half) apply(set func(time.Time) error) error {
	deadline := h.deadline
	if h.interrupted {
		deadline = longAgo
	}
	if h.other != nil {
		h.other.SetDeadline(deadline)
	}
	return set(deadline)
}

// end lets nobody wait any more.
func (h *half) end() {
	h.crossing.Lock()
	other := h.other
	h.closed = true
	h.crossing.Unlock()
	if other != nil {
		other.Close()
	}
}

// close ends what waits, and answers false where it was closed before. What was taken and not yet sent leaves still, if
// need be in the background.
func (l *link) close() bool {
	stream := l.handle.acquire()
	if stream == nil || !l.handle.close() {
		if stream != nil {
			l.handle.release()
		}
		return false
	}
	l.read.end()
	l.write.end()
	l.file.Close()
	C.waist_close((*C.sally_stream)(stream))
	l.handle.release()
	return true
}

func (l *link) forget() { l.close() }
