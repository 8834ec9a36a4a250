#include "transport/event_loop.h"
#include "transport/loop_state.h"

#include <algorithm>
#include <utility>

namespace sally::transport {

// Most timers are deadlines that are moved or cancelled long before they come. So the loop is asked
// anew only for an earlier time; when it calls too early for a later one, it is asked again.
struct Timer::State final : Alarm, std::enable_shared_from_this<State> {
  explicit State(EventLoop::State& event_loop) : loop(event_loop) {
    Alarms any;  // not the loop's: this may be another thread
    idle = any.extract(any.emplace(never, this));
  }

  void ask() noexcept;
  void withdraw() noexcept;
  void ring(Alarms::node_type node) noexcept override;

  EventLoop::State& loop;
  Deadline deadline = never;  // when the task is due; never: there is none
  std::function<void()> task;
  Alarms::node_type idle;      // empty while it is asked for
  Alarms::iterator asked_for;  // where it is then
};

void Timer::State::ask() noexcept {
  withdraw();
  // Not before now: who starts anew for a time that has passed would ring without end.
  idle.key() = std::max(deadline, Clock::now());
  asked_for = loop.alarms.insert(std::move(idle));
}

void Timer::State::withdraw() noexcept {
  if (idle.empty()) idle = loop.alarms.extract(asked_for);
}

void Timer::State::ring(Alarms::node_type node) noexcept {
  idle = std::move(node);
  if (deadline == never) return;
  if (Clock::now() < deadline) return ask();
  const auto self = shared_from_this();  // the task may end the timer
  deadline = never;
  const auto due = std::exchange(task, nullptr);
  due();
}

Timer::Timer(EventLoop& loop) : state_(std::make_shared<State>(loop.state())) {}

Timer::~Timer() {
  cancel();
  state_->withdraw();
}

void Timer::start(Deadline deadline, std::function<void()> task) {
  cancel();
  if (deadline == never) return;
  state_->deadline = deadline;
  state_->task = std::move(task);
  if (!state_->idle.empty() || deadline < state_->asked_for->first) state_->ask();
}

void Timer::cancel() noexcept {
  state_->deadline = never;
  // What a task holds may start this very timer again when it goes.
  const auto dropped = std::exchange(state_->task, nullptr);
}

}  // namespace sally::transport
