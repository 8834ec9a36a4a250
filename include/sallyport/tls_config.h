/*
 * tls_config.h: how this side does TLS. Built once, frozen by first use, shared by any number of
 * streams and threads.
 */
#ifndef SALLYPORT_TLS_CONFIG_H
#define SALLYPORT_TLS_CONFIG_H

#include <sallyport/bytes.h>
#include <sallyport/credential.h>
#include <sallyport/error.h>
#include <sallyport/ticket_keys.h>
#include <sallyport/trust_store.h>

SALLY_BEGIN_DECLS

/*
 * The defaults are safe: TLS 1.2 (ECDHE with AEAD suites only) and TLS 1.3; a client verifies the
 * server's chain and name, against the system's roots unless set_trust says otherwise; a server
 * asks for no client certificate unless set_client_auth says so. No renegotiation, no compression,
 * no common-name fallback, no 0-RTT. Neither the machine's OpenSSL configuration nor another user
 * of OpenSSL in the process changes any of it.
 *
 * Setters are for one thread at a time; once a stream or listener was made with the config each of
 * them is SALLY_INVALID_STATE.
 */
typedef struct sally_tls_config sally_tls_config;

enum { SALLY_ROLE_CLIENT = 1, SALLY_ROLE_SERVER = 2 };

/* Whether a server asks its clients for a certificate. */
enum {
  SALLY_CLIENT_AUTH_NONE = 1, /* never ask */
  SALLY_CLIENT_AUTH_REQUEST =
      2, /* ask; a client without one is let in, one with a bad one is refused */
  SALLY_CLIENT_AUTH_REQUIRE = 3 /* ask; only a client with a good one is let in */
};

/* What a client does about the OCSP response that a server may staple to its certificate. */
enum {
  SALLY_OCSP_OFF = 1,     /* ask for none, even where the certificate demands one */
  SALLY_OCSP_REQUEST = 2, /* the default: ask, and check what comes; none is well unless the
                             certificate demands one (must-staple, RFC 7633) */
  SALLY_OCSP_REQUIRE = 3  /* ask, and refuse a server that staples none */
};

/* What a server does with a client that asks for a name which it does not serve. */
enum {
  SALLY_UNKNOWN_NAME_SERVE = 1, /* the default: serve it all the same */
  SALLY_UNKNOWN_NAME_REFUSE = 2 /* refuse it, with the alert unrecognized_name */
};

/* Which CAs a server names when it asks for a client's certificate. */
enum {
  SALLY_CA_HINTS_NONE = 1,  /* none */
  SALLY_CA_HINTS_TRUST = 2, /* the default: those that it trusts */
  SALLY_CA_HINTS_STORE = 3  /* those of another trust store */
};

enum { SALLY_TLS_1_2 = 0x0303, SALLY_TLS_1_3 = 0x0304 };

/* sally_tls_config_create makes a config with the defaults of above. `role` is a SALLY_ROLE_*. */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_create(int32_t role,
                                                                  sally_tls_config **config,
                                                                  sally_error **error);

