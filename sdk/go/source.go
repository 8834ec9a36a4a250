package sallyport

// #include "waist.h"
import "C"

import (
	"context"
	"strings"
	"time"
	"unsafe"
)

// text lends a string to C for the length of a call; NULL for "".
func text(s string) (*C.char, func()) {
	if s == "" {
		return nil, func() {}
	}
	copied := whole(s)
	return copied, func() { C.free(unsafe.Pointer(copied)) }
}

// whole is a copy for C, which the caller frees. A NUL would end it there, and "a.test\x00.example" be
// taken for "a.test"; with U+FFFD in its place no name, address, file or passphrase is the one that was
// meant, and it is refused.
func whole(s string) *C.char {
	return C.CString(strings.ReplaceAll(s, "\x00", "\uFFFD"))
}

// lend gives what C needs to see bytes for the length of a call. They are copied: the caller's may be a part of what
// refers to more, of which cgo looks at the whole.
func lend(data []byte) (unsafe.Pointer, C.size_t) {
	if len(data) == 0 {
		return nil, 0
	}
	copied := append([]byte(nil), data...)
	return unsafe.Pointer(&copied[0]), C.size_t(len(copied))
}

// takeBytes copies what the library handed out, and gives the reference back.
func takeBytes(bytes *C.sally_bytes) []byte {
	defer C.sally_bytes_release(bytes)
	return C.GoBytes(C.sally_bytes_data(bytes), C.int(C.sally_bytes_size(bytes)))
}

// using calls a function with the object of a handle, which stays for that long.
func using(op string, h *handle, call func(object unsafe.Pointer, cause **C.sally_error) C.sally_status) error {
	object := h.acquire()
	if object == nil {
		return failure(op, StatusClosed, nil)
	}
	defer h.release()
	var cause *C.sally_error
	status := call(object, &cause)
	return check(op, status, cause)
}

// usingBoth is using, for two.
func usingBoth(op string, h, other *handle, call func(object, other unsafe.Pointer, cause **C.sally_error) C.sally_status) error {
	second := other.acquire()
	if second == nil {
		return failure(op, StatusClosed, nil)
	}
	defer other.release()
	return using(op, h, func(object unsafe.Pointer, cause **C.sally_error) C.sally_status {
		return call(object, second, cause)
	})
}

// change waits until the generation of a source is beyond the one given.
func change(ctx context.Context, h *handle, submit func(object unsafe.Pointer, completion *C.sally_completion, operation **C.sally_operation, cause **C.sally_error) C.sally_status) (uint64, error) {
	e, err := sharedEngine()
	if err != nil {
		return 0, err
	}
	object := h.acquire()
	if object == nil {
		return 0, failure("wait for a change", StatusClosed, nil)
	}
	defer h.release()
	result, failed := e.run(ctx, "wait for a change", func(completion *C.sally_completion, operation **C.sally_operation, cause **C.sally_error) C.sally_status {
		return submit(object, completion, operation, cause)
	})
	if failed != nil {
		return 0, failed
	}
	return result.size, nil
}

// seconds is a time for C, where 0 is none: the first second of 1970 is the next one, too.
func seconds(t time.Time) C.int64_t {
	if count := t.Unix(); count != 0 {
		return C.int64_t(count)
	}
	return 1
}

// limit hands over a count, which C might take for another, 0 or no limit at all among them.
func limit(op string, count int, to *C.uint32_t) error {
	*to = C.uint32_t(count)
	if count < 0 || int64(*to) != int64(count) {
		return failure(op, StatusInvalidArgument, nil)
	}
	return nil
}

// unix is the time of so many seconds; 0 is none.
func unix(seconds C.int64_t) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0)
}
