package sallyport

// #include "waist.h"
import "C"

import (
	"context"
	"runtime"
	"unsafe"
)

// TicketKeys is the ring of keys with which the servers of a fleet encrypt the sessions that clients keep for them.
type TicketKeys struct{ handle *handle }

func newTicketKeys(make func(**C.sally_ticket_keys, **C.sally_error) C.sally_status) (*TicketKeys, error) {
	var keys *C.sally_ticket_keys
	var cause *C.sally_error
	if err := check("load ticket keys", make(&keys, &cause), cause); err != nil {
		return nil, err
	}
	k := &TicketKeys{newHandle(unsafe.Pointer(keys), func(object unsafe.Pointer) {
		C.sally_ticket_keys_release((*C.sally_ticket_keys)(object))
	})}
	whenForgotten(k, k.handle)
	return k, nil
}

// LoadTicketKeys reads the keys of a file: 1 to 16 of 80 random bytes each. The first encrypts, all decrypt.
func LoadTicketKeys(path string) (*TicketKeys, error) {
	uri, free := text(path)
	defer free()
	return newTicketKeys(func(keys **C.sally_ticket_keys, cause **C.sally_error) C.sally_status {
		return C.sally_ticket_keys_load(uri, keys, cause)
	})
}

// NewTicketKeys takes the keys from memory, in the same form.
func NewTicketKeys(keys []byte) (*TicketKeys, error) {
	data, size := lend(keys)
	return newTicketKeys(func(keys **C.sally_ticket_keys, cause **C.sally_error) C.sally_status {
		return C.sally_ticket_keys_from_memory(data, size, keys, cause)
	})
}

func (k *TicketKeys) use(op string, call func(*C.sally_ticket_keys, **C.sally_error) C.sally_status) error {
	defer runtime.KeepAlive(k)
	return using(op, k.handle, func(object unsafe.Pointer, cause **C.sally_error) C.sally_status {
		return call((*C.sally_ticket_keys)(object), cause)
	})
}

// Reload reads its file again, whole or not at all.
func (k *TicketKeys) Reload() error {
	return k.use("reload ticket keys", func(keys *C.sally_ticket_keys, cause **C.sally_error) C.sally_status {
		return C.sally_ticket_keys_reload(keys, cause)
	})
}

// Replace makes what by holds now the next generation: a new key in front of those that were there rotates them.
func (k *TicketKeys) Replace(by *TicketKeys) error {
	defer runtime.KeepAlive(by)
	defer runtime.KeepAlive(k)
	return usingBoth("replace ticket keys", k.handle, by.handle, func(object, by unsafe.Pointer, cause **C.sally_error) C.sally_status {
		return C.sally_ticket_keys_replace((*C.sally_ticket_keys)(object), (*C.sally_ticket_keys)(by), cause)
	})
}

// Watch reloads them from now on whenever their file changes; ReloadStatus says how that went.
func (k *TicketKeys) Watch() error {
	return k.use("watch ticket keys", func(keys *C.sally_ticket_keys, cause **C.sally_error) C.sally_status {
		return C.sally_ticket_keys_watch(keys, cause)
	})
}

// ReloadStatus is how the last reload ended, by call or by watching.
func (k *TicketKeys) ReloadStatus() error {
	return k.use("reload ticket keys", func(keys *C.sally_ticket_keys, cause **C.sally_error) C.sally_status {
		return C.sally_ticket_keys_reload_status(keys, cause)
	})
}

// Generation is 1 at first and grows by one with each reload or replacement.
func (k *TicketKeys) Generation() (generation uint64) {
	k.use("", func(keys *C.sally_ticket_keys, _ **C.sally_error) C.sally_status {
		generation = uint64(C.sally_ticket_keys_generation(keys))
		return C.SALLY_OK
	})
	return generation
}

// Len counts the keys.
func (k *TicketKeys) Len() (count int) {
	k.use("", func(keys *C.sally_ticket_keys, _ **C.sally_error) C.sally_status {
		count = int(C.sally_ticket_keys_size(keys))
		return C.SALLY_OK
	})
	return count
}

// WaitChange waits until their generation is beyond the one given, and returns it; it fails with what a reload fails with
// meanwhile.
func (k *TicketKeys) WaitChange(ctx context.Context, generation uint64) (uint64, error) {
	defer runtime.KeepAlive(k)
	return change(ctx, k.handle, func(object unsafe.Pointer, completion *C.sally_completion, operation **C.sally_operation, cause **C.sally_error) C.sally_status {
		return C.sally_ticket_keys_wait_change_async((*C.sally_ticket_keys)(object), C.uint64_t(generation), milliseconds(ctx), completion, operation, cause)
	})
}

// Close lets go of them; configs that refer to them go on.
func (k *TicketKeys) Close() error {
	k.handle.close()
	return nil
}
