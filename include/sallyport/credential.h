/* credential.h: who this side is. A certificate chain and its private key. */
#ifndef SALLYPORT_CREDENTIAL_H
#define SALLYPORT_CREDENTIAL_H

#include <sallyport/certificate.h>
#include <sallyport/error.h>
#include <sallyport/queue.h>

SALLY_BEGIN_DECLS

/*
 * A source: it is reloaded or replaced while it is in use, generation by generation, and each
 * handshake takes the one that is there when it begins. Configs refer to it.
 */
typedef struct sally_credential sally_credential;

/*
 * sally_credential_load reads a chain (own certificate and its issuers; the root may be left out) and
 * a private key. A URI is "file:PATH", or just PATH, or names objects in a token (below). `key_uri`
 * may be NULL: the key is then in the same file as the chain. `passphrase` may be NULL; it is never
 * asked for on a terminal, and it and the key are wiped from memory once they are no longer needed:
 * a credential that can be reloaded needs its passphrase until its last release.
 *
 * The format is told from what is in the file:
 * - PEM: certificates; a key as PKCS#8, encrypted or not, PKCS#1 or SEC 1;
 * - DER: certificates, one after the other; a key as PKCS#8, encrypted or not, PKCS#1 or SEC 1;
 * - PKCS#12 (.p12, .pfx): chain and key. Without a passphrase the empty one is tried.
 *
 * The certificate that the key belongs to is this side's own, wherever it stands, and the chain is
 * sent in order: each certificate's issuer after it. What has no part in the chain is sent last, what
 * is there twice is sent once. Neither that nor anything else that only peers can judge is refused;
 * sally_credential_copy_warnings tells it.
 *
 * SALLY_FILE_NOT_FOUND, SALLY_ACCESS_DENIED, SALLY_FILE_UNREADABLE: of the file that
 * SALLY_ERROR_FIELD_SOURCE names.
 * SALLY_CREDENTIAL_BAD_FORMAT: what is there does not decode.
 * SALLY_CREDENTIAL_NO_CERTIFICATE, SALLY_CREDENTIAL_NO_KEY: there is none.
 * SALLY_CREDENTIAL_PASSPHRASE_NEEDED, SALLY_CREDENTIAL_WRONG_PASSPHRASE: it is encrypted.
 * SALLY_CREDENTIAL_LEGACY_CIPHER: with a cipher that the TLS library no longer opens, whatever the
 * passphrase: RC2 in old PKCS#12 files, single DES in old keys. Triple DES is still opened.
 * SALLY_CREDENTIAL_KEY_MISMATCH: the key is not that of any of the certificates.
 * SALLY_CREDENTIAL_WEAK_KEY, SALLY_CREDENTIAL_WEAK_SIGNATURE: of any certificate, less than 112 bits
 * of security (RSA below 2048 bits, SHA-1, for example).
 * SALLY_CREDENTIAL_UNSUPPORTED_KEY: a key type that TLS 1.2 and 1.3 cannot sign with, or an
 * encryption that is not known.
 * SALLY_NOT_SUPPORTED: a URI scheme that this library does not know.
 *
 * A key in a PKCS#11 token (HSM, smart card) is a "pkcs11:" URI (RFC 7512), and stays there: the token
 * signs, on a thread of the library, while the handshake waits on its event loop, no longer than
 * sally_tls_config_set_decision_timeout. Keys are RSA, with PSS padding too, or ECDSA. The chain may
 * come from a file, or from the token: then `chain_uri` is a pkcs11: URI too, all certificates that it
 * describes are the chain, and with NULL for `key_uri` the private key is the one that it describes.
 * Tokens are reached through p11-kit and the modules that it is configured with, or the one that
 * module-path names. The PIN is `passphrase`, else what pin-value says, or pin-source, a file; a token
 * with a keypad of its own asks there. No error shows more of the URI than what stands before the "?".
 * That the key is the certificate's is found out by one signature when it is loaded.
 *
 * SALLY_NOT_SUPPORTED: this build, or this machine, has no p11-kit.
 * SALLY_TOKEN_MODULE_UNAVAILABLE, SALLY_TOKEN_NOT_FOUND: no such module, no such token.
 * SALLY_CREDENTIAL_PASSPHRASE_NEEDED, SALLY_CREDENTIAL_WRONG_PASSPHRASE, SALLY_TOKEN_PIN_LOCKED: of
 * the PIN.
 * SALLY_TOKEN_FAILED: anything else that the token says; later too, of a handshake.
 * SALLY_INVALID_ARGUMENT: no such URI; one that describes several tokens, or several keys.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_credential_load(const char *chain_uri,
                                                                const char *key_uri,
                                                                const char *passphrase,
                                                                sally_credential **credential,
                                                                sally_error **error);

/*
 * sally_credential_from_memory does the same from bytes in memory, in the same formats; the caller's
 * are not kept. `key` may be NULL with `key_size` 0: the key is then in the chain's bytes.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_credential_from_memory(
    const void *chain, size_t chain_size, const void *key, size_t key_size, const char *passphrase,
    sally_credential **credential, sally_error **error);

/*
 * sally_credential_from_certificates and sally_credential_load_certificates make a credential of a
 * certificate chain alone, in PEM or DER, its own certificate first: the program has the key, in a
 * vault or a cloud's key service for example, and is asked for each signature
 * (SALLY_QUESTION_SIGNATURE of decision.h). The formats, the checks and the statuses are those of
 * sally_credential_load; a private key that is there too is not looked at.
 *
 * A config with such a credential that does not ask that question is SALLY_INVALID_STATE when it is
 * first used. SALLY_CREDENTIAL_UNSUPPORTED_KEY: the key is not RSA (rsaEncryption), ECDSA or Ed25519.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_credential_from_certificates(
    const void *chain, size_t chain_size, sally_credential **credential, sally_error **error);
SALLY_API SALLY_CHECK_RESULT sally_status sally_credential_load_certificates(
    const char *chain_uri, sally_credential **credential, sally_error **error);

/*
 * Warnings say in one line each, in English, what peers may refuse the credential for, as it was when
 * it was loaded: a certificate that has expired or is not valid yet; an issuer that is missing from
 * the chain; a chain that was in another order, or has certificates that do not belong to it; an own
 * certificate whose key usage does not allow signatures. None of them keeps it from being used.
 *
 * sally_credential_copy_warnings gives them all, each with a line feed behind it; no bytes where
 * there are none.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_credential_copy_warnings(
    const sally_credential *credential, sally_bytes **text, sally_error **error);

/* sally_credential_copy_certificate gives a new reference to its own certificate. */
SALLY_API SALLY_CHECK_RESULT sally_status sally_credential_copy_certificate(
    const sally_credential *credential, sally_certificate **certificate, sally_error **error);

