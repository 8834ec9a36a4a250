// What a secured stream derives from its keys, their renewal, and whom it asks for a certificate.
#include "socket/stream.h"

namespace sally::socket {

std::optional<Outcome> Stream::usable_for_keys() const {
  if (auto refused = usable()) return refused;
  if (session_ != nullptr) return {};
  return Outcome(make_error(SALLY_INVALID_STATE, {.message = "the stream is not secured"}));
}

Outcome Stream::export_key(std::string_view label,
                           std::optional<std::span<const std::byte>> context,
                           std::span<std::byte> key) const {
  const Lock lock(mutex_);
  if (auto refused = usable_for_keys()) return *refused;
  session_->export_key(label, context, key);
  return SALLY_OK;
}

Outcome Stream::channel_binding(std::string_view type, std::string& value) const {
  const Lock lock(mutex_);
  if (auto refused = usable_for_keys()) return *refused;
  value = session_->channel_binding(type);
  return SALLY_OK;
}

Stream::Attempted Stream::attempt_authenticate(Operation& operation) {
  if (sending_ended_) {
    return Outcome(
        make_error(SALLY_INVALID_STATE, {.message = "the sending direction was shut down"}));
  }
  const transport::Progress progress = session_->authenticate();
  if (progress.state == transport::Progress::State::failed) return Outcome(progress.error);
  if (progress.state == transport::Progress::State::done) {
    return Outcome();
  }
  operation.interest = progress.interest;
  return {};
}

Outcome Stream::update_keys(bool request_peer) {
  const Lock lock(mutex_);
  if (auto refused = usable_for_keys()) return *refused;
  if (sending_ended_) {
    return make_error(SALLY_INVALID_STATE, {.message = "the sending direction was shut down"});
  }
  // A peer that does not read is not sent one after the other.
  if (!flow_->is_writable()) return SALLY_WOULD_BLOCK;
  session_->update_keys(request_peer);
  schedule_flush();
  return SALLY_OK;
}

}  // namespace sally::socket
