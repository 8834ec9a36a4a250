// Keys whose private half is somewhere else, with the program or in a token: what is to be signed,
// and by whom.
#pragma once

#include "status/ref.h"
#include "tls/certificate.h"
#include "tls/openssl_types.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sally::tls {

// RFC 8446 section 4.2.3.
struct SignatureScheme {
  std::uint16_t number;
  const char* name;      // IANA's
  const char* key_type;  // "RSA", "EC", "ED25519"
  const char* digest;    // OpenSSL's name; "": what is signed is not digested before
  bool pss;
};

// Null: none that is signed with here.
const SignatureScheme* find_scheme(std::string_view key_type, std::string_view digest, bool pss);

struct SignatureRequest {
  const SignatureScheme* scheme = nullptr;
  std::string content{};  // all of it, not its digest
};

// Has the private half. Any thread, several at once.
class Signer {
 public:
  virtual ~Signer() = default;
  // The signature as TLS sends it; may take long. Throws Failure.
  virtual std::string sign(const SignatureRequest& request) = 0;
};

struct RemoteKey {
  KeyOwner public_half{};
  Ref<sally_certificate> certificate{};  // that it belongs to
  std::shared_ptr<Signer> signer{};      // null: the program itself
};

// Whether this key type is among those that RemoteKey can be of.
bool can_be_remote(std::string_view key_type);
bool verifies(evp_pkey_st* public_half, const SignatureRequest& request,
              std::string_view signature);

}  // namespace sally::tls
