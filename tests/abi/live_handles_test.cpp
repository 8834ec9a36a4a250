// After each test, no handle may live that did not live before: nothing leaks, whatever the test
// was about.
#include "lib/async.h"

#include <array>
#include <chrono>
#include <gtest/gtest.h>
#include <poll.h>

#include <sallyport/sallyport.h>

using namespace sally::test;

namespace {

constexpr std::int32_t kinds = SALLY_HANDLE_TRACE_RECORD + 1;
constexpr std::array<const char*, kinds> kind_names = {
    "error",   "bytes",       "credential", "trust store", "TLS config",  "certificate",
    "stream",  "stream info", "listener",   "runtime",     "queue",       "operation",
    "verdict", "ticket keys", "decision",   "trace",       "trace record"};
using Counts = std::array<std::int64_t, kinds>;

Counts live_handles() {
  Counts counts{};
  for (std::int32_t kind = 0; kind < kinds; ++kind) {
    counts[static_cast<std::size_t>(kind)] = sally_library_live_handles(kind);
  }
  return counts;
}

// The last release never waits: what still holds an error or a certificate is let go by the event
// loop, a moment later.
Counts settled_to(const Counts& expected) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(40);
  Counts counts = live_handles();
  while (counts != expected && std::chrono::steady_clock::now() < deadline) {
    ::poll(nullptr, 0, 1);
    counts = live_handles();
  }
  return counts;
}

class LeakCheck final : public testing::EmptyTestEventListener {
  // A loop may still hold for a moment what it was told at the very end of the test before.
  void OnTestStart(const testing::TestInfo&) override { before_ = settled_to(before_); }

  void OnTestEnd(const testing::TestInfo&) override {
    const Counts after = settled_to(before_);
    for (std::size_t kind = 0; kind < after.size(); ++kind) {
      EXPECT_EQ(after[kind], before_[kind]) << "live handles of the kind: " << kind_names[kind];
    }
  }

  Counts before_ = live_handles();
};

class Environment final : public testing::Environment {
  void SetUp() override { testing::UnitTest::GetInstance()->listeners().Append(new LeakCheck); }
};

[[maybe_unused]] const auto* const environment = testing::AddGlobalTestEnvironment(new Environment);

}  // namespace

TEST(LiveHandles, AreCountedForEveryKindAndForNoOther) {
  EXPECT_EQ(sally_library_live_handles(-1), -1);
  EXPECT_EQ(sally_library_live_handles(kinds), -1);
  const Counts before = live_handles();
  sally_tls_config* config = nullptr;
  ASSERT_EQ(sally_tls_config_create(SALLY_ROLE_CLIENT, &config, nullptr), SALLY_OK);
  EXPECT_EQ(sally_library_live_handles(SALLY_HANDLE_TLS_CONFIG),
            before[SALLY_HANDLE_TLS_CONFIG] + 1);
  EXPECT_EQ(sally_tls_config_retain(config), config);
  EXPECT_EQ(sally_library_live_handles(SALLY_HANDLE_TLS_CONFIG),
            before[SALLY_HANDLE_TLS_CONFIG] + 1)
      << "a reference is no handle of its own";
  sally_tls_config_release(config);
  sally_tls_config_release(config);
  EXPECT_EQ(live_handles(), before);
}

TEST(LiveHandles, CountRuntimesQueuesAndOperations) {
  const Counts before = live_handles();
  Counts expected = before;
  const auto runtime = make_runtime(0, 1);
  ++expected[SALLY_HANDLE_RUNTIME];
  Queue queue;
  ++expected[SALLY_HANDLE_QUEUE];
  EXPECT_EQ(live_handles(), expected);

  sally_listener_options options{};
  options.runtime = runtime.get();
  Listener listener(server_config(), options);
  const Counts without_operation = live_handles();
  EXPECT_EQ(without_operation[SALLY_HANDLE_RUNTIME], expected[SALLY_HANDLE_RUNTIME])
      << "a child's reference is no handle of its own";
  const sally_completion completion = queue.completion(1);
  ASSERT_EQ(sally_listener_accept_async(listener.get(), 0, &completion, nullptr, nullptr),
            SALLY_OK);
  EXPECT_EQ(live_handles(), without_operation) << "nobody wanted the operation";
  Owned<sally_operation> operation;
  ASSERT_EQ(sally_listener_accept_async(listener.get(), 0, &completion, Out(operation), nullptr),
            SALLY_OK);
  EXPECT_EQ(sally_library_live_handles(SALLY_HANDLE_OPERATION), before[SALLY_HANDLE_OPERATION] + 1);
  listener.release();
  EXPECT_EQ(queue.next()->status, SALLY_CLOSED);
  EXPECT_EQ(queue.next()->status, SALLY_CLOSED);
  EXPECT_EQ(sally_library_live_handles(SALLY_HANDLE_OPERATION), before[SALLY_HANDLE_OPERATION] + 1)
      << "complete, and still held";
  operation.reset();
  EXPECT_EQ(sally_library_live_handles(SALLY_HANDLE_OPERATION), before[SALLY_HANDLE_OPERATION]);
}
