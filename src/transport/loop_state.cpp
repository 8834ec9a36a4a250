#include "transport/loop_state.h"

#include <algorithm>
#include <utility>

namespace sally::transport {

namespace {

// While handlers keep posting others, a look at the descriptors each time would cost more than they
// do; none at all would starve who waits for one.
constexpr int most_turns_without_look = 8;

}  // namespace

EventLoop::State::~State() {
  // What was posted may have been the last that kept the loop, and was served before its poster, on
  // another thread, had done waking.
  while (waking_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
  while (LoopHandler* handler = posted_.take()) handler->drop();
}

void EventLoop::State::post(LoopHandler& handler) noexcept {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    posted_.append(handler);
    wake = std::exchange(asleep_, false) && !is_running_here();
    if (wake) waking_.fetch_add(1, std::memory_order_relaxed);
  }
  if (!wake) return;
  poller.wake();  // without the lock, which the woken thread takes first
  waking_.fetch_sub(1, std::memory_order_release);
}

bool EventLoop::State::has_posted() noexcept {
  const std::lock_guard lock(mutex_);
  return !posted_.empty();
}

// False where there is something to do.
bool EventLoop::State::fall_asleep() noexcept {
  const std::lock_guard lock(mutex_);
  asleep_ = posted_.empty();
  return asleep_;
}

std::size_t EventLoop::State::call_posted() noexcept {
  HandlerLine line;
  {
    const std::lock_guard lock(mutex_);
    asleep_ = false;
    line = std::exchange(posted_, {});
  }
  std::size_t count = 0;
  for (; LoopHandler* handler = line.take(); ++count) handler->call();
  return count;
}

std::size_t EventLoop::State::ring_alarms() noexcept {
  if (alarms.empty()) return 0;
  std::size_t count = 0;
  const Deadline now = Clock::now();
  for (; next_alarm() <= now; ++count) {
    auto first = alarms.extract(alarms.begin());
    Alarm& alarm = *first.mapped();
    alarm.ring(std::move(first));
  }
  return count;
}

std::size_t EventLoop::State::turn(Deadline deadline) noexcept {
  std::size_t count = call_posted();
  count += ring_alarms();
  const bool idle = count == 0 && fall_asleep();
  if (!idle && !look_due && ++turns_without_look_ < most_turns_without_look) return count;
  look_due = false;
  turns_without_look_ = 0;
  return count + poller.look(idle ? std::min(deadline, next_alarm()) : Deadline::min());
}

std::size_t EventLoop::State::serve(Deadline deadline) noexcept {
  std::size_t count = 0;
  // Anything may have woken it: an interruption, or an alarm that was moved to a later time.
  do {
    count = turn(deadline);
  } while (count == 0 && Clock::now() < deadline);
  leave_to_watcher();
  return count;
}

// Whoever watches the descriptor is to see what serve() left undone, and what comes.
void EventLoop::State::leave_to_watcher() noexcept {
  bool undone = false;
  {
    const std::lock_guard lock(mutex_);
    undone = !posted_.empty();
    asleep_ = watched_ && !undone;
    if (!watched_) return;
  }
  const Deadline alarm = next_alarm();
  poller.set_alarm(alarm);
  // A look may have taken the alarm of a timer in that had just not been due yet.
  if (undone || (alarm != never && alarm <= Clock::now())) poller.wake();
}

int EventLoop::State::watch() noexcept {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = !std::exchange(watched_, true);
  }
  if (first) poller.wake();  // to be served once, which sets the alarm
  return poller.descriptor();
}

void EventLoop::State::run() noexcept {
  const auto may_end = [this] {
    return orphan != nullptr && waits == 0 && alarms.empty() && !has_posted();
  };
  while (!stopped && !may_end()) turn(never);
}

void EventLoop::State::finish() noexcept {
  constexpr int most_turns = 1000;
  for (int turns = 0; turns < most_turns && call_posted() != 0; ++turns) {
  }
}

}  // namespace sally::transport
