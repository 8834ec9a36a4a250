// The contract of completion queues, over real connections: every event once, a descriptor that is
// readable exactly while something waits, and an end.
#include "abi/queue_support.h"
#include "lib/threads.h"

#include <algorithm>
#include <atomic>
#include <gtest/gtest.h>
#include <set>
#include <sys/epoll.h>
#include <thread>
#include <unistd.h>

using namespace sally::test;

namespace {

class EdgeTriggered {
 public:
  explicit EdgeTriggered(const Queue& queue) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    EXPECT_EQ(::epoll_ctl(poller_, EPOLL_CTL_ADD, queue.descriptor(), &event), 0);
  }
  ~EdgeTriggered() { ::close(poller_); }
  EdgeTriggered(const EdgeTriggered&) = delete;
  EdgeTriggered& operator=(const EdgeTriggered&) = delete;

  // False where nothing more is told.
  bool wait(std::int64_t timeout_ms = generous_ms) const {
    epoll_event event{};
    return ::epoll_wait(poller_, &event, 1, static_cast<int>(timeout_ms)) == 1;
  }

 private:
  const int poller_ = ::epoll_create1(EPOLL_CLOEXEC);
};

}  // namespace

TEST(Queue, TellsWhatAnOperationDidUnderItsTag) {
  Pair pair = tls_pair();
  Queue queue;
  ASSERT_EQ(read(pair.client, queue, 41), SALLY_OK);
  ASSERT_EQ(pair.server.write("hello"), SALLY_OK);
  const Event event = queue.next();
  EXPECT_EQ(event->tag, 41u);
  EXPECT_EQ(event->kind, SALLY_EVENT_DONE);
  EXPECT_EQ(event->status, SALLY_OK);
  EXPECT_EQ(event->size, 5u);
  EXPECT_EQ(event->object, nullptr);
  EXPECT_EQ(event->error, nullptr);
  EXPECT_EQ(std::string(ignored, 5), "hello");
  EXPECT_EQ(queue.take_status(), SALLY_WOULD_BLOCK) << "once";
}

TEST(Queue, TellsAFailureWithItsError) {
  Pair pair = tls_pair();
  Queue queue;
  ASSERT_EQ(read(pair.client, queue, 1, nullptr, short_ms), SALLY_OK);
  const Event late = queue.next();
  EXPECT_EQ(late->status, SALLY_TIMED_OUT);
  EXPECT_EQ(sally_error_status(late->error), SALLY_TIMED_OUT);
  EXPECT_EQ(late->size, 0u);
  ASSERT_EQ(read(pair.client, queue, 2), SALLY_OK);
  pair.server.close(SALLY_TIMEOUT_ATTEMPT);
  const Event end = queue.next();
  EXPECT_EQ(end->status, SALLY_END_OF_STREAM);
  EXPECT_EQ(sally_error_status(end->error), SALLY_END_OF_STREAM);
}

TEST(Queue, IsReadableWhileAndOnlyWhileSomethingWaits) {
  Pair pair = tls_pair();
  Queue queue;
  EXPECT_FALSE(queue.is_readable());
  ASSERT_EQ(read(pair.client, queue, 1), SALLY_OK);
  let_complete(pair.client);
  EXPECT_FALSE(queue.is_readable()) << "pending is not waiting";
  ASSERT_EQ(pair.server.write("x"), SALLY_OK);
  EXPECT_TRUE(becomes_readable(queue));
  EXPECT_EQ(queue.take(1).size(), 1u);
  EXPECT_FALSE(queue.is_readable());

  fill(pair.client, queue, 3);
  EXPECT_EQ(queue.take(2).size(), 2u);
  EXPECT_TRUE(queue.is_readable()) << "one is left";
  EXPECT_EQ(queue.take(2).size(), 1u);
  EXPECT_FALSE(queue.is_readable());
}

TEST(Queue, HandsOutBatchesOldestFirst) {
  Pair pair = tls_pair();
  Queue queue;
  fill(pair.client, queue, 10);
  std::uint64_t expected = 0;
  for (const std::size_t capacity : {std::size_t{1}, std::size_t{4}, std::size_t{100}}) {
    const auto events = queue.take(capacity);
    EXPECT_EQ(events.size(), std::min<std::size_t>(capacity, 10 - expected));
    for (const Event& event : events) EXPECT_EQ(event->tag, expected++);
  }
  EXPECT_EQ(expected, 10u);
}

