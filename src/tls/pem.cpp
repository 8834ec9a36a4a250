#include "tls/pem.h"

#include "status/error.h"
#include "tls/error_queue.h"
#include "tls/openssl.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sally::tls {

namespace {

// Nothing that is a certificate or a key comes near it; a device file or a wrong path does.
constexpr std::size_t largest_file = 64u << 20;

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

[[noreturn]] void fail_reading(const std::string& path, int error_number) {
  const ErrorRef error =
      errno_error(error_number, {.message = "'" + path + "'", .source = path, .phase = "load"});
  const bool known =
      error->status() == SALLY_FILE_NOT_FOUND || error->status() == SALLY_ACCESS_DENIED;
  if (known) throw Failure(error);
  throw Failure(SALLY_FILE_UNREADABLE, error->detail());
}

std::vector<char> read_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.number() < 0) fail_reading(path, errno);
  struct stat facts {};
  if (::fstat(file.number(), &facts) != 0) fail_reading(path, errno);
  if (S_ISDIR(facts.st_mode)) fail_reading(path, EISDIR);
  if (facts.st_size > static_cast<off_t>(largest_file)) fail_reading(path, EFBIG);

  // Grown by hand: a vector that reallocates would leave unwiped copies of a key behind.
  std::vector<char> bytes;
  std::vector<char> larger(
      std::max<std::size_t>(static_cast<std::size_t>(facts.st_size) + 1, 4096));
  std::size_t used = 0;
  for (;;) {
    bytes.swap(larger);
    if (!larger.empty()) {
      std::copy_n(larger.begin(), used, bytes.begin());
      OPENSSL_cleanse(larger.data(), larger.size());
    }
    while (used < bytes.size()) {
      const ssize_t got = ::read(file.number(), bytes.data() + used, bytes.size() - used);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail_reading(path, errno);
      if (got == 0) {
        bytes.resize(used);
        return bytes;
      }
      used += static_cast<std::size_t>(got);
    }
    if (used >= largest_file) fail_reading(path, EFBIG);
    larger.assign(bytes.size() * 2, '\0');
  }
}

// "scheme:" of RFC 3986; a single letter would be a drive.
std::string_view scheme_of(const std::string& uri) {
  const std::size_t colon = uri.find(':');
  if (colon == std::string::npos || colon < 2) return {};
  const std::string_view scheme(uri.data(), colon);
  const bool valid = std::ranges::all_of(scheme, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '-' || c == '.';
  });
  return valid ? scheme : std::string_view();
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

bool only_pem_ended() {
  const unsigned long last = ERR_peek_last_error();
  return ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
}

}  // namespace

PemSource PemSource::from_uri(const std::string& uri) {
  std::string path = path_of(uri);
  return PemSource(read_file(path), path);
}

std::string path_of(const std::string& uri) {
  const std::string_view scheme = scheme_of(uri);
  if (scheme.empty()) return uri;
  if (scheme == "file") {
    std::string path = uri.substr(scheme.size() + 1);
    if (path.starts_with("///")) path.erase(0, 2);  // RFC 8089: an empty authority
    return path;
  }
  throw Failure(
      SALLY_NOT_SUPPORTED,
      {.message = "URI scheme '" + std::string(scheme) + ":'", .source = uri, .phase = "load"});
}

PemSource PemSource::from_memory(std::string_view bytes) {
  // Before the copy: a size that nothing can have is a mistake of the caller, not a lack of memory.
  if (bytes.size() > INT_MAX)
    throw Failure(SALLY_LIMIT_EXCEEDED, {.message = "more than 2 GiB of PEM"});
  return PemSource(std::vector<char>(bytes.begin(), bytes.end()), "memory");
}

PemSource::~PemSource() {
  if (!bytes_.empty()) OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

std::vector<X509Owner> read_certificates(const PemSource& source, int malformed) {
  std::vector<X509Owner> certificates;
  const BioOwner bio = memory_bio(source.bytes());
  for (;;) {
    clear_errors();
    X509Owner certificate(checked(X509_new_ex(library_context(), nullptr)));
    X509* target = certificate.get();
    Passphrase none{nullptr};
    if (PEM_read_bio_X509(bio.get(), &target, &give_passphrase, &none) != nullptr) {
      // OpenSSL decodes extensions at the first use: that is now, and not in the first handshakes of
      // several threads. What is wrong with them, each use will say.
      X509_check_purpose(target, -1, 0);
      certificates.push_back(std::move(certificate));
      continue;
    }
    // A failing decoder frees what it was given to fill.
    if (target == nullptr) static_cast<void>(certificate.release());
    if (only_pem_ended()) {
      clear_errors();
      return certificates;
    }
    const NativeError error = take_error();
    throw Failure(malformed, {.message = "certificate " + std::to_string(certificates.size() + 1) +
                                         " of '" + source.name() + "' does not decode",
                              .native_domain = SALLY_DOMAIN_OPENSSL,
                              .native_code = static_cast<std::int64_t>(error.code),
                              .native_name = error.name,
                              .source = source.name(),
                              .phase = "load"});
  }
}

KeyOwner read_private_key(const PemSource& source, const char* passphrase) {
  clear_errors();
  const BioOwner bio = memory_bio(source.bytes());
  Passphrase given{passphrase};
  KeyOwner key(PEM_read_bio_PrivateKey_ex(bio.get(), nullptr, &give_passphrase, &given,
                                          library_context(), nullptr));
  if (key != nullptr) {
    clear_errors();
    return key;
  }

  const bool has_key = source.bytes().find("PRIVATE KEY-----") != std::string_view::npos;
  const NativeError error = take_error();
  sally_status status = SALLY_CREDENTIAL_BAD_FORMAT;
  if (!has_key)
    status = SALLY_CREDENTIAL_NO_KEY;
  else if (given.asked && passphrase == nullptr)
    status = SALLY_CREDENTIAL_PASSPHRASE_NEEDED;
  else if (given.asked)
    status = SALLY_CREDENTIAL_WRONG_PASSPHRASE;
  throw Failure(status, {.message = "private key of '" + source.name() + "'",
                         .native_domain = SALLY_DOMAIN_OPENSSL,
                         .native_code = static_cast<std::int64_t>(error.code),
                         .native_name = error.name,
                         .source = source.name(),
                         .phase = "load"});
}

}  // namespace sally::tls
