// Writing files that belong together.
#pragma once

#include "pki_secret.h"

#include <filesystem>
#include <vector>

namespace pki {

enum class Access { everybody, owner };  // modes 0644 and 0600; the umask may take more away

// All are written, or none. Each appears under its name whole, with its mode, and takes the place
// of an older one only by `force`.
class FileSet {
 public:
  explicit FileSet(bool force) : force_(force) {}

  // Throws Failure where the file is there already, so that no key is made in vain.
  void promise(const std::filesystem::path& path) const;
  void add(std::filesystem::path path, Access access, Secret bytes);
  void write();

 private:
  struct File {
    std::filesystem::path path;
    Access access;
    Secret bytes;
  };
  void publish(const std::filesystem::path& staged, const std::filesystem::path& path) const;

  bool force_;
  std::vector<File> files_;
};

// Makes a folder that is its owner's only, unless it is there.
void make_private_folder(const std::filesystem::path& folder);

}  // namespace pki
