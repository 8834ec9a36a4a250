// Whom TLS lets in, and the application behind it may refuse: servers that ask for a certificate and
// do not insist on it, or do not judge it, within the handshake.
#include "doctor_finding.h"

#include <algorithm>

namespace {

bool is_good(const Handshake& handshake) {
  return handshake.good();
}

const HttpProbe* http_of(const Examination& examination) {
  return examination.http.empty() ? nullptr : &examination.http.back();
}

std::string answer_of(const HttpProbe& http) {
  return '\'' + (http.says.empty() ? http.line : http.says) + '\'';
}

std::string evidence_of(const HttpProbe& http) {
  return "HTTP, " + http.what + ": " + (http.error.empty() ? http.line : http.error) +
         (http.says.empty() ? "" : ", \"" + http.says + '"');
}

void add_evidence(const Examination& examination, Finding& finding) {
  for (const HttpProbe& http : examination.http) finding.evidence.push_back(evidence_of(http));
}

std::string cas_of(const Examination& examination) {
  const auto& names = examination.first->acceptable_cas;
  return names.empty() ? "" : "; it accepts certificates of " + quoted(names);
}

Finding of_optional(const Examination& examination) {
  Finding finding{.cause = "client_certificate_optional", .is_problem = false};
  finding.sentence =
      "The server asks for a client certificate, and its TLS lets in who shows none" +
      cas_of(examination) + '.';
  if (examination.http.empty()) {
    finding.fix =
        "What the application behind it does then, TLS does not tell: nginx and others refuse by "
        "an HTTP status. For a web server, --http / asks it.";
  }
  add_evidence(examination, finding);
  return finding;
}

// TLS let in a client that had no certificate to show.
void find_without(const Examination& examination, std::vector<Finding>& findings) {
  const HttpProbe* http = http_of(examination);
  if (http == nullptr || !http->refuses()) {
    findings.push_back(of_optional(examination));
    return;
  }
  Finding finding{.cause = "client_certificate_required",
                  .is_certain = http->refuses_certificate()};
  // One that cannot be used is the cause; that it is needed follows from it.
  finding.is_problem = !examination.credential_error;
  finding.sentence =
      std::string("The server demands a client certificate, and ") +
      (finding.is_problem ? "none was given" : "the one that was given cannot be used as it is") +
      ": TLS lets the client in, and HTTP refuses it with " + answer_of(*http) +
      cas_of(examination) + '.';
  if (finding.is_problem) {
    finding.fix = "Give a client certificate, with its key: --cert and --key.";
  }
  add_evidence(examination, finding);
  findings.push_back(finding);
}

Finding of_not_shown(const Examination& examination, const HttpProbe* http) {
  const sally::Certificate own = examination.credential->certificate();
  Finding finding{.cause = "client_certificate_refused",
                  .fix =
                      "Give a certificate of a CA that the server accepts, with all "
                      "intermediate CAs; or have the server accept the CA of this one.",
                  .is_certain = http != nullptr && http->refuses_certificate()};
  finding.sentence =
      "The server asks for a client certificate of other CAs than the one that issued '" +
      std::string(own.subject()) + "' ('" + std::string(own.issuer()) + "')" + cas_of(examination) +
      ". So it was not even shown; TLS lets the client in " +
      (http != nullptr && http->refuses()
           ? "without one, and HTTP refuses it with " + answer_of(*http) + '.'
           : "without one.");
  return finding;
}

Finding of_http_refusal(const Examination& examination, const HttpProbe& http) {
  const sally::Certificate own = examination.credential->certificate();
  return {.cause = "client_certificate_refused",
          .sentence = "TLS lets in the client certificate '" + std::string(own.subject()) +
                      "', issued by '" + std::string(own.issuer()) +
                      "', and HTTP refuses the request with " + answer_of(http) + '.',
          .fix =
              "Look at the server's log for its reason: a CA that it does not trust, a chain "
              "that is not complete, a certificate that was revoked; or somebody who may not "
              "see this path.",
          .is_certain = http.refuses_certificate()};
}

// Who shows none is refused for it, and who shows one for something else.
bool lets_in_certificate(const Examination& examination) {
  const auto& http = examination.http;
  return http.size() == 2 && http.front().refuses_certificate() && http.back().status != 0 &&
         !http.back().refuses_certificate();
}

Finding of_path(const Examination& examination, const HttpProbe& http) {
  return {.cause = "http_refuses",
          .sentence = "The server accepts the client certificate, and refuses the request for '" +
                      examination.patient.http_path + "' with " + answer_of(http) + '.',
          .fix = "Ask for a path that this client may see (--http PATH).",
          .is_problem = false};
}

// TLS let in a client that had one.
void find_with(const Examination& examination, std::vector<Finding>& findings) {
  const HttpProbe* http = http_of(examination);
  const bool is_shown = shows_certificate(examination);
  const bool is_let_in = lets_in_certificate(examination);
  const bool is_refused = http != nullptr && http->refuses() && !is_let_in;
  std::optional<Finding> finding = find_own_flaw(examination);
  if (finding) {
    if (!is_refused) finding->is_certain = false;
    finding->evidence.push_back(is_shown ? "TLS lets it in all the same"
                                         : "it was not even shown, and TLS lets the client in");
  } else if (!is_shown) {
    finding = of_not_shown(examination, http);
  } else if (is_refused) {
    finding = of_http_refusal(examination, *http);
  }
  if (!finding) {
    if (is_let_in && http->refuses()) findings.push_back(of_path(examination, *http));
    if (!is_let_in && lets_in_anybody(examination)) findings.push_back(of_optional(examination));
    return;
  }
  add_evidence(examination, *finding);
  findings.push_back(*finding);
}

}  // namespace

bool lets_in_anybody(const Examination& examination) {
  const auto& without = examination.without_certificate;
  return examination.first && examination.first->asked && std::ranges::any_of(without, is_good);
}

bool shows_certificate(const Examination& examination) {
  return std::ranges::any_of(examination.with_certificate, [](const Handshake& one) {
    return one.unconfirmed || (one.info && one.info->client_certificate_sent());
  });
}

void find_in_application(const Examination& examination, std::vector<Finding>& findings) {
  const auto& with = examination.with_certificate;
  const bool asked = examination.first && examination.first->asked;
  if (const HttpProbe* http = http_of(examination); http != nullptr && http->status == 0) {
    findings.push_back({.cause = "no_http",
                        .sentence = "The server does not answer an HTTP request by HTTP: " +
                                    (http->error.empty() ? answer_of(*http) : http->error) + '.',
                        .is_problem = false});
  }
  if (!asked || !std::ranges::all_of(with, is_good)) return;
  if (!with.empty()) {
    find_with(examination, findings);
  } else if (lets_in_anybody(examination) && !examination.credential) {
    find_without(examination, findings);
  }
}
