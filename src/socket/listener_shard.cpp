#include "socket/listener_shard.h"

#include "socket/linger.h"
#include "socket/listener.h"

#include <utility>

namespace sally::socket {

using transport::TransferState;
using transport::WaitResult;

namespace {

// Out of descriptors or memory: trying again at once would spin, since the connection stays in the
// backlog.
constexpr std::int64_t pause_ms = 100;

// So many connections at a time: whoever comes faster than they can be refused must not keep the
// loop from others.
constexpr int most_at_once = 16;

}  // namespace

ListenerShard::ListenerShard(Listener& listener, transport::EventLoop& loop,
                             std::unique_ptr<transport::Acceptor> acceptor)
    : listener_(listener),
      loop_(loop),
      acceptor_(std::move(acceptor)),
      pause_(std::make_unique<transport::Timer>(loop)) {}

void ListenerShard::resume() {
  loop_.post([self = Ref<ListenerShard>::share(this), keep = Ref<Listener>::share(&listener_)] {
    self->accept_more();
  });
}

void ListenerShard::stop() {
  acceptor_->stop_listening();
  loop_.post([self = Ref<ListenerShard>::share(this), keep = Ref<Listener>::share(&listener_)] {
    if (!std::exchange(self->listens_, false)) return;
    self->acceptor_->close();
    self->pause_.reset();
    self->held_.reset();
  });
}

void ListenerShard::close() {
  stop();
  loop_.post([self = Ref<ListenerShard>::share(this), keep = Ref<Listener>::share(&listener_)] {
    for (auto& [handshake, source] : std::exchange(self->handshakes_, {})) {
      handshake->abandon();
      handshake->release();
      keep->handshake_over();
      keep->departed(source);
    }
  });
}

void ListenerShard::close_in_child() noexcept {
  acceptor_->close_in_child();
}

void ListenerShard::accept_more() noexcept {
  for (int taken = 0; listens_ && !waiting_ && !yielding_ && listener_.has_room(); ++taken) {
    if (taken == most_at_once) return yield();
    transport::Acceptor::Accepted accepted =
        held_ ? std::exchange(held_, std::nullopt).value() : acceptor_->try_accept();
    if (accepted.state == TransferState::moved) {
      if (!begin(accepted)) held_ = std::move(accepted);
      continue;
    }
    if (accepted.state == TransferState::would_block) {
      waiting_ = true;
      retain();  // until on_wait_over
      listener_.retain();
      return acceptor_->wait_async(*this);
    }
    return pause_->start(transport::deadline_after(pause_ms), [this] { accept_more(); });
  }
}

void ListenerShard::yield() {
  yielding_ = true;
  loop_.post([self = Ref<ListenerShard>::share(this), keep = Ref<Listener>::share(&listener_)] {
    self->yielding_ = false;
    self->accept_more();
  });
}

void ListenerShard::on_wait_over(WaitResult result) noexcept {
  const Ref<Listener> keep = Ref<Listener>::adopt(&listener_);
  const Ref<ListenerShard> self = Ref<ListenerShard>::adopt(this);
  waiting_ = false;
  if (result == WaitResult::ready) accept_more();
}

// False where another loop took the last place meanwhile.
bool ListenerShard::begin(transport::Acceptor::Accepted& accepted) {
  switch (listener_.admit(accepted.source)) {
    case Listener::Admitted::no_room:
      return false;
    case Listener::Admitted::too_many_of_its_source: {
      const std::string peer = accepted.transport->peer_address();
      accepted.transport->close(/*abort=*/true);
      listener_.refuse(
          peer, make_error(SALLY_LIMIT_EXCEEDED,
                           {.message = "too many connections from one source", .address = peer}));
      return true;
    }
    case Listener::Admitted::yes:
      break;
  }
  if (!listener_.setup_.config) {
    listener_.deliver({.transport = std::move(accepted.transport)}, accepted.source);
    return true;
  }
  auto handshake = make_ref<ServerHandshake>(
      std::move(accepted.transport), listener_.setup_.config,
      [self = Ref<ListenerShard>::share(this), keep = Ref<Listener>::share(&listener_)](
          ServerHandshake& done, ServerHandshake::Result result) {
        self->handshake_done(done, std::move(result));
      });
  if (listener_.setup_.decider) {
    handshake->set_decider(listener_.setup_.decider, listener_.runtime_);
  }
  handshakes_.emplace(handshake.get(), std::move(accepted.source));
  handshake.detach()->start(
      transport::deadline_after(listener_.setup_.limits.handshake_timeout_ms));
  return true;
}

void ListenerShard::handshake_done(ServerHandshake& handshake,
                                   ServerHandshake::Result result) noexcept {
  // The handshake is in the middle of telling us: let it go when it has returned.
  const Ref<ServerHandshake> owned = Ref<ServerHandshake>::adopt(&handshake);
  const std::string source = std::move(handshakes_.extract(&handshake).mapped());
  loop_.post([owned] {});
  if (!result.error) {
    listener_.deliver(std::move(result), source);
    listener_.handshake_over();
    return accept_more();
  }
  listener_.refuse(result.transport->peer_address(), result.error);
  if (!result.session) {
    result.transport->close();
    listener_.handshake_over();
    listener_.departed(source);
    return accept_more();
  }
  linger(std::move(result.transport), std::move(result.session),
         [self = Ref<ListenerShard>::share(this), keep = Ref<Listener>::share(&listener_), source] {
           keep->handshake_over();
           keep->departed(source);
           self->accept_more();
         });
}

}  // namespace sally::socket
