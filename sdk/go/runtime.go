package sallyport

// #include "waist.h"
import "C"

import "unsafe"

// Runtime is a set of event loops, each with a thread: they dial, do handshakes, and close in the background. Without one
// of its own, a Dialer or ListenConfig shares that of the process.
type Runtime struct{ handle *handle }

// NewRuntime starts so many loops; 0: one a processor, 8 at most.
func NewRuntime(loops int) (*Runtime, error) {
	options := C.sally_runtime_options{struct_size: C.sizeof_sally_runtime_options}
	if err := limit("runtime", loops, &options.loops); err != nil {
		return nil, err
	}
	var runtime *C.sally_runtime
	var cause *C.sally_error
	if err := check("runtime", C.sally_runtime_create(&options, &runtime, &cause), cause); err != nil {
		return nil, err
	}
	r := &Runtime{newHandle(unsafe.Pointer(runtime), func(object unsafe.Pointer) {
		C.sally_runtime_release((*C.sally_runtime)(object))
	})}
	whenForgotten(r, r.handle)
	return r, nil
}

// Loops counts its loops; 0 where it was closed.
func (r *Runtime) Loops() int {
	object := r.handle.acquire()
	if object == nil {
		return 0
	}
	defer r.handle.release()
	return int(C.sally_runtime_loops((*C.sally_runtime)(object)))
}

// Close lets go of it; what lives on its loops goes on, and they end with the last of that.
func (r *Runtime) Close() error {
	r.handle.close()
	return nil
}

// lend gives what an option takes for the length of a call; nil is the shared one.
func (r *Runtime) lend(op string) (*C.sally_runtime, func(), error) {
	if r == nil {
		return nil, func() {}, nil
	}
	object := r.handle.acquire()
	if object == nil {
		return nil, nil, failure(op, StatusClosed, nil)
	}
	return (*C.sally_runtime)(object), r.handle.release, nil
}
