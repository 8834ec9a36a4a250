// async.hpp: an asynchronous operation that was described, and the ways to run it.
#pragma once

#include <atomic>
#include <concepts>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

#include <sallyport/base.hpp>
#include <sallyport/error.hpp>
#include <sallyport/queue.hpp>
#include <sallyport/result.hpp>

namespace sally::inline v0 {

namespace detail {

// Whether the clean end of a stream is a failure of the operation, or counts as 0 bytes.
enum class End { fails, is_zero };

template <End end>
Event to_event(const sally_event& told) noexcept {
  sally_event event = told;
  if (end == End::is_zero && event.status == SALLY_END_OF_STREAM) {
    sally_error_release(std::exchange(event.error, nullptr));
    event.status = SALLY_OK;
    event.size = 0;
  }
  return Event::adopt(event);
}

// Lives in the frame of the coroutine that waits. The operation completes on a thread of an event
// loop, maybe before await_suspend has returned: whoever of the two comes second lets the coroutine
// go on, and the first one touches nothing afterwards, because the frame may be gone.
template <class T, End end, class Begin, bool as_result>
class Awaiter {
 public:
  Awaiter(Begin begin, std::stop_token stop) noexcept
      : begin_(std::move(begin)), stop_(std::move(stop)) {}
  Awaiter(const Awaiter&) = delete;
  Awaiter& operator=(const Awaiter&) = delete;
  // The library has the buffer, and the completion would come here.
  ~Awaiter() {
    if (missing_.load(std::memory_order_acquire) != 0) std::terminate();
    sally_operation_release(operation_);
  }

  bool await_ready() const noexcept { return false; }

  // Not inlined: some compilers would keep its variables in the frame.
  [[gnu::noinline]] bool await_suspend(std::coroutine_handle<> waiting) noexcept {
    waiting_ = waiting;
    missing_.store(2, std::memory_order_relaxed);
    sally_completion completion{};
    completion.struct_size = sizeof(completion);
    completion.function = &complete;
    completion.user = this;
    sally_error* error = nullptr;
    const sally_status status =
        begin_(&completion, stop_.stop_possible() ? &operation_ : nullptr, &error);
    if (status != SALLY_OK) {
      sally_event failure{};
      failure.kind = SALLY_EVENT_DONE;
      failure.status = status;
      failure.error = error;
      event_ = to_event<end>(failure);
      missing_.store(0, std::memory_order_relaxed);
      return false;
    }
    if (operation_ != nullptr) on_stop_.emplace(std::move(stop_), Cancel{operation_});
    return missing_.fetch_sub(1, std::memory_order_acq_rel) == 2;
  }

  auto await_resume() {
    on_stop_.reset();  // waits for a stop that is just cancelling on another thread
    Result<T> result(std::move(event_));
    if constexpr (as_result) {
      return result;
    } else {
      return result.value();
    }
  }

 private:
  struct Cancel {
    sally_operation* operation;
    void operator()() const noexcept { sally_operation_cancel(operation); }
  };

  static void complete(void* user, sally_event* event) noexcept {
    auto& self = *static_cast<Awaiter*>(user);
    self.event_ = to_event<end>(std::exchange(*event, sally_event{}));
    if (self.missing_.fetch_sub(1, std::memory_order_acq_rel) == 1) self.waiting_.resume();
  }

  Begin begin_;
  std::stop_token stop_;
  std::coroutine_handle<> waiting_;
  sally_operation* operation_ = nullptr;
  std::optional<std::stop_callback<Cancel>> on_stop_;
  Event event_;
  std::atomic<int> missing_{0};  // of await_suspend's end and the completion; 0: not suspended
};

}  // namespace detail

// What `cancel_on` and `as_result` make of an operation: something for `co_await`, at once.
template <class T, detail::End end, class Begin, bool with_result>
class [[nodiscard]] Awaitable {
 public:
  Awaitable(Begin begin, std::stop_token stop) noexcept
      : begin_(std::move(begin)), stop_(std::move(stop)) {}

