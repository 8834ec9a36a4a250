// certificate.hpp: what an X.509 certificate says, sally_certificate.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <sallyport/base.hpp>
#include <sallyport/bytes.hpp>
#include <sallyport/certificate.h>
#include <sallyport/error.hpp>

namespace sally::inline v0 {

// A subject alternative name; `text` lives as long as its certificate.
struct AlternativeName {
  std::int32_t kind;  // a SALLY_NAME_*
  std::string_view text;
};

// An extended key usage; its text lives as long as its certificate.
struct ExtendedUsage {
  std::string_view oid;
  std::string_view name;
};

// Immutable; any number of threads may read it. Copies are the same certificate. Text lives as long
// as it does.
class Certificate : public detail::Shared<sally_certificate, sally_certificate_retain,
                                          sally_certificate_release> {
 public:
  static Certificate adopt(sally_certificate* certificate) noexcept {
    return Certificate(certificate);
  }

  // Distinguished names in the form of RFC 2253.
  std::string_view subject() const noexcept { return sally_certificate_subject(get()); }
  std::string_view issuer() const noexcept { return sally_certificate_issuer(get()); }
  // Lower-case hexadecimal.
  std::string_view serial() const noexcept { return sally_certificate_serial(get()); }
  // Both ends inclusive.
  std::chrono::sys_seconds not_before() const noexcept {
    return at(sally_certificate_not_before(get()));
  }
  std::chrono::sys_seconds not_after() const noexcept {
    return at(sally_certificate_not_after(get()));
  }
  // Kind and size of the public key: "EC P-256", "RSA 2048".
  std::string_view key() const noexcept { return sally_certificate_key(get()); }
  // SHA-256 of the DER form, in lower-case hexadecimal.
  std::string_view fingerprint() const noexcept { return sally_certificate_fingerprint(get()); }

  std::vector<AlternativeName> alternative_names() const {
    std::vector<AlternativeName> names(sally_certificate_san_count(get()));
    for (std::size_t i = 0; i < names.size(); ++i) {
      names[i] = {sally_certificate_san_kind(get(), i), sally_certificate_san_text(get(), i)};
    }
    return names;
  }

  bool is_ca() const noexcept { return sally_certificate_is_ca(get()) != 0; }
  // SALLY_KEY_USAGE_* bits; 0 where any use is allowed.
  std::uint32_t key_usage() const noexcept { return sally_certificate_key_usage(get()); }
  // Empty where any is allowed.
  std::vector<ExtendedUsage> extended_usages() const {
    std::vector<ExtendedUsage> usages(sally_certificate_extended_usage_count(get()));
    for (std::size_t i = 0; i < usages.size(); ++i) {
      usages[i] = {sally_certificate_extended_usage(get(), i),
                   sally_certificate_extended_usage_name(get(), i)};
    }
    return usages;
  }
  // "sha256/BASE64", the form that TlsConfig::pin takes.
  std::string_view spki_pin() const noexcept { return sally_certificate_spki_pin(get()); }
  // What it is signed with: "ecdsa-with-SHA256".
  std::string_view signature_algorithm() const noexcept {
    return sally_certificate_signature_algorithm(get());
  }
  // Everything as one JSON object; sally_certificate_copy_json describes it.
  Bytes json() const { return encoded(sally_certificate_copy_json); }

  // The certificate itself, encoded. Both throw where memory runs out.
  Bytes der() const { return encoded(sally_certificate_copy_der); }
  Bytes pem() const { return encoded(sally_certificate_copy_pem); }

 private:
  using Shared::Shared;

  static std::chrono::sys_seconds at(std::int64_t seconds) noexcept {
    return std::chrono::sys_seconds(std::chrono::seconds(seconds));
  }
  Bytes encoded(sally_status (*copy)(const sally_certificate*, sally_bytes**,
                                     sally_error**)) const {
    sally_bytes* bytes = nullptr;
    detail::check([&](sally_error** error) { return copy(get(), &bytes, error); });
    return Bytes::adopt(bytes);
  }
};

}  // namespace sally::inline v0