/*
 * sally_credential_reload reads its files, or its token, again. Whole or not at all: where the new
 * ones fail, with a status of sally_credential_load, the old generation stays in force. Handshakes that begin
 * afterwards use the new one; connections that there are go on with what they had. From any thread.
 *
 * SALLY_INVALID_STATE: it was loaded from memory; use replace.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_credential_reload(sally_credential *credential,
                                                              sally_error **error);

/*
 * sally_credential_replace makes what `by` holds now the next generation. `by` stays as it is.
 * Where `by` was loaded from, a later reload reads; a watch of `credential` goes on with the files
 * of `by`, and ends where it has none.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_credential_replace(sally_credential *credential,
                                                               const sally_credential *by,
                                                               sally_error **error);

/*
 * sally_credential_watch reloads it from now on, until its last release, whenever its files change:
 * written, renamed over, or reached through a symbolic link that was swapped, as Kubernetes does
 * with mounted secrets. On a thread of the library. What cannot be loaded, torn or mismatched files
 * for example, is tried again; until then the old generation stays in force and
 * sally_credential_reload_status says why.
 *
 * SALLY_INVALID_STATE: it was loaded from memory.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_credential_watch(sally_credential *credential,
                                                             sally_error **error);

/*
 * sally_credential_reload_status is how the last reload ended, by call or by watching: SALLY_OK,
 * also where there was none, or what it failed with.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_credential_reload_status(
    const sally_credential *credential, sally_error **error);

/*
 * sally_credential_generation is 1 when it was loaded and grows by one with each reload that
 * succeeds and each replace; 0 for a NULL handle.
 */
SALLY_API uint64_t sally_credential_generation(const sally_credential *credential);

/*
 * sally_credential_wait_change waits until its generation is beyond `generation`, and stores the
 * one that it then is at in `*now` (default: for ever). It fails with what a reload fails with
 * meanwhile, by call or by watching; a failure of before is not told: ask
 * sally_credential_reload_status when the wait has begun, and none is missed. Any number of
 * threads may wait.
 *
 * SALLY_TIMED_OUT, SALLY_WOULD_BLOCK: neither came. And the statuses of sally_credential_reload.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_credential_wait_change(
    sally_credential *credential, uint64_t generation, uint64_t *now, int64_t timeout_ms,
    sally_error **error);
/*
 * The same, as an event of kind SALLY_EVENT_DONE whose size is the generation. A function is called
 * on a loop of the default runtime.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_credential_wait_change_async(
    sally_credential *credential, uint64_t generation, int64_t timeout_ms,
    const sally_completion *completion, sally_operation **operation, sally_error **error);

/*
 * sally_credential_not_after is when the first certificate of its chain expires, in seconds since
 * 1970-01-01T00:00:00Z; 0 for a NULL handle.
 */
SALLY_API int64_t sally_credential_not_after(const sally_credential *credential);

/*
 * sally_credential_set_ocsp_response sets the OCSP response (DER, copied) that a server staples to
 * its certificate for clients that ask (RFC 6066 section 8), instead of the one before; `size` 0
 * takes it away. Responses last for days: it may be set at any time, by any thread, also while
 * configs with the credential are in use. One that is out of date is no longer shown. It belongs to
 * the present generation: after a reload, a replace, or a change that was watched for, it is to be set
 * again (sally_credential_wait_change tells when).
 *
 * SALLY_OCSP_RESPONSE_INVALID: not an answer that clients would accept. It has to be about this
 * certificate, say that it is good, be in date, and be signed by its issuer or for it; the
 * signature is looked at where the chain holds the issuer.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_credential_set_ocsp_response(
    sally_credential *credential, const void *response, size_t size, sally_error **error);

/* sally_credential_retain adds a reference and returns its argument. */
SALLY_API sally_credential *sally_credential_retain(sally_credential *credential);
SALLY_API void sally_credential_release(sally_credential *credential);

SALLY_END_DECLS

#endif /* SALLYPORT_CREDENTIAL_H */
