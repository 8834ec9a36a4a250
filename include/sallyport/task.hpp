// task.hpp: coroutines, and how they are started.
#pragma once

#include <concepts>
#include <condition_variable>
#include <coroutine>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <variant>

#include <sallyport/base.hpp>
#include <sallyport/runtime.hpp>

namespace sally::inline v0 {

template <class T>
class Task;

namespace detail {

class PromiseBase {
 public:
  // Goes on where the task was awaited, without growing the stack.
  struct AtEnd {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
      return ended.promise().waiting;
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  AtEnd final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { failure_ = std::current_exception(); }

  std::coroutine_handle<> waiting;

 protected:
  void rethrow() {
    if (failure_) std::rethrow_exception(std::move(failure_));
  }

 private:
  std::exception_ptr failure_;
};

template <class T>
class Promise : public PromiseBase {
 public:
  Task<T> get_return_object() noexcept;
  template <class Value>
  requires std::convertible_to<Value, T>
  void return_value(Value&& value) { value_.emplace(std::forward<Value>(value)); }
  T take() {
    rethrow();
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class Promise<void> : public PromiseBase {
 public:
  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() { rethrow(); }
};

// A frame that goes when its object goes.
template <class T>
class Frame {
 public:
  using Handle = std::coroutine_handle<Promise<T>>;

  explicit Frame(Handle handle) noexcept : handle_(handle) {}
  Frame(Frame&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Frame& operator=(Frame&& other) noexcept {
    Frame taken(std::move(other));
    std::swap(handle_, taken.handle_);
    return *this;
  }
  ~Frame() {
    if (handle_) handle_.destroy();
  }
  Handle get() const noexcept { return handle_; }

 private:
  Handle handle_;
};

}  // namespace detail

// A coroutine that has not begun: it begins when it is awaited, or given to spawn or sync_wait,
// once.
//
//   sally::Task<> serve(sally::StreamSocket peer) {
//     std::array<std::byte, 4096> buffer;
//     while (auto n = co_await peer.async_read_some(buffer)) {
//       co_await peer.async_write(std::span(buffer).first(n));
//     }
//   }
//   sally::spawn(serve(std::move(socket)), [](std::exception_ptr why) { ... });
//
// `co_await` of a task gives what it returned, or throws what it threw. It goes on, on whatever
// thread completed what it waited for last, mostly one of an event loop: there it must not block,
// and blocking forms of streams of that loop throw SALLY_INVALID_STATE.
//
// A task that has begun cannot be destroyed before its end, so that no buffer goes which the
// library still has: whoever awaits it waits, too, and its frame goes when it has ended. To end one
// early, give its operations a std::stop_token (`cancel_on`), cancel them, or close its stream; it
// ends then by the Error that they throw. A task that waits on a runtime which nobody runs any more
// stays as it is.
//
// What a coroutine takes by reference must live until its end. That goes for the captures of a
// lambda that is a coroutine, too: they belong to the lambda. Take parameters by value.
// GCC 12 destroys some temporaries of an expression with co_await wrongly, those of a lambda with
// captures and of an aggregate in braces: give them names in statements of their own.
template <class T = void>
class [[nodiscard]] Task {
  static_assert(std::is_void_v<T> || (std::is_object_v<T> && std::move_constructible<T>),
                "a task returns an object or nothing");

  class Awaiter {
   public:
    explicit Awaiter(detail::Frame<T> frame) noexcept : frame_(std::move(frame)) {}
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) noexcept {
      frame_.get().promise().waiting = waiting;
      return frame_.get();
    }
    T await_resume() { return frame_.get().promise().take(); }

   private:
    detail::Frame<T> frame_;
  };

 public:
  using promise_type = detail::Promise<T>;
  using value_type = T;

  // `co_await serve(...)`, `co_await std::move(task)`. Throws std::logic_error for a task that was
  // moved from or awaited before.
  Awaiter operator co_await() && {
    if (!frame_.get())
      throw std::logic_error("sallyport: the task was moved from or awaited before");
    return Awaiter(std::move(frame_));
  }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> handle) noexcept : frame_(handle) {}

  detail::Frame<T> frame_;
};

namespace detail {

template <class T>
Task<T> Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

// A coroutine that belongs to itself: begins at once, and its frame goes when it has ended.
struct Detached {
  struct promise_type {
    Detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
  };
};

// The frame of the task is gone before `on_end` is called.
template <class OnEnd>
Detached run_detached(Task<void> task, OnEnd on_end) {
  std::exception_ptr failure;
  try {
    co_await std::move(task);
  } catch (...) {
    failure = std::current_exception();
  }
  on_end(std::move(failure));
}

// Where the end of a task is waited for.
template <class T>
class Arrival {
 public:
  template <class... Value>
  void arrive(Value&&... value) {
    const std::lock_guard lock(mutex_);
    value_.emplace(std::forward<Value>(value)...);
    done_ = true;
    changed_.notify_all();
  }
  void fail(std::exception_ptr failure) noexcept {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(failure);
    done_ = true;
    changed_.notify_all();
  }
  bool done() {
    const std::lock_guard lock(mutex_);
    return done_;
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return done_; });
  }
  T take() {
    if (failure_) std::rethrow_exception(std::move(failure_));
    if constexpr (!std::is_void_v<T>) return std::move(*value_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::exception_ptr failure_;
  std::optional<std::conditional_t<std::is_void_v<T>, std::monostate, T>> value_;
};

// The frame of the task is gone before its end is told. `arrival` is shared, because who waits for
// it may be gone before this has let go of it.
template <class T, class Notify>
Detached run_to(std::shared_ptr<Arrival<T>> arrival, Task<T> task, Notify notify) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await std::move(task);
      arrival->arrive();
    } else {
      T value = co_await std::move(task);
      arrival->arrive(std::move(value));
    }
  } catch (...) {
    arrival->fail(std::current_exception());
  }
  notify();
}

}  // namespace detail

// Runs a task on its own: on this thread until it waits for the first time. An exception that
// leaves it ends the program.
inline void spawn(Task<void> task) {
  detail::run_detached(std::move(task), [](std::exception_ptr failure) noexcept {
    if (failure) std::rethrow_exception(std::move(failure));
  });
}
// The same, and at its end `on_end(std::exception_ptr)` is called with what left it, or nullptr. An
// exception that leaves that ends the program.
template <class OnEnd>
requires std::invocable<OnEnd&, std::exception_ptr>
void spawn(Task<void> task, OnEnd on_end) {
  detail::run_detached(std::move(task), std::move(on_end));
}

// Runs a task and blocks until it has ended: what it returned, or what it threw. Not on the thread
// of an event loop, which would wait for itself.
template <class T>
T sync_wait(Task<T> task) {
  auto arrival = std::make_shared<detail::Arrival<T>>();
  detail::run_to(arrival, std::move(task), [] {});
  arrival->wait();
  return arrival->take();
}
// The same, and meanwhile this thread runs the runtime, one of Runtime::caller_run(). What run()
// throws is thrown here, and the task goes on without anybody who waits for it.
template <class T>
T sync_wait(Task<T> task, Runtime runtime) {
  auto arrival = std::make_shared<detail::Arrival<T>>();
  detail::run_to(arrival, std::move(task), [runtime]() mutable { runtime.wake(); });
  while (!arrival->done()) runtime.run();
  return arrival->take();
}

}  // namespace sally::inline v0
