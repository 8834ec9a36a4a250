package sallyport

// #include "waist.h"
import "C"

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"sync"
	"time"
	"unsafe"
)

// InsecureAccept is what [Options.VerifyPeer] answers to let in a peer that the built-in verification refuses.
var InsecureAccept = errors.New("sallyport: the peer is accepted, whatever is wrong with its certificate")

// CredentialRequest is a server's request for a certificate.
type CredentialRequest struct {
	ServerName       string   // the name that this side verifies
	Address          string   // of the server
	AcceptableCAs    []string // RFC 2253; none where the server does not say
	SignatureSchemes []string // names of RFC 8446 section 4.2.3, most wanted first
}

// Peer is a peer that has shown its certificate.
type Peer struct {
	ServerName string // on a client: the name that it verifies
	Address    string
	Chain      [][]byte // DER, its own certificate first
	Verdict    error    // nil where the built-in verification passed, else an *Error
}

// Certificate decodes the peer's own certificate.
func (p *Peer) Certificate() (*x509.Certificate, error) { return parseFirst(p.Chain) }

// ClientHello is what a client says first.
type ClientHello struct {
	ServerName       string // SNI; "" where it names none
	Address          string
	ALPN             []string
	SignatureSchemes []string
}

// route is where the questions of one stream, or of a listener and its streams, go.
type route struct {
	engine *engine
	tag    uint64

	mutex  sync.Mutex
	config *Config
	chosen *Credential // its signer is asked next, and only Go refers to that
	denied denial
}

// denial is what the program said about a peer.
type denial struct {
	address string
	why     error
}

func (e *engine) newRoute(config *Config) *route {
	r := &route{engine: e, config: config}
	r.tag = e.expect(r)
	return r
}

// end is where no question comes any more.
func (r *route) end() {
	r.engine.drop(r.tag)
	r.use(nil) // its functions may refer to what refers to this
}

func (r *route) use(config *Config) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.config, r.chosen, r.denied = config, nil, denial{}
}

func (r *route) keep(chosen *Credential) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.chosen = chosen
}

func (r *route) receive(event *C.sally_event) {
	if event.kind == C.SALLY_EVENT_DECISIONS_OVER {
		r.end()
	}
	if event.kind != C.SALLY_EVENT_DECISION || event.object == nil {
		return
	}
	decision := (*C.sally_decision)(event.object)
	event.object = nil
	go r.decide(decision)
}

// because adds to an error of a handshake what the program said about that peer; nil: the route has one peer only.
func (r *route) because(err *Error, peer net.Addr) *Error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if peer != nil && r.denied.address != peer.String() {
		return err // the clients of a listener share its route
	}
	if err.underlying == nil && r.denied.why != nil && err.Status != StatusCanceled {
		err.underlying = r.denied.why
	}
	r.denied = denial{}
	return err
}

