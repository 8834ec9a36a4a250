// The certificate zoo (certs/README.md), by the names in its index.
#pragma once

#include "lib/handles.h"

#include <string>

namespace sally::test {

class Zoo {
 public:
  // Throws std::runtime_error where the zoo was not made or has no such entry.
  static std::string chain_path(const std::string& name);
  static std::string key_path(const std::string& name);
  static std::string ca_path(const std::string& name);
  static std::string crl_path(const std::string& name);

  // New handles; throw where the library does not load them.
  static Owned<sally_credential> credential(const std::string& name);
  static Owned<sally_trust_store> trust(const std::string& name);
};

// The bytes of a file. Throws where it cannot be read.
std::string read_file(const std::string& path);

}  // namespace sally::test
