package sallyport

// #include "waist.h"
import "C"

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // for the schemes of below
	_ "crypto/sha512"
	"sync"
)

// signerTable finds the signer of a public key, by the pin of that, for as long as one of its credentials lives.
type signerTable struct {
	mutex sync.Mutex
	byPin map[string]map[*handle]crypto.Signer
}

var signers = signerTable{byPin: make(map[string]map[*handle]crypto.Signer)}

func (t *signerTable) add(pin string, owner *handle, signer crypto.Signer) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.byPin[pin] == nil {
		t.byPin[pin] = make(map[*handle]crypto.Signer)
	}
	t.byPin[pin][owner] = signer
}

func (t *signerTable) remove(owner *handle) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for pin, owners := range t.byPin {
		delete(owners, owner)
		if len(owners) == 0 {
			delete(t.byPin, pin)
		}
	}
}

func (t *signerTable) find(pin string) crypto.Signer {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for _, signer := range t.byPin[pin] {
		return signer
	}
	return nil
}

// sign makes the signature of a scheme of RFC 8446 section 4.2.3.
func sign(signer crypto.Signer, scheme int32, content []byte) ([]byte, error) {
	var hash crypto.Hash
	var options crypto.SignerOpts
	switch scheme {
	case 0x0403, 0x0804, 0x0401:
		hash = crypto.SHA256
	case 0x0503, 0x0805, 0x0501:
		hash = crypto.SHA384
	case 0x0603, 0x0806, 0x0601:
		hash = crypto.SHA512
	case 0x0807: // Ed25519 digests by itself
		return signer.Sign(rand.Reader, content, crypto.Hash(0))
	default:
		return nil, StatusNotSupported
	}
	options = hash
	if scheme>>8 == 0x08 {
		options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
	}
	digest := hash.New()
	digest.Write(content)
	return signer.Sign(rand.Reader, digest.Sum(nil), options)
}
