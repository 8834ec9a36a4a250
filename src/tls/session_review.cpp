// Judging the peer of an established connection again, by trust that has changed since.
#include "tls/chain.h"
#include "tls/error_queue.h"
#include "tls/session.h"

namespace sally::tls {

ErrorRef Session::review(std::uint64_t& reviewed) noexcept {
  const Ref<TrustSource>& source = settings().followed_trust;
  // Whoever is about to show another certificate is judged when it has proved that it is its own.
  if (!source || !established_ || is_proving()) return {};
  const auto [trust, generation] = source->newest();
  if (generation == reviewed) return {};
  reviewed = generation;
  ErrorRef why;
  try {
    // Without one, or let in against the verdict, it is nobody whom the trust has vouched for.
    if (!record_.peer_verified) return {};
    clear_errors();
    why = refusal_under(trust, *context_, record_);
    clear_errors();
  } catch (...) {
    return out_of_memory_error();
  }
  if (!why) return {};
  return amend(why, [&](ErrorDetail& detail) {
    detail.message = "no longer trusted since generation " + std::to_string(generation) +
                     " of the trust store" + (detail.message.empty() ? "" : ": " + detail.message);
    detail.correlation_id = correlation_id();
    detail.phase = "review";
  });
}

bool Session::has_shown_since(std::uint64_t& judged) const {
  if (record_.judgements == judged || is_proving()) return false;
  judged = record_.judgements;
  return true;
}

void Session::give_up(const ErrorRef& why) noexcept {
  drop_unread();
  if (!read_error_) read_error_ = why;
  if (!write_error_) write_error_ = why;
}

}  // namespace sally::tls
