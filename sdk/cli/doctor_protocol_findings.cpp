// Whether the peer speaks TLS, and which.
#include "doctor_finding.h"
#include "report.h"

#include <algorithm>
#include <string_view>

namespace {

struct Protocol {
  std::string_view beginning, name;
  std::string_view port;      // where it is spoken over TLS, by custom
  std::string_view starttls;  // as --starttls has it
};

constexpr Protocol protocols[]{
    {"HTTP/", "plain HTTP", "443 or 8443 for HTTPS", ""},
    {"SSH-", "SSH, which is no TLS", "", ""},
    {"* OK", "plain IMAP", "993 for IMAP", "imap"},
    {"+OK", "plain POP3", "995 for POP3", "pop3"},
};
// Both greet with 220; only their words tell them apart.
constexpr Protocol smtp{"220", "plain SMTP", "465 for SMTP", "smtp"};
constexpr Protocol ftp{"220", "plain FTP", "990 for FTP", "ftp"};

constexpr Protocol customs[]{
    protocols[2], protocols[3], smtp, ftp, {"", "plain LDAP", "636 for LDAP", "ldap"}};

// Those that would begin so, none where it is something else.
std::vector<Protocol> protocols_of(std::string_view text) {
  if (text.starts_with("220")) {
    const bool is_smtp = text.find("SMTP") != std::string_view::npos;
    const bool is_ftp = text.find("FTP") != std::string_view::npos;
    if (is_smtp != is_ftp) return {is_smtp ? smtp : ftp};
    return {smtp, ftp};
  }
  const auto known = std::ranges::find_if(
      protocols, [&](const Protocol& one) { return text.starts_with(one.beginning); });
  if (known == std::end(protocols)) return {};
  return {*known};
}

// Which side errs cannot be seen from here.
std::string advice_on(const Patient& patient, const std::vector<Protocol>& fitting) {
  const std::string target = to_text(patient.endpoint);
  std::string ports;
  std::string begin;
  for (const Protocol& one : fitting) {
    if (!one.port.empty()) ports += (ports.empty() ? "" : ", ") + std::string(one.port);
    if (one.starttls.empty()) continue;
    begin += (begin.empty() ? "sally doctor " : " or sally doctor ") + target + " --starttls " +
             std::string(one.starttls);
  }
  return "Here: give the port on which the server speaks TLS" +
         (ports.empty() ? "" : " (by custom " + ports + ')') +
         ", if this is not it. At the server: switch TLS on for this port, if it is meant to speak "
         "it." +
         (begin.empty()
              ? ""
              : " Or begin in plain and go on under TLS, if it offers that: " + begin + '.');
}

Finding of_plaintext(const AddressProbe& probe, const Patient& patient) {
  const std::string& text = probe.answer.text;
  const std::vector<Protocol> fitting = protocols_of(text);
  const std::string name = fitting.empty() ? "something else in plain text"
                           : fitting.size() > 1
                               ? "a plain protocol that greets first, as SMTP and FTP do"
                               : std::string(fitting.front().name);
  return {.cause = "not_tls",
          .sentence = probe.address + " does not speak TLS, but " + name + '.',
          .fix = advice_on(patient, fitting),
          .evidence = {"answer to a ClientHello: \"" + text + '"'}};
}

Finding of_silence(const AddressProbe& probe, const Patient& patient) {
  return {
      .cause = "tls_silent",
      .sentence = probe.address +
                  " accepts connections, but says nothing to a TLS ClientHello "
                  "within " +
                  readable(patient.timeout) + '.',
      .fix =
          "Most likely the port speaks a plain protocol in which the client talks first, or the "
          "process behind it hangs. Check the port, and whether TLS is switched on there.",
      .is_certain = false,
      .evidence = {"connected in " + readable(probe.duration)}};
}

Finding of_hanging_up(const AddressProbe& probe) {
  const bool by_force = probe.answer.kind == AnswerKind::reset;
  return {
      .cause = "hung_up",
      .sentence = probe.address + " accepts connections, and " + (by_force ? "resets" : "closes") +
                  " them when it gets a TLS ClientHello.",
      .fix =
          "Either the port does not speak TLS, or something before the server (a proxy, a load "
          "balancer without a server behind it, a filter on names) ends the connection. Check the "
          "port, and ask at the server's log.",
      .is_certain = false,
      .evidence = {"no byte came back"}};
}

// It was asked to begin with TLS, in its own protocol, and did not.
Finding of_no_starttls(const AddressProbe& probe, const Patient& patient) {
  const std::string& why = probe.answer.text;
  if (probe.needs_no_starttls) {
    return {.cause = "starttls_needless",
            .sentence = probe.address + " speaks TLS from the start, and no " + patient.starttls +
                        " before it.",
            .fix =
                "Connect without STARTTLS (here: leave out --starttls), or give the port on "
                "which the server begins in plain.",
            .evidence = {"with --starttls " + patient.starttls + ": " + why,
                         "without it a ClientHello is answered"}};
  }
  const auto known = std::ranges::find(std::begin(customs), std::end(customs), patient.starttls,
                                       &Protocol::starttls);
  const std::string port =
      known == std::end(customs) ? "" : " (by custom " + std::string(known->port) + ')';
  return {.cause = "starttls_refused",
          .sentence = probe.address + " does not begin with TLS by STARTTLS: " + why + '.',
          .fix =
              "At the server: switch STARTTLS on, for which it needs a certificate and a key; "
              "its log may say why it is off. Here: check that the port and the protocol of "
              "--starttls are those that are meant; or give the port on which the server "
              "speaks TLS from the start" +
              port + ", without --starttls.",
          .evidence = {"connected in " + readable(probe.duration)}};
}

// Servers that have agreed before, and then do not: most limit how often they are called.
Finding of_fickle_starttls(const Handshake& handshake) {
  return {.cause = "starttls_refused",
          .sentence = "The server has agreed to begin with TLS, but did not always: " +
                      handshake.plain_failure + '.',
          .fix = "Look for a limit of connections at the server, and wait before the next try.",
          .is_certain = false,
          .evidence = {handshake.what + ": " + handshake.plain_failure}};
}

Finding of_echo(const AddressProbe& probe) {
  return {.cause = "not_tls",
          .sentence = probe.address + " does not speak TLS: it sends back what it gets.",
          .fix = "Use the port on which the server speaks TLS, or switch TLS on there.",
          .evidence = {"the answer to a ClientHello was a ClientHello"}};
}

std::vector<std::string> accepted(const std::vector<HelloProbe>& probes) {
  std::vector<std::string> names;
  for (const HelloProbe& probe : probes) {
    if (probe.accepted) names.push_back(probe.what);
  }
  return names;
}

std::string list(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return all.empty() ? "none" : all;
}

std::vector<std::string> evidence_of(const std::vector<HelloProbe>& probes) {
  std::vector<std::string> lines;
  for (const HelloProbe& probe : probes) {
    std::string line = probe.what + ": ";
    if (probe.accepted) {
      line += "accepted";
    } else if (probe.answer.kind == AnswerKind::alert) {
      line += "alert " + probe.answer.alert;
    } else if (probe.answer.kind == AnswerKind::server_hello) {
      line += "no, answers with " + version_name(probe.answer.version);
    } else {
      line += name_of(probe.answer.kind);
    }
    lines.push_back(line);
  }
  return lines;
}

Finding of_old_versions(const Examination& examination, const std::vector<std::string>& versions) {
  return {
      .cause = "old_versions_only",
      .sentence = "The server speaks only " + list(versions) +
                  ", which is obsolete (RFC 8996) and which Sallyport refuses to speak.",
      .fix =
          "Switch TLS 1.2 or 1.3 on at the server; what cannot do that needs a newer TLS library, "
          "or a proxy before it that can. Its certificates are not examined before that.",
      .evidence = evidence_of(examination.versions)};
}

// The peer alerts whatever it is asked.
Finding of_refused_hellos(const Examination& examination) {
  const bool by_name = examination.address()->answer.alert == "unrecognized_name";
  const std::string& name = examination.patient.name;
  if (by_name) {
    return {.cause = "unknown_server_name",
            .sentence = "The server does not know the name '" + name +
                        "' that it is asked for (SNI), and refuses the connection.",
            .fix = "Ask for a name that it serves (--name), or add this one to the server.",
            .evidence = evidence_of(examination.versions)};
  }
  return {.cause = "no_common_parameters",
          .sentence =
              "The server speaks TLS, but refuses every version, cipher suite and group that it "
              "is offered: alert " +
              examination.address()->answer.alert + '.',
          .fix =
              "Look at the server's log for its reason, and at its settings of cipher suites and "
              "groups; it may lack a certificate for this name.",
          .is_certain = false,
          .evidence = evidence_of(examination.versions)};
}

// The handshake ended before there was a certificate to look at.
Finding of_failed_handshake(const Examination& examination) {
  const sally::Error& error = *examination.first->error;
  const bool nameless_is_good = examination.nameless && !examination.nameless->sent.empty();
  const std::string& name = examination.patient.name;
  if (nameless_is_good || error.status() == SALLY_ALERT_UNRECOGNIZED_NAME) {
    return {.cause = "unknown_server_name",
            .sentence = "The server does not serve the name '" + name +
                        "' that it is asked for (SNI): " + std::string(error.message()) + '.',
            .fix = "Ask for a name that it serves (--name), or add this one to the server.",
            .evidence = {nameless_is_good ? "without a server name the handshake goes on"
                                          : std::string(error.name())}};
  }
  const bool by_parameters = error.status() == SALLY_ALERT_HANDSHAKE_FAILURE ||
                             error.status() == SALLY_TLS_NO_COMMON_CIPHER ||
                             error.status() == SALLY_TLS_NO_COMMON_GROUP ||
                             error.status() == SALLY_TLS_NO_COMMON_SIGNATURE;
  return {.cause = by_parameters ? "no_common_parameters" : "handshake_failed",
          .sentence = "The TLS handshake fails: " + std::string(error.message()) + '.',
          .fix = std::string(error.hint()),
          .is_certain = !by_parameters,
          .evidence = evidence_of(examination.versions)};
}

const Handshake* without_starttls(const Examination& examination) {
  for (const auto* handshakes : {&examination.without_certificate, &examination.with_certificate}) {
    for (const Handshake& one : *handshakes) {
      if (!one.plain_failure.empty()) return &one;
    }
  }
  const auto& first = examination.first;
  return first && !first->plain_failure.empty() ? &*first : nullptr;
}

void remark(std::vector<Finding>& findings, std::string cause, std::string sentence,
            std::string fix) {
  findings.push_back({.cause = std::move(cause),
                      .sentence = std::move(sentence),
                      .fix = std::move(fix),
                      .is_problem = false});
}

void find_remarks(const Examination& examination, std::vector<Finding>& findings) {
  const bool is_answered = examination.address()->answer.kind == AnswerKind::server_hello;
  if (is_answered && examination.large &&
      examination.large->answer.kind != AnswerKind::server_hello) {
    remark(findings, "large_hello_fails",
           "A ClientHello that fills more than one packet gets no proper answer: clients with "
           "post-quantum key exchange will fail here.",
           "Update the server, or the filter before it, that takes a ClientHello for one packet.");
  }
  if (examination.accepts(tls_1_2) && !examination.accepts(tls_1_3)) {
    remark(findings, "no_tls_1_3", "The server does not speak TLS 1.3.",
           "Switch TLS 1.3 on at the server.");
  }
  const bool speaks_new = examination.accepts(tls_1_3) || examination.accepts(tls_1_2);
  if (speaks_new && (examination.accepts(tls_1_1) || examination.accepts(tls_1_0))) {
    remark(findings, "old_versions_too", "The server still accepts TLS 1.0 or 1.1 (RFC 8996).",
           "Switch them off at the server.");
  }
}

}  // namespace

