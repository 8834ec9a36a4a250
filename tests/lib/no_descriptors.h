// A process that can open no more files, for tests.
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace sally::test {

// UndefinedBehaviorSanitizer opens a pipe to see whether it may read an object: without descriptors
// it takes good objects for bad ones.
#if defined(__SANITIZE_ADDRESS__)  // what the same build has
inline constexpr bool checks_need_descriptors = true;
#else
inline constexpr bool checks_need_descriptors = false;
#endif

// No descriptor can be opened while it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
    rlimit none = before_;
    none.rlim_cur = 3;  // those are open; and poll takes no more than so many
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

}  // namespace sally::test
