/* certificate.h: what an X.509 certificate says. */
#ifndef SALLYPORT_CERTIFICATE_H
#define SALLYPORT_CERTIFICATE_H

#include <sallyport/bytes.h>
#include <sallyport/error.h>

SALLY_BEGIN_DECLS

/* Immutable and reference-counted; any number of threads may read it. */
typedef struct sally_certificate sally_certificate;

/* Kinds of subject alternative name, RFC 5280 section 4.2.1.6. */
enum {
  SALLY_NAME_DNS = 1,
  SALLY_NAME_IP = 2, /* as text: "192.0.2.1", "2001:db8::1" */
  SALLY_NAME_EMAIL = 3,
  SALLY_NAME_URI = 4,
  SALLY_NAME_OTHER = 5 /* a kind that is not decoded; its text is "" */
};

/* The distinguished names, RFC 2253 form, UTF-8; "" for an empty one and for a NULL handle. */
SALLY_API const char *sally_certificate_subject(const sally_certificate *certificate);
SALLY_API const char *sally_certificate_issuer(const sally_certificate *certificate);

/* sally_certificate_serial is the serial number in lower-case hexadecimal; "" for a NULL handle. */
SALLY_API const char *sally_certificate_serial(const sally_certificate *certificate);

/* Validity, in seconds since 1970-01-01T00:00:00Z, both ends inclusive; 0 for a NULL handle. */
SALLY_API int64_t sally_certificate_not_before(const sally_certificate *certificate);
SALLY_API int64_t sally_certificate_not_after(const sally_certificate *certificate);

/*
 * sally_certificate_key is the kind and size of its public key: "EC P-256", "RSA 2048", "ED25519";
 * "" for a NULL handle.
 */
SALLY_API const char *sally_certificate_key(const sally_certificate *certificate);

/*
 * sally_certificate_fingerprint is the SHA-256 of its DER in lower-case hexadecimal; "" for a NULL
 * handle.
 */
SALLY_API const char *sally_certificate_fingerprint(const sally_certificate *certificate);

/* sally_certificate_san_count counts its subject alternative names; 0 for a NULL handle. */
SALLY_API size_t sally_certificate_san_count(const sally_certificate *certificate);

/* sally_certificate_san_kind is a SALLY_NAME_*; 0 where `index` is not below the count. */
SALLY_API int32_t sally_certificate_san_kind(const sally_certificate *certificate, size_t index);

/*
 * sally_certificate_san_text is the name as UTF-8, control bytes escaped as \xNN; NULL where
 * `index` is not below the count.
 */
SALLY_API const char *sally_certificate_san_text(const sally_certificate *certificate,
                                                 size_t index);

/* The certificate itself, encoded. */
SALLY_API SALLY_CHECK_RESULT sally_status sally_certificate_copy_der(
    const sally_certificate *certificate, sally_bytes **der, sally_error **error);
SALLY_API SALLY_CHECK_RESULT sally_status sally_certificate_copy_pem(
    const sally_certificate *certificate, sally_bytes **pem, sally_error **error);

/* sally_certificate_retain adds a reference and returns its argument. */
SALLY_API sally_certificate *sally_certificate_retain(sally_certificate *certificate);
SALLY_API void sally_certificate_release(sally_certificate *certificate);

SALLY_END_DECLS

#endif /* SALLYPORT_CERTIFICATE_H */
