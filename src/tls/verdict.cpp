#include "tls/verdict.h"

#include "status/text.h"
#include "tls/certificate.h"
#include "tls/handshake_record.h"
#include "tls/native_names.h"
#include "tls/openssl.h"
#include "tls/peer_policy.h"
#include "tls/trust_store.h"

#include <memory>
#include <string>
#include <utility>

namespace sally::tls {

namespace {

std::string quoted(const std::string& text) {
  return "'" + text + "'";
}

std::string found_names(const X509* certificate) {
  std::string text;
  for (const AlternativeName& name : names_of(certificate)) {
    if (!text.empty()) text += ", ";
    switch (name.kind) {
      case SALLY_NAME_DNS:
        text += "DNS:" + name.text;
        break;
      case SALLY_NAME_IP:
        text += "IP:" + name.text;
        break;
      case SALLY_NAME_EMAIL:
        text += "email:" + name.text;
        break;
      case SALLY_NAME_URI:
        text += "URI:" + name.text;
        break;
      default:
        text += "other";
        break;
    }
  }
  return text.empty() ? "no subjectAltName" : text;
}

// An extension that does not decode: OpenSSL finds no issuer for such a certificate, and says only
// that.
bool is_malformed(X509* certificate) {
  return (X509_get_extension_flags(certificate) & EXFLAG_INVALID) != 0;
}

void explain_time(const X509* certificate, const Question& question, std::int64_t now,
                  ErrorDetail& detail) {
  const std::string from = utc_time(not_before_of(certificate));
  const std::string until = utc_time(not_after_of(certificate));
  const bool by_clock = question.rules.goes_by_the_system();
  detail.judged = std::make_shared<JudgedFacts>(JudgedFacts{
      .not_before = from, .not_after = until, .clock = utc_time(now), .clock_is_set = !by_clock});
  detail.expected = "a certificate that is valid at " + utc_time(now) +
                    (by_clock ? ", the time of this machine's clock" : ", the time that is set");
  detail.found = "valid from " + from + " until " + until;
  detail.message = quoted(detail.subject) + " is " + detail.found + "; it is " + utc_time(now) +
                   (by_clock ? " now" : " by the time that is set");
}

void explain_name(const X509* certificate, const PeerName& name, ErrorDetail& detail) {
  detail.expected = name.text;
  detail.found = found_names(certificate);
  detail.message = "expected " + quoted(name.text) + ", the certificate of " +
                   quoted(detail.subject) + " is for " + detail.found;
}

void explain_unknown_ca(const Question& question, ErrorDetail& detail) {
  if (question.trust != nullptr) {
    detail.expected = "an issuer among the " + std::to_string(question.trust->size()) +
                      " CA certificates of '" + question.trust->source() + "'";
    detail.source = question.trust->source();
  }
  detail.found = detail.issuer;
  detail.message =
      quoted(detail.subject) + " was issued by " + quoted(detail.issuer) +
      ", which is neither a trusted CA of this side nor part of the chain that the peer sent";
  const bool self_signed = detail.subject == detail.issuer;
  if (self_signed) {
    detail.message =
        "the chain ends in " + quoted(detail.subject) + ", which is not a trusted CA of this side";
    return;
  }
  if (sk_X509_num(question.untrusted) > 1) return;
  detail.hint =
      "Either the peer's CA is not the one that this side trusts, or the peer does not send its "
      "intermediate "
      "certificate: the peer sent its own certificate only. Put " +
      quoted(detail.issuer) +
      " into the peer's chain file, after its own certificate, or, if it is a root CA that "
      "deserves trust, "
      "into this side's trust store.";
}

std::string joined(const std::vector<std::string>& parts) {
  constexpr std::size_t most_shown = 8;
  std::string text;
  for (std::size_t i = 0; i < parts.size() && i < most_shown; ++i) {
    if (i > 0) text += ", ";
    text += parts[i];
  }
  if (parts.size() > most_shown)
    text += " and " + std::to_string(parts.size() - most_shown) + " more";
  return text;
}

const char* kind_name(std::int32_t kind) {
  switch (kind) {
    case SALLY_NAME_DNS:
      return "DNS:";
    case SALLY_NAME_IP:
      return "IP:";
    case SALLY_NAME_EMAIL:
      return "email:";
    default:
      return "URI:";
  }
}

void explain_not_allowed(const X509* certificate, const PeerPolicy& policy, ErrorDetail& detail) {
  std::vector<std::string> allowed;
  for (const AllowedPeer& peer : policy.allowed)
    allowed.push_back(kind_name(peer.kind) + peer.pattern);
  detail.expected = "one of " + joined(allowed);
  detail.found = found_names(certificate);
  detail.message =
      quoted(detail.subject) + " is for " + detail.found + ", expected " + detail.expected;
}

void explain_pins(const Question& question, const Judgement& judgement, ErrorDetail& detail) {
  std::vector<std::string> expected;
  for (const Pin& pin : question.rules.policy.pins) expected.push_back(to_text(pin));
  std::vector<std::string> found;
  for (const X509Owner& certificate : judgement.chain)
    found.push_back(to_text(pin_of(certificate.get())));
  detail.expected = "one of " + joined(expected);
  detail.found = joined(found);
  detail.message = "the keys of the chain of " + quoted(detail.subject) + " are " + detail.found;
}

void explain_key(X509* certificate, const VerificationRules& rules, ErrorDetail& detail) {
  detail.found = key_of(certificate);
  detail.expected = "at least 112 bits of security: RSA 2048, EC P-256 or more, or an Ed key";
  if (rules.security_level != 2) {
    detail.expected = "RSA, EC P-256 or more, or an Ed key, for security level " +
                      std::to_string(rules.security_level);
  }
  detail.message = quoted(detail.subject) + " has a key of kind " + detail.found;
}

// One of the two extensions that say what a certificate is for (RFC 5280 sections 4.2.1.3 and 4.2.1.12),
// which is there and does not name what it must.
void add_usage(const char* extension, const char* wanted, const std::vector<std::string>& found,
               ErrorDetail& detail) {
  const std::string names = found.empty() ? "none" : joined(found);
  const std::string kind(extension);
  const bool is_first = detail.found.empty();
  detail.message +=
      (is_first ? ": its " : ", and its ") + kind + " is " + names + ", without " + wanted;
  detail.expected += (is_first ? "" : " and ") + kind + ' ' + wanted;
  detail.found += (is_first ? "" : " and ") + kind + ' ' + names;
}

void explain_usage(X509* certificate, Purpose purpose, int depth, ErrorDetail& detail) {
  const bool is_client = purpose == Purpose::client;
  const Ref<sally_certificate> described = describe(certificate);
  const CertificateData& data = described->data;
  const std::uint32_t flags = X509_get_extension_flags(certificate);
  detail.message = quoted(detail.subject) + " may not be used for " +
                   (depth > 0   ? "a CA of this chain"
                    : is_client ? "a client"
                                : "a server");
  const std::uint32_t wanted = is_client ? XKU_SSL_CLIENT : XKU_SSL_SERVER;
  if ((flags & EXFLAG_XKUSAGE) != 0 && (X509_get_extended_key_usage(certificate) & wanted) == 0) {
    std::vector<std::string> names;
    for (const ExtendedUsage& usage : data.extended_usages) names.push_back(usage.name);
    add_usage("extended key usage", is_client ? "clientAuth" : "serverAuth", names, detail);
  }
  const std::uint32_t key_usage = depth > 0 ? KU_KEY_CERT_SIGN : KU_DIGITAL_SIGNATURE;
  if ((flags & EXFLAG_KUSAGE) != 0 && (data.key_usage & key_usage) == 0) {
    add_usage("key usage", depth > 0 ? "keyCertSign" : "digitalSignature", key_usages_of(data),
              detail);
  }
}

void explain_malformed(X509* certificate, int code, ErrorDetail& detail) {
  detail.found = is_malformed(certificate) ? "an extension that does not decode"
                                           : X509_verify_cert_error_string(code);
  detail.message = quoted(detail.subject) + ": " + detail.found;
}

void describe_fault(const Question& question, const Judgement& judgement, const Finding& finding,
                    ErrorDetail& detail) {
  X509* certificate = finding.certificate.get();
  switch (finding.status) {
    case SALLY_CERTIFICATE_EXPIRED:
    case SALLY_CERTIFICATE_NOT_YET_VALID:
      return explain_time(certificate, question, judgement.time, detail);
    case SALLY_CERTIFICATE_NAME_MISMATCH:
      return explain_name(certificate, question.name, detail);
    case SALLY_CERTIFICATE_UNKNOWN_CA:
      return explain_unknown_ca(question, detail);
    case SALLY_CERTIFICATE_WEAK_KEY:
      return explain_key(certificate, question.rules, detail);
    case SALLY_CERTIFICATE_WEAK_SIGNATURE:
      detail.found = signature_algorithm_of(certificate);
      detail.expected = "SHA-256 or better";
      detail.message = quoted(detail.subject) + " is signed with " + detail.found;
      return;
    case SALLY_CERTIFICATE_MALFORMED:
      return explain_malformed(certificate, finding.code, detail);
    case SALLY_CERTIFICATE_WRONG_USAGE:
      return explain_usage(certificate, question.purpose, finding.depth, detail);
    case SALLY_PEER_NOT_ALLOWED:
      return explain_not_allowed(certificate, question.rules.policy, detail);
    case SALLY_PEER_PIN_MISMATCH:
      return explain_pins(question, judgement, detail);
    default:
      detail.message = quoted(detail.subject) + ": " + X509_verify_cert_error_string(finding.code);
  }
}

ErrorRef explain_one(const Question& question, const Judgement& judgement, const Finding& finding) {
  ErrorDetail detail{.native_domain = SALLY_DOMAIN_X509,
                     .native_code = finding.code,
                     .native_name = std::string(x509_error_name(finding.code)),
                     .depth = finding.depth,
                     .whose = "peer"};
  if (finding.certificate == nullptr) {
    detail.message = X509_verify_cert_error_string(finding.code);
    return make_error(finding.status, std::move(detail));
  }
  detail.subject = subject_of(finding.certificate.get());
  detail.issuer = issuer_of(finding.certificate.get());
  describe_fault(question, judgement, finding, detail);
  return make_error(finding.status, std::move(detail));
}

std::shared_ptr<const JudgedFacts> with_chain(const std::shared_ptr<const JudgedFacts>& judged,
                                              const Question& question,
                                              const Judgement& judgement) {
  JudgedFacts facts = judged ? *judged : JudgedFacts{};
  facts.clock = utc_time(judgement.time);
  facts.clock_is_set = !question.rules.goes_by_the_system();
  facts.chain_length = judgement.chain.size();
  if (!judgement.chain.empty()) {
    const X509* top = judgement.chain.back().get();
    facts.top_subject = status::clipped(subject_of(top), longest_listed);
    facts.top_issuer = status::clipped(issuer_of(top), longest_listed);
  }
  return std::make_shared<const JudgedFacts>(std::move(facts));
}

}  // namespace

ErrorRef explain(const Question& question, const Judgement& judgement) {
  ErrorRef deciding;
  std::vector<Fault> faults;
  std::size_t fatal = 0;
  for (const Finding& finding : judgement.findings) {
    const ErrorRef one = explain_one(question, judgement, finding);
    if (!finding.ignored && fatal++ == 0) deciding = one;
    faults.push_back({.status = finding.status,
                      .depth = finding.depth,
                      .subject = one->detail().subject,
                      .native_name = one->detail().native_name,
                      .message = one->message(),
                      .ignored = finding.ignored});
  }
  if (!deciding) {
    ErrorDetail detail;
    detail.faults = std::move(faults);
    return make_error(SALLY_OK, std::move(detail));
  }
  return amend(deciding, [&](ErrorDetail& detail) {
    detail.judged = with_chain(detail.judged, question, judgement);
    if (fatal > 1) {
      detail.message +=
          "; and " + std::to_string(fatal - 1) + (fatal == 2 ? " fault more" : " faults more");
    }
    detail.faults = std::move(faults);
  });
}

}  // namespace sally::tls
