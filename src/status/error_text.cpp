#include "status/error_text.h"

#include "status/table.h"

#include <string_view>

namespace sally::status {

namespace {

void line(std::string& text, std::string_view label, std::string_view content) {
  if (content.empty()) return;
  text.append("  ").append(label).append(": ").append(content).append("\n");
}

std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const std::string& part : parts) all += (all.empty() ? "" : ", ") + part;
  return all;
}

std::string quoted(std::string_view text) {
  return "'" + std::string(text) + "'";
}

std::string listed(const Listing& listing) {
  std::string all;
  for (const std::string& name : listing.shown) all += (all.empty() ? "" : ", ") + quoted(name);
  if (listing.count > listing.shown.size())
    all += " and " + std::to_string(listing.count - listing.shown.size()) + " more";
  return all.empty() ? "none" : all;
}

std::string clock_of(const std::string& time, bool is_set) {
  return time + (is_set ? ", the time that is set" : " by this machine's clock");
}

std::string offered(const Offers& offers) {
  std::string all = "this side " + joined(offers.ours);
  all += "; the peer " + (offers.theirs.empty() ? "unknown" : joined(offers.theirs));
  return all + "; agreed " + (offers.agreed.empty() ? "none" : offers.agreed);
}

std::string shown(const HandshakeFacts& facts) {
  if (!facts.shown) return "none";
  return quoted(facts.shown->subject) + ", issued by " + quoted(facts.shown->issuer) +
         ", valid from " + facts.shown->not_before + " until " + facts.shown->not_after +
         ", SHA-256 " + facts.shown->fingerprint;
}

std::string trusted(const TrustFacts& trust) {
  std::string all = trust.system ? "system roots, " : "";
  all += quoted(trust.source) + ", generation " + std::to_string(trust.generation) + ", " +
         std::to_string(trust.anchors.count) + (trust.anchors.count == 1 ? " CA: " : " CAs: ");
  return all + listed(trust.anchors);
}

void add_handshake(std::string& text, const HandshakeFacts& facts) {
  line(text, "handshake",
       std::string(facts.is_server ? "this side is the server" : "this side is the client") +
           (facts.resumed ? ", resumed" : ", full"));
  line(text, "versions", offered(facts.versions));
  line(text, "groups", offered(facts.groups));
  if (facts.certificate_requested) line(text, "CAs the server asked for", listed(facts.asked_cas));
  line(text, "this side's certificate", shown(facts));
  for (const std::string& reason : facts.passed_over.shown) line(text, "passed over", reason);
  if (facts.passed_over.count > facts.passed_over.shown.size()) {
    line(text, "passed over",
         std::to_string(facts.passed_over.count - facts.passed_over.shown.size()) + " more");
  }
  if (!facts.is_server)
    line(text, "issuers of this side's credentials", listed(facts.held_issuers));
  if (facts.trust) line(text, "trust", trusted(*facts.trust));
  line(text, "time", clock_of(facts.clock, facts.clock_is_set));
}

void add_certificate(std::string& text, const sally_error& error) {
  const ErrorDetail& detail = error.detail();
  if (!detail.subject.empty()) {
    std::string which = quoted(detail.subject);
    if (!detail.issuer.empty()) which += ", issued by " + quoted(detail.issuer);
    if (detail.depth >= 0) which += ", depth " + std::to_string(detail.depth);
    const std::string_view whose = detail.whose;
    if (!whose.empty()) which += whose == "own" ? ", of this side" : ", of the peer";
    line(text, "certificate", which);
  }
  if (!detail.judged) return;
  const JudgedFacts& judged = *detail.judged;
  if (!judged.not_before.empty()) {
    line(text, "validity",
         "from " + judged.not_before + " until " + judged.not_after + "; it is " +
             clock_of(judged.clock, judged.clock_is_set));
  }
  if (judged.chain_length != 0) {
    line(text, "chain",
         std::to_string(judged.chain_length) +
             (judged.chain_length == 1 ? " certificate" : " certificates") + ", the last " +
             quoted(judged.top_subject) + ", issued by " + quoted(judged.top_issuer));
  }
}

std::string alert_of(const sally_error& error) {
  const ErrorDetail& detail = error.detail();
  if (detail.alert < 0) return {};
  const char* name = error.text(SALLY_ERROR_FIELD_ALERT_NAME);
  return std::string(name != nullptr ? name : "unknown") + " (" + std::to_string(detail.alert) +
         (detail.alert_direction == SALLY_ALERT_SENT ? "), sent" : "), received");
}

void add_link(std::string& text, const sally_error& error) {
  const ErrorDetail& detail = error.detail();
  const Row* row = find(error.status());
  text.append(error.message()).append("\n");
  line(text, "status", row != nullptr ? row->name : "SALLY_UNKNOWN");
  line(text, "hint", error.hint());
  line(text, "expected", detail.expected);
  line(text, "found", detail.found);
  add_certificate(text, error);
  for (const Fault& fault : detail.faults) {
    if (detail.faults.size() == 1 && !fault.ignored) continue;  // the message has said it
    line(text, fault.ignored ? "fault, ignored" : "fault", fault.message);
  }
  line(text, "source", detail.source);
  line(text, "address", detail.address);
  line(text, "phase", detail.phase);
  line(text, "alert", alert_of(error));
  if (detail.handshake) add_handshake(text, *detail.handshake);
  line(text, "native error", detail.native_name);
  line(text, "correlation id", detail.correlation_id);
}

}  // namespace

std::string to_text(const sally_error& error) {
  std::string text;
  add_link(text, error);
  for (const sally_error* cause = error.detail().cause.get(); cause != nullptr;
       cause = cause->detail().cause.get()) {
    text += "caused by: ";
    add_link(text, *cause);
  }
  text.pop_back();
  return text;
}

}  // namespace sally::status