/*
 * sally_tls_config_add_credential adds what this side can show. A server needs at least one; a client
 * needs one where the server demands a certificate. The config keeps a reference. There may be any
 * number, also of one key type: each handshake takes, in the order that they were added in,
 *
 * - on a client the first that fits: with a signature that the server takes (in TLS 1.2 its
 *   certificate types count too); where the server names the CAs that it accepts, with a certificate
 *   in its chain that was issued by one of them; with a key usage and an extended key usage that allow
 *   it, or none; and within its dates. Where none fits the client shows none: a server that demands
 *   one then refuses, and the error's hint says for each why it was passed over, as does
 *   sally_stream_info_passed_over.
 * - on a server, of each key type the first that fits; the TLS library takes from these what suits the
 *   client's cipher suites and signatures best. Where none fits, of each key type the first, so that
 *   the client can say what it dislikes.
 *
 * Where a client asks a server for a name (SNI, RFC 6066 section 3), only the credentials count whose
 * certificate bears it as a DNS subject alternative name, in either case: those that bear the name
 * itself, and where none of these fits the client, or there are none, those with a wildcard for it,
 * which stands for one whole label, the left-most (RFC 9525 section 6.3). Where no credential bears the
 * name, and for a client that asks for none, all of them count: whatever was added first is the
 * default. There may be thousands; finding a name costs the same.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_add_credential(
    sally_tls_config *config, sally_credential *credential, sally_error **error);

/*
 * sally_tls_config_set_trust sets whom this side trusts, instead of the system's roots. A server
 * that asks for client certificates must have it set: the public CAs do not say who its clients
 * are. The config keeps a reference.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_set_trust(sally_tls_config *config,
                                                                     sally_trust_store *trust,
                                                                     sally_error **error);

/*
 * sally_tls_config_set_client_auth takes a SALLY_CLIENT_AUTH_*; servers only, SALLY_INVALID_STATE
 * on a client's config.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_set_client_auth(sally_tls_config *config,
                                                                           int32_t mode,
                                                                           sally_error **error);

/*
 * sally_tls_config_set_unknown_name takes a SALLY_UNKNOWN_NAME_*: what becomes of a client that asks for
 * a name which no credential of the config bears, and no host has. One that is refused gets the alert
 * unrecognized_name, and this side's error is SALLY_SERVER_NAME_UNKNOWN. A client that asks for no name
 * is served the default in either case. Servers only, SALLY_INVALID_STATE on a client's config.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_set_unknown_name(
    sally_tls_config *config, int32_t mode, sally_error **error);

/*
 * sally_tls_config_add_host has clients that ask for `name`, or for a name that the wildcard `name`
 * stands for ("*.example.org": one label more), served by the config `host` in every respect: its
 * credentials, trust, client authentication, versions, ALPN, policies and question about the peer. The
 * name itself comes before a wildcard; whoever asks for no name, or for another one, is served by
 * `config`. The same config may serve several names.
 *
 * Each handshake uses the newest generation of the host's own sources. Sessions resume only under the
 * name that they were made for. `host` is frozen with `config`, which keeps a reference; it has no
 * hosts itself, and those of a config that a decision chose count for nothing. A host is found before
 * `config` asks its question about the client's hello, which it then does not; the host's own one is not
 * asked either. Questions of a host go where those of `config` go, and have its time-out.
 *
 * SALLY_INVALID_ARGUMENT: not a DNS name, nor "*." and one of two labels at least; there is a host of
 * this name; `host` is a config for clients. SALLY_INVALID_STATE: `config` is one for clients, in use,
 * or a host itself; `host` has hosts. When `config` is used: what is the matter with a host's config.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_add_host(sally_tls_config *config,
                                                                    const char *name,
                                                                    sally_tls_config *host,
                                                                    sally_error **error);

/*
 * sally_tls_config_set_ca_hints takes a SALLY_CA_HINTS_*, and with SALLY_CA_HINTS_STORE the `store`
 * whose CAs are named (otherwise NULL); the config keeps a reference. Clients choose by these names which
 * certificate they show, and many show none where none fits; the names are sent in the clear in TLS
 * 1.2. They change nothing about whom the server trusts. More than 64 are not named at all. Name
 * others where what clients know is not the anchor: an intermediate CA, or the old of two roots.
 * Servers only, SALLY_INVALID_STATE on a client's config.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_set_ca_hints(sally_tls_config *config,
                                                                        int32_t mode,
                                                                        sally_trust_store *store,
                                                                        sally_error **error);

/*
 * sally_tls_config_allow_post_handshake_auth lets the server ask this client for its certificate after
 * the handshake too, in TLS 1.3 (RFC 8446 section 4.6.2): when somebody wants to see a protected page,
 * for example. The credential is chosen as in a handshake, and goes out while this side reads; a
 * refusal is told by the next read. The stream information then tells what was shown. Clients only,
 * SALLY_INVALID_STATE on a server's config, which asks with sally_stream_authenticate.
 *
 * SALLY_INVALID_STATE when the config is used: it asks SALLY_QUESTION_CREDENTIAL, which is a question
 * of handshakes only, or has a credential whose key is in a token or with the program, which may take
 * too long for a read.
 */
