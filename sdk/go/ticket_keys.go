package sallyport

// #include "waist.h"
import "C"

import (
	"runtime"
	"unsafe"
)

// TicketKeys is the ring of keys with which the servers of a fleet encrypt the sessions that clients keep for them.
type TicketKeys struct{ handle *handle }

// LoadTicketKeys reads the keys of a file: 1 to 16 of 80 random bytes each. The first encrypts, all decrypt.
func LoadTicketKeys(path string) (*TicketKeys, error) {
	uri, free := text(path)
	defer free()
	var keys *C.sally_ticket_keys
	var cause *C.sally_error
	if err := check("load ticket keys", C.sally_ticket_keys_load(uri, &keys, &cause), cause); err != nil {
		return nil, err
	}
	k := &TicketKeys{newHandle(unsafe.Pointer(keys), func(object unsafe.Pointer) {
		C.sally_ticket_keys_release((*C.sally_ticket_keys)(object))
	})}
	whenForgotten(k, k.handle)
	return k, nil
}

// Reload reads its file again, whole or not at all.
func (k *TicketKeys) Reload() error {
	defer runtime.KeepAlive(k)
	return using("reload ticket keys", k.handle, func(object unsafe.Pointer, cause **C.sally_error) C.sally_status {
		return C.sally_ticket_keys_reload((*C.sally_ticket_keys)(object), cause)
	})
}

// Close lets go of them; configs that refer to them go on.
func (k *TicketKeys) Close() error {
	k.handle.close()
	return nil
}
