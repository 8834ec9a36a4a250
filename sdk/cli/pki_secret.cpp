#include "pki_secret.h"

#include "pki_failure.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace pki {

namespace {

constexpr std::size_t most = 16 * 1024 * 1024;  // no certificate file is that large; /dev/zero is

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

[[noreturn]] void fail(const std::string& path, int error) {
  throw Unusable(path + ": " + std::generic_category().message(error));
}

}  // namespace

Secret read_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) fail(path, errno);
  Secret bytes;
  std::size_t size = 0;
  while (true) {
    bytes.resize(size + 65536);
    const ssize_t got = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, errno);
    size += static_cast<std::size_t>(got);
    if (size > most) throw Unusable(path + ": larger than any file of certificates");
    if (got == 0) break;
  }
  bytes.resize(size);
  return bytes;
}

void PassphraseSource::add_to(CLI::App& command, const std::string& what) {
  auto* from_file =
      command.add_option("--passphrase-file", file, what + ": the first line of this file")
          ->type_name("FILE");
  command.add_option("--passphrase-env", variable, what + ": in this environment variable")
      ->type_name("VARIABLE")
      ->excludes(from_file);
}

std::optional<Secret> PassphraseSource::read() const {
  if (!given()) return std::nullopt;
  Secret phrase;
  if (!file.empty()) {
    phrase = read_file(file);
    phrase.erase(std::find(phrase.begin(), phrase.end(), '\n'), phrase.end());
    if (!phrase.empty() && phrase.back() == '\r') phrase.pop_back();
  } else {
    const char* value = std::getenv(variable.c_str());  // NOLINT(concurrency-mt-unsafe): one thread
    if (value == nullptr) throw Unusable("the environment has no variable " + variable);
    const std::string_view text(value);
    phrase.assign(text.begin(), text.end());
  }
  const std::string where = file.empty() ? "the variable " + variable : file;
  if (phrase.empty()) throw Unusable(where + " holds an empty passphrase");
  if (phrase.size() > 1024) throw Unusable(where + " holds a passphrase of more than 1024 bytes");
  if (std::find(phrase.begin(), phrase.end(), '\0') != phrase.end())
    throw Unusable(where + " holds a passphrase with a NUL inside");
  phrase.push_back('\0');
  return phrase;
}

}  // namespace pki
