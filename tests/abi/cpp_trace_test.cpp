// Traces through the C++ wrappers.
#include "abi/cpp_support.h"

#include <condition_variable>
#include <gtest/gtest.h>
#include <mutex>
#include <vector>

namespace sally::cpp {
namespace {

TEST(CppTrace, ComesThroughAQueue) {
  auto queue = sally::CompletionQueue::create();
  const sally::Trace trace(queue, 9);
  {
    const auto listener = listen();
    const auto socket = connect(listener, client_config().trace(trace));
    EXPECT_EQ(socket.info().correlation_id().size(), 16u);
  }
  std::vector<std::int32_t> kinds;
  while (kinds.empty() || kinds.back() != SALLY_TRACE_END) {
    sally::Event event = queue.take(soon);
    EXPECT_EQ(event.tag(), 9u);
    EXPECT_THROW(event.take<sally::StreamSocket>(), std::invalid_argument);
    const auto record = event.take<sally::TraceRecord>();
    EXPECT_EQ(record.side(), SALLY_ROLE_CLIENT);
    EXPECT_EQ(record.connection(), 1u);
    EXPECT_EQ(record.correlation_id().size(), 16u);
    EXPECT_NE(record.text().find(record.correlation_id()), std::string_view::npos);
    EXPECT_EQ(record.json().front(), '{');
    EXPECT_GE(record.time(), 0us);
    kinds.push_back(record.kind());
  }
  EXPECT_EQ(kinds.front(), SALLY_TRACE_CONNECT);
  EXPECT_EQ(trace.dropped(), 0u);
}

TEST(CppTrace, ComesToAFunctionWithinItsLimits) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<sally::TraceRecord> records;
  const sally::Trace trace(
      [&](const sally::TraceRecord& record) {
        const std::lock_guard lock(mutex);
        records.push_back(record);
        changed.notify_all();
      },
      {.per_connection = 2});
  {
    const auto listener = listen();
    connect(listener, client_config().trace(trace));
  }
  std::unique_lock lock(mutex);
  ASSERT_TRUE(changed.wait_for(lock, soon, [&] { return records.size() == 2; }));
  EXPECT_EQ(records.back().kind(), SALLY_TRACE_END);
  EXPECT_GT(trace.dropped(), 2u);
}

}  // namespace
}  // namespace sally::cpp
