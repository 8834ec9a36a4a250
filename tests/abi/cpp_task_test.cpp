// Tasks themselves: when they begin, what they return and throw, who waits for them.
#include "abi/cpp_support.h"

#include <array>
#include <csignal>
#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

namespace sally::cpp {
namespace {

sally::Task<int> number(int value) {
  co_return value;
}

sally::Task<> set(bool& begun) {
  begun = true;
  co_return;
}

sally::Task<> fails(std::string why) {
  throw std::runtime_error(why);
  co_return;
}

TEST(CppTask, BeginsWhenItIsAwaitedAndNotBefore) {
  bool begun = false;
  {
    const auto dropped = set(begun);
    EXPECT_FALSE(begun);
  }
  EXPECT_FALSE(begun);
  sally::sync_wait(set(begun));
  EXPECT_TRUE(begun);
}

TEST(CppTask, GivesWhatItReturns) {
  EXPECT_EQ(sally::sync_wait(number(42)), 42);
  const auto sum = [](int left, int right) -> sally::Task<int> {
    co_return co_await number(left) + co_await number(right);
  };
  EXPECT_EQ(sally::sync_wait(sum(1, 2)), 3);
  const auto moved = []() -> sally::Task<std::unique_ptr<std::string>> {
    co_return std::make_unique<std::string>("only moves");
  };
  EXPECT_EQ(*sally::sync_wait(moved()), "only moves");
}

TEST(CppTask, ThrowsWhereItIsAwaited) {
  EXPECT_THROW(sally::sync_wait(fails("nobody")), std::runtime_error);
  const auto catches = []() -> sally::Task<std::string> {
    std::string said;
    try {
      co_await fails("first");
    } catch (const std::runtime_error& error) {
      said = error.what();
    }
    try {
      auto task = fails("second");
      co_await std::move(task);
    } catch (const std::runtime_error& error) {
      said += error.what();
    }
    co_return said;
  };
  EXPECT_EQ(sally::sync_wait(catches()), "firstsecond");
}

TEST(CppTask, CanBeAwaitedOnce) {
  const auto twice = []() -> sally::Task<> {
    auto task = number(1);
    static_cast<void>(co_await std::move(task));
    static_cast<void>(co_await std::move(task));
  };
  EXPECT_THROW(sally::sync_wait(twice()), std::logic_error);
}

TEST(CppTask, DestroysWhatItHoldsBeforeItsEndIsTold) {
  const auto witness = std::make_shared<int>(0);
  const auto holds = [](std::shared_ptr<int> parameter) -> sally::Task<> {
    const auto local = parameter;
    co_return;
  };
  sally::sync_wait(holds(witness));
  EXPECT_EQ(witness.use_count(), 1);
  long at_end = 0;
  sally::spawn(holds(witness), [&](std::exception_ptr) { at_end = witness.use_count(); });
  EXPECT_EQ(at_end, 1);
}

// Without optimisation compilers do not make the tail calls that keep the stack from growing.
TEST(CppTask, DoesNotGrowTheStackWithTasksThatNeverWait) {
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  constexpr int many = 1'000'000;
#else
  constexpr int many = 1000;
#endif
  const auto counts = []() -> sally::Task<int> {
    int sum = 0;
    for (int i = 0; i < many; ++i) sum += co_await number(1);
    co_return sum;
  };
  EXPECT_EQ(sally::sync_wait(counts()), many);
}

TEST(CppSpawn, TellsHowItsTaskEnded) {
  std::exception_ptr why;
  int calls = 0;
  const auto remember = [&](std::exception_ptr failure) {
    why = failure;
    ++calls;
  };
  bool begun = false;
  sally::spawn(set(begun), remember);
  EXPECT_TRUE(begun);
  EXPECT_FALSE(why);
  sally::spawn(fails("said"), remember);
  EXPECT_EQ(calls, 2);
  EXPECT_THROW(std::rethrow_exception(why), std::runtime_error);
  begun = false;
  sally::spawn(set(begun));
  EXPECT_TRUE(begun);
}

TEST(CppSpawnDeathTest, EndsTheProgramByAnExceptionNobodyTakes) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(sally::spawn(fails("out of a task")), "out of a task");
}

TEST(CppSyncWait, WaitsForOtherThreads) {
  Pair pair;
  const auto reads = [](sally::StreamSocket& socket) -> sally::Task<std::thread::id> {
    std::array<char, 1> buffer;
    static_cast<void>(co_await socket.async_read_some(buffer));
    co_return std::this_thread::get_id();
  };
  auto writing = std::async(std::launch::async, [&] { pair.client.write("x"); });
  EXPECT_NE(sally::sync_wait(reads(pair.server)), std::this_thread::get_id());
  writing.get();
}

TEST(CppSyncWait, RunsTheRuntimeMeanwhile) {
  auto listener = listen();
  const auto runtime = sally::Runtime::caller_run();
  const auto talks = [](sally::StreamOptions options) -> sally::Task<std::thread::id> {
    auto socket = co_await sally::StreamSocket::async_connect(options, soon);
    co_await socket.async_write("x");
    co_await socket.async_close(soon);
    co_return std::this_thread::get_id();
  };
  auto serving = std::async(std::launch::async, [&] {
    auto server = listener.accept(soon);
    std::array<char, 1> buffer;
    EXPECT_EQ(server.read_some(buffer, soon), 1u);
    server.close(soon);
  });
  EXPECT_EQ(sally::sync_wait(talks({.host = "127.0.0.1",
                                    .service = std::to_string(listener.port()),
                                    .tls = client_config(),
                                    .verify_name = "localhost",
                                    .runtime = runtime}),
                             runtime),
            std::this_thread::get_id())
      << "everything happened on this thread";
  serving.get();
}

// A coroutine type of somebody else.
struct Foreign {
  struct promise_type {
    Foreign get_return_object() {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

Foreign read_one(sally::StreamSocket& socket, std::promise<std::size_t>& read) {
  std::array<char, 1> buffer;
  read.set_value(co_await socket.async_read_some(buffer));
}

TEST(CppAwait, ServesCoroutinesOfOtherTypes) {
  Pair pair;
  std::promise<std::size_t> read;
  read_one(pair.server, read);
  pair.client.write("x");
  EXPECT_EQ(read.get_future().get(), 1u);
}

TEST(CppAwaitDeathTest, EndsTheProgramWhereAWaitingCoroutineIsDestroyed) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        Pair pair;
        std::promise<std::size_t> read;
        read_one(pair.server, read).handle.destroy();
      },
      testing::KilledBySignal(SIGABRT), "");
}

}  // namespace
}  // namespace sally::cpp
