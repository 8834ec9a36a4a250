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

/* The distinguished names, RFC 2253 form, UTF-8, controls as \xNN; "" for an empty one and NULL. */
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

/*
 * sally_certificate_is_ca is 1 where its basicConstraints say that it may issue others, 0
 * otherwise.
 */
SALLY_API int32_t sally_certificate_is_ca(const sally_certificate *certificate);

/* Bits of its key usage, RFC 5280 section 4.2.1.3. */
enum {
  SALLY_KEY_USAGE_DIGITAL_SIGNATURE = 0x0080,
  SALLY_KEY_USAGE_NON_REPUDIATION = 0x0040,
  SALLY_KEY_USAGE_KEY_ENCIPHERMENT = 0x0020,
  SALLY_KEY_USAGE_DATA_ENCIPHERMENT = 0x0010,
  SALLY_KEY_USAGE_KEY_AGREEMENT = 0x0008,
  SALLY_KEY_USAGE_CERT_SIGN = 0x0004,
  SALLY_KEY_USAGE_CRL_SIGN = 0x0002,
  SALLY_KEY_USAGE_ENCIPHER_ONLY = 0x0001,
  SALLY_KEY_USAGE_DECIPHER_ONLY = 0x8000
};
/* sally_certificate_key_usage is 0 where there is no such extension: then any use is allowed. */
SALLY_API uint32_t sally_certificate_key_usage(const sally_certificate *certificate);

/*
 * sally_certificate_extended_usage_count counts its extended key usages, RFC 5280 section
 * 4.2.1.12; 0 where there is no such extension: then any is allowed.
 */
SALLY_API size_t sally_certificate_extended_usage_count(const sally_certificate *certificate);

/*
 * sally_certificate_extended_usage is one of them as an OID, "1.3.6.1.5.5.7.3.1", and
 * sally_certificate_extended_usage_name its short name, "serverAuth", or the OID where it has none;
 * NULL where `index` is not below the count.
 */
SALLY_API const char *sally_certificate_extended_usage(const sally_certificate *certificate,
                                                       size_t index);
SALLY_API const char *sally_certificate_extended_usage_name(const sally_certificate *certificate,
                                                            size_t index);

/*
 * sally_certificate_spki_pin is the SHA-256 of its public key (subjectPublicKeyInfo, RFC 7469
 * section 2.4) as "sha256/BASE64", the form that sally_tls_config_add_pin takes; "" for a NULL
 * handle.
 */
SALLY_API const char *sally_certificate_spki_pin(const sally_certificate *certificate);

/*
 * sally_certificate_signature_algorithm is what it is signed with: "ecdsa-with-SHA256"; "" for a
 * NULL handle.
 */
SALLY_API const char *sally_certificate_signature_algorithm(const sally_certificate *certificate);

/*
 * sally_certificate_copy_json is all of the above as one JSON object: "subject", "issuer",
 * "serial", "not_before" and "not_after" (RFC 3339), "key", "signature_algorithm", "fingerprint",
 * "spki_pin", "is_ca", "path_length" where there is a limit, "key_usage" and "extended_key_usage"
 * by RFC 5280's names, "subject_alternative_names" [{"kind", "text"}].
 */
SALLY_API SALLY_CHECK_RESULT sally_status sally_certificate_copy_json(
    const sally_certificate *certificate, sally_bytes **json, sally_error **error);

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
