// How a stream becomes connected, and secured: name, address, handshake.
#include "socket/dialer.h"
#include "socket/linger.h"
#include "socket/stream.h"
#include "transport/event_loop.h"
#include "transport/plain_flow.h"

#include <algorithm>
#include <utility>

namespace sally::socket {

using transport::Interest;
using transport::microseconds_since;
using transport::Progress;

// Resolving and connecting run on the loop, since several addresses may be tried at once.
void Stream::dial() {
  if (!runtime_) runtime_ = transport::Runtime::shared();
  transport::EventLoop& loop = runtime_->pick();
  open_loop(loop);
  dialer_ = std::make_shared<std::unique_ptr<Dialer>>();
  loop.post([self = Ref<Stream>::share(this), slot = dialer_, &loop] {
    *slot = std::make_unique<Dialer>(
        loop, self->target_.host, self->target_.service,
        [self](std::unique_ptr<transport::Transport> transport, ErrorRef error, DialReport report) {
          self->dialed(std::move(transport), std::move(error), std::move(report));
        });
  });
}

void Stream::dialed(std::unique_ptr<transport::Transport> transport, ErrorRef error,
                    DialReport report) {
  std::shared_ptr<std::unique_ptr<Dialer>> finished;
  {
    const Lock lock(mutex_);
    if (state_ != State::connecting) return;  // given up meanwhile; the transport closes as it goes
    transport_ = std::move(transport);
    dial_error_ = std::move(error);
    establishment_.dial = std::move(report);
    dialed_ = true;
    finished = std::move(dialer_);
    operations_.wake_all();
  }
  finished->reset();  // an idle connection does without who made it
}

// On its loop; the loop may be about to make it.
void Stream::drop_dialer() noexcept {
  if (!dialer_) return;
  try {
    call_->loop().dispatch([slot = dialer_] { slot->reset(); });
    dialer_.reset();
  } catch (...) {
    // Another attempt, or the end of the stream, will try again.
    return;
  }
}

Stream::Attempted Stream::attempt_connect(Operation& operation) {
  if (!dialed_) return {};
  drop_dialer();
  if (dial_error_) return Outcome(dial_error_);
  if (!flow_) {
    begin_flow(operation, target_.config, target_.peer_name);
    const std::int64_t limit = operation.request.handshake_ms;
    if (limit > 0) {
      auto& deadline = operation.patience.deadline;
      deadline = std::min(deadline, transport::deadline_after(limit));
      attention_ = again_ = true;
    }
  }
  if (session_ == nullptr) return Outcome();
  return attempt_handshake(operation);
}

void Stream::begin_flow(const Operation& operation, const Ref<tls::Config>& config,
                        const tls::PeerName& name) {
  phase_began_ = transport::Clock::now();
  session_ = nullptr;
  if (config) {
    const Ref<tls::Context> context = config->freeze();
    if (context->may_wait()) {
      // It was not when the call was made, or the loop would have got it.
      if (!operation.is_async()) {
        throw Failure(SALLY_INVALID_STATE,
                      {.message = "while this side connected, its credential was replaced by one "
                                  "whose key is somewhere else",
                       .hint = "Connect again."});
      }
      questions_ = std::make_unique<Questions>(decider_, *context, call_->loop());
    }
    auto session = std::make_unique<tls::Session>(context, name, *transport_);
    session_ = session.get();
    if (target_.confirmed) session->await_confirmation();
    if (tls::Tracer* trace = session->trace()) {
      const DialReport& dial = establishment_.dial;
      if (operation.request.verb == Verb::connect)
        trace->dialed(dial.resolve_us, dial.connect_us, transport_->peer_address());
      trace->began();
    }
    flow_ = std::move(session);
  } else {
    flow_ = std::make_unique<transport::PlainFlow>(*transport_);
  }
  flow_->set_limits(target_.limits);
}

Stream::Attempted Stream::attempt_handshake(Operation& operation) {
  const Progress progress = session_->handshake();
  attend_questions();
  if (progress.state == Progress::State::failed) return Outcome(progress.error);
  if (progress.state == Progress::State::waiting) {
    operation.interest = progress.interest;
    return {};
  }
  establishment_.handshake_us = microseconds_since(phase_began_);
  establishment_.round_trips = session_->round_trips();
  watch_trust();
  return Outcome();
}

// From plain to secured. What the peer has said before must not be taken for something that it said
// under TLS.
Stream::Attempted Stream::attempt_upgrade(Operation& operation) {
  if (session_ == nullptr) {
    const Progress sent = flow_->flush();
    if (sent.state == Progress::State::failed) return Outcome(sent.error);
    if (sent.state == Progress::State::waiting) {
      operation.interest = sent.interest;
      return {};
    }
    // A client's peer has nothing to say now: it speaks TLS only when it was spoken to. A server's
    // may have sent its first message already, right behind its last plain word.
    const bool is_client = operation.request.config->role() == SALLY_ROLE_CLIENT;
    rely_on_loop(false);  // which may not have looked since the agreement
    const bool heard =
        is_client ? flow_->peek().state == Progress::State::done : flow_->has_unread();
    if (heard) {
      return Outcome(make_error(
          SALLY_PLAINTEXT_BEFORE_TLS,
          {.message = "the peer sent plaintext behind its agreement to begin with TLS"}));
    }
    begin_flow(operation, operation.request.config, operation.request.peer_name);
  }
  return attempt_handshake(operation);
}

// Whatever ended the connect ends the stream; a refusal of ours is still given the time to arrive.
void Stream::end_connect(const Operation& operation, Outcome& outcome) noexcept {
  state_ = State::closed;
  closing_ = true;
  drop_dialer();
  const bool late = outcome.status == SALLY_TIMED_OUT;
  if (late && session_ != nullptr && session_->is_unconfirmed()) outcome = SALLY_UNCONFIRMED;
  const bool dialing = operation.request.verb == Verb::connect && !flow_;
  const std::string peer = transport_ ? transport_->peer_address() : "";
  const std::string target =
      target_.host.empty() ? "" : "'" + target_.host + "' port '" + target_.service + "'";
  const ErrorRef plain =
      outcome.error ? outcome.error : make_error(outcome.status, {.message = target});
  outcome.error = amend(plain, [&](ErrorDetail& detail) {
    if (detail.phase.empty()) detail.phase = dialing ? "connect" : "handshake";
    if (detail.address.empty()) detail.address = peer;
    if (session_ != nullptr) session_->tell_what_is_known(detail);
  });
  if (session_ != nullptr && session_->trace() != nullptr)
    session_->trace()->failed(*outcome.error);
  const bool denied = session_ != nullptr && session_->deny_undecided();
  questions_.reset();
  if (session_ != nullptr) session_->end_trace();
  if (!transport_) return;  // nor was there an admission
  const bool refused = denied || outcome.error->detail().alert_direction == SALLY_ALERT_SENT;
  if (session_ != nullptr && refused) {
    std::unique_ptr<tls::Session> session(static_cast<tls::Session*>(flow_.release()));
    session_ = nullptr;
    // A refused client keeps its place until its connection has ended.
    if (admission_) admission_->outlive_stream();
    return linger(
        std::move(transport_), std::move(session),
        [place = std::shared_ptr<Admission>(std::move(admission_))]() mutable { place.reset(); });
  }
  session_ = nullptr;
  flow_.reset();
  transport_->close();
  admission_.reset();
}

}  // namespace sally::socket
