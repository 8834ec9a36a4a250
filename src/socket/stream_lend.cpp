// A caller that waits with a poller of its own between attempts: the descriptor, and what to wait for.
#include "socket/stream.h"

#include <sallyport/stream.h>

namespace sally::socket {

using transport::Interest;

Outcome Stream::lend_descriptor(int& number) {
  const Lock lock(mutex_);
  if (auto refused = usable()) return std::move(*refused);
  if (ErrorRef why = untrusted(Verb::read_some)) return Outcome(std::move(why));
  const int lent = transport_->lend_descriptor();
  if (lent < 0) {
    return make_error(SALLY_NOT_SUPPORTED, {.message = "the stream's transport has no descriptor"});
  }
  // So that the loop lets go of it.
  if (!std::exchange(lent_, true)) schedule();
  number = lent;
  return {};
}

unsigned Stream::lent_interest(unsigned direction) const noexcept {
  const Lock lock(mutex_);
  if (usable()) return 0;
  const Interest missing = direction == SALLY_DIRECTION_READ ? read_missing_ : write_missing_;
  // Where both are missing there is output besides, which the loop sends.
  if (includes(missing, Interest::read)) return SALLY_DIRECTION_READ;
  if (includes(missing, Interest::write)) return SALLY_DIRECTION_WRITE;
  return direction;
}

// Of an attempt that is to be repeated. A wait has noted it for each of its directions.
void Stream::note_missing(const Operation& operation) noexcept {
  if (operation.request.verb == Verb::wait) return;
  const bool reads = operation.directions() == SALLY_DIRECTION_READ;
  (reads ? read_missing_ : write_missing_) = operation.interest;
}

// What reading has put behind the output that could not be sent at once (answers of TLS), or was to
// send and could not, is sent all the same: who reads may not do so again soon.
void Stream::schedule_answers(const Outcome& outcome) noexcept {
  if (!writers_.empty() || !sending_.empty()) return;  // they send it
  if (state_ != State::open || flow_->pending_output() == 0) return;
  // In plain there are no answers, and what is to wait for more is not to be sent by a read that did
  // not wait.
  if (outcome.ok() && session_ == nullptr) return;
  const transport::Traffic traffic = flow_->traffic();
  if (traffic.wire_sent < traffic.wire_queued) schedule_flush();
}

}  // namespace sally::socket
