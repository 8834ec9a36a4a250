#include "tls/trust_folder.h"

#include "status/error.h"

#include <algorithm>
#include <filesystem>

namespace sally::tls {

namespace {

[[noreturn]] void fail(const std::string& path, const std::error_code& code) {
  const ErrorRef error =
      errno_error(code.value(), {.message = "'" + path + "'", .source = path, .phase = "load"});
  // ENOTDIR of what is there: a file in a folder's stead.
  std::error_code ignored;
  const bool missing =
      error->status() == SALLY_FILE_NOT_FOUND && !std::filesystem::exists(path, ignored);
  const bool known = missing || error->status() == SALLY_ACCESS_DENIED;
  if (known) throw Failure(error);
  throw Failure(SALLY_FILE_UNREADABLE, error->detail());
}

}  // namespace

std::vector<PemSource> read_folder(const std::string& path) {
  std::error_code code;
  std::vector<std::string> names;
  std::filesystem::directory_iterator entry(path, code);
  if (code) fail(path, code);
  for (const std::filesystem::directory_iterator end; entry != end; entry.increment(code)) {
    std::error_code ignored;
    if (entry->is_regular_file(ignored)) names.push_back(entry->path().string());
    if (code) fail(path, code);
  }
  if (code) fail(path, code);
  std::ranges::sort(names);
  std::vector<PemSource> files;
  files.reserve(names.size());
  for (const std::string& name : names) files.push_back(PemSource::from_uri("file:" + name));
  return files;
}

}  // namespace sally::tls
