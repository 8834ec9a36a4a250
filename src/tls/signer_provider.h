// A small provider of OpenSSL's, in the library's own context only: its keys know their public half,
// and have each signature made by who has the private one.
#pragma once

#include "tls/signer.h"

#include <openssl/types.h>

namespace sally::tls {

// Once for each context, after the default provider, which stays the one that all else is taken from.
// Throws Failure.
void load_signer_provider(OSSL_LIB_CTX* context);

// A key for libssl. Throws Failure.
KeyOwner make_remote_key(std::shared_ptr<const RemoteKey> key);

// Whether a provider query leaves the key anything to sign with.
bool can_sign(evp_pkey_st* key, const std::string& query);

}  // namespace sally::tls
