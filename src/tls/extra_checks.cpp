#include "tls/extra_checks.h"

#include "tls/certificate.h"
#include "tls/handshake_record.h"
#include "tls/openssl.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace sally::tls {

namespace {

using Findings = std::vector<Finding>;

void add(Findings& findings, sally_status status, int code, std::size_t depth, X509* certificate) {
  X509_up_ref(certificate);
  findings.push_back({.status = status,
                      .code = code,
                      .depth = static_cast<int>(depth),
                      .certificate = X509Owner(certificate)});
}

// RFC 8446 section 4.4.2.2: where there is a key usage it must allow signatures, which is what
// every handshake of ours proves the key by. OpenSSL is content with key agreement; and, of a server,
// with the uses of the nineties that were to let browsers of that time encrypt well (SGC).
void check_usage(X509* leaf, Purpose purpose, Findings& findings) {
  // All bits where there is none.
  const bool signs = (X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) != 0;
  const std::uint32_t wanted = purpose == Purpose::server ? XKU_SSL_SERVER : XKU_SSL_CLIENT;
  if (signs && (X509_get_extended_key_usage(leaf) & wanted) != 0) return;
  add(findings, SALLY_CERTIFICATE_WRONG_USAGE, X509_V_ERR_INVALID_PURPOSE, 0, leaf);
}

bool is_known_curve(EVP_PKEY* key) {
  std::array<char, 64> group{};
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) != 1) return false;
  constexpr std::array<std::string_view, 3> known = {SN_X9_62_prime256v1, SN_secp384r1,
                                                     SN_secp521r1};
  return std::ranges::find(known, std::string_view(group.data(), size)) != known.end();
}

// The kinds of key that TLS 1.3 (RFC 8446 section 4.2.3) has a signature scheme for. OpenSSL counts
// bits only, and takes DSA and any curve.
bool is_known_kind(X509* certificate) {
  EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (key == nullptr) return false;
  if (EVP_PKEY_is_a(key, "EC")) return is_known_curve(key);
  constexpr std::array known = {"RSA", "RSA-PSS", "ED25519", "ED448"};
  return std::ranges::any_of(known, [key](const char* kind) { return EVP_PKEY_is_a(key, kind); });
}

void check_keys(std::span<const X509Owner> chain, Findings& findings) {
  for (std::size_t depth = 0; depth < chain.size(); ++depth) {
    if (is_known_kind(chain[depth].get())) continue;
    add(findings, SALLY_CERTIFICATE_WEAK_KEY,
        depth == 0 ? X509_V_ERR_EE_KEY_TOO_SMALL : X509_V_ERR_CA_KEY_TOO_SMALL, depth,
        chain[depth].get());
  }
}

bool has_dns_name(X509* leaf) {
  return std::ranges::any_of(
      names_of(leaf), [](const AlternativeName& name) { return name.kind == SALLY_NAME_DNS; });
}

// A common name is never consulted here, but others read it: a CA that may issue for some hosts
// only shall not put another one there. OpenSSL leaves this out where it is told not to consult
// the common name.
void check_constraints_on_common_name(std::span<const X509Owner> chain, Findings& findings) {
  X509* leaf = chain.front().get();
  const bool constrained = std::ranges::any_of(chain.subspan(1), [](const X509Owner& issuer) {
    return X509_get_ext_by_NID(issuer.get(), NID_name_constraints, -1) >= 0;
  });
  if (!constrained || has_dns_name(leaf)) return;
  for (const X509Owner& issuer : chain.subspan(1)) {
    const std::unique_ptr<NAME_CONSTRAINTS, void (*)(NAME_CONSTRAINTS*)> constraints(
        static_cast<NAME_CONSTRAINTS*>(
            X509_get_ext_d2i(issuer.get(), NID_name_constraints, nullptr, nullptr)),
        &NAME_CONSTRAINTS_free);
    if (!constraints) continue;
    const int code = NAME_CONSTRAINTS_check_CN(leaf, constraints.get());
    if (code != X509_V_OK) add(findings, SALLY_CERTIFICATE_NAME_CONSTRAINT, code, 0, leaf);
  }
}

// OpenSSL's own check would consult the subject for addresses.
void check_email(X509* leaf, const PeerName& name, Findings& findings) {
  if (!name.is_email || name.text.empty()) return;
  if (X509_check_email(leaf, name.text.data(), name.text.size(),
                       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT) == 1)
    return;
  add(findings, SALLY_CERTIFICATE_NAME_MISMATCH, X509_V_ERR_EMAIL_MISMATCH, 0, leaf);
}

}  // namespace

Findings extra_checks(const Question& question, std::span<const X509Owner> chain) {
  Findings findings;
  if (chain.empty()) return findings;
  if (question.purpose != Purpose::any) check_usage(question.leaf, question.purpose, findings);
  check_keys(chain, findings);
  check_constraints_on_common_name(chain, findings);
  check_email(question.leaf, question.name, findings);
  return findings;
}

}  // namespace sally::tls
