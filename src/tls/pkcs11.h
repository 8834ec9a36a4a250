// Keys and certificates in tokens, by PKCS#11 URI (RFC 7512).
#pragma once

#include "tls/material.h"
#include "tls/pem.h"
#include "tls/signer.h"

#include <memory>
#include <string>
#include <string_view>

namespace sally::tls {

bool is_token_uri(std::string_view uri);
// Without its query, which may hold a PIN: for errors.
std::string shown_uri(std::string_view uri);

// All of the following throw Failure: SALLY_NOT_SUPPORTED where this build or this machine has no
// p11-kit, SALLY_INVALID_ARGUMENT for what is no such URI, SALLY_TOKEN_MODULE_UNAVAILABLE,
// SALLY_TOKEN_NOT_FOUND, SALLY_TOKEN_FAILED.

// The certificates that the URI describes, as DER; none is not an error.
PemSource read_token_certificates(const std::string& uri);

class TokenSigner : public Signer {
 public:
  // "RSA", "EC"
  virtual const std::string& key_type() const noexcept = 0;
};

// The private key that the URI describes, whatever kind of object it names. Besides:
// SALLY_CREDENTIAL_NO_KEY, _PASSPHRASE_NEEDED, _WRONG_PASSPHRASE, _UNSUPPORTED_KEY,
// SALLY_TOKEN_PIN_LOCKED.
std::shared_ptr<TokenSigner> open_token_key(const std::string& uri,
                                            std::shared_ptr<const Secret> pin);

}  // namespace sally::tls
