package sallyport

// #include "waist.h"
import "C"

// What Windows calls the same, for programs that are ported from it, and for servers whose clients are.

// SocketErrorStatus is what a program of Windows would have seen; 0 (Unknown) where Windows has no word for it.
func (s Status) SocketErrorStatus() SocketErrorStatus {
	return SocketErrorStatus(C.sally_status_to_socket_error_status(C.sally_status(s)))
}

// Status is the most general status that has this one.
func (s SocketErrorStatus) Status() Status {
	return Status(C.sally_status_from_socket_error_status(C.int32_t(s)))
}

// String is the name that Windows gives it; "" for a number that is not one of them.
func (s SocketErrorStatus) String() string {
	return C.GoString(C.sally_socket_error_status_name(C.int32_t(s)))
}

// SocketSslErrorSeverity is whether a program of Windows may ignore the fault.
func (s Status) SocketSslErrorSeverity() SocketSslErrorSeverity {
	return SocketSslErrorSeverity(C.sally_status_to_socket_ssl_error_severity(C.sally_status(s)))
}

// String is the name that Windows gives it; "" for a number that is not one of them.
func (s SocketSslErrorSeverity) String() string {
	return C.GoString(C.sally_socket_ssl_error_severity_name(C.int32_t(s)))
}

// ChainValidationResult is what Windows says about such a chain; false where the status is about none.
func (s Status) ChainValidationResult() (result ChainValidationResult, ofAChain bool) {
	value := C.sally_status_to_chain_validation_result(C.sally_status(s))
	if value < 0 {
		return 0, false
	}
	return ChainValidationResult(value), true
}

// Status is the nearest status.
func (r ChainValidationResult) Status() Status {
	return Status(C.sally_status_from_chain_validation_result(C.int32_t(r)))
}

// String is the name that Windows gives it; "" for a number that is not one of them.
func (r ChainValidationResult) String() string {
	return C.GoString(C.sally_chain_validation_result_name(C.int32_t(r)))
}

// WebErrorStatus is what Windows.Web would have said; 0 (Unknown) where it has no word for it.
func (s Status) WebErrorStatus() WebErrorStatus {
	return WebErrorStatus(C.sally_status_to_web_error_status(C.sally_status(s)))
}

// Status is the nearest status; StatusUnknown for what only HTTP has.
func (s WebErrorStatus) Status() Status {
	return Status(C.sally_status_from_web_error_status(C.int32_t(s)))
}

// String is the name that Windows gives it; "" for a number that is not one of them.
func (s WebErrorStatus) String() string {
	return C.GoString(C.sally_web_error_status_name(C.int32_t(s)))
}