SALLY_API SALLY_CHECK_RESULT sally_status
sally_tls_config_allow_post_handshake_auth(sally_tls_config *config, sally_error **error);

/*
 * sally_tls_config_set_versions limits the versions to those from `min` to `max`, each a
 * SALLY_TLS_*; 0 stands for the lowest and the highest that there are.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_set_versions(sally_tls_config *config,
                                                                        int32_t min, int32_t max,
                                                                        sally_error **error);

/*
 * sally_tls_config_set_policy chooses what may be agreed on, by a name with a date, which stands
 * for the same for ever:
 *
 * "default-2026": TLS 1.2 (ECDHE with AES-GCM or ChaCha20-Poly1305 only) and TLS 1.3; X25519,
 *   P-256, P-384; ECDSA, EdDSA, RSA-PSS, and for TLS 1.2 also RSA PKCS#1 v1.5, each with SHA-256
 *   or better.
 * "modern-2026": TLS 1.3 only, and no handshake signed with RSA PKCS#1 v1.5. (In a chain
 *   certificates may still be signed with it: most are.)
 * "compatible-2026": the default, and besides what older and smaller peers need that is as safe:
 *   AES-CCM, and P-521. Never CBC, SHA-1, or RSA key exchange.
 * "default", or "": the newest of the defaults, now "default-2026". It moves on with the library.
 *
 * In all of them the post-quantum hybrid groups come first where the TLS library has any (OpenSSL
 * 3.5 on). Versions are those of the policy that sally_tls_config_set_versions allows too; where
 * none is left, making a stream or listener with the config is SALLY_INVALID_STATE.
 *
 * SALLY_INVALID_ARGUMENT: no policy has this name; the error tells those that there are.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_set_policy(sally_tls_config *config,
                                                                      const char *name,
                                                                      sally_error **error);

/*
 * sally_tls_config_require_pq lets no key exchange be agreed on but a post-quantum hybrid one
 * (X25519MLKEM768, for example), and with it no version but TLS 1.3: what is recorded today is
 * then safe from the computers of tomorrow. A peer that has none of them is refused.
 *
 * SALLY_NOT_SUPPORTED: the TLS library has none itself (OpenSSL before 3.5).
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_require_pq(sally_tls_config *config,
                                                                      sally_error **error);

/*
 * sally_tls_config_set_provider chooses the implementations of the algorithms by a property query
 * of OpenSSL (property(7)): "fips=yes", "provider=default"; "" takes what there is. Those that are
 * not built into OpenSSL are loaded with sally_library_load_provider before.
 *
 * SALLY_PROVIDER_UNAVAILABLE: no provider that is loaded has what TLS needs with these properties.
 * SALLY_INVALID_ARGUMENT: not a property query.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_set_provider(sally_tls_config *config,
                                                                        const char *properties,
                                                                        sally_error **error);

/*
 * sally_tls_config_set_alpn sets the application protocols (RFC 7301), most wanted first, each 1 to
 * 255 bytes: `protocols` is an array of `count` strings; `count` 0 asks for no ALPN. A server
 * refuses a client that offers some and shares none with it, and lets in one that offers none at
 * all. A client whose server chose none is connected. Without a choice the protocol in the stream
 * information is empty.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_set_alpn(sally_tls_config *config,
                                                                    const char *const *protocols,
                                                                    size_t count,
                                                                    sally_error **error);

/* Whether sessions are resumed, RFC 8446 section 2.2. */
enum {
  SALLY_RESUMPTION_OFF = 1,
  SALLY_RESUMPTION_ON = 2 /* the default */
};

