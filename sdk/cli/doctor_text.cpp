#include "doctor_output.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace {

class Page {
 public:
  Page(std::ostream& out, const Style& style) : out_(out), style_(style) {}

  void head(std::string_view text) { out_ << '\n' << style_.strong(text) << '\n'; }
  void good(std::string_view text) { line(style_.good("ok   "), text); }
  void bad(std::string_view text) { line(style_.bad("FAIL "), text); }
  void plain(std::string_view text) { line(style_.faint("-    "), text); }
  void doubt(std::string_view text) { line(style_.doubtful("note "), text); }
  void verdict(bool is_good, std::string_view text) { is_good ? good(text) : bad(text); }

 private:
  void line(const std::string& mark, std::string_view text) {
    out_ << "  " << mark << text << '\n';
  }

  std::ostream& out_;
  const Style& style_;
};

std::string said(const Answer& answer) {
  switch (answer.kind) {
    case AnswerKind::server_hello:
      return "speaks TLS: " + version_name(answer.version);
    case AnswerKind::alert:
      return "speaks TLS, but refuses: alert " + answer.alert;
    case AnswerKind::plaintext:
      return "is not TLS: \"" + answer.text + '"';
    case AnswerKind::echo:
      return "is not TLS: sends back what it gets";
    case AnswerKind::closed:
      return "closes when it gets a ClientHello";
    case AnswerKind::reset:
      return "resets when it gets a ClientHello";
    case AnswerKind::silent:
      return "says nothing to a ClientHello";
    case AnswerKind::unreachable:
      return "cannot be reached";
    case AnswerKind::no_starttls:
      return "does not begin with TLS: " + answer.text;
  }
  return "";
}

std::string subjects_of(const std::vector<sally::Certificate>& certificates) {
  constexpr std::size_t shown = 3;
  std::vector<std::string> names;
  for (const sally::Certificate& one : certificates) names.emplace_back(one.subject());
  const std::size_t more = names.size() > shown ? names.size() - shown : 0;
  names.resize(names.size() - more);
  return quoted(names) + (more == 0 ? "" : ", and " + std::to_string(more) + " more");
}

std::string own_line(const Examination& examination) {
  const Identity& identity = examination.patient.identity;
  std::optional<sally::Certificate> own;
  if (examination.credential) own = examination.credential->certificate();
  const auto others = own ? std::vector<sally::Certificate>() : certificates_of(identity.cert);
  if (!others.empty()) own = others.front();
  std::string line = "certificate, " + identity.cert + ": ";
  if (!own) return line + "cannot be used";
  return line + '\'' + std::string(own->subject()) + "', issued by '" + std::string(own->issuer()) +
         "', " + std::string(own->key());
}

// A fault of this side's files, at the one that has it.
void print_own_error(Page& page, const Examination& examination, const std::string& key) {
  const sally::Error& error = *examination.credential_error;
  const std::string name(error.name());
  const Identity& identity = examination.patient.identity;
  const bool is_mismatch = error.status() == SALLY_CREDENTIAL_KEY_MISMATCH;
  const bool is_of_key = is_mismatch || (!identity.key.empty() &&
                                         error.text(SALLY_ERROR_FIELD_SOURCE) == identity.key);
  if (is_of_key) {
    page.plain(own_line(examination));
    page.bad(key + (is_mismatch ? "does not belong to it (" + name + ')'
                                : name + ": " + std::string(error.message())));
  } else {
    page.bad(own_line(examination) + ": " + name + ": " + std::string(error.message()));
  }
}

void print_own_files(Page& page, const Examination& examination,
                     const std::vector<Finding>& findings) {
  const Identity& identity = examination.patient.identity;
  page.head("Files of this side");
  if (identity.ca.empty()) page.plain("trusted: the CAs of this machine");
  for (const std::string& file : identity.ca) {
    const auto trusted = certificates_of(file);
    page.plain("trusted, " + file + ": " +
               (trusted.empty() ? "no certificates" : subjects_of(trusted)));
  }
  if (identity.cert.empty()) {
    page.plain("no client certificate");
    return;
  }
  const std::string key = "key, " + (identity.key.empty() ? identity.cert : identity.key) + ": ";
  if (examination.credential_error) {
    print_own_error(page, examination, key);
    return;
  }
  const auto flaw = find_own_flaw(examination);
  const bool is_cause = flaw && std::ranges::any_of(findings, [&](const Finding& one) {
                          return one.is_problem && one.cause == flaw->cause;
                        });
  const std::string line = own_line(examination) + (flaw ? ": " + flaw->cause : "");
  is_cause ? page.bad(line) : flaw ? page.doubt(line) : page.good(line);
  page.good(key + "belongs to it");
}

