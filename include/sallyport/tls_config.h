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
 * sally_tls_config_set_questions sets what the program decides itself within handshakes: an or of
 * SALLY_QUESTION_* (decision.h); 0, the default: nothing. Streams and listeners of such a config must
 * be told where the questions go. The question about the peer together with
 * sally_tls_config_insecure_skip_verification leaves the trust in it to the program alone.
 *
 * Handshakes of such a config run on event loops only, whatever the form of the call. A server's
 * handshake that waits for the answer about its peer can go on only on the thread that began it: a
 * runtime that the caller runs must then be run by one thread, or those handshakes end at their
 * deadline.
 *
 * SALLY_INVALID_STATE: a question of the other role; later, when the config is used: a server's
 * question about peers whose certificates it does not ask for.
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
