// How a stream becomes connected: name, address, handshake.
#include "socket/dialer.h"
#include "socket/linger.h"
#include "socket/stream.h"
#include "transport/event_loop.h"

#include <algorithm>

#include <sallyport/stream.h>

namespace sally::socket {

using tls::Progress;
using transport::Interest;

Outcome Stream::connect(const Patience& patience, std::int64_t handshake_ms) {
  Lock lock(mutex_);
  if (closing_) return SALLY_CLOSED;
  if (state_ != State::idle) {
    return make_error(SALLY_INVALID_STATE, {.message = "the stream was connected before"});
  }
  state_ = State::connecting;
  Operation operation(operations_, SALLY_DIRECTION_READ | SALLY_DIRECTION_WRITE);

  Outcome outcome = dial(lock, operation, patience);
  if (!outcome.ok()) return end_connect(std::move(outcome), "connect");
  const auto limit = handshake_ms > 0 ? transport::deadline_after(handshake_ms) : transport::never;
  outcome = shake_hands(lock, operation, Patience::until(std::min(patience.deadline, limit)));
  if (!outcome.ok()) return end_connect(std::move(outcome), "handshake");
  state_ = State::open;
  return outcome;
}

// Resolving and connecting run on the loop, since several addresses may be tried at once.
Outcome Stream::dial(Lock& lock, Operation& operation, const Patience& patience) {
  transport::EventLoop& loop = transport::EventLoop::shared();
  dialer_ = std::make_shared<std::unique_ptr<Dialer>>();
  loop.post([self = Ref<Stream>::share(this), slot = dialer_, &loop] {
    *slot = std::make_unique<Dialer>(
        loop, self->target_.host, self->target_.service,
        [self](std::unique_ptr<transport::Transport> transport, ErrorRef error) {
          self->dialed(std::move(transport), std::move(error));
        });
  });

  Outcome outcome;
  while (outcome.ok() && !dialed_) outcome = wait(lock, operation, Interest::none, patience);
  loop.post([slot = std::move(dialer_)] { slot->reset(); });
  if (outcome.ok() && dial_error_) outcome = dial_error_;
  return outcome;
}

void Stream::dialed(std::unique_ptr<transport::Transport> transport, ErrorRef error) {
  const Lock lock(mutex_);
  if (state_ != State::connecting) return;  // given up meanwhile; the transport closes as it goes
  transport_ = std::move(transport);
  dial_error_ = std::move(error);
  dialed_ = true;
  operations_.wake_all();
}

Outcome Stream::shake_hands(Lock& lock, Operation& operation, const Patience& patience) {
  session_ = std::make_unique<tls::Session>(target_.context, target_.peer_name, *transport_);
  for (;;) {
    const Progress progress = session_->handshake();
    if (progress.state == Progress::State::done) return SALLY_OK;
    if (progress.state == Progress::State::failed) return progress.error;
    if (Outcome outcome = wait(lock, operation, progress.interest, patience); !outcome.ok())
      return outcome;
  }
}

// Whatever ended the connect ends the stream; a refusal of ours is still given the time to arrive.
Outcome Stream::end_connect(Outcome outcome, const char* phase) {
  state_ = State::closed;
  closing_ = true;
  const std::string peer = transport_ ? transport_->peer_address() : "";
  const std::string target = "'" + target_.host + "' port '" + target_.service + "'";
  const ErrorRef plain =
      outcome.error ? outcome.error : make_error(outcome.status, {.message = target});
  outcome.error = amend(plain, [&](ErrorDetail& detail) {
    if (detail.phase.empty()) detail.phase = phase;
    if (detail.address.empty()) detail.address = peer;
    if (detail.correlation_id.empty() && session_)
      detail.correlation_id = session_->correlation_id();
  });
  if (!transport_) return outcome;
  if (outcome.error->detail().alert_direction == SALLY_ALERT_SENT) {
    linger(std::move(transport_), std::move(session_), {});
  } else {
    session_.reset();
    transport_->close();
  }
  return outcome;
}

}  // namespace sally::socket
