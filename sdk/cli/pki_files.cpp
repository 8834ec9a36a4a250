#include "pki_files.h"

#include "pki_failure.h"
#include "pki_openssl.h"

#include <cerrno>
#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace pki {

namespace {

using Path = std::filesystem::path;

[[noreturn]] void fail(const Path& path, int error) {
  throw Failure(path.string() + ": " + std::generic_category().message(error));
}
[[noreturn]] void fail_for_there(const Path& path) {
  throw Failure(path.string() + " is there already",
                "Name another place, or replace it with --force.");
}

// A file under a passing name beside the one that it is to become.
class Staged {
 public:
  Staged(const Path& target, Access access, std::string_view bytes) {
    unsigned char salt[8] = {};
    if (RAND_bytes_ex(library(), salt, sizeof salt, 0) != 1)
      throw Failure("there is no randomness");
    std::string name = "." + target.filename().string() + ".";
    for (const unsigned char byte : salt) name += "0123456789abcdef"[byte & 15];
    path_ = target.parent_path() / name;
    // O_EXCL follows no link that somebody put there.
    file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                   access == Access::owner ? 0600 : 0644);
    if (file_ < 0) fail(target, errno);
    try {
      fill(target, bytes);
    } catch (...) {
      remove();
      throw;
    }
  }
  ~Staged() { remove(); }
  Staged(Staged&& other) noexcept
      : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)) {}
  Staged& operator=(Staged&&) = delete;

  const Path& path() const { return path_; }

 private:
  void fill(const Path& target, std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t size = ::write(file_, bytes.data(), bytes.size());
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) fail(target, errno);
      bytes.remove_prefix(static_cast<std::size_t>(size));
    }
    if (::fsync(file_) != 0 && errno != EINVAL) fail(target, errno);
  }
  void remove() noexcept {
    if (file_ < 0) return;
    ::close(std::exchange(file_, -1));
    ::unlink(path_.c_str());  // of no effect where it was renamed
  }

  Path path_;
  int file_ = -1;
};

}  // namespace

void FileSet::promise(const Path& path) const {
  if (!force_ &&
      std::filesystem::symlink_status(path).type() != std::filesystem::file_type::not_found)
    fail_for_there(path);
}

void FileSet::add(Path path, Access access, Secret bytes) {
  files_.push_back({.path = std::move(path), .access = access, .bytes = std::move(bytes)});
}

void FileSet::write() {
  std::vector<Staged> staged;
  for (const File& file : files_) staged.emplace_back(file.path, file.access, view(file.bytes));
  std::size_t done = 0;
  try {
    for (; done < files_.size(); ++done) publish(staged[done].path(), files_[done].path);
  } catch (...) {
    // What took an older one's place cannot be brought back.
    while (!force_ && done > 0) ::unlink(files_[--done].path.c_str());
    throw;
  }
}

void FileSet::publish(const Path& staged, const Path& path) const {
  // A link, unlike a rename, never takes the place of what somebody else wrote in the meantime.
  const int result =
      force_ ? ::rename(staged.c_str(), path.c_str()) : ::link(staged.c_str(), path.c_str());
  if (result == 0) return;
  if (errno == EEXIST) fail_for_there(path);
  if (!force_ && (errno == EPERM || errno == ENOTSUP))
    throw Failure(path.string() + ": the file system has no hard links",
                  "With --force none is needed, and what is there is replaced.");
  fail(path, errno);
}

void make_private_folder(const Path& wanted) {
  std::error_code error;
  Path folder = wanted.lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();  // "pki/": its parent is not "pki"
  if (folder.has_parent_path()) std::filesystem::create_directories(folder.parent_path(), error);
  if (::mkdir(folder.c_str(), 0700) == 0) return;
  const int reason = errno;
  if (reason == EEXIST && std::filesystem::is_directory(folder, error)) return;
  fail(folder, reason == EEXIST ? ENOTDIR : reason);
}

}  // namespace pki
