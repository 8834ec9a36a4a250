package sallyport

// #include "waist.h"
import "C"

import (
	"context"
	"runtime"
	"time"
	"unsafe"
)

// TrustStore is whom this side trusts: CA certificates, and CRLs. Any number of configs share one; reloading and
// replacing take effect with the next handshake.
type TrustStore struct{ handle *handle }

func newTrustStore(op string, make func(**C.sally_trust_store, **C.sally_error) C.sally_status) (*TrustStore, error) {
	var store *C.sally_trust_store
	var cause *C.sally_error
	if err := check(op, make(&store, &cause), cause); err != nil {
		return nil, err
	}
	t := &TrustStore{newHandle(unsafe.Pointer(store), func(object unsafe.Pointer) {
		C.sally_trust_store_release((*C.sally_trust_store)(object))
	})}
	whenForgotten(t, t.handle)
	return t, nil
}

// SystemTrust loads the CA certificates of this machine.
func SystemTrust() (*TrustStore, error) {
	return newTrustStore("load trust", func(store **C.sally_trust_store, cause **C.sally_error) C.sally_status {
		return C.sally_trust_store_system(store, cause)
	})
}

// LoadTrust reads the CA certificates of a file, PEM or DER, or those of a folder.
func LoadTrust(path string) (*TrustStore, error) {
	uri, free := text(path)
	defer free()
	return newTrustStore("load trust", func(store **C.sally_trust_store, cause **C.sally_error) C.sally_status {
		return C.sally_trust_store_load(uri, store, cause)
	})
}

// NewTrust makes a store of CA certificates in memory, PEM or DER.
func NewTrust(certificates []byte) (*TrustStore, error) {
	data, size := lend(certificates)
	return newTrustStore("load trust", func(store **C.sally_trust_store, cause **C.sally_error) C.sally_status {
		return C.sally_trust_store_from_memory(data, size, store, cause)
	})
}

func (t *TrustStore) use(op string, call func(*C.sally_trust_store, **C.sally_error) C.sally_status) error {
	defer runtime.KeepAlive(t)
	return using(op, t.handle, func(object unsafe.Pointer, cause **C.sally_error) C.sally_status {
		return call((*C.sally_trust_store)(object), cause)
	})
}

// Merge adds what other holds.
func (t *TrustStore) Merge(other *TrustStore) error {
	defer runtime.KeepAlive(other)
	defer runtime.KeepAlive(t)
	return usingBoth("merge trust", t.handle, other.handle, func(object, by unsafe.Pointer, cause **C.sally_error) C.sally_status {
		return C.sally_trust_store_merge((*C.sally_trust_store)(object), (*C.sally_trust_store)(by), cause)
	})
}

// AddCRL adds the certificate revocation lists of a file or folder.
func (t *TrustStore) AddCRL(path string) error {
	uri, free := text(path)
	defer free()
	return t.use("load CRL", func(store *C.sally_trust_store, cause **C.sally_error) C.sally_status {
		return C.sally_trust_store_add_crl(store, uri, cause)
	})
}

// AddCRLFromMemory adds certificate revocation lists, PEM or DER.
func (t *TrustStore) AddCRLFromMemory(lists []byte) error {
	data, size := lend(lists)
	return t.use("load CRL", func(store *C.sally_trust_store, cause **C.sally_error) C.sally_status {
		return C.sally_trust_store_add_crl_from_memory(store, data, size, cause)
	})
}

// Reload reads its files again, whole or not at all: where that fails, what was there stays in force.
func (t *TrustStore) Reload() error {
	return t.use("reload trust", func(store *C.sally_trust_store, cause **C.sally_error) C.sally_status {
		return C.sally_trust_store_reload(store, cause)
	})
}

// Replace makes what by holds now the next generation.
func (t *TrustStore) Replace(by *TrustStore) error {
	defer runtime.KeepAlive(by)
	defer runtime.KeepAlive(t)
	return usingBoth("replace trust", t.handle, by.handle, func(object, by unsafe.Pointer, cause **C.sally_error) C.sally_status {
		return C.sally_trust_store_replace((*C.sally_trust_store)(object), (*C.sally_trust_store)(by), cause)
	})
}

// Watch reloads it from now on whenever its files change; ReloadStatus says how that went.
func (t *TrustStore) Watch() error {
	return t.use("watch trust", func(store *C.sally_trust_store, cause **C.sally_error) C.sally_status {
		return C.sally_trust_store_watch(store, cause)
	})
}

// ReloadStatus is how the last reload ended, by call or by watching.
func (t *TrustStore) ReloadStatus() error {
	return t.use("reload trust", func(store *C.sally_trust_store, cause **C.sally_error) C.sally_status {
		return C.sally_trust_store_reload_status(store, cause)
	})
}

// Generation is 1 at first and grows by one with each reload or replacement.
func (t *TrustStore) Generation() (generation uint64) {
	t.use("", func(store *C.sally_trust_store, _ **C.sally_error) C.sally_status {
		generation = uint64(C.sally_trust_store_generation(store))
		return C.SALLY_OK
	})
	return generation
}

// Len counts its anchors.
func (t *TrustStore) Len() (count int) {
	t.use("", func(store *C.sally_trust_store, _ **C.sally_error) C.sally_status {
		count = int(C.sally_trust_store_size(store))
		return C.SALLY_OK
	})
	return count
}

// CRLs counts its certificate revocation lists.
func (t *TrustStore) CRLs() (count int) {
	t.use("", func(store *C.sally_trust_store, _ **C.sally_error) C.sally_status {
		count = int(C.sally_trust_store_crl_count(store))
		return C.SALLY_OK
	})
	return count
}

// NotAfter is when the first of its anchors expires; zero where there is none.
func (t *TrustStore) NotAfter() (end time.Time) {
	t.use("", func(store *C.sally_trust_store, _ **C.sally_error) C.sally_status {
		end = unix(C.sally_trust_store_not_after(store))
		return C.SALLY_OK
	})
	return end
}

// NextUpdate is when the first of its CRLs is out of date; zero where none says so.
func (t *TrustStore) NextUpdate() (end time.Time) {
	t.use("", func(store *C.sally_trust_store, _ **C.sally_error) C.sally_status {
		end = unix(C.sally_trust_store_next_update(store))
		return C.SALLY_OK
	})
	return end
}

// WaitChange waits until its generation is beyond the one given, and returns it; it fails with what a reload fails with
// meanwhile.
func (t *TrustStore) WaitChange(ctx context.Context, generation uint64) (uint64, error) {
	defer runtime.KeepAlive(t)
	return change(ctx, t.handle, func(object unsafe.Pointer, completion *C.sally_completion, operation **C.sally_operation, cause **C.sally_error) C.sally_status {
		return C.sally_trust_store_wait_change_async((*C.sally_trust_store)(object), C.uint64_t(generation), milliseconds(ctx), completion, operation, cause)
	})
}

// Close lets go of it; configs that refer to it go on. An object that is forgotten is closed by the garbage collector.
func (t *TrustStore) Close() error {
	t.handle.close()
	return nil
}
