// How the end of the TLS library fits in with the end of ours, while a program exits.
#include "lib/async_stream.h"
#include "tls/openssl.h"
#include "transport/runtime.h"

#include <atomic>
#include <cstdlib>
#include <gtest/gtest.h>
#include <thread>

namespace sally::test {
namespace {

std::atomic<std::uint64_t> turns{0};

bool has_ended() {
  return OPENSSL_init_crypto(0, nullptr) == 0;
}

// On a loop, without end.
void watch_for_the_end(transport::EventLoop& loop) {
  ++turns;
  if (has_ended()) std::_Exit(3);
  loop.post([&loop] { watch_for_the_end(loop); });
}

// Where the loop still turns it has its chance to see that the TLS library is no more.
void wait_for_a_turn() {
  if (!has_ended()) std::_Exit(4);
  const std::uint64_t before = turns;
  const transport::Deadline deadline = transport::deadline_after(100);
  while (turns <= before + 1 && transport::Clock::now() < deadline) std::this_thread::yield();
}

[[noreturn]] void exit_with_a_loop_made_before_the_tls_library() {
  const auto runtime = transport::Runtime::with_threads(1);
  std::atexit(&wait_for_a_turn);
  static const Ref<tls::Config> config = server_config({});
  watch_for_the_end(runtime->loop(0));
  std::exit(0);
}

TEST(TlsLibraryDeathTest, EndsWhenNoLoopTurnsAnyMore) {
#ifdef SALLYPORT_PRIVATE_OPENSSL
  GTEST_SKIP() << "a private OpenSSL does not end";
#endif
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(exit_with_a_loop_made_before_the_tls_library(), testing::ExitedWithCode(0), "^$");
}

}  // namespace
}  // namespace sally::test
