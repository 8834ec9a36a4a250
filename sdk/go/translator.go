package sallyport

// #include "waist.h"
import "C"

import (
	"errors"
	"syscall"
)

// Domain is whose numbers a native code is counted in.
type Domain int32

const (
	DomainErrno       = Domain(C.SALLY_DOMAIN_ERRNO)
	DomainGetaddrinfo = Domain(C.SALLY_DOMAIN_GETADDRINFO) // EAI_*
	DomainWinsock     = Domain(C.SALLY_DOMAIN_WINSOCK)
	DomainHResult     = Domain(C.SALLY_DOMAIN_HRESULT)
	DomainOpenSSL     = Domain(C.SALLY_DOMAIN_OPENSSL)
	DomainX509        = Domain(C.SALLY_DOMAIN_X509)  // X509_V_ERR_*
	DomainAlert       = Domain(C.SALLY_DOMAIN_ALERT) // RFC 8446 section 6
)

// StatusFromNative translates a code; [StatusUnknown] where nothing is known about it.
func StatusFromNative(domain Domain, code int64) Status {
	return Status(C.sally_status_from_native(C.int32_t(domain), C.int64_t(code)))
}

// StatusFromName translates the name of a code, which is the same on every system: "ECONNREFUSED", "unknown_ca".
func StatusFromName(domain Domain, name string) Status {
	copied, free := text(name)
	defer free()
	return Status(C.sally_status_from_native_name(C.int32_t(domain), copied))
}

// StatusOf is the status in an error: that of an *[Error], or what a syscall.Errno means. [StatusOk] for nil.
func StatusOf(err error) Status {
	var known *Error
	var status Status
	var errno syscall.Errno
	switch {
	case err == nil:
		return StatusOk
	case errors.As(err, &known):
		return known.Status
	case errors.As(err, &status):
		return status
	case errors.As(err, &errno):
		return StatusFromNative(DomainErrno, int64(errno))
	}
	return StatusUnknown
}

// NativeName is the name of a code: "ECONNREFUSED"; "" where it has none.
func NativeName(domain Domain, code int64) string {
	return C.GoString(C.sally_native_name(C.int32_t(domain), C.int64_t(code)))
}

// NativeName is the name of the code that stands for the status; "" where the domain has none.
func (s Status) NativeName(domain Domain) string {
	return C.GoString(C.sally_status_to_native_name(C.sally_status(s), C.int32_t(domain)))
}

// Native is the number of that code.
func (s Status) Native(domain Domain) (code int64, known bool) {
	var number C.int64_t
	known = C.sally_status_to_native(C.sally_status(s), C.int32_t(domain), &number) == 1
	return int64(number), known
}

// Layer is where the status arises: "general", "transport", "tls", "certificate", "credential"; "" for one that the
// library does not know.
func (s Status) Layer() string {
	layers := [...]string{"general", "transport", "tls", "certificate", "credential"}
	layer := int(C.sally_status_layer(C.sally_status(s)))
	if layer < 0 || layer >= len(layers) {
		return ""
	}
	return layers[layer]
}
