// A completion queue told by its descriptor, by waiting in take, or both.
#include "lib/secure.h"
#include "lib/threads.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <thread>

using namespace sally::test;

namespace {

Owned<sally_queue> make_queue() {
  Owned<sally_queue> queue;
  EXPECT_EQ(called([&](sally_error** error) { return sally_queue_create(Out(queue), error); }),
            SALLY_OK);
  return queue;
}

// Completes at once, since nothing is waiting to be sent.
void submit(Stream& stream, sally_queue* queue, std::uint64_t tag) {
  sally_completion completion{};
  completion.struct_size = sizeof completion;
  completion.queue = queue;
  completion.tag = tag;
  EXPECT_EQ(called([&](sally_error** error) {
              return sally_stream_wait_async(stream.get(), SALLY_DIRECTION_WRITE, generous_ms,
                                             &completion, nullptr, error);
            }),
            SALLY_OK);
}

// The tag of what was taken; 0 where that was nothing.
std::uint64_t take(sally_queue* queue, std::int64_t timeout_ms, Result* result = nullptr) {
  sally_event event{};
  std::size_t count = 0;
  Result outcome = called([&](sally_error** error) {
    return sally_queue_take(queue, &event, sizeof event, 1, &count, timeout_ms, error);
  });
  if (result != nullptr) *result = std::move(outcome);
  if (count == 0) return 0;
  EXPECT_EQ(event.status, SALLY_OK);
  const std::uint64_t tag = event.tag;
  sally_event_dispose(&event);
  return tag;
}

bool is_readable(std::intptr_t descriptor, int timeout_ms) {
  pollfd polled{static_cast<int>(descriptor), POLLIN, 0};
  return ::poll(&polled, 1, timeout_ms) == 1;
}

}  // namespace

TEST(QueueDescriptor, IsReadableWhileSomethingWaits) {
  Pair pair = tls_pair();
  const auto queue = make_queue();
  const std::intptr_t descriptor = sally_queue_fd(queue.get());
  for (const std::uint64_t tag : {1u, 2u, 3u}) {
    EXPECT_FALSE(is_readable(descriptor, 0));
    submit(pair.client, queue.get(), tag);
    ASSERT_TRUE(is_readable(descriptor, generous_ms));
    EXPECT_EQ(take(queue.get(), SALLY_TIMEOUT_ATTEMPT), tag);
  }
  EXPECT_FALSE(is_readable(descriptor, 0));
}

TEST(QueueDescriptor, TellsWhatCameBeforeItWasAskedFor) {
  Pair pair = tls_pair();
  const auto queue = make_queue();
  submit(pair.client, queue.get(), 1);
  submit(pair.client, queue.get(), 2);
  EXPECT_EQ(take(queue.get(), generous_ms), 1u);
  // The second was waiting with the first, or comes in a moment.
  const std::intptr_t descriptor = sally_queue_fd(queue.get());
  ASSERT_TRUE(is_readable(descriptor, generous_ms));
  EXPECT_EQ(take(queue.get(), SALLY_TIMEOUT_ATTEMPT), 2u);
  EXPECT_FALSE(is_readable(descriptor, 0));
}

TEST(QueueDescriptor, StaysReadableOnceTheQueueIsClosedAndEmpty) {
  const auto queue = make_queue();
  ASSERT_EQ(called([&](sally_error** error) { return sally_queue_close(queue.get(), error); }),
            SALLY_OK);
  const std::intptr_t descriptor = sally_queue_fd(queue.get());
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(is_readable(descriptor, 0));
    Result result;
    take(queue.get(), SALLY_TIMEOUT_ATTEMPT, &result);
    EXPECT_EQ(result, SALLY_CLOSED);
  }
}

TEST(QueueTake, HasTheResultOfAReadAtOnceWhereItsBytesAreThere) {
  Pair pair = tls_pair();
  const auto queue = make_queue();
  ASSERT_EQ(pair.server.write("here"), SALLY_OK);
  std::uint32_t ready = 0;
  ASSERT_EQ(called([&](sally_error** error) {
              return sally_stream_wait(pair.client.get(), SALLY_DIRECTION_READ, &ready, generous_ms,
                                       error);
            }),
            SALLY_OK);
  std::string bytes(4, '\0');
  sally_completion completion{};
  completion.struct_size = sizeof completion;
  completion.queue = queue.get();
  completion.tag = 7;
  ASSERT_EQ(called([&](sally_error** error) {
              return sally_stream_read_exactly_async(pair.client.get(), bytes.data(), bytes.size(),
                                                     generous_ms, &completion, nullptr, error);
            }),
            SALLY_OK);
  EXPECT_EQ(take(queue.get(), SALLY_TIMEOUT_ATTEMPT), 7u);
  EXPECT_EQ(bytes, "here");
}

TEST(QueueTake, IsWokenOnceForEachResult) {
  Pair pair = tls_pair();
  const auto queue = make_queue();
  const auto taken = [&] { return take(queue.get(), generous_ms); };
  auto first = std::async(std::launch::async, taken);
  auto second = std::async(std::launch::async, taken);
  submit(pair.client, queue.get(), 1);
  submit(pair.client, queue.get(), 2);
  EXPECT_EQ(first.get() + second.get(), 3u);
}

TEST(QueueTake, IsClosedForAllWhoWait) {
  const auto queue = make_queue();
  const auto status = [&] {
    Result result;
    take(queue.get(), generous_ms, &result);
    return result.status;
  };
  auto first = std::async(std::launch::async, status);
  auto second = std::async(std::launch::async, status);
  ASSERT_EQ(called([&](sally_error** error) { return sally_queue_close(queue.get(), error); }),
            SALLY_OK);
  EXPECT_EQ(first.get(), SALLY_CLOSED);
  EXPECT_EQ(second.get(), SALLY_CLOSED);
}

TEST(QueueTake, TimesOut) {
  const auto queue = make_queue();
  Result result;
  take(queue.get(), short_ms, &result);
  EXPECT_EQ(result, SALLY_TIMED_OUT);
}