/*
 * sally_tls_config_set_resumption takes a SALLY_RESUMPTION_* and how many sessions are kept, the
 * newest; 0 stands for 4096. A server keeps sessions in memory, some 600 bytes each and, once for
 * all sessions of a client, the certificates that it sent, and gives its clients tickets that name
 * them, unless it has ticket keys. A client keeps those of servers, by the name that it verified.
 * None is kept of a peer that sends more than 32 KiB of certificates.
 *
 * Resuming lets in nobody whom a full handshake would not: a session is bound to the trust, the
 * client-auth mode and the server name that it was made under, and the peer's chain is checked
 * again, by all rules and at the present time, before it resumes; where any of that fails there is
 * a full handshake. Sessions go when the trust or a credential of the config has a new generation.
 * There is no 0-RTT. With insecure_skip_verification nothing is resumed.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_set_resumption(sally_tls_config *config,
                                                                          int32_t mode,
                                                                          uint32_t sessions,
                                                                          sally_error **error);

/*
 * sally_tls_config_set_session_lifetime sets for how many seconds a session may be resumed: 1 to
 * 604800 (seven days, RFC 8446 section 4.6.1); the default is an hour.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_set_session_lifetime(
    sally_tls_config *config, int64_t seconds, sally_error **error);

/*
 * sally_tls_config_set_ticket_keys lets clients keep their sessions, encrypted, so that any server
 * of a fleet that shares the keys resumes them; servers only. Costs more per full handshake than
 * sessions in memory. The config keeps a reference.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_set_ticket_keys(
    sally_tls_config *config, sally_ticket_keys *keys, sally_error **error);

/*
 * sally_tls_config_cached_sessions counts the sessions that are kept; 0 before the first use and
 * for a NULL handle.
 */
SALLY_API size_t sally_tls_config_cached_sessions(sally_tls_config *config);

/*
 * sally_tls_config_insecure_skip_verification accepts any certificate of the peer, or none in its
 * stead: whoever sits on the path can be the peer. For experiments only. A server that requires a
 * certificate still requires that there is one.
 */
SALLY_API SALLY_CHECK_RESULT sally_status
sally_tls_config_insecure_skip_verification(sally_tls_config *config, sally_error **error);

/*
 * sally_tls_config_set_questions sets what the program decides itself within handshakes: an or of
 * SALLY_QUESTION_* (decision.h); 0, the default: nothing. Streams and listeners of such a config must
 * be told where the questions go. The question about the peer together with
 * sally_tls_config_insecure_skip_verification leaves the trust in it to the program alone.
 *
 * Handshakes of such a config run on event loops only, whatever the form of the call, as do those of
 * a config with a credential in a token. A server's handshake that waits for the answer about its
 * peer, and any that waits for a signature, can go on only on the thread that began it: a runtime that
 * the caller runs must then be run by one thread, or those handshakes end at their deadline.
 *
 * SALLY_INVALID_STATE: a question of the other role; later, when the config is used: a server's
 * question about peers whose certificates it does not ask for, and a credential whose key the program
 * has without SALLY_QUESTION_SIGNATURE.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_set_questions(sally_tls_config *config,
                                                                         uint32_t questions,
                                                                         sally_error **error);

/*
 * sally_tls_config_set_decision_timeout limits how long each question may wait for its answer; 0:
 * the default of 10 s, SALLY_TIMEOUT_NEVER: as long as the handshake may take, whose deadline holds
 * in any case. What comes too late is denied: this side sees SALLY_TIMED_OUT.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_set_decision_timeout(
    sally_tls_config *config, int64_t timeout_ms, sally_error **error);

/*
 * sally_tls_config_set_ocsp takes a SALLY_OCSP_*; clients only, SALLY_INVALID_STATE on a server's
 * config. A response (RFC 6960) must be signed by the issuer of the server's certificate, or by a
 * responder to which that issuer itself gave a certificate for it, with SHA-256 or better, and be
 * in date, give or take five minutes. One by which the responder says that it cannot answer now
 * counts as none. This library asks no responder by itself.
 *
 * Handshakes then fail with SALLY_CERTIFICATE_REVOKED, SALLY_OCSP_RESPONSE_INVALID or
 * SALLY_OCSP_RESPONSE_MISSING. What a server staples is sally_credential_set_ocsp_response.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_set_ocsp(sally_tls_config *config,
                                                                    int32_t mode,
                                                                    sally_error **error);

/*
 * sally_tls_config_insecure_log_keys appends the secrets of every session made with the config to
 * the file `path`, in the format that Wireshark and others read (NSS key log): whoever has the
 * file can read all that the sessions say, and speak for either side. For debugging only, and
 * never by itself: the environment variable SSLKEYLOGFILE means nothing to this library. The file
 * is opened here; where it is not there, it is made for its owner only (mode 0600).
 *
 * SALLY_ACCESS_DENIED: it may not be written, or others than its owner may use it.
 * SALLY_FILE_NOT_FOUND: its folder is not there. SALLY_FILE_UNREADABLE: it cannot be opened, or is
 * no regular file.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_insecure_log_keys(
    sally_tls_config *config, const char *path, sally_error **error);

/*
 * How the peer's certificate chain is judged. sdk/docs/verification.md tells the rules in full.
 */

