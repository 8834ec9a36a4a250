package sallyport

// #include "waist.h"
import "C"

import (
	"context"
	"runtime"
	"time"
	"unsafe"
)

// ClientAuth says whether a server asks its clients for a certificate.
type ClientAuth int32

const (
	ClientAuthNone    = ClientAuth(C.SALLY_CLIENT_AUTH_NONE)    // never ask
	ClientAuthRequest = ClientAuth(C.SALLY_CLIENT_AUTH_REQUEST) // ask; let in who shows none, refuse a bad one
	ClientAuthRequire = ClientAuth(C.SALLY_CLIENT_AUTH_REQUIRE) // let in only who shows a good one
)

// NameKind is a kind of subject alternative name.
type NameKind int32

const (
	NameDNS   = NameKind(C.SALLY_NAME_DNS)
	NameIP    = NameKind(C.SALLY_NAME_IP)
	NameEmail = NameKind(C.SALLY_NAME_EMAIL)
	NameURI   = NameKind(C.SALLY_NAME_URI)
)

// PeerName lets in peers with a subject alternative name: "*.example.org" for one label more,
// "spiffe://example.org/payments/*" for each path below.
type PeerName struct {
	Kind    NameKind
	Pattern string
}

// Options is how one side does TLS. Zero is a safe default in every field, and no duration is negative.
type Options struct {
	Credentials []*Credential // what this side can show; a server needs one
	Trust       *TrustStore   // whom it trusts; a client's default is the system's roots
	ClientAuth  ClientAuth    // servers

	MinVersion, MaxVersion uint16   // tls.VersionTLS12 or tls.VersionTLS13
	Policy                 string   // "default-2026", "modern-2026", "compatible-2026"
	RequirePostQuantum     bool     // no key exchange but a post-quantum hybrid one
	ALPN                   []string // most wanted first

	AllowPeers []PeerName // only peers with one of these names
	Pins       []string   // "sha256/BASE64" of a public key; the peer's chain must hold one
	PinMode    PinMode

	Hosts              map[string]*Config // servers: who asks for this name is served by that config
	RefuseUnknownNames bool               // servers: refuse who asks for a name that is not served
	HideAcceptableCAs  bool               // servers: do not tell clients which CAs they are trusted by
	DisableResumption  bool
	TicketKeys         *TicketKeys // servers: shared by a fleet
	PostHandshakeAuth  bool        // clients: the server may ask for the certificate later, too

	Rules       Rules       // by which peers are judged, beyond the defaults
	TrustChange TrustChange // what happens to connections whose peer is no longer trusted
	DrainTime   time.Duration
	OCSP        OCSP          // clients: of the staple that a server is to show
	Provider    string        // a property query of OpenSSL: "fips=yes"; see LoadProvider
	Resumable   time.Duration // for how long a session may be resumed; default an hour

	// InsecureSkipVerification accepts any peer. For experiments only.
	InsecureSkipVerification bool
	// InsecureKeyLog appends the secrets of every session to this file.
	InsecureKeyLog string

	// What the program decides itself, within handshakes that wait for the answer. Each call is on a goroutine of its
	// own, and may take as long as DecisionTimeout, the end of its context; the default is 10 s. Those of the config that
	// a Dialer or a ListenConfig has are called, also for handshakes that another one serves (Hosts, ChooseConfig).

	// ChooseCredential picks what a client shows to a server that asks. nil: as without this function; [NoCredential]:
	// none. An error ends the handshake.
	ChooseCredential func(ctx context.Context, request *CredentialRequest) (*Credential, error)
	// VerifyPeer judges the peer after the built-in verification. nil lets in a peer that passed that; [InsecureAccept]
	// also one that did not; any other error refuses it, with the alert that fits where it is a [Status].
	VerifyPeer func(ctx context.Context, peer *Peer) error
	// ChooseConfig picks the config that serves a client, by its hello. nil: as without this function. The program keeps
	// what it picks where a crypto.Signer of its own is to sign: the garbage collector closes what nobody refers to.
	ChooseConfig    func(ctx context.Context, hello *ClientHello) (*Config, error)
	DecisionTimeout time.Duration
}

