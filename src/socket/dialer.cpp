#include "socket/dialer.h"

#include <algorithm>
#include <utility>

namespace sally::socket {

namespace {

using transport::Endpoint;
using transport::microseconds_since;

constexpr std::int64_t connection_attempt_delay_ms = 250;  // RFC 8305 section 5

// RFC 8305 section 4: the families take turns, beginning with that of the first address.
std::vector<Endpoint> interleaved(const std::vector<Endpoint>& endpoints) {
  std::vector<Endpoint> first_family, others, result;
  for (const Endpoint& endpoint : endpoints) {
    const bool first = endpoint.family() == endpoints.front().family();
    (first ? first_family : others).push_back(endpoint);
  }
  for (std::size_t i = 0; i < std::max(first_family.size(), others.size()); ++i) {
    if (i < first_family.size()) result.push_back(first_family[i]);
    if (i < others.size()) result.push_back(others[i]);
  }
  return result;
}

}  // namespace

Dialer::Dialer(transport::EventLoop& loop, const std::string& host, const std::string& service,
               Done done)
    : loop_(loop),
      target_("'" + host + "' port '" + service + "'"),
      done_(std::move(done)),
      stagger_(loop) {
  query_ = std::make_unique<transport::ResolveQuery>(
      loop, host, service,
      [this](transport::Resolution resolution) { resolved(std::move(resolution)); });
}

void Dialer::resolved(transport::Resolution resolution) {
  report_.resolve_us = microseconds_since(began_);
  if (resolution.error) return finish(nullptr, std::move(resolution.error));
  endpoints_ = interleaved(resolution.endpoints);
  start_next();
}

void Dialer::start_next() {
  if (next_ == endpoints_.size()) return;
  const std::size_t index = next_++;
  const Endpoint& endpoint = endpoints_[index];
  report_.attempts.push_back({.address = transport::to_string(endpoint),
                              .began_us = microseconds_since(began_),
                              .status = SALLY_CANCELED});
  attempts_.push_back(std::make_unique<transport::ConnectAttempt>(
      loop_, endpoint,
      [this, index](std::unique_ptr<transport::Transport> transport, const ErrorRef& error) {
        attempted(index, std::move(transport), error);
      }));
  if (next_ == endpoints_.size()) return;
  stagger_.start(transport::deadline_after(connection_attempt_delay_ms), [this] { start_next(); });
}

void Dialer::attempted(std::size_t index, std::unique_ptr<transport::Transport> transport,
                       const ErrorRef& error) {
  if (!done_)
    return;  // another attempt was as quick; a transport that comes second closes as it goes
  AttemptReport& attempt = report_.attempts[index];
  attempt.took_us = microseconds_since(began_) - attempt.began_us;
  attempt.status = error ? error->status() : SALLY_OK;
  if (transport) return finish(std::move(transport), {});
  ++failed_;
  if (!first_error_) first_error_ = error;
  failures_ +=
      (failures_.empty() ? "" : "; ") + error->detail().address + " " + error->detail().native_name;
  if (failed_ == endpoints_.size()) return finish(nullptr, all_failed());
  start_next();
}

ErrorRef Dialer::all_failed() const {
  return amend(first_error_, [this](ErrorDetail& detail) {
    detail.message = target_ + " (" + failures_ + ")";
    if (failed_ > 1) detail.cause = first_error_;
  });
}

void Dialer::finish(std::unique_ptr<transport::Transport> transport, ErrorRef error) {
  stagger_.cancel();
  // The receiver may destroy this object, so nothing of it is touched afterwards.
  const Done done = std::move(done_);
  const auto now = microseconds_since(began_);
  report_.connect_us = now - report_.resolve_us;
  for (AttemptReport& attempt : report_.attempts) {
    if (attempt.status == SALLY_CANCELED) attempt.took_us = now - attempt.began_us;
  }
  done(std::move(transport), std::move(error), std::move(report_));
}

}  // namespace sally::socket