/*
 * sally_tls_config_set_verification_time sets the time for which certificates and CRLs must be
 * valid, in seconds since 1970-01-01T00:00:00Z, instead of the clock: for tests, and for devices that
 * have no clock, which may take the time when their software was built. A certificate that has
 * expired since is then taken for good. 0 stands for the clock; a time that is negative or after the year 9999
 * is SALLY_INVALID_ARGUMENT. It takes the place of sally_tls_config_set_clock.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_set_verification_time(
    sally_tls_config *config, int64_t unix_seconds, sally_error **error);

/*
 * sally_tls_config_set_clock asks `now` for the time, in seconds since 1970-01-01T00:00:00Z, wherever
 * the system's clock would be asked whether something is valid: certificates, CRLs and OCSP responses,
 * verifications that are remembered, sessions when they are resumed, and this side's own credentials
 * and staples. For devices whose trusted time is not the system's, and for tests of what happens when
 * time passes. Time-outs, and how long TLS keeps a session, are not its business.
 *
 * It is called with `user`, on any thread, several at once, within handshakes: it must not block, nor
 * call this library. A time before 1970 counts as 1970, for which nothing is valid, one after the year
 * 9999 as its end. `free_user` (may be NULL) is called once, after the last use, also where this fails.
 * NULL for `now` stands for the system's clock. It takes the place of
 * sally_tls_config_set_verification_time.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_set_clock(sally_tls_config *config,
                                                                     int64_t (*now)(void *user),
                                                                     void *user,
                                                                     void (*free_user)(void *user),
                                                                     sally_error **error);

/*
 * sally_tls_config_set_max_depth sets how many CA certificates there may be between the peer's own
 * certificate and the trust anchor, neither counted: 0 to 100; 10 unless set. A longer chain is
 * SALLY_CERTIFICATE_PATH_TOO_LONG.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_set_max_depth(sally_tls_config *config,
                                                                         int32_t depth,
                                                                         sally_error **error);

/*
 * sally_tls_config_set_security_level sets how strong keys and digests must be, those of both
 * sides' certificates and of the key exchange: 2 (112 bits: RSA 2048; the default), 3 (128 bits:
 * RSA 3072, P-256) or 4 (192 bits: RSA 7680, P-384).
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_set_security_level(
    sally_tls_config *config, int32_t level, sally_error **error);

/*
 * sally_tls_config_insecure_set_security_level takes 0 (no demands; SHA-1 signatures) or 1 (80
 * bits: RSA 1024), for a peer that cannot be mended: its certificates can be forged.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_insecure_set_security_level(
    sally_tls_config *config, int32_t level, sally_error **error);

/* What is demanded of CRLs, beyond that a certificate which one of them revokes is refused. */
enum {
  SALLY_REVOCATION_SOFT = 1, /* nothing: a CRL may be missing or out of date (the default) */
  SALLY_REVOCATION_LEAF = 2, /* a current CRL for the peer's own certificate */
  SALLY_REVOCATION_CHAIN = 3 /* and for each CA certificate below the trust anchor */
};
/*
 * sally_tls_config_set_revocation takes a SALLY_REVOCATION_*. CRLs are those of the trust store;
 * one that is there is never passed over. What is demanded and is missing, out of date, or not
 * signed by the issuer is SALLY_CERTIFICATE_REVOCATION_UNKNOWN.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_set_revocation(sally_tls_config *config,
                                                                          int32_t mode,
                                                                          sally_error **error);

/*
 * sally_tls_config_allow_partial_chain lets a chain end in any certificate of the trust store.
 * Without it only a self-signed one is an anchor, and an intermediate CA or a peer's own
 * certificate that is in the trust store counts for nothing until its root is there too. For those
 * who trust an intermediate CA and not its root.
 */
