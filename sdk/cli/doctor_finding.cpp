#include "doctor_finding.h"

#include <algorithm>

namespace {

void find_in_credential(const Examination& examination, std::vector<Finding>& findings) {
  if (!examination.credential_error) return;
  const sally::Error& error = *examination.credential_error;
  const bool is_mismatch = error.status() == SALLY_CREDENTIAL_KEY_MISMATCH;
  const Identity& identity = examination.patient.identity;
  const std::string& key = identity.key.empty() ? identity.cert : identity.key;
  const std::string mismatch_fix =
      "Either give the key that this certificate was requested for (--key), or have a new "
      "certificate issued for the key that is here, and give that (--cert). In a chain file the "
      "client's own certificate comes first, before those of its CAs; after a renewal both files "
      "are replaced.";
  findings.push_back(
      {.cause = is_mismatch ? "client_key_mismatch" : "client_credential_unusable",
       .sentence = is_mismatch
                       ? "The private key in '" + key +
                             "' does not belong to the certificate in '" + identity.cert + "'."
                       : "The client's own certificate or key cannot be used: " +
                             std::string(error.message()) + '.',
       .fix = is_mismatch ? mismatch_fix : std::string(error.hint()),
       .evidence = {std::string(error.name()) + ": " + std::string(error.message())}});
}

}  // namespace

std::vector<Finding> diagnose(const Examination& examination) {
  std::vector<Finding> findings;
  find_in_credential(examination, findings);
  find_in_network(examination, findings);
  find_in_protocol(examination, findings);
  find_in_certificates(examination, findings);
  find_in_client_certificate(examination, findings);
  find_in_application(examination, findings);
  std::ranges::stable_partition(findings, &Finding::is_problem);
  return findings;
}

std::string conclusion(const Examination& examination, const std::vector<Finding>& findings) {
  const auto problem = std::ranges::find_if(findings, &Finding::is_problem);
  if (problem != findings.end()) return problem->sentence;
  const Patient& patient = examination.patient;
  std::string text = "All is well: '" + patient.name + "' proves who it is";
  const bool shown = std::ranges::any_of(examination.with_certificate, [](const Handshake& one) {
    return one.good() && !one.unconfirmed;
  });
  const bool asks_only = lets_in_anybody(examination) && !examination.credential;
  if (asks_only) text += ", and asks for a client certificate on which its TLS does not insist";
  // Whoever is let in without a certificate too does not owe it to the certificate.
  const bool is_proof = !lets_in_anybody(examination) || !examination.http.empty();
  if (shown)
    text += is_proof ? ", and accepts the client certificate"
                     : ", and its TLS lets in the client certificate";
  return text + '.';
}

std::string quoted(const std::vector<std::string>& texts) {
  std::string all;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) all += i + 1 == texts.size() ? " and " : ", ";
    all += '\'' + texts[i] + '\'';
  }
  return all;
}
