// How many system calls send what was written: writes that belong together must leave together. The
// program stands in for the C library's functions that send, and counts those to sockets.
#include "lib/secure.h"

#include <array>
#include <atomic>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <vector>

using namespace sally::test;

namespace {

std::atomic<int> sends{0};

void count(int descriptor) noexcept {
  struct stat status {};
  if (::fstat(descriptor, &status) == 0 && S_ISSOCK(status.st_mode)) ++sends;
}

// The function that ours stands in for.
template <class Function>
Function next(Function, const char* name) noexcept {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

#pragma GCC visibility push(default)

ssize_t sendmsg(int descriptor, const msghdr* message, int flags) {
  static const auto real = next(&sendmsg, "sendmsg");
  count(descriptor);
  return real(descriptor, message, flags);
}

ssize_t send(int descriptor, const void* data, size_t size, int flags) {
  static const auto real = next(&send, "send");
  count(descriptor);
  return real(descriptor, data, size, flags);
}

ssize_t write(int descriptor, const void* data, size_t size) {
  static const auto real = next(&write, "write");
  count(descriptor);
  return real(descriptor, data, size);
}

ssize_t writev(int descriptor, const iovec* buffers, int size) {
  static const auto real = next(&writev, "writev");
  count(descriptor);
  return real(descriptor, buffers, size);
}

#pragma GCC visibility pop
}

namespace {

// What `act` sends, in system calls.
template <class Action>
int sends_of(Action&& act) {
  const int before = sends;
  act();
  return sends - before;
}

Result write_more(Stream& stream, std::string_view data) {
  std::size_t taken = 0;
  Result result = called([&](sally_error** error) {
    return sally_stream_write(stream.get(), data.data(), data.size(), SALLY_MORE, &taken,
                              generous_ms, error);
  });
  EXPECT_EQ(taken, data.size());
  return result;
}

Result flush(Stream& stream) {
  return called(
      [&](sally_error** error) { return sally_stream_flush(stream.get(), generous_ms, error); });
}

// A client on a loop that this thread runs, and what its writes have come to.
class CallerRunClient {
 public:
  CallerRunClient() : config_(client_config()) {
    sally_runtime_options options{};
    options.struct_size = sizeof options;
    options.flags = SALLY_RUNTIME_CALLER_RUN;
    EXPECT_EQ(called([&](sally_error** error) {
                return sally_runtime_create(&options, Out(runtime_), error);
              }),
              SALLY_OK);
    EXPECT_EQ(called([&](sally_error** error) { return sally_queue_create(Out(queue_), error); }),
              SALLY_OK);
  }

  void connect(Listener& listener) {
    const std::string service = listener.service();
    sally_stream_options options{};
    options.struct_size = sizeof options;
    options.host = "127.0.0.1";
    options.verify_name = "localhost";
    options.service = service.c_str();
    options.tls = config_.get();
    options.runtime = runtime_.get();
    ASSERT_EQ(called([&](sally_error** error) {
                return sally_stream_create(&options, Out(stream_), error);
              }),
              SALLY_OK);
    const sally_completion completion = to_queue();
    ASSERT_EQ(called([&](sally_error** error) {
                return sally_stream_connect_async(stream_.get(), generous_ms, &completion, nullptr,
                                                  error);
              }),
              SALLY_OK);
    run_until_done(1);
  }

  void submit(std::string_view data) {
    const sally_completion completion = to_queue();
    ASSERT_EQ(called([&](sally_error** error) {
                return sally_stream_write_async(stream_.get(), data.data(), data.size(), 0,
                                                SALLY_TIMEOUT_NEVER, &completion, nullptr, error);
              }),
              SALLY_OK);
  }

  // Serves the loop until so many operations have completed, all of them well.
  void run_until_done(std::size_t count) {
    while (count > 0) {
      ASSERT_EQ(called([&](sally_error** error) {
                  return sally_runtime_run(runtime_.get(), generous_ms, error);
                }),
                SALLY_OK);
      count -= take();
    }
  }

 private:
  sally_completion to_queue() const {
    sally_completion completion{};
    completion.struct_size = sizeof completion;
    completion.queue = queue_.get();
    return completion;
  }

