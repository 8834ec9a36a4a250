#include "socket/server_handshake.h"

#include <utility>

namespace sally::socket {

using tls::Progress;
using transport::Interest;

ServerHandshake::ServerHandshake(std::unique_ptr<transport::Transport> transport,
                                 Ref<tls::Config> config, Done done)
    : transport_(std::move(transport)),
      config_(std::move(config)),
      done_(std::move(done)),
      timer_(transport_->loop()) {}

void ServerHandshake::set_decider(Decider decider, Ref<transport::Runtime> runtime) {
  decider_ = std::move(decider);
  runtime_ = std::move(runtime);
}

// One deadline for the whole handshake, not for each receive: a peer that sends a byte now and then
// gains nothing.
void ServerHandshake::start(transport::Deadline deadline) {
  timer_.start(deadline, [this] { expired(); });
  wait(*transport_, Interest::read);
}

void ServerHandshake::step() noexcept {
  if (!done_) return;
  Progress progress;
  try {
    progress = advance();
    if (questions_) ask();
  } catch (const Failure& failure) {
    return finish(failure.error());
  } catch (...) {
    return finish(out_of_memory_error());
  }
  if (progress.state == Progress::State::waiting) return wait(*transport_, progress.interest);
  finish(std::move(progress.error));
}

// The session, tens of kilobytes of it, is made when the client has said something: a silent one
// costs next to nothing.
Progress ServerHandshake::advance() {
  if (!session_) {
    const Ref<tls::Context> context = config_->freeze();
    if (context->may_wait()) {
      questions_ = std::make_unique<Questions>(decider_, *context, transport_->loop());
      nudge_ = make_ref<Nudge>(runtime_, transport_->loop(), [this] { step(); });
    }
    session_ = std::make_unique<tls::Session>(context, tls::PeerName{}, *transport_);
    if (tls::Tracer* trace = session_->trace()) {
      trace->accepted(began_, transport_->peer_address());
      trace->began();
    }
  }
  return session_->handshake();
}

void ServerHandshake::ask() {
  const Ref<QuestionEvent> asked = questions_->attend(*session_, transport_->peer_address(),
                                                      [nudge = nudge_] { nudge->post(); });
  if (asked) asked->deliver();
}

void ServerHandshake::forget_questions() noexcept {
  questions_.reset();
  if (nudge_) std::exchange(nudge_, {})->forget();
}

void ServerHandshake::expired() noexcept {
  const ErrorRef late =
      make_error(SALLY_TIMED_OUT, {.message = "the handshake took too long", .phase = "handshake"});
  const ErrorRef error = amend(late, [this](ErrorDetail& detail) {
    if (session_) session_->tell_what_is_known(detail);
  });
  // Who still waits for a decision is told that there will be none.
  const bool denied = session_ && session_->deny_undecided();
  finish(error, /*last_word=*/denied);
}

void ServerHandshake::finish(ErrorRef error, bool last_word) noexcept {
  timer_.cancel();
  forget_questions();
  transport_->cancel_waits();
  const std::string peer = transport_->peer_address();
  if (error && session_ && session_->trace() != nullptr) {
    session_->trace()->failed(*error);
    session_->end_trace();
  }
  if (!last_word) session_.reset();
  if (error) error = amend(error, [&](ErrorDetail& detail) { detail.address = peer; });
  const Done done = std::exchange(done_, nullptr);
  Result result{.transport = std::move(transport_),
                .session = std::move(session_),
                .error = std::move(error),
                .took_us = transport::microseconds_since(began_)};
  if (result.session) result.round_trips = result.session->round_trips();
  done(*this, std::move(result));
}

void ServerHandshake::abandon() noexcept {
  done_ = nullptr;
  timer_.cancel();
  if (session_) session_->deny_undecided();
  forget_questions();
  transport_->close();
}

}  // namespace sally::socket
