// A runtime that somebody's own poller runs: its descriptor is all that is watched, and nothing
// happens but in the calls of the one thread.
#include "lib/async.h"

#include <cstddef>
#include <filesystem>
#include <gtest/gtest.h>
#include <iterator>
#include <poll.h>

using namespace sally::test;

namespace {

std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                       std::filesystem::directory_iterator());
}

class WatchedRuntime : public testing::Test {
 protected:
  bool is_readable(int timeout_ms = 0) const {
    pollfd polled{static_cast<int>(sally_runtime_fd(runtime_.get())), POLLIN, 0};
    return ::poll(&polled, 1, timeout_ms) == 1;
  }

  Result run() const {
    return called([&](sally_error** error) {
      return sally_runtime_run(runtime_.get(), SALLY_TIMEOUT_ATTEMPT, error);
    });
  }

  // Until nothing is left to do.
  void settle() const {
    while (run() == SALLY_OK) {
    }
  }

  // Polls and runs, as an event loop does, until the next event.
  Event next() {
    Result taken;
    while (true) {
      std::vector<Event> events = queue_.take(1, SALLY_TIMEOUT_ATTEMPT, &taken);
      if (!events.empty()) return std::move(events.front());
      EXPECT_EQ(taken, SALLY_WOULD_BLOCK);
      if (!is_readable(generous_ms)) {
        ADD_FAILURE() << "nothing to do, and no event";
        return {};
      }
      settle();
    }
  }

  Owned<sally_stream> make_stream(const std::string& service, sally_tls_config* config = nullptr) {
    sally_stream_options options{};
    options.struct_size = sizeof options;
    options.flags = config == nullptr ? SALLY_STREAM_PLAIN : 0;
    options.host = "127.0.0.1";
    options.verify_name = config == nullptr ? nullptr : "localhost";
    options.service = service.c_str();
    options.tls = config;
    options.runtime = runtime_.get();
    Owned<sally_stream> stream;
    EXPECT_EQ(called([&](sally_error** error) {
                return sally_stream_create(&options, Out(stream), error);
              }),
              SALLY_OK);
    return stream;
  }

  Owned<sally_runtime> runtime_ = make_runtime(SALLY_RUNTIME_CALLER_RUN);
  Queue queue_;
};

}  // namespace

TEST_F(WatchedRuntime, IsReadableWhileThereIsSomethingToDo) {
  ASSERT_GE(sally_runtime_fd(runtime_.get()), 0);
  settle();
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(is_readable());
    EXPECT_EQ(run(), SALLY_WOULD_BLOCK);
    ASSERT_EQ(sally_runtime_wake(runtime_.get(), nullptr), SALLY_OK);
    EXPECT_TRUE(is_readable());
    EXPECT_TRUE(is_readable()) << "looking alone changes nothing";
    EXPECT_EQ(run(), SALLY_OK);
    settle();
  }
}

TEST_F(WatchedRuntime, TellsWhatWasSubmittedBeforeItWasAskedFor) {
  ASSERT_EQ(sally_runtime_wake(runtime_.get(), nullptr), SALLY_OK);
  EXPECT_TRUE(is_readable());
  EXPECT_EQ(run(), SALLY_OK);
}

TEST_F(WatchedRuntime, TurnsReadableWhenATimeOutComes) {
  Listener listener(server_config());
  const auto stream = make_stream(listener.service());
  sally_completion completion = queue_.completion(1);
  ASSERT_EQ(sally_stream_connect_async(stream.get(), generous_ms, &completion, nullptr, nullptr),
            SALLY_OK);
  EXPECT_EQ(next()->status, SALLY_OK);
  char byte = 0;
  completion = queue_.completion(2);
  ASSERT_EQ(sally_stream_read_some_async(stream.get(), &byte, 1, 20, &completion, nullptr, nullptr),
            SALLY_OK);
  const Event event = next();
  EXPECT_EQ(event->tag, 2u);
  EXPECT_EQ(event->status, SALLY_TIMED_OUT);
}

TEST_F(WatchedRuntime, CarriesAWholeConnection) {
  Listener listener(server_config());
  const auto config = client_config();
  const auto stream = make_stream(listener.service(), config.get());
  sally_completion completion = queue_.completion(1);
  ASSERT_EQ(sally_stream_connect_async(stream.get(), generous_ms, &completion, nullptr, nullptr),
            SALLY_OK);
  EXPECT_EQ(next()->status, SALLY_OK);
  Stream server = listener.accept();

  const std::string request = "there";
  completion = queue_.completion(2);
  ASSERT_EQ(sally_stream_write_async(stream.get(), request.data(), request.size(), 0, generous_ms,
                                     &completion, nullptr, nullptr),
            SALLY_OK);
  EXPECT_EQ(next()->status, SALLY_OK);
  EXPECT_EQ(server.read_text(request.size()), request);

  std::string answer(4, '\0');
  completion = queue_.completion(3);
  ASSERT_EQ(sally_stream_read_exactly_async(stream.get(), answer.data(), answer.size(), generous_ms,
                                            &completion, nullptr, nullptr),
            SALLY_OK);
  ASSERT_EQ(server.write("back"), SALLY_OK);
  EXPECT_EQ(next()->status, SALLY_OK);
  EXPECT_EQ(answer, "back");
}

// Its wait can be told on the loop only, which holds what the stream is made of until then.
TEST_F(WatchedRuntime, LeavesNothingOfAStreamThatWaitsWhenItIsReleased) {
  Listener listener(server_config());
  constexpr std::ptrdiff_t of_the_runtime = 2;  // to poll with, and to be woken by
  const auto others = open_descriptors() - of_the_runtime;
  auto stream = make_stream(listener.service());
  sally_completion completion = queue_.completion(1);
  ASSERT_EQ(sally_stream_connect_async(stream.get(), generous_ms, &completion, nullptr, nullptr),
            SALLY_OK);
  EXPECT_EQ(next()->status, SALLY_OK);
  char byte = 0;
  completion = queue_.completion(2);
  ASSERT_EQ(sally_stream_read_some_async(stream.get(), &byte, 1, 1, &completion, nullptr, nullptr),
            SALLY_OK);
  EXPECT_EQ(next()->status, SALLY_TIMED_OUT);
  stream.reset();
  runtime_.reset();
  for (int i = 0; i < generous_ms && open_descriptors() > others; ++i) ::poll(nullptr, 0, 1);
  EXPECT_LE(open_descriptors(), others);
}
