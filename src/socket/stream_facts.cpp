#include "socket/stream.h"
#include "status/connection_json.h"

namespace sally::socket {

std::string to_json(const StreamFacts& facts) {
  const DialReport& dial = facts.establishment.dial;
  status::ConnectionReport report{.secured = facts.secured,
                                  .local_address = facts.local_address,
                                  .peer_address = facts.peer_address,
                                  .tls = facts.secured ? tls::to_json(facts.session) : "",
                                  .resolve_us = dial.resolve_us,
                                  .connect_us = dial.connect_us,
                                  .handshake_us = facts.establishment.handshake_us,
                                  .round_trips = facts.establishment.round_trips,
                                  .attempts = {},
                                  .read = facts.traffic.given,
                                  .written = facts.traffic.taken,
                                  .wire_received = facts.traffic.wire_received,
                                  .wire_sent = facts.traffic.wire_sent};
  for (const AttemptReport& attempt : dial.attempts) {
    report.attempts.push_back({.address = attempt.address,
                               .status = attempt.status,
                               .began_us = attempt.began_us,
                               .took_us = attempt.took_us});
  }
  return status::to_json(report);
}

}  // namespace sally::socket
