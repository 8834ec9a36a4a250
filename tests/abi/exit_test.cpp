// Programs that end while the library still has things to do.
#include "lib/secure.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <vector>

using namespace sally::test;

namespace {

// A program that lets go of its last handles, whose remains the event loop then clears away, and
// ends at once.
[[noreturn]] void release_and_exit() {
  {
    std::vector<Pair> pairs;
    std::vector<Listener> listeners;
    for (int i = 0; i < 8; ++i) {
      listeners.emplace_back(server_config());
      pairs.push_back(connect_pair(listeners.back(), client_config().get()));
    }
  }
  std::exit(0);
}

// Made before anything of the library is, so that it is destroyed after everything of the library's
// that ends with the program.
struct Remains {
  std::vector<Pair> pairs;
  std::vector<Listener> listeners;
} remains;

[[noreturn]] void exit_with_open_streams() {
  remains.listeners.emplace_back(server_config());
  remains.pairs.push_back(connect_pair(remains.listeners.back(), client_config().get()));
  static const Pair pair = tls_pair();
  std::exit(0);
}

}  // namespace

TEST(ExitDeathTest, IsCleanRightAfterTheLastRelease) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (int i = 0; i < 5; ++i) EXPECT_EXIT(release_and_exit(), testing::ExitedWithCode(0), "^$");
}

TEST(ExitDeathTest, IsCleanWithHandlesThatOutliveMain) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (int i = 0; i < 5; ++i)
    EXPECT_EXIT(exit_with_open_streams(), testing::ExitedWithCode(0), "^$");
}