SALLY_API SALLY_CHECK_RESULT sally_status
sally_tls_config_allow_partial_chain(sally_tls_config *config, sally_error **error);

/*
 * sally_tls_config_insecure_ignore lets one kind of fault pass, wherever in the chain it is:
 * SALLY_CERTIFICATE_EXPIRED, SALLY_CERTIFICATE_NOT_YET_VALID, SALLY_CERTIFICATE_NAME_MISMATCH or
 * SALLY_CERTIFICATE_REVOCATION_UNKNOWN. May be called for several. Every other status is
 * SALLY_INVALID_ARGUMENT: whoever trusts an unknown CA trusts anybody, and has
 * sally_tls_config_insecure_skip_verification for that. What was ignored is in the stream
 * information.
 */
SALLY_API SALLY_CHECK_RESULT sally_status
sally_tls_config_insecure_ignore(sally_tls_config *config, sally_status status,
                                 sally_error **error);

/*
 * sally_tls_config_allow_peer adds a name that lets a peer in whose chain is good: each is an
 * alternative to the others, and with the first one a peer that bears none of them is refused,
 * SALLY_PEER_NOT_ALLOWED. Only subject alternative names count. On a client the server's name must
 * match besides. On a server that asks for no client certificates it is SALLY_INVALID_STATE when
 * the config is used; one that only requests them lets in a client that shows none.
 *
 * `kind` is a SALLY_NAME_*, and `pattern`:
 * SALLY_NAME_DNS: a name, matched as a server's is (RFC 9525: a wildcard in the certificate stands
 * for one label), or "*." and a name of two labels at least, for each name with one label more.
 * SALLY_NAME_IP: an address.
 * SALLY_NAME_EMAIL: an address; its host may be in either case.
 * SALLY_NAME_URI: a URI, compared byte for byte, or one that ends in a slash and "*", for each that
 * has a path below it: "spiffe://example.org/payments/" and "*". There, a path with an empty, "."
 * or ".." segment, a query, or an encoded byte does not match. For a SPIFFE ID the certificate must
 * hold exactly one URI. What is none of these is SALLY_INVALID_ARGUMENT.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_allow_peer(sally_tls_config *config,
                                                                      int32_t kind,
                                                                      const char *pattern,
                                                                      sally_error **error);

/* Flags of a pin. */
enum {
  SALLY_PIN_REPORT_ONLY = 1, /* a mismatch is a finding of the stream information, and no refusal */
  SALLY_PIN_ISSUER = 2       /* the peer's own key does not count, only those of its CAs */
};
/*
 * sally_tls_config_add_pin adds a public key, one of which the verified chain must hold besides all
 * else, or the peer is refused, SALLY_PEER_PIN_MISMATCH. `pin` is the SHA-256 of a
 * subjectPublicKeyInfo, as "sha256/BASE64" (sally_certificate_spki_pin) or in hexadecimal. Pins
 * with the same flags are alternatives; each such group that there is must be met.
 *
 * Add at least one backup, the pin of a key that is not in use yet: with a single one, the day on
 * which the peer must change its key locks everybody out. Try it first with SALLY_PIN_REPORT_ONLY.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_add_pin(sally_tls_config *config,
                                                                   const char *pin, uint32_t flags,
                                                                   sally_error **error);

/* What becomes of established connections when the trust store has a new generation. */
enum {
  SALLY_TRUST_CHANGE_KEEP = 1,  /* the default: nothing; handshakes see it, connections do not */
  SALLY_TRUST_CHANGE_DRAIN = 2, /* those whose peer is no longer trusted come to an orderly end */
  SALLY_TRUST_CHANGE_DROP = 3   /* those whose peer is no longer trusted end at once */
};
/*
 * sally_tls_config_set_trust_change takes a SALLY_TRUST_CHANGE_*. With DRAIN or DROP the chain that
 * the peer of each connection has shown is judged again, as in a handshake of now and by the newest
 * generation of the trust store, whenever that has a new one: CA certificates or CRLs that were
 * reloaded, replaced, watched or added. A peer that is still good notices nothing, and so do one
 * that has shown no certificate and one that was let in without or against the verdict. Everything
 * counts that would in a handshake: a certificate that has expired meanwhile is refused too. It is
 * done on the event loop of each stream, a few in a turn: between the change and the last end there
 * is a moment, a fraction of a millisecond for each stream. The system's roots, where
 * sally_tls_config_set_trust was not called, do not change.
 *
 * What the judgement was is the status that the stream then tells: SALLY_CERTIFICATE_REVOKED,
 * SALLY_CERTIFICATE_UNKNOWN_CA, and so on, in an error of phase "review" that names the generation.
 * A peer that is refused stays so, whatever later generations say.
 *
 * DROP: the connection is reset. Nothing more is sent, not what was written before either, and
 * nothing more is read. What is pending, and all that is asked of the stream later, fails with that
 * status; the stream is still to be closed. It no longer counts among its listener's connections.
 *
 * DRAIN: writes that have begun are finished, and what was written before is sent; then
 * close_notify goes out, as with sally_stream_shutdown. Writes that begin later fail with that
 * status. Reading goes on until the peer closes, or for `drain_ms` at most, counted from the
 * judgement (0: 30 s; SALLY_TIMEOUT_NEVER: no limit); then it is as with DROP. `drain_ms` is 0 in
 * the other modes.
 *
 * The mode of a host (sally_tls_config_add_host), or of a config that a decision chose, counts for
 * the clients that it serves.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_set_trust_change(
    sally_tls_config *config, int32_t mode, int64_t drain_ms, sally_error **error);

/*
 * sally_tls_config_set_verification_cache sets how many good chains are remembered, 1024 unless
 * set, 0 for none, 1000000 at most. A peer that shows the same certificates again is then spared
 * their signatures' checking; it must still prove that the key is its own. Only what passed is
 * remembered, and not beyond the end of any certificate of the chain, or the date of any CRL;
 * nothing of a peer that sends more than 32 KiB of certificates.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_set_verification_cache(
    sally_tls_config *config, size_t entries, sally_error **error);

/*
 * sally_tls_config_verification_cache_hits counts how often a chain was known; 0 for NULL and in a
 * forked child.
 */
SALLY_API uint64_t sally_tls_config_verification_cache_hits(const sally_tls_config *config);

/*
 * sally_tls_config_to_json tells what is really in force, read back from the TLS library: versions,
 * cipher suites, groups, signature schemes, options, verification. Freezes the config.
 *
 * Fails as making a stream with it would: SALLY_INVALID_STATE where the config is not complete.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_to_json(sally_tls_config *config,
                                                                   sally_bytes **json,
                                                                   sally_error **error);

/* sally_tls_config_retain adds a reference and returns its argument. */
SALLY_API sally_tls_config *sally_tls_config_retain(sally_tls_config *config);
SALLY_API void sally_tls_config_release(sally_tls_config *config);

SALLY_END_DECLS

#endif /* SALLYPORT_TLS_CONFIG_H */
