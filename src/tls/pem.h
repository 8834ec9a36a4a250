// Reading certificates, keys and CRLs, from files and memory: PEM or DER, which the bytes tell.
#pragma once

#include "tls/openssl_types.h"

#include <string>
#include <string_view>
#include <vector>

namespace sally::tls {

// Bytes and where they came from, for the errors. The bytes are wiped when they go, since they may
// hold a key.
class PemSource {
 public:
  // A "file:" URI or a path. Throws Failure: not found, access denied, unreadable, not supported.
  static PemSource from_uri(const std::string& uri);
  static PemSource from_memory(std::string_view bytes, std::string name = "memory");
  ~PemSource();
  PemSource(PemSource&&) noexcept = default;
  PemSource& operator=(PemSource&&) = delete;  // it would let go of bytes that are not wiped

  std::string_view bytes() const { return {bytes_.data(), bytes_.size()}; }
  const std::string& name() const { return name_; }

 private:
  PemSource(std::vector<char> bytes, std::string name)
      : bytes_(std::move(bytes)), name_(std::move(name)) {}
  std::vector<char> bytes_;
  std::string name_;
};

// The path of a "file:" URI, or what is none as it is. Throws Failure(SALLY_NOT_SUPPORTED) for other
// schemes.
std::string path_of(const std::string& uri);
// Throws Failure(SALLY_LIMIT_EXCEEDED) for a size that nothing can have.
void check_size(std::string_view bytes);

// Every certificate, in its order; none is not an error. Throws Failure(`malformed`) where one does
// not decode.
std::vector<X509Owner> read_certificates(const PemSource& source, int malformed);

// The first private key; that of PKCS#12 too. Never asks on a terminal.
// Throws Failure: SALLY_CREDENTIAL_NO_KEY, _BAD_FORMAT, _PASSPHRASE_NEEDED, _WRONG_PASSPHRASE,
// _LEGACY_CIPHER, _UNSUPPORTED_KEY.
KeyOwner read_private_key(const PemSource& source, const char* passphrase);

// Every CRL, in its order; none is not an error. Throws Failure(SALLY_CRL_BAD_FORMAT).
std::vector<CrlOwner> read_crls(const PemSource& source);

}  // namespace sally::tls