TEST(Queue, HandsOutAsManyAsAreAskedFor) {
  constexpr std::uint64_t many = 5000;
  Pair pair = tls_pair();
  Queue queue;
  fill(pair.client, queue, many);
  EXPECT_EQ(queue.take(2 * many).size(), many)
      << "fewer than asked for would mean that nothing is left";
}

TEST(Queue, WaitsForTheFirstEventAndForNoOther) {
  Pair pair = tls_pair();
  Queue queue;
  auto taking = on_thread([&] { return queue.take(100, SALLY_TIMEOUT_NEVER).size(); });
  EXPECT_TRUE(goes_on(taking));
  ASSERT_EQ(flush(pair.client, queue, 1), SALLY_OK);
  EXPECT_EQ(taking.get(), 1u);
  const StopWatch watch;
  EXPECT_EQ(queue.take_status(short_ms), SALLY_TIMED_OUT);
  EXPECT_GE(watch.milliseconds(), short_ms);
}

TEST(Queue, GivesEachEventToOneOfSeveralThreads) {
  constexpr int threads = 4;
  constexpr std::uint64_t count = 2000;
  Pair pair = tls_pair();
  Queue queue;
  std::vector<std::future<std::vector<std::uint64_t>>> takers;
  for (int i = 0; i < threads; ++i) {
    takers.push_back(on_thread([&queue, i] {
      std::vector<std::uint64_t> tags;
      Result result;
      do {
        // Both those who wait for long and those who come again and again.
        const auto events =
            queue.take(static_cast<std::size_t>(1 + 2 * i), i % 2 == 0 ? generous_ms : 1, &result);
        for (const Event& event : events) tags.push_back(event->tag);
      } while (result.ok() || result == SALLY_TIMED_OUT);
      EXPECT_EQ(result, SALLY_CLOSED);
      return tags;
    }));
  }
  for (std::uint64_t tag = 0; tag < count; ++tag)
    ASSERT_EQ(flush(pair.client, queue, tag), SALLY_OK);
  let_complete(pair.client);
  ASSERT_EQ(queue.close(), SALLY_OK);
  std::multiset<std::uint64_t> all;
  for (auto& taker : takers) {
    for (const std::uint64_t tag : taker.get()) all.insert(tag);
  }
  EXPECT_EQ(all.size(), count);
  EXPECT_EQ(std::set(all.begin(), all.end()).size(), count) << "none twice";
}

TEST(Queue, LosesNothingForWhoWaitsForEdges) {
  constexpr std::uint64_t count = 3000;
  Pair pair = tls_pair();
  for (const std::size_t capacity : {std::size_t{1}, std::size_t{7}, std::size_t{4096}}) {
    Queue queue;
    const EdgeTriggered edges(queue);
    auto submitting = on_thread([&] {
      for (std::uint64_t tag = 0; tag < count; ++tag)
        EXPECT_EQ(flush(pair.client, queue, tag), SALLY_OK);
    });
    std::set<std::uint64_t> tags;
    while (tags.size() < count) {
      ASSERT_TRUE(edges.wait()) << "after " << tags.size();
      std::size_t taken = 0;
      do {
        const auto events = queue.take(capacity, SALLY_TIMEOUT_ATTEMPT);
        taken = events.size();
        for (const Event& event : events) EXPECT_TRUE(tags.insert(event->tag).second);
      } while (taken == capacity);
    }
    submitting.get();
  }
}

TEST(Queue, TellsItsEndToWhoWaitsForEdges) {
  Pair pair = tls_pair();
  Queue queue;
  const EdgeTriggered edges(queue);
  fill(pair.client, queue, 3);
  ASSERT_EQ(queue.close(), SALLY_OK);
  ASSERT_TRUE(edges.wait());
  ASSERT_EQ(queue.take(10).size(), 3u);
  ASSERT_TRUE(edges.wait()) << "fewer came than were asked for: the next edge is the end";
  EXPECT_EQ(queue.take_status(), SALLY_CLOSED);
}

