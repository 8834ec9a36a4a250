// What the server thinks of this side's certificate, or of the lack of one.
#include "doctor_finding.h"
#include "report.h"

#include <algorithm>

namespace {

const Handshake* first_failed(const std::vector<Handshake>& handshakes) {
  const auto failed =
      std::ranges::find_if(handshakes, [](const Handshake& one) { return one.error.has_value(); });
  return failed == handshakes.end() ? nullptr : &*failed;
}

std::string how(const Handshake& handshake) {
  const sally::Error& error = *handshake.error;
  return std::string(error.name()) + ": " + std::string(error.message());
}

std::string accepted_cas(const Handshake& handshake) {
  if (handshake.acceptable_cas.empty()) return "";
  return "; it accepts those of " + quoted(handshake.acceptable_cas);
}

// In TLS 1.3 the client is through its handshake when the server looks at its certificate.
std::string lateness(const Handshake& handshake) {
  const bool is_1_3 = handshake.what.starts_with("TLSv1.3");
  return is_1_3 ? ", which in TLS 1.3 comes only after the client's handshake" : "";
}

Finding of_demand(const Handshake& refused) {
  return {.cause = "client_certificate_required",
          .sentence = "The server demands a client certificate, and none was given" +
                      accepted_cas(refused) + '.',
          .fix = "Give one, with its key: --cert and --key.",
          .evidence = {refused.what + ": " + how(refused)}};
}

// One that cannot be used is the cause; that it is needed follows from it.
Finding of_unusable(const Handshake& refused) {
  return {.cause = "client_certificate_required",
          .sentence = "The server demands a client certificate" + accepted_cas(refused) +
                      ". The one that was given was not shown, because it cannot be used as it is.",
          .is_problem = false};
}

Finding of_refusal(const Examination& examination, const Handshake& refused) {
  const sally::Certificate own = examination.credential->certificate();
  const std::string subject(own.subject());
  const sally::Error& error = *refused.error;
  Finding finding{.cause = "client_certificate_refused",
                  .fix = std::string(error.hint()),
                  .evidence = {refused.what + ": " + how(refused)}};
  // Without an alert the server has only hung up, for whatever reason.
  finding.is_certain = error.alert_direction() == SALLY_ALERT_RECEIVED;
  if (const auto flaw = find_own_flaw(examination)) {
    finding.cause = flaw->cause;
    finding.sentence = flaw->sentence;
    finding.fix = flaw->fix;
    finding.is_certain = finding.is_certain && flaw->is_certain;
  } else if (error.text(SALLY_ERROR_FIELD_FOUND) == "no certificate") {
    finding.sentence =
        "The server demands a client certificate of other CAs than the one that issued '" +
        subject + "' ('" + std::string(own.issuer()) + "')" + accepted_cas(refused) +
        ". So it was not even shown.";
  } else {
    finding.sentence = "The server refuses the client certificate '" + subject + "', issued by '" +
                       std::string(own.issuer()) + "': " + std::string(error.message()) +
                       lateness(refused) + '.';
  }
  for (const std::string& warning : examination.credential->warnings()) {
    finding.evidence.push_back(warning);
  }
  return finding;
}

void remark(std::vector<Finding>& findings, std::string cause, std::string sentence) {
  findings.push_back(
      {.cause = std::move(cause), .sentence = std::move(sentence), .is_problem = false});
}

}  // namespace

void find_in_client_certificate(const Examination& examination, std::vector<Finding>& findings) {
  if (!examination.first) return;
  const auto& without = examination.without_certificate;
  const bool asked = examination.first->asked || std::ranges::any_of(without, &Handshake::asked);
  if (const Handshake* refused = first_failed(examination.with_certificate)) {
    findings.push_back(of_refusal(examination, *refused));
    return;
  }
  const Handshake* refused = first_failed(without);
  if (asked && refused != nullptr && !examination.credential) {
    findings.push_back(examination.credential_error ? of_unusable(*refused) : of_demand(*refused));
  }
  // Some only speak one of the versions in a way that this library takes part in.
  const bool is_useless = std::ranges::none_of(without, &Handshake::good);
  if (!asked && refused != nullptr && is_useless) {
    findings.push_back({.cause = "handshake_failed",
                        .sentence = refused->what + ", the server ends the connection: " +
                                    std::string(refused->error->message()) + '.',
                        .fix = std::string(refused->error->hint()),
                        .evidence = {how(*refused)}});
  }
  if (!asked && examination.credential && !examination.first->sent.empty()) {
    remark(findings, "client_certificate_not_asked_for",
           "The server asks for no client certificate: the one that was given is not shown.");
  }
  if (asked && examination.credential && examination.with_certificate.empty()) {
    remark(findings, "client_certificate_not_tried",
           "The client certificate was not shown, because the server has not proved who it is.");
  }
  const bool is_unconfirmed =
      std::ranges::any_of(examination.with_certificate, &Handshake::unconfirmed);
  if (is_unconfirmed) {
    remark(
        findings, "client_certificate_unconfirmed",
        "The server has neither accepted nor refused the client certificate in time; it gives no "
        "session tickets, by which TLS 1.3 would tell.");
  }
}
