// Private keys: making, writing and reading them.
#pragma once

#include "pki_openssl.h"
#include "pki_secret.h"

#include <string>

namespace pki {

enum class KeyType { ecdsa_p256, ecdsa_p384, rsa_2048, rsa_3072, ed25519, rsa_1024 };

// An option that takes one of them by its name.
void add_key_type(CLI::App& command, std::string& type);
KeyType key_type_of(const std::string& name);

KeyOwner generate_key(KeyType type);
// What this key signs certificates with, null where that is part of the key's kind.
const char* digest_of(const EVP_PKEY* key);

// PKCS#8, not encrypted.
Secret key_pem(const EVP_PKEY* key);
// Of a PEM file that is not encrypted. Throws Unusable.
KeyOwner read_key(const std::string& path);

}  // namespace pki
