// Private keys from PEM and DER.
#include "status/error.h"
#include "tls/encoding.h"
#include "tls/encryption.h"
#include "tls/error_queue.h"
#include "tls/openssl.h"
#include "tls/pem.h"
#include "tls/pkcs12.h"

#include <cstring>
#include <openssl/pkcs12.h>

namespace sally::tls {

namespace {

struct SignatureDeleter {  // OpenSSL's name for an encrypted PKCS#8 key
  void operator()(X509_SIG* encrypted) const noexcept { X509_SIG_free(encrypted); }
};
struct KeyInfoDeleter {
  void operator()(PKCS8_PRIV_KEY_INFO* info) const noexcept { PKCS8_PRIV_KEY_INFO_free(info); }
};
using EncryptedKeyOwner = std::unique_ptr<X509_SIG, SignatureDeleter>;
using KeyInfoOwner = std::unique_ptr<PKCS8_PRIV_KEY_INFO, KeyInfoDeleter>;

[[noreturn]] void fail(const PemSource& source, sally_status status) {
  const NativeError error = take_error();
  throw Failure(status, {.message = "private key of '" + source.name() + "'",
                         .native_domain = SALLY_DOMAIN_OPENSSL,
                         .native_code = static_cast<std::int64_t>(error.code),
                         .native_name = error.name,
                         .source = source.name(),
                         .phase = "load"});
}

struct Passphrase {
  const char* text;
  bool asked = false;
};

int give_passphrase(char* buffer, int capacity, int /*writing*/, void* user) {
  auto& passphrase = *static_cast<Passphrase*>(user);
  passphrase.asked = true;
  if (passphrase.text == nullptr) return -1;
  const std::size_t size = std::strlen(passphrase.text);
  if (capacity < 0 || size > static_cast<std::size_t>(capacity)) return -1;
  std::memcpy(buffer, passphrase.text, size);
  return static_cast<int>(size);
}

EncryptedKeyOwner encrypted_key(const unsigned char* der, long size) {
  return EncryptedKeyOwner(d2i_X509_SIG(nullptr, &der, size));
}

const X509_ALGOR* algorithm_of(const X509_SIG* encrypted) {
  const X509_ALGOR* algorithm = nullptr;
  X509_SIG_get0(encrypted, &algorithm, nullptr);
  return algorithm;
}

void check_cipher(const X509_SIG* encrypted, const PemSource& source) {
  require_cipher(algorithm_of(encrypted), source, legacy_key_hint());
}

// One block of PEM. The bytes are wiped: they may be a key.
class Block {
 public:
  Block() = default;
  ~Block() {
    OPENSSL_free(name_);
    OPENSSL_free(header_);
    OPENSSL_clear_free(data_, static_cast<std::size_t>(size_));
  }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  bool read(BIO* bio) { return PEM_read_bio(bio, &name_, &header_, &data_, &size_) == 1; }
  std::string_view name() const { return name_; }
  std::string_view header() const { return header_; }
  const unsigned char* data() const { return data_; }
  long size() const { return size_; }