void print_network(Page& page, const Examination& examination) {
  page.head("Network");
  const Resolved& resolved = examination.resolved;
  const std::string& host = examination.patient.endpoint.host;
  const bool is_found = !resolved.hosts.empty();
  page.verdict(is_found, host + ": " +
                             (is_found ? std::to_string(resolved.hosts.size()) +
                                             " address(es) in " + readable(resolved.duration)
                                       : resolved.error));
  for (const AddressProbe& probe : examination.addresses) {
    if (probe.error) {
      page.bad(probe.address + ": TCP connect: " + std::string(probe.error->name()) + " after " +
               readable(probe.duration));
    } else {
      page.verdict(probe.answer.is_tls(), probe.address + ": TCP in " + readable(probe.duration) +
                                              ", " + said(probe.answer));
    }
  }
}

std::string line_of(const HelloProbe& probe) {
  if (probe.accepted) return probe.what + ": accepted";
  if (probe.answer.kind == AnswerKind::server_hello) {
    return probe.what + ": no, answers with " + version_name(probe.answer.version);
  }
  if (probe.answer.kind == AnswerKind::alert) {
    return probe.what + ": no, alert " + probe.answer.alert;
  }
  return probe.what + ": no, " + said(probe.answer);
}

void print_groups(Page& page, const Examination& examination) {
  std::string accepted;
  for (const HelloProbe& probe : examination.groups) {
    if (!probe.accepted) continue;
    const auto group = std::ranges::find(known_groups(), probe.what, &Group::name);
    accepted += (accepted.empty() ? "" : ", ") + probe.what + " (share of " +
                std::to_string(group->share_size) + " bytes)";
  }
  if (!accepted.empty()) page.plain("groups: " + accepted);
}

void print_protocol(Page& page, const Examination& examination) {
  if (examination.versions.empty()) return;
  page.head("TLS, on " + examination.address()->address);
  for (const HelloProbe& probe : examination.versions) {
    const bool is_old = probe.what == "TLSv1.1" || probe.what == "TLSv1.0";
    if (is_old == probe.accepted) {
      probe.accepted ? page.doubt(line_of(probe)) : page.plain(line_of(probe));
    } else if (is_old) {
      page.plain(line_of(probe));
    } else {
      page.good(line_of(probe));
    }
  }
  print_groups(page, examination);
  if (examination.large) {
    page.verdict(
        examination.large->accepted,
        "a hello of " + std::to_string(examination.large->answer.hello_size) + " bytes " +
            (examination.large->accepted ? "is answered" : said(examination.large->answer)));
  }
  if (examination.without_name) {
    const HelloProbe& probe = *examination.without_name;
    probe.accepted ? page.plain("without a server name (SNI): answered")
                   : page.doubt("without a server name (SNI): " + said(probe.answer));
  }
}

std::string line_of(const Handshake& handshake) {
  if (handshake.error) {
    return handshake.what + ": " + std::string(handshake.error->name()) + " [" +
           handshake.correlation_id + ']';
  }
  if (!handshake.plain_failure.empty()) return handshake.what + ": " + handshake.plain_failure;
  if (handshake.unconfirmed) return handshake.what + ": neither accepted nor refused in time";
  return handshake.what + ": " + std::string(handshake.info->suite()) + ", " +
         std::string(handshake.info->group()) + " [" + handshake.correlation_id + ']';
}

void print_handshakes(Page& page, const Examination& examination) {
  if (!examination.first) return;
  page.head("Handshakes [correlation id]");
  if (examination.first->asked) {
    const auto& names = examination.first->acceptable_cas;
    page.plain(
        "the server asks for a client certificate" +
        (names.empty() ? std::string(", and does not say of which CAs") : " of " + quoted(names)));
  }
  for (const Handshake& one : examination.without_certificate) {
    // A server that demands a certificate does well to refuse who shows none.
    if (!one.good() && one.asked && !examination.patient.identity.cert.empty()) {
      page.plain(line_of(one));
    } else {
      page.verdict(one.good(), line_of(one));
    }
  }
  for (const Handshake& one : examination.with_certificate) {
    one.unconfirmed ? page.doubt(line_of(one)) : page.verdict(one.good(), line_of(one));
  }
  if (examination.without_certificate.empty()) {
    page.verdict(examination.first->good(), line_of(*examination.first));
  }
  using Outcome = Resumption::Outcome;
  switch (examination.resumption.outcome) {
    case Outcome::not_tried:
      break;
    case Outcome::resumed:
      page.good("a session is resumed");
      break;
    case Outcome::refused:
      page.plain("the session is not resumed; a full handshake is made");
      break;
    case Outcome::no_tickets:
      page.plain("the server gives no session tickets");
      break;
    case Outcome::failed:
      page.doubt("resuming fails: " + examination.resumption.error);
      break;
  }
}

void print_http(Page& page, const Examination& examination) {
  if (examination.http.empty()) return;
  page.head("HTTP, GET " + examination.patient.http_path);
  for (const HttpProbe& probe : examination.http) {
    const std::string line = probe.what + ": " + (probe.error.empty() ? probe.line : probe.error);
    const std::string text = probe.says.empty() ? line : line + " (" + probe.says + ')';
    probe.status == 0 || probe.refuses() ? page.doubt(text) : page.plain(text);
  }
}