func (r *route) decide(decision *C.sally_decision) {
	defer C.sally_decision_release(decision) // denies what has no answer
	r.mutex.Lock()
	config := r.config
	r.mutex.Unlock()
	if config == nil {
		return
	}
	patience := config.options.DecisionTimeout
	if patience <= 0 {
		patience = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := config.answer(ctx, decision, r); err != nil {
		r.mutex.Lock()
		r.denied = denial{C.GoString(C.sally_decision_peer_address(decision)), err}
		r.mutex.Unlock()
		deny(decision, err)
	}
}

func deny(decision *C.sally_decision, why error) {
	status := StatusOk
	var known *Error
	if !errors.As(why, &status) && errors.As(why, &known) && known != nil {
		status = known.Status
	}
	if C.sally_decision_deny(decision, C.sally_status(status), nil) == C.SALLY_INVALID_ARGUMENT {
		_ = C.sally_decision_deny(decision, C.SALLY_OK, nil)
	}
}

// answer gives the program's answer, or the error for which it is denied.
func (c *Config) answer(ctx context.Context, decision *C.sally_decision, r *route) error {
	name, address := C.GoString(C.sally_decision_server_name(decision)), C.GoString(C.sally_decision_peer_address(decision))
	switch C.sally_decision_question(decision) {
	case C.SALLY_QUESTION_CREDENTIAL:
		if c.options.ChooseCredential == nil {
			break
		}
		credential, err := c.options.ChooseCredential(ctx, &CredentialRequest{name, address, acceptableCAs(decision), schemes(decision)})
		r.keep(credential)
		return useCredential(decision, credential, err)
	case C.SALLY_QUESTION_PEER:
		if c.options.VerifyPeer == nil {
			break
		}
		peer := &Peer{ServerName: name, Address: address, Chain: peerChain(decision)}
		if status := C.sally_decision_verdict(decision); status != C.SALLY_OK {
			peer.Verdict = takeError("verify", status, C.sally_error_retain(C.sally_decision_verdict_error(decision)))
		}
		return judge(decision, peer, c.options.VerifyPeer(ctx, peer))
	case C.SALLY_QUESTION_CLIENT_HELLO:
		if c.options.ChooseConfig == nil {
			break
		}
		config, err := c.options.ChooseConfig(ctx, &ClientHello{name, address, alpn(decision), schemes(decision)})
		return useConfig(decision, config, err)
	case C.SALLY_QUESTION_SIGNATURE:
		return answerSignature(decision)
	}
	// Whoever is asked has no opinion: as without the question.
	return accept(decision)
}

func accept(decision *C.sally_decision) error {
	if C.sally_decision_verdict(decision) != C.SALLY_OK {
		return takeError("verify", C.sally_decision_verdict(decision), C.sally_error_retain(C.sally_decision_verdict_error(decision)))
	}
	return answered(C.sally_decision_accept(decision, nil))
}

// answered passes over an answer that came too late, which the handshake's own end tells better.
func answered(status C.sally_status) error {
	if status == C.SALLY_OK || status == C.SALLY_CLOSED {
		return nil
	}
	return Status(status)
}

func useCredential(decision *C.sally_decision, credential *Credential, err error) error {
	switch {
	case err != nil:
		return err
	case credential == nil:
		return accept(decision)
	case credential.handle == nil:
		return answered(C.sally_decision_use_credential(decision, nil, nil))
	}
	return credential.use("choose credential", func(chosen *C.sally_credential, cause **C.sally_error) C.sally_status {
		return tolerate(C.sally_decision_use_credential(decision, chosen, cause), cause)
	})
}

func tolerate(status C.sally_status, cause **C.sally_error) C.sally_status {
	if status == C.SALLY_CLOSED {
		C.sally_error_release(*cause)
		*cause = nil
		return C.SALLY_OK
	}
	return status
}

func judge(decision *C.sally_decision, peer *Peer, err error) error {
	if verdict, is := err.(*Error); is && verdict == nil {
		err = nil // Verdict.Refused, of a chain that is let in
	}
	switch {
	case err == nil && peer.Verdict != nil:
		return peer.Verdict
	case err == nil:
		return accept(decision)
	case errors.Is(err, InsecureAccept):
		return answered(C.sally_decision_insecure_accept(decision, nil))
	}
	return err
}

func useConfig(decision *C.sally_decision, config *Config, err error) error {
	switch {
	case err != nil:
		return err
	case config == nil:
		return accept(decision)
	}
	return using("choose config", config.handle, func(object unsafe.Pointer, cause **C.sally_error) C.sally_status {
		return tolerate(C.sally_decision_use_config(decision, (*C.sally_tls_config)(object), cause), cause)
	})
}

func answerSignature(decision *C.sally_decision) error {
	certificate := C.sally_decision_signing_certificate(decision)
	signer := signers.find(C.GoString(C.sally_certificate_spki_pin(certificate)))
	if signer == nil {
		return StatusCredentialNoKey
	}
	content := C.GoBytes(C.sally_decision_signed_content(decision), C.int(C.sally_decision_signed_content_size(decision)))
	signature, err := sign(signer, int32(C.sally_decision_signature_scheme(decision)), content)
	if err != nil {
		return err
	}
	data, size := lend(signature)
	return answered(C.sally_decision_signature(decision, data, size, nil))
}

func texts(count C.size_t, at func(C.size_t) *C.char) []string {
	list := make([]string, 0, int(count))
	for i := C.size_t(0); i < count; i++ {
		list = append(list, C.GoString(at(i)))
	}
	return list
}

func acceptableCAs(decision *C.sally_decision) []string {
	return texts(C.sally_decision_acceptable_ca_count(decision),
		func(i C.size_t) *C.char { return C.sally_decision_acceptable_ca(decision, i) })
}

func schemes(decision *C.sally_decision) []string {
	return texts(C.sally_decision_acceptable_scheme_count(decision),
		func(i C.size_t) *C.char { return C.sally_decision_acceptable_scheme(decision, i) })
}

func alpn(decision *C.sally_decision) []string {
	return texts(C.sally_decision_alpn_count(decision),
		func(i C.size_t) *C.char { return C.sally_decision_alpn(decision, i) })
}

func peerChain(decision *C.sally_decision) [][]byte {
	return chain(C.sally_decision_peer_certificate_count(decision),
		func(i C.size_t) *C.sally_certificate { return C.sally_decision_peer_certificate(decision, i) })
}

func chain(count C.size_t, at func(C.size_t) *C.sally_certificate) [][]byte {
	list := make([][]byte, 0, int(count))
	for i := C.size_t(0); i < count; i++ {
		if encoded := der(at(i)); encoded != nil {
			list = append(list, encoded)
		}
	}
	return list
}

func der(certificate *C.sally_certificate) []byte {
	var bytes *C.sally_bytes
	if certificate == nil || C.sally_certificate_copy_der(certificate, &bytes, nil) != C.SALLY_OK {
		return nil
	}
	return takeBytes(bytes)
}

func parseFirst(chain [][]byte) (*x509.Certificate, error) {
	if len(chain) == 0 {
		return nil, errors.New("sallyport: the peer showed no certificate")
	}
	return x509.ParseCertificate(chain[0])
}
