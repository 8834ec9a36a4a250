#include "transport/event_loop.h"

#include "status/error.h"
#include "transport/asio_loop.h"
#include "transport/fork.h"
#include "transport/thread.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <semaphore>
#include <system_error>
#include <unistd.h>

namespace sally::transport {

namespace {

constinit thread_local const EventLoop::State* running = nullptr;

struct SharedLoop {
  SharedLoop();
  void rest() noexcept;

  EventLoop loop;
  std::atomic<bool> resting{false};
};
constinit PerProcess<SharedLoop> shared_loop;

// While a program exits, OpenSSL takes down its locks, and our thread may be about to free what the
// last handles left. What is registered later runs earlier, and whoever has need of a loop has made
// a TLS context before: so the thread comes to rest first. It is not joined: what still posts to it
// (the destructor of a static object) finds it there, and is not served.
void rest_at_exit() {
  if (SharedLoop* shared = shared_loop.existing()) shared->rest();
}

SharedLoop::SharedLoop() {
  std::atexit(&rest_at_exit);  // a failure leaves things as they would be without
}

void SharedLoop::rest() noexcept {
  constexpr std::chrono::seconds longest_wait{5};  // much may be queued before it
  if (loop.on_this_thread() || resting.exchange(true)) return;
  try {
    const auto rests = std::make_shared<std::binary_semaphore>(0);
    loop.post([rests] {
      rests->release();
      while (true) ::pause();  // all signals are blocked here
    });
    static_cast<void>(rests->try_acquire_for(longest_wait));
  } catch (const std::bad_alloc&) {
    return;
  }
}

void run(EventLoop::State& state) {
  running = &state;
  state.context.run();
  // Stopped. What had ended by then (waits that were cancelled, descriptors that were closed) is
  // still told; the bound is for handlers that always find something new to do.
  state.context.restart();
  for (int turn = 0; turn < 1000 && state.context.poll_one() != 0; ++turn) {
  }
}

}  // namespace

EventLoop::State::State() = default;

EventLoop::EventLoop() {
  try {
    state_ = std::make_unique<State>();
    state_->thread = start_thread("sallyport", [state = state_.get()] { run(*state); });
  } catch (const std::system_error& error) {
    throw Failure(errno_error(error.code().value(), {.message = "making an event loop"}));
  } catch (const std::bad_alloc&) {
    throw Failure(out_of_memory_error());
  }
}

EventLoop::~EventLoop() {
  post([this] { state_->context.stop(); });
  state_->thread.join();
}

bool EventLoop::on_this_thread() const noexcept {
  return running == state_.get();
}

void EventLoop::post(std::function<void()> task) {
  asio::post(state_->context, std::move(task));
}

void EventLoop::dispatch(std::function<void()> task) {
  if (on_this_thread()) {
    task();
  } else {
    post(std::move(task));
  }
}

EventLoop& EventLoop::shared() {
  return shared_loop.get().loop;
}

}  // namespace sally::transport
