#include "socket/loop_task.h"

namespace sally::socket {

using transport::Interest;

void LoopTask::wait(transport::Transport& transport, Interest interest) noexcept {
  if (includes(interest, Interest::read)) reading_.wait(transport);
  if (includes(interest, Interest::write)) writing_.wait(transport);
}

void LoopTask::Direction::wait(transport::Transport& transport) noexcept {
  if (pending_) return;
  pending_ = true;
  task_.retain();
  transport.wait_async(interest_, *this);
}

void LoopTask::Direction::on_wait_over(transport::WaitResult result) noexcept {
  const Ref<LoopTask> keep = Ref<LoopTask>::adopt(&task_);
  pending_ = false;
  if (result == transport::WaitResult::ready) task_.step();
}

}  // namespace sally::socket
