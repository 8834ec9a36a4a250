#include "transport/asio_loop.h"
#include "transport/event_loop.h"

#include <asio/steady_timer.hpp>
#include <cstdint>
#include <utility>

namespace sally::transport {

// Most timers are deadlines that are moved or cancelled long before they come. So Asio is asked
// anew only for an earlier time; when it calls too early for a later one, it is asked again.
struct Timer::State : std::enable_shared_from_this<State> {
  explicit State(EventLoop& loop) : timer(loop.state().context) {}

  asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, asio::io_context::executor_type>
      timer;
  Deadline deadline = never;  // when the task is due; never: there is none
  std::function<void()> task;
  Deadline asked_for = never;  // when Asio will call
  std::uint64_t question = 0;  // tells its latest call from those that were given up

  void ask() {
    ++question;
    asked_for = never;
    timer.expires_at(deadline);
    timer.async_wait([self = shared_from_this(), number = question](const asio::error_code&) {
      if (number == self->question) self->on_time();
    });
    asked_for = deadline;
  }

  void on_time() {
    asked_for = never;
    if (deadline == never) return;
    if (Clock::now() < deadline) return ask();
    deadline = never;
    const auto due = std::exchange(task, nullptr);
    due();
  }
};

Timer::Timer(EventLoop& loop) : state_(std::make_shared<State>(loop)) {}

Timer::~Timer() {
  cancel();
  ++state_->question;
  state_->asked_for = never;
  state_->timer.cancel();
}

void Timer::start(Deadline deadline, std::function<void()> task) {
  cancel();
  if (deadline == never) return;
  state_->deadline = deadline;
  state_->task = std::move(task);
  if (deadline < state_->asked_for) state_->ask();
}

void Timer::cancel() noexcept {
  state_->deadline = never;
  // What a task holds may start this very timer again when it goes.
  const auto dropped = std::exchange(state_->task, nullptr);
}

}  // namespace sally::transport
