#include "transport/event_loop.h"

#include "status/error.h"
#include "transport/fork.h"
#include "transport/loop_state.h"
#include "transport/thread.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <semaphore>
#include <set>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

namespace sally::transport {

namespace {

constinit thread_local const EventLoop::State* running = nullptr;

void rest_at_exit() noexcept;

// Set when the thread of a loop has ended; tells the loop from others that had its place in memory.
using Ended = std::shared_ptr<std::atomic<bool>>;

// The thread of a dissolved loop. It is joined when it has ended, by who makes or dissolves another
// loop, or at exit: OpenSSL must still be there when the thread gives back what OpenSSL keeps for it.
struct Ending {
  std::thread thread;
  Ended ended;
};

// All loops of this process.
struct Registry {
  Registry() { EventLoop::rest_first_at_exit(); }

  // With the lock.
  void join_ended() {
    std::erase_if(endings, [](Ending& ending) {
      if (!*ending.ended) return false;
      ending.thread.join();
      return true;
    });
  }

  std::mutex mutex;
  std::set<EventLoop*> loops;
  std::vector<Ending> endings;
  std::set<Ended> resting;  // for good, while the program exits
};
constinit PerProcess<Registry> registry;

constexpr std::chrono::milliseconds look_again{2};

// Brings the loops to rest. What they have to do before may make loops and dissolve others, which
// waits for the lock.
void rest_all(Registry& all, Deadline deadline) {
  const auto reached_one = std::make_shared<std::counting_semaphore<>>(0);
  std::map<Ended, std::shared_ptr<std::atomic<bool>>> asked;
  std::unique_lock lock(all.mutex);
  while (true) {
    bool all_rest = true;
    for (EventLoop* loop : all.loops) {
      if (loop->on_this_thread() || !loop->is_served() || loop->state().over) continue;
      const Ended& which = loop->state().thread_ended;
      if (all.resting.contains(which)) continue;
      auto& reached = asked[which];
      if (!reached) {
        reached = std::make_shared<std::atomic<bool>>(false);
        loop->post([reached, reached_one] {
          *reached = true;
          reached_one->release();
          while (true) ::pause();
        });
      }
      if (*reached)
        all.resting.insert(which);
      else
        all_rest = false;
    }
    if (all_rest || Clock::now() >= deadline) return;
    lock.unlock();
    static_cast<void>(reached_one->try_acquire_for(look_again));
    lock.lock();
  }
}

// They are not joined: what still posts to them (the destructor of a static object) finds them
// there, and is not served. May run several times: loops may have been made since.
void rest_at_exit() noexcept {
  constexpr std::chrono::seconds longest_wait{5};  // much may be queued before it
  Registry* all = registry.existing();
  if (all == nullptr) return;
  try {
    const Deadline deadline = Clock::now() + longest_wait;
    rest_all(*all, deadline);
    std::vector<Ending> endings;
    std::set<Ended> resting;
    {
      const std::lock_guard lock(all->mutex);
      endings = std::move(all->endings);
      resting = all->resting;
    }
    for (Ending& ending : endings) {
      const bool will_end = !resting.contains(ending.ended);
      while (will_end && !*ending.ended && Clock::now() < deadline) {
        std::this_thread::sleep_for(look_again);
      }
      *ending.ended ? ending.thread.join() : ending.thread.detach();
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

// What had ended by then (waits that were cancelled, descriptors that were closed) is still told.
void serve_to_the_end(EventLoop::State& state) {
  std::unique_ptr<EventLoop> orphan;  // goes when nobody serves it any more
  {
    const Serving serving(state);
    state.run();
    state.finish();
    orphan = std::move(state.orphan);
    state.over = true;
  }
}

std::thread start_serving(const char* name, EventLoop::State& state) {
  return start_thread(name, [&state, ended = state.thread_ended] {
    serve_to_the_end(state);
    *ended = true;
  });
}

struct PostedTask final : LoopHandler {
  explicit PostedTask(std::function<void()> what) : task(std::move(what)) {}
  void call() noexcept override {
    const std::unique_ptr<PostedTask> self(this);
    task();
  }
  void drop() noexcept override { delete this; }

  std::function<void()> task;
};

}  // namespace

EventLoop::EventLoop(RunBy by) {
  try {
    state_ = std::make_unique<State>(by);
    Registry& all = registry.get();
    const std::lock_guard lock(all.mutex);
    all.join_ended();
    all.loops.insert(this);
    if (by == RunBy::caller) return;
    state_->served = true;
    try {
      state_->thread = start_serving("sallyport", *state_);
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
  if (!state_->over) {
    post([this] { state_->stopped = true; });
    if (state_->thread.joinable())
      state_->thread.join();
    else
      serve_to_the_end(*state_);
  }
  if (Registry* all = registry.existing()) {
    const std::lock_guard lock(all->mutex);
    all->loops.erase(this);
  }
}

void EventLoop::dissolve(std::unique_ptr<EventLoop> loop) noexcept {
  EventLoop* const raw = loop.release();  // leaked where there is no memory for what follows
  try {
    State& state = *raw->state_;
    Registry& all = registry.get();
    const std::lock_guard lock(all.mutex);
    all.join_ended();
    all.endings.reserve(all.endings.size() + 1);
    raw->post([raw, &state] { state.orphan.reset(raw); });
    // Nobody will serve the caller's any more; a short-lived thread brings it to its end.
    if (!state.thread.joinable()) {
      state.served = true;
      state.thread = start_serving("sallyport-end", state);
    }
    // The loop itself cannot go before the lock does.
    all.endings.push_back({std::move(state.thread), state.thread_ended});
  } catch (...) {
    return;
  }
}

// A failure leaves things as they would be without.
void EventLoop::rest_first_at_exit() noexcept {
  static_cast<void>(std::atexit(&rest_at_exit));
}

bool EventLoop::State::is_running_here() const noexcept {
  return running == this;
}

bool EventLoop::on_this_thread() const noexcept {
  return state_->is_running_here();
}

bool EventLoop::is_served() const noexcept {
  return state_->served.load(std::memory_order_acquire);
}

std::size_t EventLoop::serve(Deadline deadline) {
  if (state_->served.exchange(true)) {
    throw Failure(SALLY_BUSY, {.message = "the event loop is being run already"});
  }
  std::size_t count = 0;
  {
    const Serving serving(*state_);
    count = state_->serve(deadline);
  }
  if (state_->handed_over) take_over();
  return count;
}

void EventLoop::hand_over() noexcept {
  state_->handed_over = true;
  take_over();
}

void EventLoop::take_over() noexcept {
  if (state_->served.exchange(true)) return;  // who serves it does this afterwards
  try {
    state_->thread = start_serving("sallyport", *state_);
  } catch (...) {
    state_->served = false;
  }
}

int EventLoop::descriptor() noexcept {
  return state_->watch();
}

void EventLoop::post(std::function<void()> task) {
  state_->post(*new PostedTask(std::move(task)));
}

void EventLoop::dispatch(std::function<void()> task) {
  if (on_this_thread()) {
    task();
  } else {
    post(std::move(task));
  }
}

}  // namespace sally::transport
