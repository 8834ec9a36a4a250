#include "status/connection_json.h"

#include "status/table.h"

#include <nlohmann/json.hpp>

namespace sally::status {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const ConnectionReport::Attempt& attempt) {
  const Row* row = find(attempt.status);
  Json json;
  json["address"] = attempt.address;
  json["status"] = row != nullptr ? row->name : "SALLY_UNKNOWN";
  json["began_us"] = attempt.began_us;
  json["took_us"] = attempt.took_us;
  return json;
}

}  // namespace

std::string to_json(const ConnectionReport& report) {
  Json json;
  json["secured"] = report.secured;
  json["local_address"] = report.local_address;
  json["peer_address"] = report.peer_address;
  json["tls"] = report.tls.empty() ? Json() : Json::parse(report.tls);
  Json& establishment = json["establishment"];
  establishment["resolve_us"] = report.resolve_us;
  establishment["connect_us"] = report.connect_us;
  establishment["handshake_us"] = report.handshake_us;
  establishment["round_trips"] = report.round_trips;
  establishment["attempts"] = Json::array();
  for (const auto& attempt : report.attempts) establishment["attempts"].push_back(json_of(attempt));
  Json& bytes = json["bytes"];
  bytes["read"] = report.read;
  bytes["written"] = report.written;
  bytes["wire_received"] = report.wire_received;
  bytes["wire_sent"] = report.wire_sent;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sally::status
