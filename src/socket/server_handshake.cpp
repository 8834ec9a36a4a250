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
  if (!session_)
    session_ = std::make_unique<tls::Session>(config_->freeze(), tls::PeerName{}, *transport_);
  return session_->handshake();
}

void ServerHandshake::expired() noexcept {
  const std::string correlation_id = session_ ? session_->correlation_id() : "";
  session_.reset();
  finish(make_error(SALLY_TIMED_OUT, {.message = "the handshake took too long",
                                      .correlation_id = correlation_id,
                                      .phase = "handshake"}));
}

void ServerHandshake::finish(ErrorRef error) noexcept {
  timer_.cancel();
  transport_->cancel_waits();
  const std::string peer = transport_->peer_address();
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
  transport_->close();
}

}  // namespace sally::socket
