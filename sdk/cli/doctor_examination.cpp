#include "doctor_examination.h"

#include "certificates.h"
#include "doctor_handshake.h"
#include "doctor_network.h"
#include "report.h"
#include "terminal.h"

#include <algorithm>
#include <utility>

namespace {

using Clock = std::chrono::steady_clock;

// More than one packet of Ethernet: what a hello with a post-quantum key share takes.
constexpr std::size_t large_hello = 1800;

void load(Examination& examination) {
  const Identity& identity = examination.patient.identity;
  examination.trust = load_trust(identity.ca);
  for (const std::string& file : identity.ca) {
    for (auto& found : certificates_of(file)) examination.anchors.push_back(std::move(found));
  }
  if (identity.cert.empty()) return;
  try {
    examination.credential = load_credential(identity);
  } catch (const sally::Error& error) {
    // A file that is not there is bad usage; one that holds the wrong thing is a finding.
    if (error.layer() != SALLY_LAYER_CREDENTIAL) throw;
    examination.credential_error = error;
  }
}

// The first that speaks TLS, else the first that speaks at all.
std::optional<std::size_t> choose(const std::vector<AddressProbe>& addresses) {
  std::optional<std::size_t> chosen;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    if (addresses[i].answer.is_tls()) return i;
    if (!chosen && !addresses[i].error) chosen = i;
  }
  return chosen;
}

HelloProbe probe(const Examination& examination, const std::string& what, Hello hello) {
  HelloProbe probe{.what = what};
  probe.answer = ask(examination.patient, examination.address()->host, hello);
  const std::uint16_t highest = *std::ranges::max_element(hello.versions);
  probe.accepted = hello.versions.size() > 1 ? probe.answer.kind == AnswerKind::server_hello
                                             : probe.answer.agrees_on(highest);
  return probe;
}

void probe_hellos(Examination& examination, Progress& progress) {
  const std::string name = examination.patient.server_name();
  for (const std::uint16_t version : {tls_1_3, tls_1_2, tls_1_1, tls_1_0}) {
    progress.show("asking for " + version_name(version));
    examination.versions.push_back(
        probe(examination, version_name(version), {.versions = {version}, .server_name = name}));
  }
  if (examination.accepts(tls_1_3)) {
    for (const Group& group : known_groups()) {
      progress.show(std::string("asking for ") + group.name);
      examination.groups.push_back(
          probe(examination, group.name,
                {.versions = {tls_1_3}, .groups = {group.number}, .server_name = name}));
    }
  }
  if (!examination.accepts(tls_1_3) && !examination.accepts(tls_1_2)) return;
  progress.show("sending a large hello");
  const std::vector<std::uint16_t> both{tls_1_3, tls_1_2};
  examination.large = probe(examination, "large hello",
                            {.versions = both, .server_name = name, .padded_to = large_hello});
  if (!name.empty()) {
    examination.without_name = probe(examination, "no server name", {.versions = both});
  }
}

void judge(Examination& examination) {
  std::string sent;
  for (const sally::Certificate& certificate : examination.first->sent) {
    sent += certificate.pem().text();
  }
  if (sent.empty()) return;
  sally::VerifyOptions question{.trust = examination.trust,
                                .leaf = sent,
                                .name = examination.patient.name,
                                .purpose = SALLY_PURPOSE_SERVER,
                                .time = examination.patient.time};
  try {
    examination.verdict = sally::verify(question);
  } catch (const sally::Error&) {
    // One of them does not decode: the error of the handshake says so.
  }
}

bool was_asked(const Examination& examination) {
  return std::ranges::any_of(examination.without_certificate, &Handshake::asked) ||
         (examination.first && examination.first->asked);
}

bool is_trusted(const Examination& examination) {
  return examination.verdict && examination.verdict->accepted();
}

void shake_hands_of(Examination& examination, std::uint16_t version, Clock::time_point began) {
  if (!examination.accepts(version)) return;
  const std::string name = version_name(version);
  HandshakePlan plan{.what = name + " without a client certificate",
                     .version = version,
                     .is_lenient = !is_trusted(examination),
                     .awaits_opinion = true};
  examination.without_certificate.push_back(shake_hands(examination, plan, began));
  if (!examination.credential || !is_trusted(examination) || !was_asked(examination)) return;
  plan.what = name + " with the client certificate";
  plan.with_certificate = true;
  examination.with_certificate.push_back(shake_hands(examination, plan, began));
}

bool let_in(const std::vector<Handshake>& handshakes) {
  return std::ranges::any_of(handshakes, &Handshake::good);
}

void examine_handshakes(Examination& examination, Progress& progress, Clock::time_point began) {
  progress.show("shaking hands");
  examination.first = shake_hands(examination, {.what = "first look", .is_lenient = true}, began);
  judge(examination);
  if (!examination.patient.server_name().empty()) {
    progress.show("shaking hands without a server name");
    examination.nameless = shake_hands(
        examination, {.what = "without a server name", .is_lenient = true, .is_nameless = true},
        began);
  }
  // Without even certificates there is nothing to tell the versions apart by.
  if (examination.first->sent.empty()) return;
  for (const std::uint16_t version : {tls_1_3, tls_1_2}) {
    progress.show("shaking hands, " + version_name(version));
    shake_hands_of(examination, version, began);
  }
  if (!is_trusted(examination)) return;
  if (!let_in(examination.without_certificate) && !let_in(examination.with_certificate)) return;
  if (!examination.patient.http_path.empty()) {
    progress.show("asking for " + examination.patient.http_path);
    if (let_in(examination.without_certificate)) {
      examination.http.push_back(ask_http(examination, false));
    }
    if (let_in(examination.with_certificate))
      examination.http.push_back(ask_http(examination, true));
  }
  progress.show("resuming a session");
  examination.resumption = try_resumption(examination);
}

}  // namespace

std::chrono::sys_seconds Patient::clock() const {
  return time.value_or(now());
}

bool Examination::accepts(std::uint16_t version) const {
  return std::ranges::any_of(versions, [&](const HelloProbe& probe) {
    return probe.accepted && probe.answer.version == version;
  });
}

Examination examine(const Patient& patient) {
  const auto began = Clock::now();
  Examination examination{.patient = patient, .time = patient.clock()};
  load(examination);
  Progress progress;
  progress.show("resolving " + patient.endpoint.host);
  examination.resolved = resolve(patient.endpoint, patient.timeout);
  progress.show("connecting to each address");
  examination.addresses = probe_addresses(examination.patient, examination.resolved.hosts);
  examination.chosen = choose(examination.addresses);
  if (!examination.chosen || !examination.address()->answer.is_tls()) return examination;
  probe_hellos(examination, progress);
  // Also where no version of ours was agreed on: the library's words for it are the ones that a
  // program will see.
  examine_handshakes(examination, progress, began);
  return examination;
}