TEST(Queue, ClosedCancelsWhatIsPendingAndStillHandsItOut) {
  Pair pair = tls_pair();
  Queue queue;
  ASSERT_EQ(flush(pair.client, queue, 1), SALLY_OK);
  let_complete(pair.client);
  ASSERT_EQ(read(pair.client, queue, 2), SALLY_OK);
  for (std::uint64_t tag = 3; tag < 6; ++tag)
    ASSERT_EQ(wait_readable(pair.client, queue, tag), SALLY_OK);
  ASSERT_EQ(queue.close(), SALLY_OK);
  EXPECT_EQ(flush(pair.client, queue, 99), SALLY_CLOSED);

  std::set<std::uint64_t> canceled;
  for (int i = 0; i < 5; ++i) {
    const Event event = queue.next();
    if (event->tag == 1) {
      EXPECT_EQ(event->status, SALLY_OK);
    } else {
      EXPECT_EQ(event->status, SALLY_CANCELED);
      canceled.insert(event->tag);
    }
  }
  EXPECT_EQ(canceled, (std::set<std::uint64_t>{2, 3, 4, 5}));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(queue.take_status(generous_ms), SALLY_CLOSED);
    EXPECT_TRUE(queue.is_readable()) << "for good";
  }
  EXPECT_EQ(queue.close(), SALLY_OK);
  ASSERT_EQ(pair.server.write("x"), SALLY_OK);
  EXPECT_EQ(pair.client.read_text(1), "x") << "a cancelled read leaves the stream usable";
}

TEST(Queue, ClosedWakesWhoWaitsToTake) {
  Queue queue;
  std::vector<std::future<Result>> takers;
  for (int i = 0; i < 3; ++i)
    takers.push_back(on_thread([&] { return queue.take_status(SALLY_TIMEOUT_NEVER); }));
  for (auto& taker : takers) EXPECT_TRUE(goes_on(taker));
  ASSERT_EQ(queue.close(), SALLY_OK);
  for (auto& taker : takers) EXPECT_EQ(taker.get(), SALLY_CLOSED);
}

TEST(Queue, ClosedWhileOthersSubmitLosesNoEvent) {
  constexpr int rounds = 200;
  Pair pair = tls_pair();
  Listener listener(server_config());
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    Queue queue;
    // Each submits until it is refused or has had enough, and says how often it was not.
    const auto submitter = [](auto&& submit) {
      return on_thread([submit] {
        std::size_t count = 0;
        sally_status status = SALLY_OK;
        while (count < 100 && (status = submit()) == SALLY_OK) ++count;
        EXPECT_TRUE(status == SALLY_OK || status == SALLY_CLOSED) << status;
        return count;
      });
    };
    auto waits = submitter([&] { return wait_readable(pair.client, queue, 1).status; });
    auto flushes = submitter([&] { return flush(pair.server, queue, 2).status; });
    auto accepts = submitter([&] {
      const sally_completion completion = queue.completion(3);
      return sally_listener_accept_async(listener.get(), 0, &completion, nullptr, nullptr);
    });
    std::size_t taken = queue.take(1 + static_cast<std::size_t>(round) / 8).size();
    ASSERT_EQ(queue.close(), SALLY_OK);
    Result result;
    while (result.ok()) taken += queue.take(100, generous_ms, &result).size();
    EXPECT_EQ(result, SALLY_CLOSED) << "in round " << round;
    EXPECT_EQ(taken, waits.get() + flushes.get() + accepts.get());
  }
}

TEST(Queue, ReleasedWithEventsThatNobodyTookLeaksNothing) {
  const auto streams = sally_library_live_handles(SALLY_HANDLE_STREAM);
  const auto errors = sally_library_live_handles(SALLY_HANDLE_ERROR);
  Listener listener(server_config());
  const auto config = client_config();
  Queue queue;
  const sally_completion completion = queue.completion(1);
  ASSERT_EQ(sally_listener_accept_async(listener.get(), 0, &completion, nullptr, nullptr),
            SALLY_OK);
  Stream client = listener.stream(config.get());
  ASSERT_EQ(client.connect(), SALLY_OK);
  ASSERT_TRUE(becomes_readable(queue));  // a stream waits there
  ASSERT_EQ(read(client, queue, 2, nullptr, 1), SALLY_OK);
  ASSERT_EQ(wait_readable(client, queue, 3), SALLY_OK);  // and this is still to come
  queue.release();
  EXPECT_NE(client.read_status(), SALLY_TIMED_OUT) << "the stream that nobody took is closed";
  client.release();
  listener.release();
  const StopWatch watch;
  while ((sally_library_live_handles(SALLY_HANDLE_STREAM) != streams ||
          sally_library_live_handles(SALLY_HANDLE_ERROR) != errors) &&
         watch.milliseconds() < generous_ms) {
    std::this_thread::yield();
  }
  EXPECT_EQ(sally_library_live_handles(SALLY_HANDLE_STREAM), streams);
  EXPECT_EQ(sally_library_live_handles(SALLY_HANDLE_ERROR), errors);
}

