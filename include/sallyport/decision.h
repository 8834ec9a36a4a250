/* decision.h: what a program decides itself within a handshake, which waits for the answer. */
#ifndef SALLYPORT_DECISION_H
#define SALLYPORT_DECISION_H

#include <sallyport/certificate.h>
#include <sallyport/credential.h>
#include <sallyport/error.h>
#include <sallyport/tls_config.h>

SALLY_BEGIN_DECLS

/*
 * A handshake that waits for an answer. sally_tls_config_set_questions says what is asked, and
 * `decisions` in the options of a stream or a listener where it is asked: each question comes there
 * as an event of kind SALLY_EVENT_DECISION, whose object is the decision, owned by the taker.
 *
 * It is answered once, at once or later, from any thread; no event loop waits for it, and other
 * connections go on meanwhile. What nobody answers is denied: when its last reference is released,
 * when its time is over (sally_tls_config_set_decision_timeout, and the deadline of the whole
 * handshake), and when its stream or listener is cancelled, closed or released. While it waits, no
 * application data and no session ticket goes to the peer.
 *
 * Which stream it is about the tag says, or the `user`, of the completion in that stream's options.
 * A client of a listener is no stream before its handshake is over; it has its address. When no
 * further question will come there, `free_user` says so, and a queue by SALLY_COMPLETION_TELL_END.
 *
 * Answering fails with SALLY_INVALID_STATE where it was answered before, or where it is no answer to
 * the question, and with SALLY_CLOSED where the handshake is over. A question is plain data, which
 * stays as it is after the answer.
 */
typedef struct sally_decision sally_decision;

/* The questions; each is a bit of sally_tls_config_set_questions. */
enum {
  /* A client: the server asks for a certificate. Which credential, if any, is to be shown? */
  SALLY_QUESTION_CREDENTIAL = 1,
  /*
   * The peer has shown a certificate. Is it to be trusted? Asked after the built-in verification,
   * whatever that has found. A client that shows none leads to no question.
   */
  SALLY_QUESTION_PEER = 2,
  /* A server: a client has said hello. Is it to be served, and by which config? */
  SALLY_QUESTION_CLIENT_HELLO = 4,
  /*
   * A handshake needs a signature by the key of a credential that sally_credential_from_certificates
   * or sally_credential_load_certificates made: clients sign where they show a certificate, servers
   * in every full handshake. Only sally_decision_signature answers it, or a denial.
   */
  SALLY_QUESTION_SIGNATURE = 8
};

/* sally_decision_question is the SALLY_QUESTION_* that is asked; 0 for a NULL handle. */
SALLY_API int32_t sally_decision_question(const sally_decision *decision);

/*
 * sally_decision_server_name is the name that a client has asked for (SNI, RFC 6066 section 3) in a
 * question about its hello, and the name that this side verifies in a client's questions; "" without
 * one. What is not UTF-8 is escaped as \xNN.
 */
SALLY_API const char *sally_decision_server_name(const sally_decision *decision);

/* sally_decision_peer_address is "192.0.2.1:4433" or "[2001:db8::1]:4433". */
SALLY_API const char *sally_decision_peer_address(const sally_decision *decision);

/*
 * sally_decision_acceptable_ca_count counts the CAs from which the server accepts certificates, as
 * it says in its request; 0: it does not say. Each is a distinguished name in the form of RFC 2253;
 * NULL where `index` is not below the count.
 */
SALLY_API size_t sally_decision_acceptable_ca_count(const sally_decision *decision);
SALLY_API const char *sally_decision_acceptable_ca(const sally_decision *decision, size_t index);

/*
 * sally_decision_acceptable_scheme_count counts the signature schemes that the peer accepts of this
 * side's certificate, as a server says in its request for a certificate, and a client in its hello;
 * most wanted first. Each is a name of RFC 8446 section 4.2.3, "ed25519", or "0x1234" where that has
 * none; NULL where `index` is not below the count.
 */
SALLY_API size_t sally_decision_acceptable_scheme_count(const sally_decision *decision);
SALLY_API const char *sally_decision_acceptable_scheme(const sally_decision *decision,
                                                       size_t index);

/*
 * sally_decision_alpn_count counts the application protocols (RFC 7301) that a client offers in its
 * hello, most wanted first; NULL where `index` is not below the count. Bytes that are not UTF-8 are
 * escaped as \xNN.
 */
SALLY_API size_t sally_decision_alpn_count(const sally_decision *decision);
SALLY_API const char *sally_decision_alpn(const sally_decision *decision, size_t index);

/*
 * sally_decision_peer_certificate_count counts the certificates that the peer sent, its own first;
 * sally_decision_peer_certificate borrows one, which lives as long as the decision, or longer with a
 * reference of its own. NULL where `index` is not below the count.
 */
SALLY_API size_t sally_decision_peer_certificate_count(const sally_decision *decision);
SALLY_API sally_certificate *sally_decision_peer_certificate(const sally_decision *decision,
                                                             size_t index);

/*
 * sally_decision_verdict is what the built-in verification of the peer's certificate has come to:
 * SALLY_OK, or why it failed. With sally_tls_config_insecure_skip_verification, and for other
 * questions, it is SALLY_OK; for a NULL handle SALLY_INVALID_ARGUMENT. sally_decision_verdict_error
 * borrows the whole error; NULL on SALLY_OK.
 */