// What a program will wait for, with a bar of its share.
void print_timeline(std::ostream& out, const Examination& examination, const Style& style) {
  if (!examination.first) return;
  using std::chrono::microseconds;
  const Handshake& first = *examination.first;
  const microseconds tcp = examination.address()->duration;
  const microseconds tls = first.info ? first.info->duration(SALLY_DURATION_HANDSHAKE)
                                      : std::max(first.duration - tcp, microseconds(0));
  const std::string trips =
      first.info ? ", " + std::to_string(first.info->round_trips()) + " round trip(s)"
                 : ", until it failed";
  struct Step {
    const char* name;
    microseconds duration;
    std::string more;
  };
  const std::array<Step, 3> steps{Step{"resolve  ", examination.resolved.duration, ""},
                                  Step{"connect  ", tcp, ""}, Step{"handshake", tls, trips}};
  microseconds total{1};
  for (const Step& step : steps) total += step.duration;
  constexpr std::int64_t width = 40;
  std::size_t began = 0;
  out << '\n' << style.strong("Timeline") << '\n';
  for (const Step& step : steps) {
    const auto bar = static_cast<std::size_t>(step.duration.count() * width / total.count());
    out << "  " << step.name << " |" << std::string(began, ' ')
        << style.good(std::string(std::max<std::size_t>(bar, 1), '='))
        << std::string(std::max<std::size_t>(width + 3 - began - std::max<std::size_t>(bar, 1), 1),
                       ' ')
        << "| " << readable(step.duration) << step.more << '\n';
    began += std::max<std::size_t>(bar, 1);
  }
}

std::string messages_of(const Json& flight) {
  std::string names;
  for (const Json& message : flight.at("messages")) {
    names += (names.empty() ? "" : ", ") + message.at("type").get<std::string>();
  }
  return names + " (" + std::to_string(flight.at("bytes").get<std::size_t>()) + " bytes)";
}

// Who said what, and when: after the handshake began, up to its end.
void print_flights(std::ostream& out, const Examination& examination, const Style& style) {
  if (!examination.first) return;
  std::optional<std::int64_t> began;
  for (const sally::TraceRecord& record : examination.first->trace) {
    const Json json = Json::parse(record.json());
    const bool is_alert = record.kind() == SALLY_TRACE_ALERT;
    if (record.kind() == SALLY_TRACE_STATE) {
      if (began) return;
      began = record.time().count();
    }
    if (!began || (record.kind() != SALLY_TRACE_FLIGHT && !is_alert)) continue;
    const bool is_sent = json.at("direction") == "sent";
    const std::string time = '+' + readable(record.time() - std::chrono::microseconds(*began));
    out << "    " << style.faint(time) << std::string(time.size() < 10 ? 10 - time.size() : 1, ' ')
        << (is_sent ? "-> " : "<- ")
        << (is_alert ? style.bad("alert " + json.at("alert").get<std::string>())
                     : messages_of(json))
        << '\n';
  }
}

void print_findings(std::ostream& out, const Examination& examination,
                    const std::vector<Finding>& findings, const Style& style) {
  const bool is_healthy = findings.empty() || !findings.front().is_problem;
  const std::string sentence = conclusion(examination, findings);
  out << '\n'
      << style.strong("Verdict") << ": "
      << (is_healthy ? style.good(sentence) : style.bad(sentence)) << '\n';
  bool is_first = true;
  for (const Finding& finding : findings) {
    if (finding.is_problem && is_first) {
      out << style.strong("Fix") << ": " << finding.fix << '\n';
      out << "Cause: " << finding.cause << (finding.is_certain ? "" : " (most likely)") << '\n';
    } else {
      out << (finding.is_problem ? style.bad("Also") : style.doubtful("Note")) << ": "
          << finding.sentence << (finding.fix.empty() ? "" : ' ' + finding.fix) << '\n';
    }
    for (const std::string& evidence : finding.evidence) {
      out << "  " << style.faint("because") << ' ' << evidence << '\n';
    }
    is_first = false;
  }
}

}  // namespace

void print_examination(std::ostream& out, const Examination& examination,
                       const std::vector<Finding>& findings, const Style& style) {
  const Patient& patient = examination.patient;
  out << style.strong("sally doctor " + to_text(patient.endpoint)) << ", as '" << patient.name
      << '\'' << (patient.starttls.empty() ? "" : ", by STARTTLS in " + patient.starttls) << '\n';
  Page page(out, style);
  print_own_files(page, examination, findings);
  print_network(page, examination);
  print_protocol(page, examination);
  if (examination.verdict) {
    page.head("Certificates of the server");
    print_chain(out, examination, style);
  }
  print_handshakes(page, examination);
  print_http(page, examination);
  print_timeline(out, examination, style);
  print_flights(out, examination, style);
  print_findings(out, examination, findings, style);
}
