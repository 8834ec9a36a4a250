#include "tls/credential.h"

#include "status/error.h"
#include "tls/error_queue.h"
#include "tls/openssl.h"

#include <algorithm>
#include <array>

namespace sally::tls {

namespace {

// NIST SP 800-57: below it a key is no longer fit for use; also what the handshake's security level
// demands.
constexpr int least_security_bits = 112;

std::string signing_type(const EVP_PKEY* key, const std::string& source) {
  constexpr std::array types = {"RSA", "RSA-PSS", "EC", "ED25519", "ED448"};
  const auto found = std::ranges::find_if(
      types, [key](const char* type) { return EVP_PKEY_is_a(key, type) == 1; });
  if (found != types.end()) return *found;
  const char* type = EVP_PKEY_get0_type_name(key);
  throw Failure(SALLY_CREDENTIAL_UNSUPPORTED_KEY, {.expected = "RSA, ECDSA, Ed25519 or Ed448",
                                                   .found = type != nullptr ? type : "unknown",
                                                   .source = source,
                                                   .phase = "load"});
}

ErrorDetail about(X509* certificate, const std::string& source) {
  return {.message = "'" + subject_of(certificate) + "' of '" + source + "'",
          .subject = subject_of(certificate),
          .issuer = issuer_of(certificate),
          .expected = "at least " + std::to_string(least_security_bits) + " bits of security",
          .source = source,
          .phase = "load"};
}

// What every peer will check, said before the first of them refuses.
void check_strength(X509* certificate, const std::string& source) {
  ErrorDetail detail = about(certificate, source);
  if ((X509_get_extension_flags(certificate) & EXFLAG_INVALID) != 0) {
    detail.expected.clear();
    detail.found = "an extension that does not decode";
    throw Failure(SALLY_CREDENTIAL_BAD_FORMAT, std::move(detail));
  }
  const EVP_PKEY* key = X509_get0_pubkey(certificate);
  const int key_bits = key != nullptr ? EVP_PKEY_get_security_bits(key) : 0;
  if (key_bits < least_security_bits) {
    detail.found = key_of(certificate) + ", " + std::to_string(key_bits) + " bits of security";
    throw Failure(SALLY_CREDENTIAL_WEAK_KEY, std::move(detail));
  }
  int digest = NID_undef;
  int signature_bits = 0;
  const bool known =
      X509_get_signature_info(certificate, &digest, nullptr, &signature_bits, nullptr) == 1;
  const bool self_signed =
      (X509_get_extension_flags(certificate) & EXFLAG_SS) != 0;  // nobody relies on that signature
  if (known && signature_bits < least_security_bits && !self_signed) {
    const char* name = OBJ_nid2ln(digest);
    detail.found = std::string(name != nullptr ? name : "a digest") + ", " +
                   std::to_string(signature_bits) + " bits of security";
    throw Failure(SALLY_CREDENTIAL_WEAK_SIGNATURE, std::move(detail));
  }
}

}  // namespace

Credential::Credential(const PemSource& chain, const PemSource& key, const char* passphrase)
    : chain_(read_certificates(chain, SALLY_CREDENTIAL_BAD_FORMAT)) {
  if (chain_.empty()) {
    throw Failure(SALLY_CREDENTIAL_NO_CERTIFICATE,
                  {.message = "'" + chain.name() + "'", .source = chain.name(), .phase = "load"});
  }
  key_ = read_private_key(key, passphrase);
  key_type_ = signing_type(key_.get(), key.name());

  clear_errors();
  if (X509_check_private_key(certificate(), key_.get()) != 1) {
    clear_errors();
    throw Failure(
        SALLY_CREDENTIAL_KEY_MISMATCH,
        {.message = "the key of '" + key.name() + "' is not the one of the first certificate of '" +
                    chain.name() + "'",
         .depth = 0,
         .subject = subject_of(certificate()),
         .issuer = issuer_of(certificate()),
         .expected = "the private key of a public key of kind " + key_of(certificate()),
         .found = key_type_ + " " + std::to_string(EVP_PKEY_get_bits(key_.get())) + " bits",
         .source = key.name(),
         .phase = "load"});
  }
  for (const X509Owner& member : chain_) check_strength(member.get(), chain.name());
}

std::int64_t Credential::not_after() const noexcept {
  std::int64_t first = not_after_of(certificate());
  for (const X509Owner& member : chain_) first = std::min(first, not_after_of(member.get()));
  return first;
}

}  // namespace sally::tls
