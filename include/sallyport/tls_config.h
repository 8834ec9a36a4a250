/*
 * tls_config.h: how this side does TLS. Built once, frozen by first use, shared by any number of
 * streams and threads.
 */
#ifndef SALLYPORT_TLS_CONFIG_H
#define SALLYPORT_TLS_CONFIG_H

#include <sallyport/bytes.h>
#include <sallyport/credential.h>
#include <sallyport/error.h>
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

enum { SALLY_TLS_1_2 = 0x0303, SALLY_TLS_1_3 = 0x0304 };

/* sally_tls_config_create makes a config with the defaults of above. `role` is a SALLY_ROLE_*. */
SALLY_API SALLY_CHECK_RESULT sally_status sally_tls_config_create(int32_t role,
                                                                  sally_tls_config **config,
                                                                  sally_error **error);

/*
 * sally_tls_config_add_credential adds what this side shows. A server needs at least one; a client
 * needs one where the server demands a certificate. One for each key type (RSA, ECDSA, Ed25519,
 * Ed448): a second one of a type is SALLY_INVALID_STATE. The config keeps a reference.
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

/*
 * sally_tls_config_insecure_skip_verification accepts any certificate of the peer, or none in its
 * stead: whoever sits on the path can be the peer. For experiments only. A server that requires a
 * certificate still requires that there is one.
 */
SALLY_API SALLY_CHECK_RESULT sally_status
sally_tls_config_insecure_skip_verification(sally_tls_config *config, sally_error **error);

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
