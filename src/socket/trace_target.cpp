#include "socket/trace_target.h"

#include "transport/event_loop.h"

#include <utility>

namespace sally::socket {

// It waits as long as it lives.
class TraceEvent final : public AsyncOperation {
 public:
  TraceEvent(Completion&& destination, Ref<TraceTarget> target, Ref<sally_trace_record> record)
      : AsyncOperation(std::move(destination), EventKind::trace), target_(std::move(target)) {
    trace = std::move(record);
  }
  ~TraceEvent() override { --target_->waiting_; }

  // It is complete as soon as it is there.
  void cancel() noexcept override {}
  void deliver() noexcept { complete(); }

 private:
  const Ref<TraceTarget> target_;
};

TraceTarget::TraceTarget(Completion destination, std::uint32_t most_waiting,
                         std::uint32_t most_per_connection)
    : TraceSink(most_per_connection),
      destination_(std::move(destination)),
      most_waiting_(most_waiting) {
  if (destination_.queue) return;
  call_ = std::make_unique<transport::LoopCall>(
      transport::EventLoop::shared(),
      [](void* self) noexcept {
        Ref<TraceTarget>::adopt(static_cast<TraceTarget*>(self))->deliver();
      },
      this);
}

TraceTarget::~TraceTarget() = default;

void TraceTarget::put(Ref<sally_trace_record> record) noexcept {
  if (++waiting_ > most_waiting_) {
    --waiting_;
    return count_drop();
  }
  Ref<TraceEvent> event;
  try {
    const auto self = Ref<TraceTarget>::share(this);
    // What ends with the function of a queue's completion ends with the trace.
    event =
        destination_.queue
            ? make_ref<TraceEvent>(Completion{.queue = destination_.queue, .tag = destination_.tag},
                                   self, std::move(record))
            : make_ref<TraceEvent>(Completion(destination_), self, std::move(record));
  } catch (...) {
    --waiting_;
    return count_drop();
  }
  try {
    if (!destination_.queue) return put_for_function(std::move(event));
    event->reserve();
    event->deliver();
  } catch (...) {
    count_drop();  // the queue was closed
  }
}

void TraceTarget::put_for_function(Ref<TraceEvent> event) {
  const std::lock_guard lock(mutex_);
  events_.push_back(std::move(event));
  if (std::exchange(posted_, true)) return;
  retain();  // until the call
  call_->post();
}

// One call at a time, since it is not posted again before this one has begun.
void TraceTarget::deliver() noexcept {
  std::deque<Ref<TraceEvent>> due;
  {
    const std::lock_guard lock(mutex_);
    posted_ = false;
    due.swap(events_);
  }
  for (Ref<TraceEvent>& event : due) std::exchange(event, {})->deliver();
}

}  // namespace sally::socket
