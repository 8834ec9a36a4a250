#include "transport/event_loop.h"

#include "status/error.h"
#include "transport/asio_loop.h"
#include "transport/fork.h"
#include "transport/thread.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <semaphore>
#include <set>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace sally::transport {

namespace {

constinit thread_local const EventLoop::State* running = nullptr;

void rest_at_exit();

// All loops of this process.
struct Registry {
  Registry() { std::atexit(&rest_at_exit); }  // a failure leaves things as they would be without

  std::mutex mutex;
  std::set<EventLoop*> loops;
};
constinit PerProcess<Registry> registry;

struct Rest {
  EventLoop::State* state;
  std::shared_ptr<std::binary_semaphore> reached = std::make_shared<std::binary_semaphore>(0);
};

// While a program exits, OpenSSL takes down its locks, and our threads may be about to free what
// the last handles left. What is registered later runs earlier, and whoever has need of a loop has
// made a TLS context before: so the threads come to rest first. They are not joined: what still
// posts to them (the destructor of a static object) finds them there, and is not served.
void rest_at_exit() {
  constexpr std::chrono::milliseconds look_again{5};
  constexpr std::chrono::seconds longest_wait{5};  // much may be queued before it
  Registry* all = registry.existing();
  if (all == nullptr) return;
  const std::lock_guard lock(all->mutex);
  try {
    std::vector<Rest> rests;
    for (EventLoop* loop : all->loops) {
      if (loop->on_this_thread() || !loop->is_served()) continue;
      rests.push_back({&loop->state()});
      loop->post([reached = rests.back().reached] {
        reached->release();
        while (true) ::pause();
      });
    }
    const auto deadline = Clock::now() + longest_wait;
    for (const Rest& rest : rests) {
      while (!rest.reached->try_acquire_for(look_again)) {
        if (rest.state->over || Clock::now() >= deadline) break;
      }
    }
  } catch (const std::bad_alloc&) {
    return;
  }
}

class Serving {
 public:
  explicit Serving(EventLoop::State& state) : state_(state), before_(running) { running = &state; }
  ~Serving() {
    running = before_;
    state_.served = false;
  }
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;

 private:
  EventLoop::State& state_;
  const EventLoop::State* const before_;
};

// Until the loop is stopped, or nothing is left to do. What had ended by then (waits that were
// cancelled, descriptors that were closed) is still told; the bound is for handlers that always
// find something new to do.
void serve_to_the_end(EventLoop::State& state) {
  std::unique_ptr<EventLoop> orphan;
  {
    const Serving serving(state);
    state.context.run();
    state.context.restart();
    for (int turn = 0; turn < 1000 && state.context.poll_one() != 0; ++turn) {
    }
    orphan = std::move(state.orphan);
    state.over = true;
  }
}

}  // namespace

EventLoop::State::State(RunBy by) : run_by(by) {}

EventLoop::EventLoop(RunBy by) {
  try {
    state_ = std::make_unique<State>(by);
    Registry& all = registry.get();
    const std::lock_guard lock(all.mutex);
    all.loops.insert(this);
    if (by == RunBy::caller) return;
    state_->served = true;
    try {
      state_->thread =
          start_thread("sallyport", [state = state_.get()] { serve_to_the_end(*state); });
    } catch (...) {
      all.loops.erase(this);
      throw;
    }
  } catch (const std::system_error& error) {
    throw Failure(errno_error(error.code().value(), {.message = "making an event loop"}));
  } catch (const std::bad_alloc&) {
    throw Failure(out_of_memory_error());
  }
}

EventLoop::~EventLoop() {
  if (state_->thread.joinable()) {
    post([this] { state_->context.stop(); });
    state_->thread.join();
  } else if (!state_->over) {
    post([this] { state_->context.stop(); });
    serve_to_the_end(*state_);
  }
  if (Registry* all = registry.existing()) {
    const std::lock_guard lock(all->mutex);
    all->loops.erase(this);
  }
}

void EventLoop::dissolve(std::unique_ptr<EventLoop> loop) noexcept {
  EventLoop* const raw = loop.release();  // leaked where there is no memory for what follows
  State& state = *raw->state_;
  const bool by_caller = state.run_by == RunBy::caller;
  try {
    // First, because a loop with a thread may be gone as soon as it has its task.
    if (!by_caller) state.thread.detach();
    raw->post([raw, &state] {
      state.orphan.reset(raw);
      state.work.reset();
    });
    // Nobody will serve it any more; a short-lived thread brings it to its end.
    if (by_caller) {
      start_thread("sallyport-end", [&state] {
        state.served = true;
        serve_to_the_end(state);
      }).detach();
    }
  } catch (...) {
    return;
  }
}

bool EventLoop::on_this_thread() const noexcept {
  return running == state_.get();
}

bool EventLoop::is_served() const noexcept {
  return state_->served.load(std::memory_order_acquire);
}

std::size_t EventLoop::serve(Deadline deadline) {
  if (state_->served.exchange(true)) {
    throw Failure(SALLY_BUSY, {.message = "the event loop is being run already"});
  }
  const Serving serving(*state_);
  // Asio looks for nothing at all once the deadline has passed.
  if (const std::size_t ready = state_->context.poll(); ready != 0) return ready;
  const std::size_t first =
      deadline == never ? state_->context.run_one() : state_->context.run_one_until(deadline);
  return first + (first != 0 ? state_->context.poll() : 0);
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

}  // namespace sally::transport
