// Established streams whose peer loses this side's trust: they are reviewed on their own loop, a few in
// a turn, and drained or dropped.
#include "socket/stream_trust.h"

#include <utility>

#include <sallyport/tls_config.h>

namespace sally::socket {

Stream::TrustWatch::TrustWatch(Stream& stream, Ref<tls::TrustSource> source,
                               transport::EventLoop& loop)
    : stream_(stream),
      source_(std::move(source)),
      call_(
          loop,
          [](void* self) noexcept {
            auto& watch = *static_cast<TrustWatch*>(self);
            const Ref<Stream> keep = Ref<Stream>::adopt(&watch.stream_);
            watch.noted_ = false;
            keep->review_trust();
          },
          this) {}

void Stream::TrustWatch::begin(std::uint64_t generation) noexcept {
  reviewed = generation;
  // It may have changed since the handshake began.
  if (source_->observe(*this) != generation) note();
}

void Stream::TrustWatch::source_changed(std::uint64_t /*generation*/,
                                        const ErrorRef& failure) noexcept {
  if (!failure) note();
}

void Stream::TrustWatch::note() noexcept {
  // In this order: whoever has noted it has a reference already, or is on its way out.
  if (noted_.exchange(true) || !stream_.retain_if_alive()) return;
  call_.post();
}

// Once the handshake is over, and only where something may come of it.
void Stream::watch_trust() {
  const tls::Settings& settings = session_->settings();
  if (!settings.followed_trust) return;
  trust_watch_ = std::make_unique<TrustWatch>(*this, settings.followed_trust, transport_->loop());
  static_cast<void>(session_->has_shown_since(trust_watch_->judged));
  trust_watch_->begin(settings.trust_generation);
}

void Stream::review_trust() noexcept {
  const Lock lock(mutex_);
  if (state_ != State::open || trust_watch_->refusal) return;
  if (ErrorRef why = session_->review(trust_watch_->reviewed)) lose_trust(why);
}

// After an attempt that may have taken in a client's certificate, which was judged by the trust of its
// handshake. What the attempt comes to where the newest refuses it; null: what it came to by itself.
ErrorRef Stream::review_shown(Verb verb) noexcept {
  if (state_ != State::open || trust_watch_->refusal) return {};
  if (!session_->has_shown_since(trust_watch_->judged)) return {};
  trust_watch_->reviewed = session_->settings().trust_generation;
  const ErrorRef why = session_->review(trust_watch_->reviewed);
  if (why) lose_trust(why);
  const bool fails = trust_watch_->dropped || verb == Verb::authenticate;
  return fails ? trust_watch_->refusal : ErrorRef();
}

void Stream::lose_trust(const ErrorRef& why) noexcept {
  trust_watch_->forget();
  trust_watch_->refusal =
      amend(why, [&](ErrorDetail& detail) { detail.address = transport_->peer_address(); });
  if (session_->settings().trust_change == SALLY_TRUST_CHANGE_DROP) return drop_untrusted();
  draining_ = true;
  schedule();
  const std::int64_t limit = session_->settings().drain_ms;
  if (limit < 0) return;
  try {
    // Timers are the loop's, and this may be another thread.
    call_->loop().post(
        [self = Ref<Stream>::share(this), deadline = transport::deadline_after(limit)] {
          self->limit_drain(deadline);
        });
  } catch (...) {
    drop_untrusted();
  }
}

void Stream::limit_drain(transport::Deadline deadline) noexcept {
  {
    const Lock lock(mutex_);
    if (state_ != State::open || trust_watch_->dropped) return;
  }
  try {
    auto& timer = trust_watch_->timer.emplace(call_->loop());
    timer.start(deadline, [self = Ref<Stream>::share(this)] {
      const Lock lock(self->mutex_);
      if (self->state_ == State::open) self->drop_untrusted();
    });
  } catch (...) {
    const Lock lock(mutex_);
    if (state_ == State::open) drop_untrusted();
  }
}

// Behind the writes that had begun before.
void Stream::end_drained_sending() noexcept {
  if (!writers_.empty() || std::exchange(sending_ended_, true)) return;
  flow_->end_sending();
  flush_due_ = true;
}

// The peer gets nothing more, what waits to be sent least of all.
void Stream::drop_untrusted() noexcept {
  draining_ = false;
  trust_watch_->dropped = true;
  session_->give_up(trust_watch_->refusal);
  transport_->break_off();
  admission_.reset();
  operations_.wake_all();
  schedule();
}

// Why nothing of the kind begins any more, or null.
ErrorRef Stream::untrusted(Verb verb) const noexcept {
  if (!trust_watch_) return {};
  const bool refused = verb == Verb::write || trust_watch_->dropped;
  return refused ? trust_watch_->refusal : ErrorRef();
}

void Stream::end_trust_watch() noexcept {
  if (!trust_watch_) return;
  trust_watch_->forget();
  if (!std::exchange(draining_, false)) return;
  try {
    call_->loop().post([self = Ref<Stream>::share(this)] { self->trust_watch_->timer.reset(); });
  } catch (...) {
    return;  // then it keeps the stream until its time comes
  }
}

}  // namespace sally::socket
