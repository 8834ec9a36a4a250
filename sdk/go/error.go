package sallyport

// #include "waist.h"
import "C"

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
)

// Error says why an operation failed. errors.Is finds in it its [Status] and those of its causes, and what the standard
// library would have said: os.ErrDeadlineExceeded, net.ErrClosed, io.ErrUnexpectedEOF (the peer's stream was cut),
// fs.ErrNotExist, fs.ErrPermission, a syscall.Errno. It is a net.Error and a slog.LogValuer.
type Error struct {
	Op            string  `json:"-"`              // "dial", "accept", "read", ...
	Status        Status  `json:"code"`           // what happened, as one number
	Layer         string  `json:"layer"`          // "general", "transport", "tls", "certificate", "credential"
	Phase         string  `json:"phase"`          // "resolve", "connect", "handshake", ...
	Message       string  `json:"message"`        // one line for a person
	Hint          string  `json:"hint"`           // how to mend it
	Address       string  `json:"address"`        // of the peer, or of this side where that is at fault
	Source        string  `json:"source"`         // the file or URI that was being read
	Subject       string  `json:"subject"`        // of the certificate at fault, RFC 2253
	Issuer        string  `json:"issuer"`         // likewise
	Expected      string  `json:"expected"`       // a name, a date, a version
	Found         string  `json:"found"`          // what was there instead
	CorrelationID string  `json:"correlation_id"` // the same on both sides of one connection
	Alert         *Alert  `json:"alert"`          // the TLS alert that went with it
	Native        *Native `json:"native"`         // the code that the system or the TLS library gave
	Faults        []Fault `json:"faults"`         // everything that is wrong with a peer's certificate chain
	Cause         *Error  `json:"cause"`          // one step nearer to the root

	json       string
	underlying error // of Go: a context's error, or what a function of the program answered
}

// Alert is a TLS alert, RFC 8446 section 6.
type Alert struct {
	Name      string `json:"name"`
	Number    int    `json:"number"`
	Direction string `json:"direction"` // "sent": this side refused; "received": the peer did
}

// Native is a code of the operating system or of the TLS library.
type Native struct {
	Domain string `json:"domain"`
	Name   string `json:"name"`
	Code   int64  `json:"code"`
}

// Fault is one thing that is wrong with a certificate chain.
type Fault struct {
	Status  Status `json:"code"`
	Depth   int    `json:"depth"` // from the peer's own certificate, 0
	Subject string `json:"subject"`
	Message string `json:"message"`
	Ignored bool   `json:"ignored"` // the rules of this side let it pass
}

var _ net.Error = (*Error)(nil)

func (e *Error) Error() string {
	if e == nil {
		return "<nil>"
	}
	var text strings.Builder
	text.WriteString("sallyport: ")
	if e.Op != "" {
		text.WriteString(e.Op + ": ")
	}
	text.WriteString(e.Status.String() + ": ")
	if e.Message != "" {
		text.WriteString(e.Message)
	} else {
		text.WriteString(e.Status.Error())
	}
	if e.underlying != nil {
		text.WriteString(": " + e.underlying.Error())
	}
	return text.String()
}

// Unwrap gives what the program itself said, if it is the cause, or else the next link of the chain.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	if e.underlying != nil {
		return e.underlying
	}
	if e.Cause != nil {
		return e.Cause
	}
	return nil
}

// Is tells whether the error is a status, or an error of the standard library that means the same. nil, as in
// [Verdict.Refused], is none.
func (e *Error) Is(target error) bool {
	if e == nil {
		return false
	}
	if status, ok := target.(Status); ok && status == e.Status {
		return true
	}
	if errno, ok := target.(syscall.Errno); ok {
		return e.Native != nil && e.Native.Domain == "errno" && e.Native.Code == int64(errno)
	}
	if e.underlying != nil && e.Cause != nil && errors.Is(e.Cause, target) {
		return true
	}
	switch e.Status {
	case StatusTimedOut:
		return target == os.ErrDeadlineExceeded
	case StatusClosed:
		return target == net.ErrClosed
	case StatusTruncated:
		return target == io.ErrUnexpectedEOF
	case StatusFileNotFound:
		return target == fs.ErrNotExist
	case StatusAccessDenied:
		return target == fs.ErrPermission
	}
	return false
}

// Timeout tells whether a deadline ended the operation.
func (e *Error) Timeout() bool {
	return e.Status == StatusTimedOut || e.Status == StatusConnectionTimedOut
}

// Temporary tells whether the same operation may do better a little later.
//
// Deprecated: as net.Error has it. Use Timeout.
func (e *Error) Temporary() bool { return e.Timeout() || e.Status == StatusTooManyOpenFiles }

// JSON is the whole chain as one JSON object, as the library writes it; "" where the error is of this package.
func (e *Error) JSON() string { return e.json }

// takeError makes an error of what C left, and gives C's reference back. The reference may be nil.
func takeError(op string, status C.sally_status, from *C.sally_error) *Error {
	result := &Error{}
	if from != nil {
		result.json = C.GoString(C.sally_error_json(from))
		C.sally_error_release(from)
		if json.Unmarshal([]byte(result.json), result) != nil {
			*result = Error{json: result.json}
		}
	}
	result.Op, result.Status = op, Status(status)
	if result.Hint == "" {
		result.Hint = result.Status.Hint()
	}
	return result
}

// check is nil where the status is SALLY_OK.
func check(op string, status C.sally_status, from *C.sally_error) error {
	if status == C.SALLY_OK {
		return nil
	}
	return takeError(op, status, from)
}

func failure(op string, status Status, underlying error) *Error {
	return &Error{Op: op, Status: status, Hint: status.Hint(), underlying: underlying}
}

// because names the context's end as the reason where that is what ended the operation.
func (e *Error) because(ctx context.Context) *Error {
	switch {
	case e.underlying != nil:
	case ctx.Err() != nil && (e.Status == StatusCanceled || e.Status == StatusClosed || e.Status == StatusTimedOut):
		e.underlying = ctx.Err()
		if errors.Is(e.underlying, context.DeadlineExceeded) {
			e.Status = StatusTimedOut
		} else {
			e.Status = StatusCanceled
		}
	case e.Status == StatusTimedOut:
		if _, has := ctx.Deadline(); has {
			e.underlying = context.DeadlineExceeded
		}
	}
	return e
}