  std::size_t take() {
    std::array<sally_event, 128> events;
    std::size_t taken = 0;
    const Result result = called([&](sally_error** error) {
      return sally_queue_take(queue_.get(), events.data(), sizeof(sally_event), events.size(),
                              &taken, SALLY_TIMEOUT_ATTEMPT, error);
    });
    EXPECT_TRUE(result.ok() || result == SALLY_WOULD_BLOCK);
    for (std::size_t i = 0; i < taken; ++i) {
      EXPECT_EQ(events[i].status, SALLY_OK) << sally_error_json(events[i].error);
      sally_event_dispose(&events[i]);
    }
    return taken;
  }

  Owned<sally_tls_config> config_;
  Owned<sally_runtime> runtime_;
  Owned<sally_queue> queue_;
  Owned<sally_stream> stream_;
};

constexpr std::size_t small = 64;
constexpr std::size_t many = 100;

}  // namespace

TEST(SendCount, SeesWhatTheLibrarySends) {
  Pair pair = tls_pair();
  const std::string data = pattern(small);
  EXPECT_EQ(sends_of([&] { EXPECT_EQ(pair.client.write(data), SALLY_OK); }), 1);
  EXPECT_EQ(pair.server.read_text(data.size()), data);
}

TEST(SendCount, QueuedWritesLeaveInOneCall) {
  Pair pair = tls_pair();
  const std::string data = pattern(many * small);
  const auto write_all = [&] {
    for (std::size_t at = 0; at < data.size(); at += small) {
      ASSERT_EQ(write_more(pair.client, std::string_view(data).substr(at, small)), SALLY_OK);
    }
  };
  EXPECT_EQ(sends_of(write_all), 0);
  EXPECT_EQ(sends_of([&] { EXPECT_EQ(flush(pair.client), SALLY_OK); }), 1);
  EXPECT_EQ(pair.server.read_text(data.size()), data);
}

TEST(SendCount, SeveralRecordsLeaveInOneCall) {
  constexpr std::size_t part = 1000;
  Pair pair = tls_pair();
  const std::string data = pattern(50 * part);  // three full records and a rest
  const auto write_all = [&] {
    for (std::size_t at = 0; at < data.size(); at += part) {
      ASSERT_EQ(write_more(pair.client, std::string_view(data).substr(at, part)), SALLY_OK);
    }
    EXPECT_EQ(flush(pair.client), SALLY_OK);
  };
  EXPECT_EQ(sends_of(write_all), 1);
  EXPECT_EQ(pair.server.read_text(data.size()), data);
}

TEST(SendCount, SmallBuffersLeaveInOneCall) {
  constexpr std::size_t buffer_count = 50;
  Pair pair = tls_pair();
  const std::string data = pattern(buffer_count * small);
  std::vector<sally_buffer> buffers;
  for (std::size_t at = 0; at < data.size(); at += small) {
    buffers.push_back({data.data() + at, small});
  }
  std::size_t taken = 0;
  const auto write_all = [&] {
    EXPECT_EQ(called([&](sally_error** error) {
                return sally_stream_writev(pair.client.get(), buffers.data(), buffers.size(), 0,
                                           &taken, generous_ms, error);
              }),
              SALLY_OK);
  };
  EXPECT_EQ(sends_of(write_all), 1);
  EXPECT_EQ(taken, data.size());
  EXPECT_EQ(pair.server.read_text(data.size()), data);
}

TEST(SendCount, AsynchronousWritesOfOneTurnLeaveInOneCall) {
  Listener listener(server_config());
  CallerRunClient client;
  client.connect(listener);
  Stream server = listener.accept();

  const std::string data = pattern(many * small);
  const auto submit_all = [&] {
    for (std::size_t at = 0; at < data.size(); at += small) {
      client.submit(std::string_view(data).substr(at, small));
    }
  };
  EXPECT_EQ(sends_of(submit_all), 0);
  EXPECT_EQ(sends_of([&] { client.run_until_done(many); }), 1);
  EXPECT_EQ(server.read_text(data.size()), data);
}
