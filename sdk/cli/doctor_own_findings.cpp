// What is wrong with this side's own certificate, whatever a server says of it.
#include "certificates.h"
#include "doctor_finding.h"
#include "report.h"

#include <algorithm>

namespace {

bool lacks_client_usage(const sally::Certificate& certificate) {
  const auto usages = certificate.extended_usages();
  return !usages.empty() && std::ranges::none_of(usages, [](const sally::ExtendedUsage& usage) {
    return usage.name == "clientAuth" || usage.name == "anyExtendedKeyUsage";
  });
}

// RFC 8446 section 4.4.2.2.
bool lacks_signatures(const sally::Certificate& certificate) {
  const std::uint32_t usage = certificate.key_usage();
  return usage != 0 && (usage & SALLY_KEY_USAGE_DIGITAL_SIGNATURE) == 0;
}

Finding of_usage(const sally::Certificate& own, const std::string& extension,
                 const std::vector<std::string>& found, const std::string& wanted) {
  return {.cause = "client_certificate_wrong_usage",
          .sentence = "The client certificate '" + std::string(own.subject()) +
                      "' may not be used by a client: its " + extension + " is " + quoted(found) +
                      ", without '" + wanted + "'.",
          .fix = "Have it issued again with the " + extension + ' ' + wanted + '.'};
}

Finding of_dates(const sally::Certificate& own) {
  return {.cause = "client_certificate_expired",
          .sentence = "The client certificate '" + std::string(own.subject()) +
                      "' is not valid now: it is from " + rfc3339(own.not_before()) + " to " +
                      rfc3339(own.not_after()) + '.',
          .fix = "Renew it; if it should be valid, check this machine's clock."};
}

bool holds(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// An intermediate CA that belongs into the file of --cert, and lies beside it.
std::optional<Finding> of_intermediate(const Examination& examination,
                                       const sally::Certificate& own) {
  const std::vector<std::string>& accepted = examination.first->acceptable_cas;
  const std::string_view issuer = own.issuer();
  if (issuer == own.subject() || holds(accepted, issuer)) return std::nullopt;
  const auto chain = certificates_of(examination.patient.identity.cert);
  // PKCS#12 is not looked into.
  const bool is_there = chain.empty() || std::ranges::any_of(chain, [&](const auto& one) {
                          return one.subject() == issuer;
                        });
  if (is_there) return std::nullopt;
  for (const FoundCertificate& found : find_nearby(examination, issuer)) {
    const std::string_view above = found.certificate.issuer();
    if (above == issuer || (!accepted.empty() && !holds(accepted, above))) continue;
    return Finding{
        .cause = "client_missing_intermediate",
        .sentence = "The file of the client certificate lacks the intermediate CA certificate '" +
                    std::string(issuer) + "', by which '" + std::string(own.subject()) +
                    "' leads to '" + std::string(above) + "'" +
                    (accepted.empty() ? "." : ", whom the server accepts."),
        .fix = "Put the certificate of '" + std::string(issuer) +
               "' into the file of --cert, after the client's own. Here it is in '" + found.file +
               "'.",
        .is_certain = !accepted.empty()};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Finding> find_own_flaw(const Examination& examination) {
  if (!examination.credential || !examination.first) return std::nullopt;
  const sally::Certificate own = examination.credential->certificate();
  if (lacks_client_usage(own)) {
    return of_usage(own, "extended key usage", extended_usages_of(own), "clientAuth");
  }
  if (lacks_signatures(own)) {
    return of_usage(own, "key usage", key_usages_of(own), "digitalSignature");
  }
  if (examination.time < own.not_before() || own.not_after() < examination.time) {
    return of_dates(own);
  }
  return of_intermediate(examination, own);
}
