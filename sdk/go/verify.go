package sallyport

// #include "waist.h"
import "C"

import (
	"runtime"
	"time"
	"unsafe"
)

// Purpose is what a certificate is to be used for.
type Purpose int32

const (
	PurposeServer = Purpose(C.SALLY_PURPOSE_SERVER)
	PurposeClient = Purpose(C.SALLY_PURPOSE_CLIENT)
	PurposeAny    = Purpose(C.SALLY_PURPOSE_ANY) // key usages are not looked at
)

// VerifyOptions is what [Verify] judges, and by which rules.
type VerifyOptions struct {
	Config        *Config     // its rules and trust; nil: the defaults
	Trust         *TrustStore // instead of the config's; nil without a config's: the system's roots
	Leaf          []byte      // the certificate to judge, PEM or DER; those behind it count as intermediates
	Intermediates []byte      // what else the peer sends, PEM or DER
	Name          string      // that it must bear; "": any
	NameKind      NameKind    // default: NameIP where it is an address, else NameDNS
	Purpose       Purpose     // default: to be the peer of a connection with the config, or else a server
	Time          time.Time   // zero: the config's, or else now
}

// Verdict is how a chain was judged.
type Verdict struct {
	Refused    *Error   // nil where a peer that shows the chain is let in
	Findings   []Fault  // all that was found, what the rules let pass among it
	Chain      [][]byte // DER, as far as it could be built, the leaf first
	PinMatched bool
	JSON       string
}

// Verify judges a chain without a connection, by the very rules by which a peer is judged. That the chain is refused is
// no error: the verdict tells.
func Verify(o VerifyOptions) (*Verdict, error) {
	// The options point to bytes, so all of it is C's for the length of the call.
	options := (*C.sally_verify_options)(C.calloc(1, C.sizeof_sally_verify_options))
	defer C.free(unsafe.Pointer(options))
	options.struct_size = C.sizeof_sally_verify_options
	leaf, intermediates := C.CBytes(o.Leaf), C.CBytes(o.Intermediates)
	defer C.free(leaf)
	defer C.free(intermediates)
	options.leaf, options.leaf_size = leaf, C.size_t(len(o.Leaf))
	if len(o.Intermediates) > 0 {
		options.intermediates, options.intermediates_size = intermediates, C.size_t(len(o.Intermediates))
	}
	name, free := text(o.Name)
	defer free()
	options.name, options.name_kind, options.purpose = name, C.int32_t(o.NameKind), C.int32_t(o.Purpose)
	if !o.Time.IsZero() {
		options.time = seconds(o.Time)
	}
	if o.Config != nil {
		object := o.Config.handle.acquire()
		if object == nil {
			return nil, failure("verify", StatusClosed, nil)
		}
		defer o.Config.handle.release()
		options.config = (*C.sally_tls_config)(object)
	}
	if o.Trust != nil {
		object := o.Trust.handle.acquire()
		if object == nil {
			return nil, failure("verify", StatusClosed, nil)
		}
		defer o.Trust.handle.release()
		options.trust = (*C.sally_trust_store)(object)
	}
	var verdict *C.sally_verdict
	var cause *C.sally_error
	err := check("verify", C.sally_verify(options, &verdict, &cause), cause)
	runtime.KeepAlive(o)
	if err != nil {
		return nil, err
	}
	defer C.sally_verdict_release(verdict)
	return judged(verdict), nil
}

func judged(verdict *C.sally_verdict) *Verdict {
	full := takeError("verify", C.sally_verdict_status(verdict), C.sally_error_retain(C.sally_verdict_error(verdict)))
	result := &Verdict{
		Findings: full.Faults,
		Chain: chain(C.sally_verdict_chain_count(verdict),
			func(i C.size_t) *C.sally_certificate { return C.sally_verdict_chain(verdict, i) }),
		PinMatched: C.sally_verdict_pin_matched(verdict) == 1,
		JSON:       C.GoString(C.sally_verdict_json(verdict)),
	}
	if full.Status != StatusOk {
		result.Refused = full
	}
	return result
}
