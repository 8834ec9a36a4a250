//go:build !go1.24

package sallyport

import "runtime"

// whenForgotten closes the handle of an object that the program has let go of without closing it.
func whenForgotten[T any](object *T, h forgettable) {
	runtime.SetFinalizer(object, func(*T) { h.forget() })
}
