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

namespace sally::tls {

struct AlternativeName {
  std::int32_t kind;  // SALLY_NAME_*
  std::string text;
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

// RFC 7468, from the DER.
std::string to_pem(const CertificateData& data);

// The pieces that error messages need. Never throw but for memory.
std::string subject_of(const x509_st* certificate);
std::string issuer_of(const x509_st* certificate);
std::vector<AlternativeName> names_of(const x509_st* certificate);
std::int64_t not_before_of(const x509_st* certificate);
std::int64_t not_after_of(const x509_st* certificate);
// "EC P-256", "RSA 2048"
std::string key_of(x509_st* certificate);

// "2026-11-21T10:00:00Z"
std::string utc_time(std::int64_t seconds);

}  // namespace sally::tls
