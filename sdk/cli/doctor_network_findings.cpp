// What is wrong before any TLS: names, addresses, connections.
#include "doctor_finding.h"
#include "report.h"

#include <algorithm>

namespace {

bool drops_packets(sally_status status) {
  return status == SALLY_TIMED_OUT || status == SALLY_CONNECTION_TIMED_OUT;
}

bool is_loopback(const std::string& host) {
  return host.starts_with("127.") || host == "::1";
}

struct Reason {
  std::string cause, what, fix;
};

// What answers nothing: a full queue of connections looks like a filter.
std::string advice_on_silence(const AddressProbe& probe, const Patient& patient) {
  const std::string& port = patient.endpoint.service;
  const std::string refusal =
      " A port where merely nobody listens would have refused at once. A longer time-out helps "
      "only with a server that is busy.";
  const std::string hangs =
      "a server that hangs or is too busy, so that its queue of connections is full (there, ss "
      "-ltn "
      "shows a Recv-Q above the Send-Q at port " +
      port + ')';
  if (is_loopback(probe.host)) {
    return "The address is this machine's own. Look for " + hangs +
           ", and for a rule of this machine's own packet filter that drops packets to that port." +
           refusal;
  }
  return "Look for a firewall or security group between here and " + probe.host +
         " that drops packets to port " + port + " without a word, for a wrong address, and for " +
         hangs + '.' + refusal;
}

Reason reason_of(const AddressProbe& probe, const Patient& patient) {
  const sally_status status = probe.error->status();
  if (drops_packets(status)) {
    return {"no_answer",
            "the TCP connect to " + probe.address + " timed out: within " +
                readable(patient.timeout) + " it was neither accepted nor refused",
            advice_on_silence(probe, patient)};
  }
  if (status == SALLY_CONNECTION_REFUSED) {
    return {
        "connection_refused", probe.address + " refuses connections: nobody listens on that port",
        "Start the server, or use the port and address on which it listens: one that listens on "
        "127.0.0.1 only cannot be reached from elsewhere, nor by ::1."};
  }
  return {"unreachable",
          probe.address + " cannot be reached: " + std::string(probe.error->message()),
          std::string(probe.error->hint())};
}

std::string evidence_of(const AddressProbe& probe) {
  return probe.address + ": TCP connect: " +
         (probe.error ? std::string(probe.error->name()) : std::string("connected")) + " after " +
         readable(probe.duration);
}

Finding unresolved(const Examination& examination) {
  const std::string& host = examination.patient.endpoint.host;
  return {.cause = "name_not_found",
          .sentence =
              "The name '" + host + "' leads to no address: " + examination.resolved.error + '.',
          .fix = "Check the name for mistyped letters, and the DNS or /etc/hosts of this machine.",
          .evidence = {"the resolver took " + readable(examination.resolved.duration)}};
}

// Clients that come by this address do not try the next one.
void find_other_answer(const Examination& examination, const AddressProbe& probe,
                       const std::vector<std::string>& evidence, std::vector<Finding>& findings) {
  const bool is_alone = examination.address() == nullptr || !examination.address()->answer.is_tls();
  if (is_alone || probe.answer.is_tls()) return;
  const bool is_silent = probe.answer.kind == AnswerKind::silent;
  const bool is_plain = probe.answer.kind == AnswerKind::no_starttls;
  findings.push_back({.cause = "some_addresses_fail",
                      .sentence = "Of the addresses of '" + examination.patient.endpoint.host +
                                  "', not all speak TLS: " + probe.address +
                                  (is_plain    ? " does not begin with it by STARTTLS"
                                   : is_silent ? " says nothing to a ClientHello"
                                               : " answers a ClientHello with something else") +
                                  "; others do.",
                      .fix = "Take " + probe.host +
                             " out of the name's addresses, or see to the server behind it.",
                      .evidence = evidence});
}

}  // namespace

std::optional<std::string> network_advice(const AddressProbe& probe, const Patient& patient) {
  if (!probe.error || !drops_packets(probe.error->status())) return std::nullopt;
  return advice_on_silence(probe, patient);
}

void find_in_network(const Examination& examination, std::vector<Finding>& findings) {
  if (examination.resolved.hosts.empty()) {
    findings.push_back(unresolved(examination));
    return;
  }
  std::vector<std::string> evidence;
  for (const AddressProbe& probe : examination.addresses) evidence.push_back(evidence_of(probe));
  for (const AddressProbe& probe : examination.addresses) {
    if (!probe.error) find_other_answer(examination, probe, evidence, findings);
    if (!probe.error) continue;
    const Reason reason = reason_of(probe, examination.patient);
    const bool is_one_of_many = examination.chosen.has_value();
    const bool is_slow = drops_packets(probe.error->status());
    std::string sentence = reason.what + '.';
    sentence.front() =
        static_cast<char>(std::toupper(static_cast<unsigned char>(sentence.front())));
    if (is_one_of_many) {
      sentence = "Of the addresses of '" + examination.patient.endpoint.host +
                 "', one fails: " + reason.what + "; the others answer.";
    }
    // Who is refused tries the next address at once: only silence is felt.
    findings.push_back({.cause = is_one_of_many ? "some_addresses_fail" : reason.cause,
                        .sentence = sentence,
                        .fix = reason.fix,
                        .is_problem = !is_one_of_many || is_slow,
                        .evidence = evidence});
  }
}
