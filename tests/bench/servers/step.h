// What a TLS library says that is given a descriptor, and what the system says.
#pragma once

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace bench {

enum class Step { done, want_read, want_write, end };

inline int checked(int result, const char* what) {
  if (result < 0) throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
  return result;
}

}  // namespace bench