  Awaitable cancel_on(std::stop_token stop) && noexcept {
    return {std::move(begin_), std::move(stop)};
  }
  Awaitable<T, end, Begin, true> as_result() && noexcept {
    return {std::move(begin_), std::move(stop_)};
  }
  detail::Awaiter<T, end, Begin, with_result> operator co_await() && noexcept {
    return {std::move(begin_), std::move(stop_)};
  }

 private:
  Begin begin_;
  std::stop_token stop_;
};

// What the methods whose names begin with async_ return. Nothing has happened yet; one of these
// runs it, in the same expression, because it refers to the stream or listener and to the
// arguments:
//
//   std::size_t size = co_await socket.async_read_some(buffer, 5s);
//   socket.async_read_some(buffer).start([...](sally::Result<std::size_t> read) { ... });
//   socket.async_read_some(buffer).start(queue, tag);
//
// Once it has begun it completes exactly once, and the stream or listener may be moved, closed or
// destroyed meanwhile: that ends the operation with SALLY_CLOSED or SALLY_CANCELED. The buffer must
// stay until it has completed, and not only until it was cancelled.
template <class T, detail::End end, class Begin>
class [[nodiscard]] Async {
 public:
  using value_type = T;

  explicit Async(Begin begin) noexcept : begin_(std::move(begin)) {}
  Async(const Async&) = delete;
  Async& operator=(const Async&) = delete;

  // Calls `callback(Result<T>)` once, on a thread of the event loop, with no lock held; it may use
  // everything but blocking forms of streams of that loop. It is destroyed after the call, or,
  // where this throws, without one. An exception that leaves it ends the program.
  template <class Callback>
  requires std::invocable < std::decay_t<Callback>
  &, Result < T >> Operation start(Callback&& callback) && {
    using Kept = std::decay_t<Callback>;
    sally_completion completion{};
    completion.struct_size = sizeof(completion);
    completion.function = [](void* user, sally_event* event) noexcept {
      (*static_cast<Kept*>(user))(
          Result<T>(detail::to_event<end>(std::exchange(*event, sally_event{}))));
    };
    completion.free_user = [](void* user) noexcept { delete static_cast<Kept*>(user); };
    completion.user = new Kept(std::forward<Callback>(callback));
    return begin(completion);
  }

  // Its event comes to the queue, under the tag, as the C ABI tells it: there, the end of a stream
  // is SALLY_END_OF_STREAM in any case.
  Operation start(const CompletionQueue& queue, std::uint64_t tag = 0) && {
    sally_completion completion{};
    completion.struct_size = sizeof(completion);
    completion.queue = queue.get();
    completion.tag = tag;
    return begin(completion);
  }

  // In a coroutine of any type: the value, or the Error thrown. The coroutine goes on on a thread
  // of the event loop; where the operation was quicker than the suspension, or cannot begin, right
  // here. Destroying the coroutine in between ends the program: cancel instead, and let it go on.
  detail::Awaiter<T, end, Begin, false> operator co_await() && noexcept {
    return {std::move(begin_), {}};
  }
  // The same, and the operation is cancelled when a stop is requested; where that was before, at
  // once, after it has begun. It may still succeed, where it was quicker.
  Awaitable<T, end, Begin, false> cancel_on(std::stop_token stop) && noexcept {
    return {std::move(begin_), std::move(stop)};
  }
  // The same, but a Result<T>, and nothing is thrown.
  Awaitable<T, end, Begin, true> as_result() && noexcept { return {std::move(begin_), {}}; }

 private:
  Operation begin(const sally_completion& completion) {
    sally_operation* operation = nullptr;
    detail::check([&](sally_error** error) { return begin_(&completion, &operation, error); });
    return Operation::adopt(operation);
  }

  Begin begin_;
};

// An Async<T, ...>: an operation that comes to a T.
template <class Operation, class T>
concept AsyncOf = std::same_as<typename Operation::value_type, T>;

namespace detail {

// From the call of a C function: `begin(completion, operation, error)`.
template <class T, End end = End::fails, class Begin>
Async<T, end, Begin> async(Begin begin) noexcept {
  return Async<T, end, Begin>(std::move(begin));
}

}  // namespace detail

}  // namespace sally::inline v0
