#include "socket/listener_operation.h"

#include "socket/listener.h"
#include "socket/listener_shard.h"

namespace sally::socket {

namespace {

EventKind kind_of(ListenerVerb verb) noexcept {
  switch (verb) {
    case ListenerVerb::accept:
      return EventKind::accepted;
    case ListenerVerb::refusal:
      return EventKind::refused;
    case ListenerVerb::drain:
      break;
  }
  return EventKind::done;
}

}  // namespace

// Each call holds a reference, given up at its end.
ListenerOperation::ListenerOperation(Ref<Listener> listener, ListenerVerb verb,
                                     transport::Deadline deadline, Completion completion)
    : AsyncOperation(std::move(completion), kind_of(verb)),
      listener_(std::move(listener)),
      verb_(verb),
      deadline_(deadline),
      starting_(
          listener_->home(),
          [](void* self) noexcept {
            Ref<ListenerOperation>::adopt(static_cast<ListenerOperation*>(self))->start();
          },
          this),
      finishing_(
          listener_->home(),
          [](void* self) noexcept {
            Ref<ListenerOperation>::adopt(static_cast<ListenerOperation*>(self))->finish();
          },
          this) {}

ListenerOperation::~ListenerOperation() = default;

void ListenerOperation::cancel() noexcept {
  listener_->end(*this, SALLY_CANCELED);
}

void ListenerOperation::start() noexcept {
  if (finished_ || deadline_ == transport::never) return;
  timer_.emplace(listener_->home());
  timer_->start(deadline_, [this] { listener_->end(*this, SALLY_TIMED_OUT); });
}

void ListenerOperation::finish() noexcept {
  finished_ = true;
  timer_.reset();
  // Here, with no lock held: the last connection may have gone under that of its stream.
  if (verb_ == ListenerVerb::drain && outcome.ok()) listener_->close();
  complete();
}

}  // namespace sally::socket