SALLY_API sally_status sally_decision_verdict(const sally_decision *decision);
SALLY_API const sally_error *sally_decision_verdict_error(const sally_decision *decision);

/*
 * sally_decision_signed_content is what is to be signed, sally_decision_signed_content_size bytes that
 * live as long as the decision: all of it, which the scheme digests as part of signing. NULL and 0 for
 * other questions and a NULL handle. It is the transcript of this one handshake (RFC 8446 section
 * 4.4.3; RFC 5246 sections 7.4.3 and 7.4.8).
 */
SALLY_API const void *sally_decision_signed_content(const sally_decision *decision);
SALLY_API size_t sally_decision_signed_content_size(const sally_decision *decision);

/*
 * sally_decision_signature_scheme is how it is to be signed, a number of RFC 8446 section 4.2.3, and
 * sally_decision_signature_scheme_name its name there; 0 and "" for other questions. The schemes:
 * - 0x0403, 0x0503, 0x0603: ecdsa_secp256r1_sha256, ecdsa_secp384r1_sha384, ecdsa_secp521r1_sha512,
 *   with the signature in DER. In TLS 1.2 they name the digest only, the curve is the key's;
 * - 0x0804, 0x0805, 0x0806: rsa_pss_rsae_sha256, _sha384, _sha512, with MGF1 by the same digest and a
 *   salt as long as that;
 * - 0x0401, 0x0501, 0x0601: rsa_pkcs1_sha256, _sha384, _sha512, in TLS 1.2 only;
 * - 0x0807: ed25519.
 */
SALLY_API int32_t sally_decision_signature_scheme(const sally_decision *decision);
SALLY_API const char *sally_decision_signature_scheme_name(const sally_decision *decision);

/*
 * sally_decision_signing_certificate borrows the certificate whose key is to sign, for as long as the
 * decision lives; NULL for other questions.
 */
SALLY_API sally_certificate *sally_decision_signing_certificate(const sally_decision *decision);

/*
 * sally_decision_accept lets the handshake go on as it would have without the question: the config's
 * own credential is shown, the peer is trusted, the client is served by the config.
 *
 * SALLY_INVALID_STATE also where the built-in verification of the peer has failed, which can be denied
 * still, and where the question is for a signature.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_decision_accept(sally_decision *decision,
                                                                sally_error **error);

/*
 * sally_decision_insecure_accept trusts the peer whatever the built-in verification has found: the
 * program alone answers for it. SALLY_INVALID_STATE: the question is not about a peer.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_decision_insecure_accept(sally_decision *decision,
                                                                         sally_error **error);

/*
 * sally_decision_deny ends the handshake. This side sees SALLY_DECISION_DENIED, with `why` as its
 * cause; with SALLY_OK for `why`, where the built-in verification has failed, that failure.
 *
 * The peer sees an alert (RFC 8446 section 6.2): the one for `why`, where that is a
 * SALLY_CERTIFICATE_*: certificate_expired, certificate_revoked, unknown_ca, unsupported_certificate,
 * certificate_unknown (SALLY_CERTIFICATE_REVOCATION_UNKNOWN), bad_certificate for all others; a
 * SALLY_ALERT_* in answer to a client's hello; and handshake_failure otherwise. To a request for a
 * certificate or a signature it is internal_error in any case, which the TLS library does not let us
 * choose.
 *
 * SALLY_INVALID_ARGUMENT: `why` is not a status.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_decision_deny(sally_decision *decision,
                                                              sally_status why,
                                                              sally_error **error);

/*
 * sally_decision_use_credential shows this credential to the server that asked for a certificate;
 * NULL: none.
 *
 * SALLY_INVALID_STATE also for a credential whose key the program has, where the config does not ask
 * SALLY_QUESTION_SIGNATURE.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_decision_use_credential(
    sally_decision *decision, sally_credential *credential, sally_error **error);

/*
 * sally_decision_use_config serves the client with another config for servers, as if the listener,
 * or the upgrade, had been given that one: credentials, trust, client certificates, versions, ALPN,
 * and its question about the peer. It is not asked about the hello again. The config is frozen.
 *
 * SALLY_INVALID_ARGUMENT: a config for clients. SALLY_INVALID_STATE also where the config cannot be
 * used as it is; the decision can then still be answered.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_decision_use_config(sally_decision *decision,
                                                                    sally_tls_config *config,
                                                                    sally_error **error);

/*
 * sally_decision_signature answers with the signature (copied), in the form in which TLS sends it. It
 * is verified with the certificate's public key before anything is sent: one that does not verify ends
 * the handshake with SALLY_SIGNATURE_INVALID on this side, and the peer sees internal_error.
 *
 * SALLY_INVALID_ARGUMENT: no bytes, or more than 65535. SALLY_INVALID_STATE also where the question is
 * not for a signature.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_decision_signature(sally_decision *decision,
                                                                   const void *signature,
                                                                   size_t size,
                                                                   sally_error **error);

/* sally_decision_retain adds a reference and returns its argument. */
SALLY_API sally_decision *sally_decision_retain(sally_decision *decision);

/* The last release denies what was not answered. */
SALLY_API void sally_decision_release(sally_decision *decision);

SALLY_END_DECLS

#endif /* SALLYPORT_DECISION_H */
