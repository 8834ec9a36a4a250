// Who this side is: a chain and its private key, checked when loaded. Immutable but for the staple.
#pragma once

#include "status/ref.h"
#include "tls/certificate.h"
#include "tls/material.h"
#include "tls/openssl_types.h"
#include "tls/pem.h"
#include "tls/staple.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sally::tls {

class Credential : public RefCounted<Credential> {
 public:
  // Throw Failure, see include/sallyport/credential.h. The first reads the sources anew each time.
  explicit Credential(const CredentialInput& input);
  Credential(const PemSource& chain, const PemSource& key, const char* passphrase);

  x509_st* certificate() const noexcept { return chain_.front().get(); }
  // As they are sent, its own certificate first.
  const std::vector<X509Owner>& chain() const noexcept { return chain_; }
  // How many of these, from the first, have a part in the chain.
  std::size_t linked() const noexcept { return linked_; }
  // What peers may dislike about it; one line each.
  const std::vector<std::string>& warnings() const noexcept { return warnings_; }
  evp_pkey_st* key() const noexcept { return key_.get(); }
  // The private half is not in here: it is with the program, or in a token.
  bool signs_elsewhere() const noexcept { return signs_elsewhere_; }
  bool asks_program() const noexcept { return asks_program_; }
  // When the first of its chain expires, in seconds since 1970.
  std::int64_t not_after() const noexcept;
  // "RSA", "EC", "ED25519"
  const std::string& key_type() const noexcept { return key_type_; }
  Staple& staple() noexcept { return staple_; }

 private:
  friend class RefCounted<Credential>;
  ~Credential() = default;
  bool load(const CredentialInput& input, bool last);
  void load(const PemSource& chain, const PemSource& key, const char* passphrase);
  void load_certificates(const PemSource& chain);
  void load_token_key(const PemSource& chain, bool ordered, const std::string& uri,
                      const std::shared_ptr<const Secret>& pin);
  void settle_chain(std::vector<X509Owner> found, std::size_t own, bool ordered,
                    const std::string& source);

  std::vector<X509Owner> chain_;
  std::size_t linked_ = 0;
  std::vector<std::string> warnings_;
  KeyOwner key_;
  std::string key_type_;
  bool signs_elsewhere_ = false;
  bool asks_program_ = false;
  Staple staple_;
};

}  // namespace sally::tls