// Config is how one side does TLS, ready for use. Any number of connections and goroutines share it.
type Config struct {
	handle  *handle
	options Options
}

// NewClientConfig makes a config for [Dialer] and for a client's [Conn.Upgrade].
func NewClientConfig(options Options) (*Config, error) {
	return newConfig(C.SALLY_ROLE_CLIENT, options)
}

// NewServerConfig makes a config for [ListenConfig] and for a server's [Conn.Upgrade].
func NewServerConfig(options Options) (*Config, error) {
	return newConfig(C.SALLY_ROLE_SERVER, options)
}

func newConfig(role C.int32_t, options Options) (*Config, error) {
	var config *C.sally_tls_config
	var cause *C.sally_error
	if err := check("config", C.sally_tls_config_create(role, &config, &cause), cause); err != nil {
		return nil, err
	}
	c := &Config{options: options, handle: newHandle(unsafe.Pointer(config), func(object unsafe.Pointer) {
		C.sally_tls_config_release((*C.sally_tls_config)(object))
	})}
	whenForgotten(c, c.handle)
	b := builder{config: config}
	b.sources(&options)
	b.protocol(&options)
	b.peers(&options)
	b.rules(&options.Rules)
	b.lifetimes(&options)
	b.questions(role, &options)
	runtime.KeepAlive(c)
	if b.err != nil {
		c.Close()
		return nil, b.err
	}
	return c, nil
}

// Close lets go of it; connections and listeners go on. An object that is forgotten is closed by the garbage collector.
func (c *Config) Close() error {
	c.handle.close()
	return nil
}

// JSON tells what is really in force, read back from the TLS library.
func (c *Config) JSON() (json string, err error) {
	defer runtime.KeepAlive(c)
	err = using("config", c.handle, func(object unsafe.Pointer, cause **C.sally_error) C.sally_status {
		var bytes *C.sally_bytes
		status := C.sally_tls_config_to_json((*C.sally_tls_config)(object), &bytes, cause)
		if status == C.SALLY_OK {
			json = string(takeBytes(bytes))
		}
		return status
	})
	return json, err
}

// builder calls one setter after the other until one fails.
type builder struct {
	config *C.sally_tls_config
	err    error
}

func (b *builder) set(wanted bool, call func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status) {
	if b.err != nil || !wanted {
		return
	}
	var cause *C.sally_error
	status := call(b.config, &cause)
	b.err = check("config", status, cause)
}

func (b *builder) setText(value string, call func(config *C.sally_tls_config, value *C.char, cause **C.sally_error) C.sally_status) {
	copied, free := text(value)
	defer free()
	b.set(value != "", func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
		return call(config, copied, cause)
	})
}

// refer has the config keep a reference to what a handle has.
func (b *builder) refer(h *handle, call func(object unsafe.Pointer, cause **C.sally_error) C.sally_status) {
	if b.err == nil {
		b.err = using("config", h, call)
	}
}

func (b *builder) sources(o *Options) {
	config := b.config
	for _, credential := range o.Credentials {
		if credential == nil || credential.handle == nil {
			b.err = failure("config", StatusInvalidArgument, nil)
			return
		}
		b.refer(credential.handle, func(object unsafe.Pointer, cause **C.sally_error) C.sally_status {
			return C.sally_tls_config_add_credential(config, (*C.sally_credential)(object), cause)
		})
	}
	if o.Trust != nil {
		b.refer(o.Trust.handle, func(object unsafe.Pointer, cause **C.sally_error) C.sally_status {
			return C.sally_tls_config_set_trust(config, (*C.sally_trust_store)(object), cause)
		})
	}
	if o.TicketKeys != nil {
		b.refer(o.TicketKeys.handle, func(object unsafe.Pointer, cause **C.sally_error) C.sally_status {
			return C.sally_tls_config_set_ticket_keys(config, (*C.sally_ticket_keys)(object), cause)
		})
	}
	for name, host := range o.Hosts {
		if host == nil {
			b.err = failure("config", StatusInvalidArgument, nil)
			return
		}
		copied, free := text(name)
		b.refer(host.handle, func(object unsafe.Pointer, cause **C.sally_error) C.sally_status {
			return C.sally_tls_config_add_host(config, copied, (*C.sally_tls_config)(object), cause)
		})
		free()
	}
	runtime.KeepAlive(o)
}

