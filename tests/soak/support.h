// What the soak programs measure, and how they say whether it is well.
#pragma once

#include "lib/secure.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <sys/prctl.h>
#include <unistd.h>

namespace sally::soak {

// First of all in main: where the kernel lays huge pages under whatever grows, their size hides what was needed.
inline void use_small_pages() {
  if (::prctl(PR_SET_THP_DISABLE, 1L, 0L, 0L, 0L) != 0) std::perror("huge pages stay allowed");
}

inline std::int64_t resident_kib() {
  std::int64_t size = 0;
  std::int64_t resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * ::sysconf(_SC_PAGESIZE) / 1024;
}

inline std::int64_t live_handles() {
  std::int64_t sum = 0;
  for (std::int32_t kind = 0; sally_library_live_handles(kind) >= 0; ++kind)
    sum += sally_library_live_handles(kind);
  return sum;
}

inline void require(const test::Result& result, sally_status status, const char* what) {
  if (result == status) return;
  throw std::runtime_error(std::string(what) + ": " + sally_error_json(result.error.get()));
}

class Verdict {
 public:
  void check(bool good, const std::string& what) {
    std::printf("%s: %s\n", good ? "ok" : "FAILED", what.c_str());
    ++(good ? passed_ : failed_);
  }
  int conclude() const {
    std::printf("%d passed, %d failed\n", passed_, failed_);
    return failed_ == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
  }

 private:
  int passed_ = 0;
  int failed_ = 0;
};

}  // namespace sally::soak
