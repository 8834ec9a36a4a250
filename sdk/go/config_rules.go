package sallyport

// #include "waist.h"
import "C"

import "time"

// Revocation is what is demanded of CRLs, which are those of the trust store.
type Revocation int32

const (
	RevocationSoft  = Revocation(C.SALLY_REVOCATION_SOFT)  // a CRL may be missing or out of date; the default
	RevocationLeaf  = Revocation(C.SALLY_REVOCATION_LEAF)  // a current one for the peer's own certificate
	RevocationChain = Revocation(C.SALLY_REVOCATION_CHAIN) // and for each CA certificate below the trust anchor
)

// OCSP is what a client asks of the response that a server staples to its certificate.
type OCSP int32

const (
	OCSPOff     = OCSP(C.SALLY_OCSP_OFF)
	OCSPRequest = OCSP(C.SALLY_OCSP_REQUEST) // ask, and check what comes; the default
	OCSPRequire = OCSP(C.SALLY_OCSP_REQUIRE)
)

// PinMode is how Pins are meant; modes can be or-ed.
type PinMode uint32

const (
	PinReportOnly = PinMode(C.SALLY_PIN_REPORT_ONLY) // a mismatch is a finding of Info, and no refusal
	PinIssuer     = PinMode(C.SALLY_PIN_ISSUER)      // only the keys of the peer's CAs count
)

// TrustChange is what happens to a connection when the trust store, reloaded, would not let its peer in any more.
type TrustChange int32

const (
	TrustChangeKeep  = TrustChange(C.SALLY_TRUST_CHANGE_KEEP)  // nothing; the default
	TrustChangeDrain = TrustChange(C.SALLY_TRUST_CHANGE_DRAIN) // it comes to an orderly end
	TrustChangeDrop  = TrustChange(C.SALLY_TRUST_CHANGE_DROP)  // it ends at once
)

// Rules are those by which a peer's certificate is judged. Zero is a safe default in every field.
type Rules struct {
	Revocation        Revocation
	Time              time.Time // at which certificates must be valid, instead of now
	MaxDepth          int       // CA certificates between the peer's own and the anchor; default 10, -1 for none
	SecurityLevel     int       // 2 (112 bits, the default), 3 (128 bits) or 4 (192 bits)
	PartialChain      bool      // a chain may end in any certificate of the trust store
	VerificationCache int       // good chains that are remembered; default 1024, -1 for none

	// InsecureIgnore lets a kind of fault pass: [StatusCertificateExpired], [StatusCertificateNotYetValid],
	// [StatusCertificateNameMismatch], [StatusCertificateRevocationUnknown].
	InsecureIgnore []Status
	// InsecureSecurityLevel is 1 (80 bits), or -1 for no demands at all: certificates can be forged then.
	InsecureSecurityLevel int
}

// number is 0, "not set", as the library's own default, and negative as its 0.
func number(value int) C.int32_t {
	if value < 0 {
		return 0
	}
	return C.int32_t(value)
}

func (b *builder) rules(r *Rules) {
	b.set(r.Revocation != 0, func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
		return C.sally_tls_config_set_revocation(config, C.int32_t(r.Revocation), cause)
	})
	b.set(!r.Time.IsZero(), func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
		return C.sally_tls_config_set_verification_time(config, seconds(r.Time), cause)
	})
	b.set(r.MaxDepth != 0, func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
		return C.sally_tls_config_set_max_depth(config, number(r.MaxDepth), cause)
	})
	b.set(r.SecurityLevel != 0, func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
		return C.sally_tls_config_set_security_level(config, C.int32_t(r.SecurityLevel), cause)
	})
	b.set(r.InsecureSecurityLevel != 0, func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
		return C.sally_tls_config_insecure_set_security_level(config, number(r.InsecureSecurityLevel), cause)
	})
	b.set(r.PartialChain, func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
		return C.sally_tls_config_allow_partial_chain(config, cause)
	})
	b.set(r.VerificationCache != 0, func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
		return C.sally_tls_config_set_verification_cache(config, C.size_t(number(r.VerificationCache)), cause)
	})
	for _, status := range r.InsecureIgnore {
		ignored := C.sally_status(status)
		b.set(true, func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
			return C.sally_tls_config_insecure_ignore(config, ignored, cause)
		})
	}
}

func (b *builder) lifetimes(o *Options) {
	b.set(o.TrustChange != 0, func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
		var drain C.int64_t = C.SALLY_TIMEOUT_DEFAULT
		if o.DrainTime != 0 {
			drain = option(o.DrainTime)
		}
		return C.sally_tls_config_set_trust_change(config, C.int32_t(o.TrustChange), drain, cause)
	})
	b.set(o.OCSP != 0, func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
		return C.sally_tls_config_set_ocsp(config, C.int32_t(o.OCSP), cause)
	})
	b.set(o.Resumable != 0, func(config *C.sally_tls_config, cause **C.sally_error) C.sally_status {
		return C.sally_tls_config_set_session_lifetime(config, C.int64_t(o.Resumable/time.Second), cause)
	})
	b.setText(o.Provider, func(config *C.sally_tls_config, properties *C.char, cause **C.sally_error) C.sally_status {
		return C.sally_tls_config_set_provider(config, properties, cause)
	})
}

// CachedSessions counts the sessions that are kept for resumption.
func (c *Config) CachedSessions() int {
	object := c.handle.acquire()
	if object == nil {
		return 0
	}
	defer c.handle.release()
	return int(C.sally_tls_config_cached_sessions((*C.sally_tls_config)(object)))
}

// VerificationCacheHits counts how often a chain was known, and needed no new verification.
func (c *Config) VerificationCacheHits() uint64 {
	object := c.handle.acquire()
	if object == nil {
		return 0
	}
	defer c.handle.release()
	return uint64(C.sally_tls_config_verification_cache_hits((*C.sally_tls_config)(object)))
}

// LoadProvider loads a provider of OpenSSL ("fips", "legacy") into the library's own context, for [Options.Provider] to
// choose it; configuration is a configuration file of OpenSSL, or "".
func LoadProvider(name, configuration string) error {
	nameText, freeName := text(name)
	defer freeName()
	file, freeFile := text(configuration)
	defer freeFile()
	var cause *C.sally_error
	return check("load provider", C.sally_library_load_provider(nameText, file, &cause), cause)
}