func (b *builder) protocol(o *Options) {
	b.set(o.ClientAuth != 0, func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
		return C.sally_tls_config_set_client_auth(config, C.int32_t(o.ClientAuth), cause)
	})
	b.set(o.MinVersion != 0 || o.MaxVersion != 0, func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
		return C.sally_tls_config_set_versions(config, C.int32_t(o.MinVersion), C.int32_t(o.MaxVersion), cause)
	})
	b.setText(o.Policy, func(config *C.sally_tls_config, name *C.char, cause **C.sally_error) C.sally_status {
		return C.sally_tls_config_set_policy(config, name, cause)
	})
	b.set(o.RequirePostQuantum, func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
		return C.sally_tls_config_require_pq(config, cause)
	})
	b.set(o.DisableResumption, func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
		return C.sally_tls_config_set_resumption(config, C.SALLY_RESUMPTION_OFF, 0, cause)
	})
	b.set(o.RefuseUnknownNames, func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
		return C.sally_tls_config_set_unknown_name(config, C.SALLY_UNKNOWN_NAME_REFUSE, cause)
	})
	b.set(o.HideAcceptableCAs, func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
		return C.sally_tls_config_set_ca_hints(config, C.SALLY_CA_HINTS_NONE, nil, cause)
	})
	b.set(o.PostHandshakeAuth, func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
		return C.sally_tls_config_allow_post_handshake_auth(config, cause)
	})
	b.setText(o.InsecureKeyLog, func(config *C.sally_tls_config, path *C.char, cause **C.sally_error) C.sally_status {
		return C.sally_tls_config_insecure_log_keys(config, path, cause)
	})
	b.alpn(o.ALPN)
}

func (b *builder) alpn(protocols []string) {
	if len(protocols) == 0 {
		return
	}
	array := (**C.char)(C.calloc(C.size_t(len(protocols)), C.size_t(unsafe.Sizeof((*C.char)(nil)))))
	defer C.free(unsafe.Pointer(array))
	names := unsafe.Slice(array, len(protocols))
	for i, protocol := range protocols {
		names[i] = whole(protocol)
		defer C.free(unsafe.Pointer(names[i]))
	}
	b.set(true, func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
		return C.sally_tls_config_set_alpn(config, array, C.size_t(len(protocols)), cause)
	})
}

// An empty name or pin, of an unset variable for example, is refused by the library: passed over, it would let in anybody.
func (b *builder) peers(o *Options) {
	for _, name := range o.AllowPeers {
		kind := C.int32_t(name.Kind)
		pattern, free := text(name.Pattern)
		b.set(true, func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
			return C.sally_tls_config_allow_peer(config, kind, pattern, cause)
		})
		free()
	}
	for _, pin := range o.Pins {
		encoded, free := text(pin)
		b.set(true, func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
			return C.sally_tls_config_add_pin(config, encoded, C.uint32_t(o.PinMode), cause)
		})
		free()
	}
	b.set(o.InsecureSkipVerification, func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
		return C.sally_tls_config_insecure_skip_verification(config, cause)
	})
}

func (b *builder) questions(role C.int32_t, o *Options) {
	var questions C.uint32_t
	if o.ChooseCredential != nil {
		// What it will choose may have its key in the program.
		questions |= C.SALLY_QUESTION_CREDENTIAL | C.SALLY_QUESTION_SIGNATURE
	}
	if o.VerifyPeer != nil {
		questions |= C.SALLY_QUESTION_PEER
	}
	if o.ChooseConfig != nil {
		questions |= C.SALLY_QUESTION_CLIENT_HELLO
	}
	for _, credential := range o.Credentials {
		if credential != nil && credential.signer != nil {
			questions |= C.SALLY_QUESTION_SIGNATURE
		}
	}
	b.set(questions != 0, func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
		return C.sally_tls_config_set_questions(config, questions, cause)
	})
	b.set(o.DecisionTimeout != 0, func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
		return C.sally_tls_config_set_decision_timeout(config, option(o.DecisionTimeout), cause)
	})
}