TEST(Queue, ReleasedCancelsWhatIsPending) {
  Pair pair = tls_pair();
  Queue queue;
  ASSERT_EQ(read(pair.client, queue, 1), SALLY_OK);
  queue.release();
  Result second;
  do second = pair.client.read_status(SALLY_TIMEOUT_ATTEMPT);
  while (second == SALLY_BUSY);
  EXPECT_EQ(second, SALLY_WOULD_BLOCK);
}

TEST(Queue, LivesOnWhileAnyReferenceDoes) {
  Pair pair = tls_pair();
  Queue first;
  Queue second(Owned<sally_queue>(sally_queue_retain(first.get())));
  first.release();
  ASSERT_EQ(flush(pair.client, second, 5), SALLY_OK);
  EXPECT_EQ(second.next()->tag, 5u);
}

TEST(Queue, RunsFreeUserOnceWhenTheOperationCompletes) {
  Pair pair = tls_pair();
  Queue queue;
  Spy spy;
  sally_completion completion = spy.completion();
  completion.function = nullptr;
  completion.queue = queue.get();
  Owned<sally_operation> operation;
  ASSERT_EQ(sally_stream_read_some_async(pair.client.get(), ignored, sizeof ignored, 0, &completion,
                                         Out(operation), nullptr),
            SALLY_OK);
  let_complete(pair.client);
  EXPECT_EQ(spy.frees, 0);
  ASSERT_EQ(pair.server.write("x"), SALLY_OK);
  ASSERT_EQ(queue.next()->size, 1u);
  let_complete(pair.client);  // the same loop is done with it
  EXPECT_EQ(spy.frees, 1) << "although its operation is still held";
  operation.reset();
  queue.release();
  EXPECT_EQ(spy.frees, 1);
}

// What a read asks for is there, and its queue may have the result at once; but no code of the
// program's runs within the call.
TEST(Queue, RunsFreeUserOutsideTheCallWhateverTheUserIs) {
  struct Seen {
    std::atomic<int> frees = 0;
    std::atomic<std::thread::id> by{};
  };
  static Seen seen;
  Pair pair = tls_pair();
  ASSERT_EQ(pair.server.write("there"), SALLY_OK);
  Queue queue;
  ASSERT_EQ(wait_readable(pair.client, queue, 1), SALLY_OK);
  ASSERT_EQ(queue.next()->tag, 1u);
  sally_completion completion = queue.completion(2);
  completion.free_user = [](void* user) {
    EXPECT_EQ(user, nullptr);
    seen.by = std::this_thread::get_id();
    ++seen.frees;
  };
  ASSERT_EQ(sally_stream_read_some_async(pair.client.get(), ignored, sizeof ignored, 0, &completion,
                                         nullptr, nullptr),
            SALLY_OK);
  EXPECT_EQ(queue.next()->tag, 2u);
  let_complete(pair.client);
  EXPECT_EQ(seen.frees, 1);
  EXPECT_NE(seen.by.load(), std::this_thread::get_id());
}

TEST(Queue, CountsWhatIsPendingUntilItIsTaken) {
  Pair pair = tls_pair();
  Queue queue;
  char byte = 0;
  const sally_completion read = queue.completion(1), flush = queue.completion(2);
  ASSERT_EQ(sally_stream_read_some_async(pair.client.get(), &byte, 1, 0, &read, nullptr, nullptr),
            SALLY_OK);
  ASSERT_EQ(sally_stream_flush_async(pair.client.get(), 0, &flush, nullptr, nullptr), SALLY_OK);
  EXPECT_EQ(sally_queue_pending(queue.get()), 2u);
  EXPECT_EQ(queue.next()->tag, 2u);
  EXPECT_EQ(sally_queue_pending(queue.get()), 1u);
  ASSERT_EQ(queue.close(), SALLY_OK);
  EXPECT_EQ(queue.next()->status, SALLY_CANCELED);
  EXPECT_EQ(sally_queue_pending(queue.get()), 0u);
}
