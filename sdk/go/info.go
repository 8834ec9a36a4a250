package sallyport

// #include "waist.h"
import "C"

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"time"
	"unsafe"
)

// Info is what was agreed on a connection, and with whom. Certificates are DER, the own one first.
type Info struct {
	Version       uint16 // tls.VersionTLS12, tls.VersionTLS13; 0 on a plain connection
	CipherSuite   string // the IANA name
	Group         string
	ALPN          string
	ServerName    string // SNI
	Resumed       bool
	CorrelationID string // the same on both sides of one connection

	PeerVerified               bool     // the peer showed a certificate that passed every check
	PeerChain                  [][]byte // what the peer sent
	VerifiedChain              [][]byte // by which it was trusted, with the trust anchor
	Findings                   *Error   // what is wrong with a peer that was let in all the same; nil: nothing
	OwnCertificate             []byte   // what this side showed; nil: none
	ClientCertificateRequested bool
	ClientCertificateSent      bool
	PassedOver                 []string // credentials of this side that did not fit, and why
	PinMatched                 bool     // one of Pins is a key of the peer's chain

	Attempts                    []Attempt // clients: the addresses that were tried
	Resolve, Connect, Handshake time.Duration
	RoundTrips                  int
	BytesRead, BytesWritten     uint64
	WireReceived, WireSent      uint64
}

// Attempt is one address that was tried (RFC 8305).
type Attempt struct {
	Address     string
	Status      Status        // StatusOk for the one that was used, StatusCanceled for one that another was quicker than
	Began, Took time.Duration // after the connecting began
}

// Info is a snapshot of what was agreed.
func (c *Conn) Info() (*Info, error) {
	var info *C.sally_stream_info
	err := using("info", c.handle, func(stream unsafe.Pointer, cause **C.sally_error) C.sally_status {
		return C.sally_stream_copy_info((*C.sally_stream)(stream), &info, cause)
	})
	if err != nil {
		return nil, err
	}
	defer C.sally_stream_info_release(info)
	duration := func(which C.int32_t) time.Duration {
		return time.Duration(C.sally_stream_info_duration(info, which)) * time.Microsecond
	}
	count := func(which C.int32_t) uint64 { return uint64(C.sally_stream_info_bytes(info, which)) }
	result := &Info{
		Version:       uint16(C.sally_stream_info_version(info)),
		CipherSuite:   C.GoString(C.sally_stream_info_suite(info)),
		Group:         C.GoString(C.sally_stream_info_group(info)),
		ALPN:          C.GoString(C.sally_stream_info_alpn(info)),
		ServerName:    C.GoString(C.sally_stream_info_server_name(info)),
		Resumed:       C.sally_stream_info_resumed(info) == 1,
		CorrelationID: C.GoString(C.sally_stream_info_correlation_id(info)),
		PeerVerified:  C.sally_stream_info_peer_verified(info) == 1,
		PeerChain: chain(C.sally_stream_info_peer_certificate_count(info),
			func(i C.size_t) *C.sally_certificate { return C.sally_stream_info_peer_certificate(info, i) }),
		VerifiedChain: chain(C.sally_stream_info_verified_count(info),
			func(i C.size_t) *C.sally_certificate { return C.sally_stream_info_verified(info, i) }),
		OwnCertificate:             der(C.sally_stream_info_own_certificate(info)),
		ClientCertificateRequested: C.sally_stream_info_client_certificate_requested(info) == 1,
		ClientCertificateSent:      C.sally_stream_info_client_certificate_sent(info) == 1,
		PassedOver: texts(C.sally_stream_info_passed_over_count(info),
			func(i C.size_t) *C.char { return C.sally_stream_info_passed_over(info, i) }),
		PinMatched:   C.sally_stream_info_pin_matched(info) == 1,
		Attempts:     attempts(info),
		Resolve:      duration(C.SALLY_DURATION_RESOLVE),
		Connect:      duration(C.SALLY_DURATION_CONNECT),
		Handshake:    duration(C.SALLY_DURATION_HANDSHAKE),
		RoundTrips:   int(C.sally_stream_info_round_trips(info)),
		BytesRead:    count(C.SALLY_BYTES_READ),
		BytesWritten: count(C.SALLY_BYTES_WRITTEN),
		WireReceived: count(C.SALLY_BYTES_WIRE_RECEIVED),
		WireSent:     count(C.SALLY_BYTES_WIRE_SENT),
	}
	if findings := C.sally_stream_info_peer_findings(info); findings != nil {
		result.Findings = takeError("verify", C.sally_error_status(findings), C.sally_error_retain(findings))
	}
	return result, nil
}

func attempts(info *C.sally_stream_info) []Attempt {
	var list []Attempt
	for i := C.size_t(0); i < C.sally_stream_info_attempt_count(info); i++ {
		list = append(list, Attempt{
			Address: C.GoString(C.sally_stream_info_attempt_address(info, i)),
			Status:  Status(C.sally_stream_info_attempt_status(info, i)),
			Began:   time.Duration(C.sally_stream_info_attempt_began(info, i)) * time.Microsecond,
			Took:    time.Duration(C.sally_stream_info_attempt_duration(info, i)) * time.Microsecond,
		})
	}
	return list
}

// InfoJSON is all of Info as one JSON object, for a log.
func (c *Conn) InfoJSON() (json string, err error) {
	err = using("info", c.handle, func(stream unsafe.Pointer, cause **C.sally_error) C.sally_status {
		var info *C.sally_stream_info
		if status := C.sally_stream_copy_info((*C.sally_stream)(stream), &info, cause); status != C.SALLY_OK {
			return status
		}
		defer C.sally_stream_info_release(info)
		var bytes *C.sally_bytes
		status := C.sally_stream_info_copy_json(info, &bytes, cause)
		if status == C.SALLY_OK {
			json = string(takeBytes(bytes))
		}
		return status
	})
	return json, err
}

// ConnectionState is the same in the words of crypto/tls. Certificates that crypto/x509 cannot decode are left out.
func (c *Conn) ConnectionState() tls.ConnectionState {
	info, err := c.Info()
	if err != nil || info.Version == 0 {
		return tls.ConnectionState{}
	}
	state := tls.ConnectionState{
		Version: info.Version, HandshakeComplete: true, DidResume: info.Resumed, NegotiatedProtocol: info.ALPN,
		ServerName: info.ServerName, PeerCertificates: parse(info.PeerChain),
	}
	for _, suite := range tls.CipherSuites() {
		if suite.Name == info.CipherSuite {
			state.CipherSuite = suite.ID
		}
	}
	if info.PeerVerified {
		state.VerifiedChains = [][]*x509.Certificate{parse(info.VerifiedChain)}
	}
	return state
}

func parse(chain [][]byte) []*x509.Certificate {
	var certificates []*x509.Certificate
	for _, encoded := range chain {
		if certificate, err := x509.ParseCertificate(encoded); err == nil {
			certificates = append(certificates, certificate)
		}
	}
	return certificates
}

type connKey struct{}

// ConnContext is for http.Server.ConnContext: handlers then find their connection with [FromContext]. net/http itself fills
// in Request.TLS only for connections of crypto/tls.
func ConnContext(ctx context.Context, connection net.Conn) context.Context {
	if c, ok := connection.(*Conn); ok {
		return context.WithValue(ctx, connKey{}, c)
	}
	return ctx
}

// FromContext is the connection that a request came by; nil where the server has no [ConnContext].
func FromContext(ctx context.Context) *Conn {
	c, _ := ctx.Value(connKey{}).(*Conn)
	return c
}
