package sallyport

// #include "waist.h"
import "C"

import "strconv"

// String is the name of the status: "SALLY_TRUNCATED".
func (s Status) String() string {
	if name := C.sally_status_name(C.sally_status(s)); name != nil {
		return C.GoString(name)
	}
	return "SALLY_STATUS_" + strconv.Itoa(int(s))
}

// Error lets a status be compared with errors.Is; it says in one line what the status means.
func (s Status) Error() string {
	if message := C.sally_status_message(C.sally_status(s)); message != nil {
		return C.GoString(message)
	}
	return s.String()
}

// Hint says how to mend it; "" where there is nothing general to say.
func (s Status) Hint() string {
	return C.GoString(C.sally_status_hint(C.sally_status(s)))
}

// LibraryVersion is the version of the library that runs.
func LibraryVersion() string { return C.GoString(C.sally_library_version()) }

// TLSBackend is the name and version of the TLS library in use.
func TLSBackend() string { return C.GoString(C.sally_library_tls_backend()) }

// HandleKind is a kind of handle that the library counts.
type HandleKind int32

// Kinds of handle.
const (
	HandleError       = HandleKind(C.SALLY_HANDLE_ERROR)
	HandleBytes       = HandleKind(C.SALLY_HANDLE_BYTES)
	HandleCredential  = HandleKind(C.SALLY_HANDLE_CREDENTIAL)
	HandleTrustStore  = HandleKind(C.SALLY_HANDLE_TRUST_STORE)
	HandleConfig      = HandleKind(C.SALLY_HANDLE_TLS_CONFIG)
	HandleCertificate = HandleKind(C.SALLY_HANDLE_CERTIFICATE)
	HandleStream      = HandleKind(C.SALLY_HANDLE_STREAM)
	HandleStreamInfo  = HandleKind(C.SALLY_HANDLE_STREAM_INFO)
	HandleListener    = HandleKind(C.SALLY_HANDLE_LISTENER)
	HandleRuntime     = HandleKind(C.SALLY_HANDLE_RUNTIME)
	HandleQueue       = HandleKind(C.SALLY_HANDLE_QUEUE)
	HandleOperation   = HandleKind(C.SALLY_HANDLE_OPERATION)
	HandleVerdict     = HandleKind(C.SALLY_HANDLE_VERDICT)
	HandleTicketKeys  = HandleKind(C.SALLY_HANDLE_TICKET_KEYS)
	HandleDecision    = HandleKind(C.SALLY_HANDLE_DECISION)
	HandleTrace       = HandleKind(C.SALLY_HANDLE_TRACE)
	HandleTraceRecord = HandleKind(C.SALLY_HANDLE_TRACE_RECORD)
)

// LiveHandles counts the handles of a kind that are alive in this process, so that a test can prove that it leaks none.
// The package itself keeps one queue, from the first connection on. -1: no such kind.
func LiveHandles(kind HandleKind) int64 { return int64(C.sally_library_live_handles(C.int32_t(kind))) }
