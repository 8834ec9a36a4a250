// Who this side is: a chain and its private key, checked when loaded. Immutable but for the staple.
#pragma once

#include "status/ref.h"
#include "tls/certificate.h"
#include "tls/openssl_types.h"
#include "tls/pem.h"
#include "tls/staple.h"

#include <string>
#include <string_view>
#include <vector>

namespace sally::tls {

class Credential : public RefCounted<Credential> {
 public:
  // The chain with its own certificate first. Throws Failure, see include/sallyport/credential.h.
  Credential(const PemSource& chain, const PemSource& key, const char* passphrase);

  x509_st* certificate() const noexcept { return chain_.front().get(); }
  const std::vector<X509Owner>& chain() const noexcept {
    return chain_;
  }  // its own certificate included
  evp_pkey_st* key() const noexcept { return key_.get(); }
  // "RSA", "EC", "ED25519": one credential of each fits into a config.
  const std::string& key_type() const noexcept { return key_type_; }
  Staple& staple() noexcept { return staple_; }

 private:
  friend class RefCounted<Credential>;
  ~Credential() = default;

  std::vector<X509Owner> chain_;
  KeyOwner key_;
  std::string key_type_;
  Staple staple_;
};

}  // namespace sally::tls
