// Where credentials and trust stores are loaded from: descriptions, which can be read again and
// again.
#pragma once

#include "tls/pem.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sally::tls {

// Text that is wiped when it goes.
class Secret {
 public:
  explicit Secret(std::string_view text);
  ~Secret();
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  const char* c_str() const noexcept { return text_.data(); }
  std::string_view view() const noexcept { return {text_.data(), text_.size() - 1}; }

 private:
  std::vector<char> text_;  // with a NUL at its end
};

// A URI, read when asked, or bytes that were copied. Copies share them.
class MaterialSource {
 public:
  static MaterialSource at(std::string uri) { return MaterialSource(std::move(uri), nullptr); }
  // Throws Failure(SALLY_LIMIT_EXCEEDED).
  static MaterialSource memory(std::string_view bytes);

  // As PemSource::from_uri and from_memory.
  PemSource read() const;
  // The path, where this names a folder: "dir:PATH", or a path that is one.
  std::optional<std::string> folder() const;
  bool is_in_memory() const noexcept { return bytes_ != nullptr; }
  const std::string& uri() const noexcept { return uri_; }

 private:
  MaterialSource(std::string uri, std::shared_ptr<const Secret> bytes)
      : uri_(std::move(uri)), bytes_(std::move(bytes)) {}

  std::string uri_;
  std::shared_ptr<const Secret> bytes_;
};

struct CredentialInput {
  MaterialSource chain;
  std::optional<MaterialSource> key{};  // none: it is with the chain
  std::shared_ptr<const Secret> passphrase{};
  bool asks_program = false;  // the program has the key, and the chain is all there is
};

// What is trusted is everything together.
struct TrustInput {
  bool system = false;  // the machine's own CA certificates
  std::vector<MaterialSource> anchors{};
  std::vector<MaterialSource> crls{};
};

// The files and folders that they are in; nothing for what is in memory. Throw Failure for a URI that
// is none of a file.
std::vector<std::string> files_of(const MaterialSource& source);
std::vector<std::string> files_of(const CredentialInput& input);
std::vector<std::string> files_of(const TrustInput& input);
// Whether any of it is in a token, which can be read again though it is in no file.
bool is_in_token(const CredentialInput& input);

}  // namespace sally::tls
