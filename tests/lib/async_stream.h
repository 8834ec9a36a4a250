// Asynchronous operations on streams, in a form that tests can wait for and compare.
#pragma once

#include "lib/stream_pair.h"

#include <atomic>
#include <future>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sally::test {

// A started operation. Its buffer lives until it has completed, and it fails the test where it
// completes twice, or inside the call that started it.
class Started {
 public:
  Started(socket::Stream& stream, socket::Request request,
          transport::Deadline deadline = transport::never)
      : state_(std::make_shared<State>()), done_(state_->done.get_future()) {
    begin(stream, std::move(request), deadline);
  }
  // A read into a buffer of its own.
  Started(socket::Stream& stream, socket::Verb verb, std::size_t capacity,
          const std::string& delimiter = {}, transport::Deadline deadline = transport::never)
      : state_(std::make_shared<State>()), done_(state_->done.get_future()) {
    state_->buffer.resize(capacity);
    const auto bytes = bytes_of(delimiter);
    begin(stream, {.verb = verb, .into = state_->buffer, .delimiter = {bytes.begin(), bytes.end()}},
          deadline);
  }

  void cancel() const { operation_->cancel(); }
  bool is_over() const { return test::is_over(done_); }
  bool is_over(std::chrono::milliseconds patience) const { return test::is_over(done_, patience); }
  // Waits. "SALLY_BUSY" and the like also where it could not even begin.
  std::string status() {
    wait();
    return name_of(refused_ != SALLY_OK ? refused_ : state_->outcome.status);
  }
  const ErrorRef& error() {
    wait();
    return state_->outcome.error;
  }
  std::size_t size() {
    wait();
    return state_->size;
  }
  std::string text() {
    wait();
    return {reinterpret_cast<const char*>(state_->buffer.data()), state_->size};
  }
  // Which of all operations of the test it was to complete.
  int place() {
    wait();
    return state_->place;
  }

 private:
  struct State {
    std::promise<void> done;
    std::atomic<bool> submitting{true};
    std::atomic<int> completions{0};
    std::vector<std::byte> buffer;
    socket::Outcome outcome;
    std::size_t size = 0;
    int place = 0;
  };

  void begin(socket::Stream& stream, socket::Request request, transport::Deadline deadline) {
    static std::atomic<int> completed{0};
    const auto submitter = std::this_thread::get_id();
    auto told = [state = state_, submitter](socket::AsyncOperation& operation) {
      const bool inside = state->submitting && std::this_thread::get_id() == submitter;
      EXPECT_FALSE(inside) << "completed inside the submitting call";
      EXPECT_EQ(++state->completions, 1);
      state->outcome = operation.outcome;
      state->size = operation.size;
      state->place = ++completed;
      state->done.set_value();
    };
    auto operation =
        make_ref<socket::StreamOperation>(Ref<socket::Stream>::share(&stream), std::move(request),
                                          deadline, socket::told(std::move(told)));
    operation_ = operation;
    try {
      stream.submit(std::move(operation));
    } catch (const Failure& failure) {
      refused_ = failure.error()->status();
      state_->done.set_value();
    }
    state_->submitting = false;
  }
  void wait() {
    if (!done_.valid()) return;
    if (done_.wait_for(too_long) != std::future_status::ready) {
      ADD_FAILURE() << "an operation never completed";
      std::abort();
    }
  }

  std::shared_ptr<State> state_;
  std::future<void> done_;
  Ref<socket::StreamOperation> operation_;
  sally_status refused_ = SALLY_OK;
};

inline Started start_read(socket::Stream& stream, std::size_t capacity = 65536) {
  return Started(stream, socket::Verb::read_some, capacity);
}
inline Started start_write(socket::Stream& stream, std::string_view text, bool more = false,
                           transport::Deadline deadline = transport::never) {
  return Started(stream, {.verb = socket::Verb::write, .data = bytes_of(text), .more = more},
                 deadline);
}
inline Started start_wait(socket::Stream& stream, transport::Interest interest) {
  return Started(stream, {.verb = socket::Verb::wait, .interest = interest});
}
inline Started start_verb(socket::Stream& stream, socket::Verb verb,
                          transport::Deadline deadline = transport::never) {
  return Started(stream, {.verb = verb}, deadline);
}

inline transport::Deadline after(std::int64_t milliseconds) {
  return transport::deadline_after(milliseconds);
}

// Everything that was posted to the loop before has been done.
inline void settle(socket::Stream&, transport::EventLoop& loop = transport::EventLoop::shared()) {
  std::promise<void> done;
  loop.post([&] { done.set_value(); });
  done.get_future().get();
}

}  // namespace sally::test
