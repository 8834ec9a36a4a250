// What a certificate says, as plain data: readable in a forked child and after everything else is
// gone.
#pragma once

#include "status/live_count.h"
#include "status/ref.h"
#include "tls/openssl_types.h"

#include <cstdint>
#include <string>
#include <vector>

#include <sallyport/certificate.h>

struct asn1_string_st;

namespace sally::tls {

struct AlternativeName {
  std::int32_t kind;  // SALLY_NAME_*
  std::string text;
};

struct ExtendedUsage {
  std::string oid;
  std::string name;  // "serverAuth"; the OID where it has no name
};

struct CertificateData {
  std::string subject;
  std::string issuer;
  std::string serial;
  std::int64_t not_before = 0;
  std::int64_t not_after = 0;
  std::string key;
  std::string fingerprint;
  std::vector<AlternativeName> names;
  bool is_ca = false;
  std::int32_t path_length = -1;  // of a CA; -1: no limit
  std::uint32_t key_usage = 0;    // SALLY_KEY_USAGE_*
  std::vector<ExtendedUsage> extended_usages;
  std::string signature_algorithm;
  std::string pin;  // "sha256/BASE64"
  std::string der;
};

}  // namespace sally::tls

struct sally_certificate final : sally::RefCounted<sally_certificate>,
                                 sally::LiveCount<SALLY_HANDLE_CERTIFICATE> {
  explicit sally_certificate(sally::tls::CertificateData content) : data(std::move(content)) {}
  const sally::tls::CertificateData data;
};

namespace sally::tls {

// Throws Failure(SALLY_CERTIFICATE_MALFORMED) for what cannot be encoded again.
Ref<sally_certificate> describe(x509_st* certificate);

// "digitalSignature" and so on.
std::vector<std::string> key_usages_of(const CertificateData& data);

// RFC 7468, from the DER.
std::string to_pem(const CertificateData& data);

// Everything as one JSON object.
std::string to_json(const CertificateData& data);

// The pieces that error messages need. Never throw but for memory.
std::string subject_of(const x509_st* certificate);
std::string issuer_of(const x509_st* certificate);
std::vector<AlternativeName> names_of(const x509_st* certificate);
std::int64_t not_before_of(const x509_st* certificate);
std::int64_t not_after_of(const x509_st* certificate);
// "ecdsa-with-SHA256"
std::string signature_algorithm_of(const x509_st* certificate);
// "EC P-256", "RSA 2048"
std::string key_of(x509_st* certificate);
std::string key_of(evp_pkey_st* key);

// 0 for what does not decode.
std::int64_t seconds_of(const asn1_string_st* time);
// "2026-11-21T10:00:00Z"
std::string utc_time(std::int64_t seconds);

}  // namespace sally::tls
