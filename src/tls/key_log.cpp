#include "tls/key_log.h"

#include "status/error.h"
#include "tls/callbacks.h"
#include "tls/context.h"
#include "tls/openssl.h"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sally::tls {

namespace {

ErrorDetail about(const std::string& path) {
  return {.message = "the key log '" + path + "'", .source = path, .phase = "load"};
}

[[noreturn]] void fail_opening(const std::string& path, int error_number) {
  const ErrorRef error = errno_error(error_number, about(path));
  const bool known =
      error->status() == SALLY_FILE_NOT_FOUND || error->status() == SALLY_ACCESS_DENIED;
  if (known) throw Failure(error);
  throw Failure(SALLY_FILE_UNREADABLE, error->detail());
}

// Who can read the file can read what the sessions say.
void check_privacy(int file, const std::string& path) {
  struct stat facts {};
  if (::fstat(file, &facts) != 0) fail_opening(path, errno);
  ErrorDetail detail = about(path);
  if (!S_ISREG(facts.st_mode)) {
    detail.expected = "a regular file";
    throw Failure(SALLY_FILE_UNREADABLE, std::move(detail));
  }
  if ((facts.st_mode & (S_IRWXG | S_IRWXO)) == 0) return;
  detail.message += " may be used by others than its owner";
  detail.hint = "Take the rights of others away (chmod 600), or name a file that is not there yet.";
  throw Failure(SALLY_ACCESS_DENIED, std::move(detail));
}

void note_secret(const SSL* ssl, const char* line) {
  context_of(ssl).settings().key_log->write_line(line);
}

}  // namespace

KeyLog::KeyLog(const std::string& path) : path_(path) {
  // Without O_NONBLOCK a pipe that nobody reads would be waited for.
  file_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                 S_IRUSR | S_IWUSR);
  if (file_ < 0) fail_opening(path, errno);
  try {
    check_privacy(file_, path);
  } catch (...) {
    ::close(file_);
    throw;
  }
}

KeyLog::~KeyLog() {
  ::close(file_);
}

void KeyLog::write_line(std::string_view line) noexcept {
  try {
    const std::string whole = std::string(line) + '\n';
    const std::lock_guard lock(mutex_);
    std::string_view rest = whole;
    while (!rest.empty()) {
      const ssize_t written = ::write(file_, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) return;
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
  } catch (...) {
    return;  // no memory for a copy: a line is missing
  }
}

void install_key_log(SSL_CTX* context) {
  SSL_CTX_set_keylog_callback(context, &note_secret);
}

}  // namespace sally::tls
