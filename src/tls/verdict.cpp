#include "tls/verdict.h"

#include "status/table.h"
#include "tls/certificate.h"
#include "tls/context.h"
#include "tls/handshake_record.h"
#include "tls/native_names.h"
#include "tls/openssl.h"

#include <ctime>
#include <string>

namespace sally::tls {

namespace {

std::string quoted(const std::string& text) {
  return "'" + text + "'";
}

std::string signature_of(const X509* certificate) {
  const int algorithm = X509_get_signature_nid(certificate);
  const char* name = algorithm == NID_undef ? nullptr : OBJ_nid2ln(algorithm);
  return name != nullptr ? name : "an unknown signature algorithm";
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

void explain_time(const X509* certificate, ErrorDetail& detail) {
  const std::int64_t now = std::time(nullptr);
  const std::string from = utc_time(not_before_of(certificate));
  const std::string until = utc_time(not_after_of(certificate));
  detail.expected =
      "a certificate that is valid at " + utc_time(now) + ", the time of this machine's clock";
  detail.found = "valid from " + from + " until " + until;
  detail.message =
      quoted(detail.subject) + " is " + detail.found + "; it is " + utc_time(now) + " now";
}

void explain_name(const X509* certificate, const PeerName& name, ErrorDetail& detail) {
  detail.expected = name.text;
  detail.found = found_names(certificate);
  detail.message = "expected " + quoted(name.text) + ", the certificate of " +
                   quoted(detail.subject) + " is for " + detail.found;
}

void explain_unknown_ca(X509_STORE_CTX* store, const Context& context, ErrorDetail& detail) {
  const Ref<TrustStore>& trust = context.settings().trust;
  if (trust) {
    detail.expected = "an issuer among the " + std::to_string(trust->size()) +
                      " CA certificates of '" + trust->source() + "'";
    detail.source = trust->source();
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
  if (sk_X509_num(X509_STORE_CTX_get0_untrusted(store)) > 1) return;
  detail.hint =
      "Either the peer's CA is not the one that this side trusts, or the peer does not send its "
      "intermediate "
      "certificate: the peer sent its own certificate only. Put " +
      quoted(detail.issuer) +
      " into the peer's chain file, after its own certificate, or, if it is a root CA that "
      "deserves trust, "
      "into this side's trust store.";
}

}  // namespace

ErrorRef explain_verdict(X509_STORE_CTX* store, const PeerName& name, const Context& context) {
  const int code = X509_STORE_CTX_get_error(store);
  ErrorDetail detail{.native_domain = SALLY_DOMAIN_X509,
                     .native_code = code,
                     .native_name = std::string(x509_error_name(code)),
                     .depth = X509_STORE_CTX_get_error_depth(store)};
  sally_status status = status::from_name(SALLY_DOMAIN_X509, detail.native_name);
  X509* certificate = X509_STORE_CTX_get_current_cert(store);
  if (certificate == nullptr) certificate = X509_STORE_CTX_get0_cert(store);
  if (certificate != nullptr && is_malformed(certificate)) status = SALLY_CERTIFICATE_MALFORMED;
  if (certificate == nullptr) {
    detail.message = X509_verify_cert_error_string(code);
    return make_error(status, std::move(detail));
  }

  detail.subject = subject_of(certificate);
  detail.issuer = issuer_of(certificate);
  switch (status) {
    case SALLY_CERTIFICATE_EXPIRED:
    case SALLY_CERTIFICATE_NOT_YET_VALID:
      explain_time(certificate, detail);
      break;
    case SALLY_CERTIFICATE_NAME_MISMATCH:
      explain_name(certificate, name, detail);
      break;
    case SALLY_CERTIFICATE_UNKNOWN_CA:
      explain_unknown_ca(store, context, detail);
      break;
    case SALLY_CERTIFICATE_WEAK_KEY:
      detail.found = key_of(certificate);
      detail.expected = "at least 112 bits of security: RSA 2048, EC P-224 or more";
      detail.message = quoted(detail.subject) + " has a key of kind " + detail.found;
      break;
    case SALLY_CERTIFICATE_WEAK_SIGNATURE:
      detail.found = signature_of(certificate);
      detail.expected = "SHA-256 or better";
      detail.message = quoted(detail.subject) + " is signed with " + detail.found;
      break;
    case SALLY_CERTIFICATE_MALFORMED:
      detail.found = is_malformed(certificate) ? "an extension that does not decode"
                                               : X509_verify_cert_error_string(code);
      detail.message = quoted(detail.subject) + ": " + detail.found;
      break;
    case SALLY_CERTIFICATE_WRONG_USAGE:
      detail.expected =
          context.is_server() ? "extended key usage clientAuth" : "extended key usage serverAuth";
      detail.expected += " and key usage digitalSignature, or no such extensions";
      detail.message =
          quoted(detail.subject) + " may not be used for this: expected " + detail.expected;
      break;
    default:
      detail.message = quoted(detail.subject) + ": " + X509_verify_cert_error_string(code);
  }
  return make_error(status, std::move(detail));
}

}  // namespace sally::tls
