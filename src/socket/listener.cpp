#include "socket/listener.h"

#include "socket/linger.h"

#include <utility>

namespace sally::socket {

using transport::TransferState;
using transport::WaitResult;

namespace {

// Out of descriptors or memory: trying again at once would spin, since the connection stays in the
// backlog.
constexpr std::int64_t pause_ms = 100;

}  // namespace

Ref<Listener> Listener::bind(const std::string& host, const std::string& service,
                             Ref<tls::Context> context, const ListenerLimits& limits) {
  transport::Resolution resolution = transport::resolve(host, service, /*passive=*/true);
  if (resolution.error) throw Failure(resolution.error);
  transport::EventLoop& loop = transport::EventLoop::shared();
  Ref<Listener> listener;
  ErrorRef first_error;
  for (const transport::Endpoint& endpoint : resolution.endpoints) {
    try {
      listener = Ref<Listener>::adopt(new Listener(loop, endpoint, context, limits));
      break;
    } catch (const Failure& failure) {
      if (!first_error) first_error = failure.error();
    }
  }
  if (!listener) throw Failure(first_error);
  loop.post([listener] { listener->accept_more(); });
  return listener;
}

Listener::Listener(transport::EventLoop& loop, const transport::Endpoint& endpoint,
                   Ref<tls::Context> context, const ListenerLimits& limits)
    : loop_(loop),
      context_(std::move(context)),
      limits_(limits),
      acceptor_(std::make_unique<transport::Acceptor>(loop, endpoint, limits.backlog)),
      pause_(std::make_unique<transport::Timer>(loop)) {
  address_ = transport::to_string(acceptor_->endpoint());
  port_ = acceptor_->endpoint().port();
}

template <class Ready>
Outcome Listener::wait_until(std::unique_lock<std::mutex>& lock, const Patience& patience,
                             Ready&& ready) {
  while (!ready()) {
    if (closed_) return SALLY_CLOSED;
    if (patience.attempt) return SALLY_WOULD_BLOCK;
    if (patience.deadline == transport::never) {
      changed_.wait(lock);
    } else if (changed_.wait_until(lock, patience.deadline) == std::cv_status::timeout &&
               !ready()) {
      return closed_ ? SALLY_CLOSED : SALLY_TIMED_OUT;
    }
  }
  return SALLY_OK;
}

Outcome Listener::accept(const Patience& patience, Ref<Stream>& stream) {
  std::unique_lock lock(mutex_);
  Outcome outcome = wait_until(lock, patience, [this] { return !established_.empty(); });
  if (!outcome.ok()) return outcome;
  const bool was_full = established_.size() >= limits_.unaccepted;
  stream = std::move(established_.front());
  established_.pop_front();
  lock.unlock();
  if (was_full) loop_.post([self = Ref<Listener>::share(this)] { self->accept_more(); });
  return outcome;
}

Outcome Listener::next_refusal(const Patience& patience, Refusal& refusal) {
  std::unique_lock lock(mutex_);
  Outcome outcome = wait_until(lock, patience, [this] { return !refusals_.empty(); });
  if (!outcome.ok()) return outcome;
  refusal = std::move(refusals_.front());
  refusals_.pop_front();
  return outcome;
}

std::uint64_t Listener::dropped_refusals() const noexcept {
  const std::lock_guard lock(mutex_);
  return dropped_refusals_;
}

// What is beyond the limits waits in the system's backlog.
bool Listener::has_room() const noexcept {
  if (handshakes_.size() + lingering_ >= limits_.pending_handshakes) return false;
  const std::lock_guard lock(mutex_);
  return established_.size() < limits_.unaccepted;
}

void Listener::accept_more() noexcept {
  while (acceptor_ && !waiting_ && has_room()) {
    transport::Acceptor::Accepted accepted = acceptor_->try_accept();
    if (accepted.state == TransferState::moved) {
      begin_handshake(std::move(accepted.transport));
      continue;
    }
    if (accepted.state == TransferState::would_block) {
      waiting_ = true;
      retain();  // until on_wait_over
      return acceptor_->wait_async(*this);
    }
    return pause_->start(transport::deadline_after(pause_ms), [this] { accept_more(); });
  }
}

void Listener::on_wait_over(WaitResult result) noexcept {
  const Ref<Listener> keep = Ref<Listener>::adopt(this);
  waiting_ = false;
  if (result == WaitResult::ready) accept_more();
}

void Listener::begin_handshake(std::unique_ptr<transport::Transport> transport) {
  auto handshake = make_ref<ServerHandshake>(
      std::move(transport), context_,
      [self = Ref<Listener>::share(this)](ServerHandshake& done, ServerHandshake::Result result) {
        self->handshake_done(done, std::move(result));
      });
  handshakes_.insert(handshake.get());
  handshake.detach()->start(transport::deadline_after(limits_.handshake_timeout_ms));
}

void Listener::handshake_done(ServerHandshake& handshake, ServerHandshake::Result result) noexcept {
  // The handshake is in the middle of telling us: let it go when it has returned.
  const Ref<ServerHandshake> owned = Ref<ServerHandshake>::adopt(&handshake);
  handshakes_.erase(&handshake);
  loop_.post([owned] {});
  if (result.error)
    refuse(std::move(result));
  else
    deliver(std::move(result.transport), std::move(result.session));
  accept_more();
}

void Listener::deliver(std::unique_ptr<transport::Transport> transport,
                       std::unique_ptr<tls::Session> session) {
  auto stream = make_ref<Stream>(std::move(transport), std::move(session));
  {
    const std::lock_guard lock(mutex_);
    if (!closed_) established_.push_back(std::exchange(stream, {}));
  }
  if (stream) stream->abandon();
  changed_.notify_all();
}

void Listener::refuse(ServerHandshake::Result result) {
  {
    const std::lock_guard lock(mutex_);
    if (refusals_.size() == limits_.refusals) {
      refusals_.pop_front();
      ++dropped_refusals_;
    }
    refusals_.push_back({result.transport->peer_address(), result.error});
  }
  changed_.notify_all();
  if (!result.session) return result.transport->close();
  ++lingering_;
  linger(std::move(result.transport), std::move(result.session),
         [self = Ref<Listener>::share(this)] {
           --self->lingering_;
           self->accept_more();
         });
}

void Listener::close() noexcept {
  std::deque<Ref<Stream>> unaccepted;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    closed_ = true;
    unaccepted.swap(established_);
  }
  changed_.notify_all();
  for (const Ref<Stream>& stream : unaccepted) stream->abandon();
  loop_.post([self = Ref<Listener>::share(this)] { self->close_on_loop(); });
}

void Listener::close_on_loop() noexcept {
  acceptor_->close();
  acceptor_.reset();
  pause_.reset();
  for (ServerHandshake* handshake : handshakes_) {
    handshake->abandon();
    handshake->release();
  }
  handshakes_.clear();
}

void Listener::close_in_child() noexcept {
  if (acceptor_) acceptor_->close_in_child();
}

}  // namespace sally::socket
