// Reading PEM, from files and memory.
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
  static PemSource from_memory(std::string_view bytes);
  ~PemSource();
  PemSource(PemSource&&) noexcept = default;
  PemSource& operator=(PemSource&&) noexcept = default;

  std::string_view bytes() const { return {bytes_.data(), bytes_.size()}; }
  const std::string& name() const { return name_; }

 private:
  PemSource(std::vector<char> bytes, std::string name)
      : bytes_(std::move(bytes)), name_(std::move(name)) {}
  std::vector<char> bytes_;
  std::string name_;
};

// The path that a "file:" URI or a path means. Throws Failure(SALLY_NOT_SUPPORTED).
std::string path_of(const std::string& uri);

// Every certificate of the PEM, in its order; none is not an error. Throws Failure(`malformed`)
// where one does not decode.
std::vector<X509Owner> read_certificates(const PemSource& source, int malformed);

// The first private key of the PEM. Never asks on a terminal.
// Throws Failure: SALLY_CREDENTIAL_NO_KEY, _BAD_FORMAT, _PASSPHRASE_NEEDED, _WRONG_PASSPHRASE.
KeyOwner read_private_key(const PemSource& source, const char* passphrase);

}  // namespace sally::tls
