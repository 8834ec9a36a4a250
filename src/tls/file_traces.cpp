#include "tls/file_traces.h"

#include <deque>
#include <filesystem>
#include <sys/stat.h>

namespace sally::tls {

namespace {

namespace fs = std::filesystem;

constexpr int most_links = 40;  // as many as the system follows

void push_front(std::deque<fs::path>& components, const fs::path& path) {
  const std::deque<fs::path> more(path.begin(), path.end());
  components.insert(components.begin(), more.begin(), more.end());
}

// The change time tells what a program that sets the modification time back would hide.
std::string identity_of(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) return "absent";
  std::string text;
  for (const auto part :
       {static_cast<long long>(facts.st_dev), static_cast<long long>(facts.st_ino),
        static_cast<long long>(facts.st_size), static_cast<long long>(facts.st_mtim.tv_sec),
        static_cast<long long>(facts.st_mtim.tv_nsec), static_cast<long long>(facts.st_ctim.tv_sec),
        static_cast<long long>(facts.st_ctim.tv_nsec)}) {
    text += std::to_string(part) + ",";
  }
  return text;
}

}  // namespace

std::set<std::string> folders_on_the_way(const std::string& path) {
  std::error_code error;
  const fs::path whole = fs::absolute(path, error);
  std::set<std::string> folders;
  std::deque<fs::path> rest(whole.begin(), whole.end());
  fs::path here = "/";
  for (int links = 0; !rest.empty();) {
    const fs::path component = rest.front();
    rest.pop_front();
    if (component.empty() || component == "/" || component == ".") continue;
    const fs::path next = here / component;
    const fs::file_status status = fs::symlink_status(next, error);
    if (fs::is_symlink(status)) {
      folders.insert(here.string());
      const fs::path target = fs::read_symlink(next, error);
      if (error || ++links > most_links) return folders;
      if (target.is_absolute()) here = "/";
      push_front(rest, target);
      continue;
    }
    if (!fs::is_directory(status)) {  // the end of the way, whether or not something is there
      folders.insert(here.string());
      return folders;
    }
    here = component == ".." ? here.parent_path() : next;
  }
  folders.insert(here.string());
  folders.insert(here.parent_path().string());  // where the folder itself can be replaced
  return folders;
}

namespace {

std::string trace_of(const std::string& path) {
  std::string trace = identity_of(path);
  std::error_code error;
  if (!fs::is_directory(path, error)) return trace;
  std::set<std::string> files;
  for (fs::directory_iterator each(path, error), end; !error && each != end;
       each.increment(error)) {
    files.insert(each->path().string());
  }
  for (const std::string& file : files) trace += file + ":" + identity_of(file);
  return trace;
}

}  // namespace

std::string traces_of(const std::vector<std::string>& paths) {
  std::string all;
  for (const std::string& path : paths) all += trace_of(path) + ";";
  return all;
}

}  // namespace sally::tls
