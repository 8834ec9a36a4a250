#include "status/error_json.h"
#include "tls/session.h"

#include <nlohmann/json.hpp>

namespace sally::tls {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const Ref<sally_certificate>& certificate) {
  return certificate ? Json::parse(to_json(certificate->data)) : Json();
}

Json json_of(const std::vector<Ref<sally_certificate>>& chain) {
  Json json = Json::array();
  for (const Ref<sally_certificate>& certificate : chain) json.push_back(json_of(certificate));
  return json;
}

}  // namespace

std::string to_json(const SessionFacts& facts) {
  Json json;
  json["version"] = facts.version_name;
  json["suite"] = facts.suite;
  json["group"] = facts.group;
  json["alpn"] = facts.alpn;
  json["server_name"] = facts.server_name;
  json["resumed"] = facts.resumed;
  json["correlation_id"] = facts.correlation_id;
  json["peer_verified"] = facts.peer_verified;
  json["pin_matched"] = facts.pin_matched;
  json["client_certificate_requested"] = facts.certificate_requested;
  json["client_certificate_sent"] = facts.certificate_sent;
  json["peer_chain"] = json_of(facts.peer_chain);
  json["verified_chain"] = json_of(facts.verified_chain);
  json["peer_findings"] = facts.findings ? Json::parse(status::to_json(*facts.findings)) : Json();
  json["own_certificate"] = json_of(facts.own_certificate);
  json["passed_over"] = facts.passed_over;
  // What a peer has sent may hold any bytes.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sally::tls
