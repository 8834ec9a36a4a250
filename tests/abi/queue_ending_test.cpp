// How asynchronous operations end that were pending when their stream did, and how many of them one
// take hands out.
#include "lib/secure.h"

#include <gtest/gtest.h>
#include <vector>

using namespace sally::test;

namespace {

class Queue {
 public:
  Queue() { EXPECT_EQ(sally_queue_create(&handle_, nullptr), SALLY_OK); }
  ~Queue() { sally_queue_release(handle_); }
  Queue(const Queue&) = delete;
  Queue& operator=(const Queue&) = delete;

  sally_completion tagged(std::uint64_t tag) const {
    return {.struct_size = sizeof(sally_completion),
            .flags = 0,
            .tag = tag,
            .queue = handle_,
            .function = nullptr,
            .user = nullptr,
            .free_user = nullptr};
  }

  void wait(const Stream& stream, std::uint32_t interest) {
    const sally_completion completion = tagged(0);
    EXPECT_EQ(sally_stream_wait_async(stream.get(), interest, 0, &completion, nullptr, nullptr),
              SALLY_OK);
  }

  // How the operations ended that one call hands out.
  std::vector<sally_status> take(std::size_t capacity) {
    std::vector<sally_event> events(capacity);
    std::size_t count = 0;
    EXPECT_EQ(sally_queue_take(handle_, events.data(), sizeof(sally_event), capacity, &count,
                               generous_ms, nullptr),
              SALLY_OK);
    std::vector<sally_status> statuses;
    for (std::size_t i = 0; i < count; ++i) {
      statuses.push_back(events[i].status);
      sally_event_dispose(&events[i]);
    }
    return statuses;
  }

 private:
  sally_queue* handle_ = nullptr;
};

}  // namespace

TEST(QueueTake, HandsOutAllThatThereIsUpToWhatWasAskedFor) {
  constexpr std::size_t many = 3000;
  Pair pair = tls_pair();
  Queue queue;
  for (std::size_t i = 0; i < many; ++i) queue.wait(pair.client, SALLY_DIRECTION_WRITE);
  // The waits of a stream end in their order, so with this one all are there.
  Queue other;
  other.wait(pair.client, SALLY_DIRECTION_WRITE);
  other.take(1);
  EXPECT_EQ(queue.take(many + 1).size(), many);
}

TEST(Close, EndsAllThatIsPendingAsClosed) {
  Pair pair = tls_pair();
  Queue queue;
  char byte = 0;
  queue.wait(pair.client, SALLY_DIRECTION_READ);
  const sally_completion completion = queue.tagged(0);
  ASSERT_EQ(
      sally_stream_read_some_async(pair.client.get(), &byte, 1, 0, &completion, nullptr, nullptr),
      SALLY_OK);
  queue.wait(pair.client, SALLY_DIRECTION_READ);
  EXPECT_EQ(pair.client.close(SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
  std::vector<sally_status> ends;
  while (ends.size() < 3) {
    for (const sally_status status : queue.take(3)) ends.push_back(status);
  }
  EXPECT_EQ(ends, std::vector<sally_status>(3, SALLY_CLOSED));
}

TEST(Release, OfAStreamThatIsClosingStillTellsThePeerOfTheEnd) {
  for (int i = 0; i < 50; ++i) {
    Pair pair = tls_pair();
    Queue queue;
    const sally_completion completion = queue.tagged(0);
    ASSERT_EQ(sally_stream_close_async(pair.server.get(), 0, &completion, nullptr, nullptr),
              SALLY_OK);
    pair.server.release();
    ASSERT_EQ(pair.client.read_status(), SALLY_END_OF_STREAM);
    queue.take(1);
  }
}