void find_in_protocol(const Examination& examination, std::vector<Finding>& findings) {
  const AddressProbe* probe = examination.address();
  if (probe == nullptr) return;
  switch (probe->answer.kind) {
    case AnswerKind::plaintext:
      findings.push_back(of_plaintext(*probe, examination.patient));
      return;
    case AnswerKind::echo:
      findings.push_back(of_echo(*probe));
      return;
    case AnswerKind::silent:
      findings.push_back(of_silence(*probe, examination.patient));
      return;
    case AnswerKind::no_starttls:
      findings.push_back(of_no_starttls(*probe, examination.patient));
      return;
    case AnswerKind::server_hello:
    case AnswerKind::alert:
      break;
    default:
      findings.push_back(of_hanging_up(*probe));
      return;
  }
  const std::vector<std::string> versions = accepted(examination.versions);
  if (versions.empty()) {
    findings.push_back(of_refused_hellos(examination));
  } else if (!examination.accepts(tls_1_3) && !examination.accepts(tls_1_2)) {
    findings.push_back(of_old_versions(examination, versions));
  } else if (examination.first && examination.first->error && examination.first->sent.empty()) {
    findings.push_back(of_failed_handshake(examination));
  }
  if (const Handshake* fickle = without_starttls(examination)) {
    findings.push_back(of_fickle_starttls(*fickle));
  }
  find_remarks(examination, findings);
}
