#include "doctor_output.h"

#include <string_view>

namespace {

Json answer_to_json(const Answer& answer) {
  Json json{{"kind", name_of(answer.kind)},
            {"hello_bytes", answer.hello_size},
            {"duration_us", answer.duration.count()}};
  if (answer.version != 0) json["version"] = version_name(answer.version);
  if (!answer.group.empty()) json["group"] = answer.group;
  if (!answer.alert.empty()) json["alert"] = answer.alert;
  if (!answer.text.empty()) json["text"] = answer.text;
  if (answer.error) json["error"] = to_json(*answer.error);
  return json;
}

Json probe_to_json(const HelloProbe& probe) {
  return {
      {"what", probe.what}, {"accepted", probe.accepted}, {"answer", answer_to_json(probe.answer)}};
}

Json probes_to_json(const std::vector<HelloProbe>& probes) {
  Json all = Json::array();
  for (const HelloProbe& probe : probes) all.push_back(probe_to_json(probe));
  return all;
}

Json addresses_to_json(const Examination& examination) {
  Json all = Json::array();
  for (const AddressProbe& probe : examination.addresses) {
    Json json{{"address", probe.address},
              {"connected", !probe.error},
              {"connect_us", probe.duration.count()},
              {"speaks_tls", probe.answer.is_tls()}};
    if (probe.error) json["error"] = to_json(*probe.error);
    // The library cannot tell what timed out from what is slow; the doctor can.
    if (const auto advice = network_advice(probe, examination.patient)) {
      json["error"]["hint"] = *advice;
    }
    if (!probe.error) json["answer"] = answer_to_json(probe.answer);
    all.push_back(json);
  }
  return all;
}

Json handshake_to_json(const Handshake& handshake) {
  Json json{{"what", handshake.what},
            {"good", handshake.good()},
            {"confirmed", handshake.good() && !handshake.unconfirmed},
            {"correlation_id", handshake.correlation_id},
            {"began_us", handshake.began.count()},
            {"duration_us", handshake.duration.count()},
            {"client_certificate_requested", handshake.asked},
            {"acceptable_cas", handshake.acceptable_cas}};
  if (handshake.info) json["connection"] = to_json(*handshake.info);
  if (handshake.error) json["error"] = to_json(*handshake.error);
  if (!handshake.plain_failure.empty()) json["starttls_error"] = handshake.plain_failure;
  json["trace"] = Json::array();
  for (const sally::TraceRecord& record : handshake.trace) {
    json["trace"].push_back(Json::parse(record.json()));
  }
  return json;
}

Json handshakes_to_json(const Examination& examination) {
  Json all = Json::array();
  if (examination.first) all.push_back(handshake_to_json(*examination.first));
  if (examination.nameless) all.push_back(handshake_to_json(*examination.nameless));
  for (const Handshake& one : examination.without_certificate)
    all.push_back(handshake_to_json(one));
  for (const Handshake& one : examination.with_certificate) all.push_back(handshake_to_json(one));
  return all;
}

Json credential_to_json(const Examination& examination) {
  Json json{{"given", !examination.patient.identity.cert.empty()}};
  if (examination.credential) json["certificate"] = to_json(examination.credential->certificate());
  if (examination.credential_error) json["error"] = to_json(*examination.credential_error);
  return json;
}

Json http_to_json(const Examination& examination) {
  Json all = Json::array();
  for (const HttpProbe& probe : examination.http) {
    Json json{{"what", probe.what},
              {"certificate_sent", probe.certificate_sent},
              {"duration_us", probe.duration.count()}};
    if (probe.status != 0) json["status"] = probe.status;
    if (!probe.line.empty()) json["line"] = probe.line;
    if (!probe.says.empty()) json["title"] = probe.says;
    if (!probe.error.empty()) json["error"] = probe.error;
    all.push_back(json);
  }
  return all;
}

std::string_view name_of(Resumption::Outcome outcome) {
  switch (outcome) {
    case Resumption::Outcome::not_tried:
      return "not_tried";
    case Resumption::Outcome::resumed:
      return "resumed";
    case Resumption::Outcome::refused:
      return "refused";
    case Resumption::Outcome::no_tickets:
      return "no_tickets";
    case Resumption::Outcome::failed:
      return "failed";
  }
  return "";
}

Json finding_to_json(const Finding& finding) {
  return {{"cause", finding.cause},
          {"problem", finding.is_problem},
          {"certain", finding.is_certain},
          {"sentence", finding.sentence},
          {"fix", finding.fix},
          {"evidence", finding.evidence}};
}

Json verdict_to_json(const Examination& examination, const std::vector<Finding>& findings) {
  const bool is_healthy = findings.empty() || !findings.front().is_problem;
  Json json{{"healthy", is_healthy},
            {"cause", is_healthy ? "none" : findings.front().cause},
            {"certain", is_healthy || findings.front().is_certain},
            {"sentence", conclusion(examination, findings)},
            {"fix", is_healthy ? "" : findings.front().fix}};
  return json;
}

}  // namespace

Json to_json(const Examination& examination, const std::vector<Finding>& findings) {
  const Patient& patient = examination.patient;
  Json json{{"schema", "sallyport-doctor/1"},
            {"time", rfc3339(examination.time)},
            {"target",
             {{"host", patient.endpoint.host},
              {"service", patient.endpoint.service},
              {"name", patient.name},
              {"starttls", patient.starttls}}},
            {"verdict", verdict_to_json(examination, findings)}};
  Json all = Json::array();
  for (const Finding& finding : findings) all.push_back(finding_to_json(finding));
  json["findings"] = all;
  json["credential"] = credential_to_json(examination);
  json["resolve"] = {{"addresses", examination.resolved.hosts},
                     {"error", examination.resolved.error},
                     {"duration_us", examination.resolved.duration.count()}};
  json["addresses"] = addresses_to_json(examination);
  if (examination.address() != nullptr) json["examined"] = examination.address()->address;
  json["versions"] = probes_to_json(examination.versions);
  json["groups"] = probes_to_json(examination.groups);
  if (examination.large) json["large_hello"] = probe_to_json(*examination.large);
  if (examination.without_name) json["no_server_name"] = probe_to_json(*examination.without_name);
  json["handshakes"] = handshakes_to_json(examination);
  json["resumption"] = {{"outcome", name_of(examination.resumption.outcome)},
                        {"error", examination.resumption.error}};
  json["http"] = http_to_json(examination);
  if (examination.first) json["chain"] = chain_to_json(examination);
  // By a status alone the wrong CA and a part that is missing are one, and its hint is for both.
  for (const Finding& finding : findings) {
    if (finding.cause != "wrong_ca" && finding.cause != "missing_intermediate") continue;
    json["chain"]["verdict"]["hint"] = finding.fix;
  }
  return json;
}
