#include "status/handshake_json.h"

namespace sally::status {

namespace {

using Json = nlohmann::ordered_json;

const char* clock_source(bool is_set) {
  return is_set ? "set" : "system";
}

Json listing(const Listing& listing, const char* of_what) {
  return Json{{"count", listing.count}, {of_what, listing.shown}};
}

Json offers(const Offers& offers) {
  Json json{{"ours", offers.ours}};
  if (!offers.theirs.empty()) json["theirs"] = offers.theirs;
  if (!offers.agreed.empty()) json["agreed"] = offers.agreed;
  return json;
}

Json certificate(const ShownCertificate& shown) {
  return Json{{"subject", shown.subject},
              {"issuer", shown.issuer},
              {"fingerprint", shown.fingerprint},
              {"not_before", shown.not_before},
              {"not_after", shown.not_after}};
}

Json trust_of(const TrustFacts& trust) {
  return Json{{"source", trust.source},
              {"system", trust.system},
              {"generation", trust.generation},
              {"count", trust.anchors.count},
              {"names", trust.anchors.shown}};
}

}  // namespace

Json to_json(const HandshakeFacts& facts) {
  Json json;
  json["role"] = facts.is_server ? "server" : "client";
  json["mode"] = facts.resumed ? "resumed" : "full";
  json["clock"] = {{"time", facts.clock}, {"source", clock_source(facts.clock_is_set)}};
  json["versions"] = offers(facts.versions);
  json["groups"] = offers(facts.groups);
  json["certificate_requested"] = facts.certificate_requested;
  if (facts.certificate_requested) json["asked_cas"] = listing(facts.asked_cas, "names");
  json["credential"] = facts.shown ? certificate(*facts.shown) : Json(nullptr);
  if (facts.passed_over.count != 0) json["passed_over"] = listing(facts.passed_over, "reasons");
  if (!facts.is_server) json["held_issuers"] = listing(facts.held_issuers, "names");
  if (facts.trust) json["trust"] = trust_of(*facts.trust);
  return json;
}

void add_judged(Json& link, const JudgedFacts& judged) {
  if (!judged.not_before.empty()) {
    link["validity"] = {{"not_before", judged.not_before},
                        {"not_after", judged.not_after},
                        {"clock", judged.clock},
                        {"clock_source", clock_source(judged.clock_is_set)}};
  }
  if (judged.chain_length == 0) return;
  link["chain"] = {{"length", judged.chain_length},
                   {"top_subject", judged.top_subject},
                   {"top_issuer", judged.top_issuer}};
}

}  // namespace sally::status
