/* credential.h: who this side is. A certificate chain and its private key. */
#ifndef SALLYPORT_CREDENTIAL_H
#define SALLYPORT_CREDENTIAL_H

#include <sallyport/certificate.h>
#include <sallyport/error.h>

SALLY_BEGIN_DECLS

typedef struct sally_credential sally_credential;

/*
 * sally_credential_load reads a chain (own certificate first, then its issuers; the root may be
 * left out) and a private key, both PEM. A URI is "file:PATH", or just PATH. `key_uri` may be NULL:
 * the key is then in the same file as the chain. `passphrase` may be NULL; it is never asked for on
 * a terminal.
 *
 * SALLY_FILE_NOT_FOUND, SALLY_ACCESS_DENIED, SALLY_FILE_UNREADABLE: of the file that
 * SALLY_ERROR_FIELD_SOURCE names.
 * SALLY_CREDENTIAL_BAD_FORMAT: there is PEM, but it does not decode.
 * SALLY_CREDENTIAL_NO_CERTIFICATE, SALLY_CREDENTIAL_NO_KEY: the PEM holds none.
 * SALLY_CREDENTIAL_PASSPHRASE_NEEDED, SALLY_CREDENTIAL_WRONG_PASSPHRASE: the key is encrypted.
 * SALLY_CREDENTIAL_KEY_MISMATCH: the key is not the one of the first certificate.
 * SALLY_CREDENTIAL_WEAK_KEY: less than 112 bits of security (RSA below 2048 bits, for example).
 * SALLY_CREDENTIAL_UNSUPPORTED_KEY: a key type that TLS 1.2 and 1.3 cannot sign with.
 * SALLY_NOT_SUPPORTED: a URI scheme that this library does not know.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_credential_load(const char *chain_uri,
                                                                const char *key_uri,
                                                                const char *passphrase,
                                                                sally_credential **credential,
                                                                sally_error **error);

/*
 * sally_credential_from_memory does the same from PEM in memory, which is not kept. `key` may be
 * NULL with `key_size` 0: the key is then in the chain's bytes.
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_credential_from_memory(
    const void *chain, size_t chain_size, const void *key, size_t key_size, const char *passphrase,
    sally_credential **credential, sally_error **error);

/* sally_credential_copy_certificate gives a new reference to its own (first) certificate. */
SALLY_API SALLY_CHECK_RESULT sally_status sally_credential_copy_certificate(
    const sally_credential *credential, sally_certificate **certificate, sally_error **error);

/*
 * sally_credential_set_ocsp_response sets the OCSP response (DER, copied) that a server staples to
 * its certificate for clients that ask (RFC 6066 section 8), instead of the one before; `size` 0
 * takes it away. Responses last for days: it may be set at any time, by any thread, also while
 * configs with the credential are in use. One that is out of date is no longer shown.
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
