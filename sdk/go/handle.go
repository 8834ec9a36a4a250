package sallyport

import (
	"sync/atomic"
	"unsafe"
)

// handle is a reference to an object of C that any goroutine may close while others use it: it is given back when it
// was closed and nobody uses it any more. It is apart from the object that the program holds, so that the end of that
// object can close it.
type handle struct {
	state   atomic.Int64 // twice the number of users, and 1 when it is closed
	pointer unsafe.Pointer
	free    func(unsafe.Pointer)
}

func newHandle(pointer unsafe.Pointer, free func(unsafe.Pointer)) *handle {
	return &handle{pointer: pointer, free: free}
}

// acquire answers nil where the handle is closed; otherwise release must follow.
func (h *handle) acquire() unsafe.Pointer {
	for {
		state := h.state.Load()
		if state&1 != 0 {
			return nil
		}
		if h.state.CompareAndSwap(state, state+2) {
			return h.pointer
		}
	}
}

func (h *handle) release() {
	if h.state.Add(-2) == 1 {
		h.end()
	}
}

// end lets go also of what the function refers to: the garbage collector keeps the handle for as long as the object, which
// a function of the program may refer to, and that be referred to from here.
func (h *handle) end() {
	free := h.free
	h.free = nil
	free(h.pointer)
}

func (h *handle) isClosed() bool { return h.state.Load()&1 != 0 }

// close answers false where it was closed before.
func (h *handle) close() bool {
	for {
		state := h.state.Load()
		if state&1 != 0 {
			return false
		}
		if h.state.CompareAndSwap(state, state|1) {
			if state == 0 {
				h.end()
			}
			return true
		}
	}
}

// forgettable is what an object that the program has let go of leaves to be closed.
type forgettable interface{ forget() }

func (h *handle) forget() { h.close() }
