// Calls on other threads, for tests.
#pragma once

#include "lib/secure.h"

#include <chrono>
#include <future>
#include <thread>
#include <utility>

namespace sally::test {

template <class Function>
auto on_thread(Function&& function) {
  return std::async(std::launch::async, std::forward<Function>(function));
}

// Whether it goes on for a while; what is expected to block is given the time to do so.
template <class Value>
bool goes_on(const std::future<Value>& future) {
  return future.wait_for(std::chrono::milliseconds(short_ms)) == std::future_status::timeout;
}

// Cancels until the call of the other thread has ended, because no one can know when it has begun.
template <class Value>
Value cancel_until_done(std::future<Value>& future, Stream& stream, std::uint32_t directions) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(generous_ms);
  while (future.wait_for(std::chrono::milliseconds(1)) == std::future_status::timeout &&
         std::chrono::steady_clock::now() < deadline) {
    stream.cancel(directions);
  }
  return future.get();
}

// Returns once another thread is inside a read of this stream, which has nothing to read.
inline void wait_for_reader(Stream& stream) {
  while (stream.read_status(SALLY_TIMEOUT_ATTEMPT) == SALLY_WOULD_BLOCK) std::this_thread::yield();
}

class StopWatch {
 public:
  std::int64_t milliseconds() const {
    const auto passed = std::chrono::steady_clock::now() - began_;
    return std::chrono::duration_cast<std::chrono::milliseconds>(passed).count();
  }

 private:
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace sally::test