 private:
  char* name_ = nullptr;
  char* header_ = nullptr;
  unsigned char* data_ = nullptr;
  long size_ = 0;
};

// RFC 1421 section 4.6.1.3: "DEK-Info: AES-128-CBC,0123..."
std::string cipher_named_in(std::string_view header) {
  constexpr std::string_view field = "DEK-Info: ";
  const std::size_t start = header.find(field);
  if (start == std::string_view::npos) return {};
  const std::string_view value = header.substr(start + field.size());
  return std::string(value.substr(0, value.find_first_of(",\r\n")));
}

// OpenSSL's complaint about a key that it could not open does not tell whether any passphrase
// would do.
void check_cipher_of_pem(const PemSource& source) {
  const BioOwner bio = memory_bio(source.bytes());
  for (;;) {
    clear_errors();
    Block block;
    if (!block.read(bio.get())) return;
    if (!block.name().ends_with("PRIVATE KEY")) continue;
    const EncryptedKeyOwner encrypted =
        block.name() == PEM_STRING_PKCS8 ? encrypted_key(block.data(), block.size()) : nullptr;
    const std::string named = cipher_named_in(block.header());
    if (encrypted) check_cipher(encrypted.get(), source);
    if (!named.empty()) require_cipher(named, source, legacy_key_hint());
    return;
  }
}

void check_work_of_pem(const PemSource& source) {
  const BioOwner bio = memory_bio(source.bytes());
  for (;;) {
    clear_errors();
    Block block;
    if (!block.read(bio.get())) return;
    if (block.name() != PEM_STRING_PKCS8) continue;
    if (const EncryptedKeyOwner encrypted = encrypted_key(block.data(), block.size()))
      require_bearable_work(algorithm_of(encrypted.get()), source);
  }
}

KeyOwner from_pem(const PemSource& source, const char* passphrase) {
  if (passphrase != nullptr) check_work_of_pem(source);
  clear_errors();
  const BioOwner bio = memory_bio(source.bytes());
  Passphrase given{passphrase};
  KeyOwner key(PEM_read_bio_PrivateKey_ex(bio.get(), nullptr, &give_passphrase, &given,
                                          library_context(), nullptr));
  if (key != nullptr) return key;
  if (source.bytes().find("PRIVATE KEY-----") == std::string_view::npos)
    fail(source, SALLY_CREDENTIAL_NO_KEY);
  if (!given.asked) fail(source, SALLY_CREDENTIAL_BAD_FORMAT);
  const NativeError error = take_error();
  check_cipher_of_pem(source);
  if (error.code != 0) ERR_raise(ERR_GET_LIB(error.code), ERR_GET_REASON(error.code));
  fail(source, passphrase == nullptr ? SALLY_CREDENTIAL_PASSPHRASE_NEEDED
                                     : SALLY_CREDENTIAL_WRONG_PASSPHRASE);
}

KeyOwner from_plain_der(const PemSource& source) {
  clear_errors();
  const auto* at = reinterpret_cast<const unsigned char*>(source.bytes().data());
  KeyOwner key(d2i_AutoPrivateKey_ex(nullptr, &at, static_cast<long>(source.bytes().size()),
                                     library_context(), nullptr));
  if (key == nullptr) fail(source, SALLY_CREDENTIAL_BAD_FORMAT);
  return key;
}

KeyOwner from_encrypted_der(const PemSource& source, const char* passphrase) {
  clear_errors();
  const EncryptedKeyOwner encrypted =
      encrypted_key(reinterpret_cast<const unsigned char*>(source.bytes().data()),
                    static_cast<long>(source.bytes().size()));
  if (!encrypted) fail(source, SALLY_CREDENTIAL_BAD_FORMAT);
  check_cipher(encrypted.get(), source);
  if (passphrase == nullptr) fail(source, SALLY_CREDENTIAL_PASSPHRASE_NEEDED);
  require_bearable_work(algorithm_of(encrypted.get()), source);
  clear_errors();
  const KeyInfoOwner info(PKCS8_decrypt_ex(encrypted.get(), passphrase,
                                           static_cast<int>(std::strlen(passphrase)),
                                           library_context(), nullptr));
  if (!info) fail(source, SALLY_CREDENTIAL_WRONG_PASSPHRASE);
  KeyOwner key(EVP_PKCS82PKEY_ex(info.get(), library_context(), nullptr));
  if (key == nullptr) fail(source, SALLY_CREDENTIAL_BAD_FORMAT);
  return key;
}

KeyOwner read(const PemSource& source, const char* passphrase) {
  switch (encoding_of(source.bytes())) {
    case Encoding::pem:
      return from_pem(source, passphrase);
    case Encoding::private_key:
      return from_plain_der(source);
    case Encoding::encrypted_key:
      return from_encrypted_der(source, passphrase);
    case Encoding::pkcs12:
      return read_pkcs12(source, passphrase).key;
    default:
      return nullptr;
  }
}

}  // namespace

KeyOwner read_private_key(const PemSource& source, const char* passphrase) {
  KeyOwner key = read(source, passphrase);
  if (key == nullptr) fail(source, SALLY_CREDENTIAL_NO_KEY);
  clear_errors();
  return key;
}

}  // namespace sally::tls
