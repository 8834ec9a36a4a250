#include "tls/pem.h"

#include "status/error.h"

#include <algorithm>
#include <cerrno>
#include <climits>
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

}  // namespace

std::string path_of(const std::string& uri) {
  const std::string_view scheme = scheme_of(uri);
  if (scheme.empty()) return uri;
  if (scheme == "file") {
    std::string path = uri.substr(scheme.size() + 1);
    if (path.starts_with("///")) path.erase(0, 2);  // RFC 8089: an empty authority
    return path;
  }
  // What it names may be a secret, the PIN of a "PKCS11:" for example.
  throw Failure(SALLY_NOT_SUPPORTED, {.message = "URI scheme '" + std::string(scheme) + ":'",
                                      .source = std::string(scheme) + ":...",
                                      .phase = "load"});
}

void check_size(std::string_view bytes) {
  if (bytes.size() > INT_MAX) throw Failure(SALLY_LIMIT_EXCEEDED, {.message = "more than 2 GiB"});
}

PemSource PemSource::from_uri(const std::string& uri) {
  std::string path = path_of(uri);
  std::vector<char> bytes = read_file(path);
  return PemSource(std::move(bytes), std::move(path));
}

PemSource PemSource::from_memory(std::string_view bytes, std::string name) {
  // Before the copy: a size that nothing can have is a mistake of the caller, not a lack of memory.
  check_size(bytes);
  return PemSource(std::vector<char>(bytes.begin(), bytes.end()), std::move(name));
}

PemSource::~PemSource() {
  if (!bytes_.empty()) OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

}  // namespace sally::tls
