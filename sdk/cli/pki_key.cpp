#include "pki_key.h"

#include "pki_encoding.h"
#include "pki_failure.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <utility>
#include <vector>

namespace pki {

namespace {

// Not the weak one.
constexpr std::pair<const char*, KeyType> key_types[] = {{"ecdsa-p256", KeyType::ecdsa_p256},
                                                         {"ecdsa-p384", KeyType::ecdsa_p384},
                                                         {"rsa-2048", KeyType::rsa_2048},
                                                         {"rsa-3072", KeyType::rsa_3072},
                                                         {"ed25519", KeyType::ed25519}};

KeyOwner rsa(std::size_t bits) {
  return KeyOwner(made(EVP_PKEY_Q_keygen(library(), nullptr, "RSA", bits), "make an RSA key"));
}
KeyOwner ec(const char* curve) {
  return KeyOwner(made(EVP_PKEY_Q_keygen(library(), nullptr, "EC", curve), "make an EC key"));
}

// Instead of OpenSSL's own, which would ask on the terminal.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

}  // namespace

void add_key_type(CLI::App& command, std::string& type) {
  std::vector<std::string> names;
  for (const auto& [name, value] : key_types) names.emplace_back(name);
  command.add_option("--key-type", type, "kind of the private key; default " + type)
      ->check(CLI::IsMember(names))
      ->type_name("TYPE");
}

KeyType key_type_of(const std::string& name) {
  for (const auto& [known, type] : key_types) {
    if (name == known) return type;
  }
  throw Unusable(name + " is no type of key");
}

KeyOwner generate_key(KeyType type) {
  switch (type) {
    case KeyType::ecdsa_p384:
      return ec("P-384");
    case KeyType::rsa_1024:
      return rsa(1024);
    case KeyType::rsa_2048:
      return rsa(2048);
    case KeyType::rsa_3072:
      return rsa(3072);
    case KeyType::ed25519:
      return KeyOwner(
          made(EVP_PKEY_Q_keygen(library(), nullptr, "ED25519"), "make an Ed25519 key"));
    default:
      return ec("P-256");
  }
}

const char* digest_of(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "ED25519") == 1 || EVP_PKEY_is_a(key, "ED448") == 1) return nullptr;
  const bool large = EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_bits(key) > 256;
  return large ? "SHA384" : "SHA256";
}

Secret key_pem(const EVP_PKEY* key) {
  const BioOwner out = memory();
  must(PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
       "write a private key");
  return bytes_of(out.get());
}

KeyOwner read_key(const std::string& path) {
  const Secret bytes = read_file(path);
  const BioOwner in = reading(view(bytes));
  bool encrypted = false;
  KeyOwner key(
      PEM_read_bio_PrivateKey_ex(in.get(), nullptr, no_passphrase, &encrypted, library(), nullptr));
  ERR_clear_error();
  if (encrypted) throw Unusable(path + " is encrypted", "A CA's key must not be, here.");
  if (!key) throw Unusable(path + " holds no private key (PEM)");
  return key;
}

}  // namespace pki
