package sallyport

// #include "waist.h"
import "C"

import (
	"context"
	"crypto"
	"runtime"
	"time"
	"unsafe"
)

// Credential is who this side is: a certificate chain and its private key. Any number of configs share one; reloading
// and replacing take effect with the next handshake.
type Credential struct {
	handle *handle
	signer crypto.Signer // nil where the library has the key
}

// NoCredential is what [Options.ChooseCredential] answers to show none.
var NoCredential = &Credential{}

func newCredential(signer crypto.Signer, make func(**C.sally_credential, **C.sally_error) C.sally_status) (*Credential, error) {
	var credential *C.sally_credential
	var cause *C.sally_error
	if err := check("load credential", make(&credential, &cause), cause); err != nil {
		return nil, err
	}
	h := newHandle(unsafe.Pointer(credential), nil)
	h.free = func(object unsafe.Pointer) {
		signers.remove(h)
		C.sally_credential_release((*C.sally_credential)(object))
	}
	c := &Credential{handle: h, signer: signer}
	whenForgotten(c, h)
	if signer != nil {
		if err := c.register(c); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// LoadCredential reads a chain and a key: PEM, DER or PKCS#12 files, or "pkcs11:" URIs. Without a key file the key is in
// the same file as the chain.
func LoadCredential(chainFile, keyFile string) (*Credential, error) {
	return LoadEncryptedCredential(chainFile, keyFile, "")
}

// LoadEncryptedCredential is LoadCredential of a key with a passphrase, or of one in a token with a PIN.
func LoadEncryptedCredential(chainFile, keyFile, passphrase string) (*Credential, error) {
	chain, freeChain := text(chainFile)
	defer freeChain()
	key, freeKey := text(keyFile)
	defer freeKey()
	secret, freeSecret := text(passphrase)
	defer freeSecret()
	return newCredential(nil, func(credential **C.sally_credential, cause **C.sally_error) C.sally_status {
		return C.sally_credential_load(chain, key, secret, credential, cause)
	})
}

// NewCredential takes a chain and a key from memory, in the same formats; the key may be nil where the chain's bytes
// hold it.
func NewCredential(chain, key []byte) (*Credential, error) {
	chainData, chainSize := lend(chain)
	keyData, keySize := lend(key)
	return newCredential(nil, func(credential **C.sally_credential, cause **C.sally_error) C.sally_status {
		return C.sally_credential_from_memory(chainData, chainSize, keyData, keySize, nil, credential, cause)
	})
}

// NewSignerCredential makes a credential of a chain, PEM or DER, whose key a crypto.Signer has: an HSM, a cloud's key
// service, or a key of crypto/ecdsa. It is asked, on a goroutine of its own, in each handshake that needs a signature.
func NewSignerCredential(chain []byte, signer crypto.Signer) (*Credential, error) {
	data, size := lend(chain)
	return newCredential(signer, func(credential **C.sally_credential, cause **C.sally_error) C.sally_status {
		return C.sally_credential_from_certificates(data, size, credential, cause)
	})
}

func (c *Credential) use(op string, call func(*C.sally_credential, **C.sally_error) C.sally_status) error {
	defer runtime.KeepAlive(c)
	if c.handle == nil {
		return failure(op, StatusInvalidArgument, nil)
	}
	return using(op, c.handle, func(object unsafe.Pointer, cause **C.sally_error) C.sally_status {
		return call((*C.sally_credential)(object), cause)
	})
}

// register has the signer of by sign for the key of by's certificate for as long as c lives.
func (c *Credential) register(by *Credential) error {
	return by.use("load credential", func(credential *C.sally_credential, cause **C.sally_error) C.sally_status {
		var certificate *C.sally_certificate
		status := C.sally_credential_copy_certificate(credential, &certificate, cause)
		if status == C.SALLY_OK {
			signers.add(C.GoString(C.sally_certificate_spki_pin(certificate)), c.handle, by.signer)
			C.sally_certificate_release(certificate)
		}
		return status
	})
}

// Reload reads its files, or its token, again, whole or not at all: where that fails, what was there stays in force.
func (c *Credential) Reload() error {
	return c.use("reload credential", func(credential *C.sally_credential, cause **C.sally_error) C.sally_status {
		return C.sally_credential_reload(credential, cause)
	})
}

// Replace makes what by holds now the next generation.
func (c *Credential) Replace(by *Credential) error {
	defer runtime.KeepAlive(by)
	if c.handle == nil || by.handle == nil {
		return failure("replace credential", StatusInvalidArgument, nil)
	}
	if by.signer != nil {
		if err := c.register(by); err != nil {
			return err
		}
	}
	return usingBoth("replace credential", c.handle, by.handle, func(object, by unsafe.Pointer, cause **C.sally_error) C.sally_status {
		return C.sally_credential_replace((*C.sally_credential)(object), (*C.sally_credential)(by), cause)
	})
}

// Watch reloads it from now on whenever its files change; ReloadStatus says how that went.
func (c *Credential) Watch() error {
	return c.use("watch credential", func(credential *C.sally_credential, cause **C.sally_error) C.sally_status {
		return C.sally_credential_watch(credential, cause)
	})
}

// ReloadStatus is how the last reload ended, by call or by watching.
func (c *Credential) ReloadStatus() error {
	return c.use("reload credential", func(credential *C.sally_credential, cause **C.sally_error) C.sally_status {
		return C.sally_credential_reload_status(credential, cause)
	})
}

// Generation is 1 at first and grows by one with each reload or replacement.
func (c *Credential) Generation() (generation uint64) {
	c.use("", func(credential *C.sally_credential, _ **C.sally_error) C.sally_status {
		generation = uint64(C.sally_credential_generation(credential))
		return C.SALLY_OK
	})
	return generation
}

// NotAfter is when the first certificate of its chain expires.
func (c *Credential) NotAfter() (end time.Time) {
	c.use("", func(credential *C.sally_credential, _ **C.sally_error) C.sally_status {
		end = time.Unix(int64(C.sally_credential_not_after(credential)), 0)
		return C.SALLY_OK
	})
	return end
}

// WaitChange waits until its generation is beyond the one given, and returns it; it fails with what a reload fails with
// meanwhile.
func (c *Credential) WaitChange(ctx context.Context, generation uint64) (uint64, error) {
	defer runtime.KeepAlive(c)
	if c.handle == nil {
		return 0, failure("wait for a change", StatusInvalidArgument, nil)
	}
	return change(ctx, c.handle, func(object unsafe.Pointer, completion *C.sally_completion, operation **C.sally_operation, cause **C.sally_error) C.sally_status {
		return C.sally_credential_wait_change_async((*C.sally_credential)(object), C.uint64_t(generation), milliseconds(ctx), completion, operation, cause)
	})
}

// Warnings says in one line each what peers may refuse it for.
func (c *Credential) Warnings() (lines string) {
	c.use("", func(credential *C.sally_credential, cause **C.sally_error) C.sally_status {
		var warnings *C.sally_bytes
		status := C.sally_credential_copy_warnings(credential, &warnings, cause)
		if status == C.SALLY_OK {
			lines = string(takeBytes(warnings))
		}
		return status
	})
	return lines
}

// SetOCSPResponse sets the response, DER, that a server staples to its certificate; nil takes it away. It belongs to the
// present generation, and is to be set again after each.
func (c *Credential) SetOCSPResponse(response []byte) error {
	data, size := lend(response)
	return c.use("set OCSP response", func(credential *C.sally_credential, cause **C.sally_error) C.sally_status {
		return C.sally_credential_set_ocsp_response(credential, data, size, cause)
	})
}

// Close lets go of it; configs that refer to it go on, unless it has a crypto.Signer: then nobody signs any more.
func (c *Credential) Close() error {
	if c.handle != nil {
		c.handle.close()
	}
	return nil
}
