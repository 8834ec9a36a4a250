#include "tls/failure_facts.h"

#include "status/text.h"
#include "tls/callbacks.h"
#include "tls/certificate.h"
#include "tls/code_points.h"
#include "tls/context.h"
#include "tls/distinguished_name.h"
#include "tls/handshake_record.h"
#include "tls/openssl.h"
#include "tls/verifier.h"

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace sally::tls {

namespace {

std::string version_name(std::uint16_t version) {
  switch (version) {
    case SSL3_VERSION:
      return "SSLv3";
    case TLS1_VERSION:
      return "TLSv1";
    case TLS1_1_VERSION:
      return "TLSv1.1";
    case TLS1_2_VERSION:
      return "TLSv1.2";
    case TLS1_3_VERSION:
      return "TLSv1.3";
    default: {
      constexpr char digits[] = "0123456789abcdef";
      std::string text = "0x";
      for (int shift = 12; shift >= 0; shift -= 4) text += digits[version >> shift & 15];
      return text;
    }
  }
}

Offers versions_of(SSL* ssl, const HelloFacts& hellos) {
  Offers versions;
  const auto lowest = static_cast<std::uint16_t>(SSL_get_min_proto_version(ssl));
  const auto highest = static_cast<std::uint16_t>(SSL_get_max_proto_version(ssl));
  for (std::uint16_t version = lowest; version <= highest; ++version)
    versions.ours.push_back(version_name(version));
  for (std::size_t i = 0; i < hellos.client_version_count; ++i)
    versions.theirs.push_back(version_name(hellos.client_versions[i]));
  if (hellos.version == 0) return versions;
  if (SSL_is_server(ssl) == 0) versions.theirs.push_back(version_name(hellos.version));
  if (hellos.version >= lowest && hellos.version <= highest)
    versions.agreed = version_name(hellos.version);
  return versions;
}

// Null before there is one: OpenSSL looks into it without asking.
bool has_session(const SSL* ssl) {
  return SSL_get_session(ssl) != nullptr;
}

std::vector<std::string> groups_of_client(SSL* ssl) {
  const long count = SSL_get1_groups(ssl, nullptr);
  if (count <= 0) return {};
  std::vector<int> numbers(static_cast<std::size_t>(count));
  SSL_get1_groups(ssl, numbers.data());
  std::vector<std::string> groups;
  for (const int number : numbers) {
    if (groups.size() == most_listed) break;
    const auto code = static_cast<std::uint16_t>(number);  // where OpenSSL does not know the group
    const bool is_unknown = (number & TLSEXT_nid_unknown) != 0;
    if (is_unknown && is_grease(code)) continue;
    const char* name = is_unknown ? nullptr : SSL_group_to_name(ssl, number);
    groups.push_back(name != nullptr ? name : group_name(code));
  }
  return groups;
}

Offers groups_of(SSL* ssl, const Context& context, const HelloFacts& hellos) {
  Offers groups;
  groups.ours = context.groups();
  if (SSL_is_server(ssl) == 1 && has_session(ssl)) {
    groups.theirs = groups_of_client(ssl);
  } else if (SSL_is_server(ssl) == 0 && hellos.group != 0) {
    groups.theirs.push_back(group_name(hellos.group));
  }
  if (hellos.group != 0) {
    groups.agreed = group_name(hellos.group);
  } else if (has_session(ssl)) {
    const auto group = static_cast<int>(SSL_get_negotiated_group(ssl));
    const char* name = group != 0 ? SSL_group_to_name(ssl, group) : nullptr;
    if (name != nullptr) groups.agreed = name;
  }
  const bool unoffered = std::ranges::find(groups.ours, groups.agreed) == groups.ours.end();
  if (unoffered) groups.agreed.clear();
  return groups;
}

// On a server its own names, on a client those that came.
Listing asked_cas_of(const SSL* ssl) {
  Listing names;
  const STACK_OF(X509_NAME)* list = SSL_get_client_CA_list(ssl);
  for (int i = 0; i < sk_X509_NAME_num(list); ++i) {
    if (names.count < most_listed)
      names.add(to_text(sk_X509_NAME_value(list, i)));
    else
      ++names.count;
  }
  return names;
}

std::optional<ShownCertificate> shown_by(const SSL* ssl, const HandshakeRecord& record) {
  X509* own = record.certificate_shown ? SSL_get_certificate(ssl) : nullptr;
  if (own == nullptr) return std::nullopt;
  const Ref<sally_certificate> described = describe(own);
  const CertificateData& data = described->data;
  return ShownCertificate{.subject = status::clipped(data.subject, longest_listed),
                          .issuer = status::clipped(data.issuer, longest_listed),
                          .fingerprint = data.fingerprint,
                          .not_before = utc_time(data.not_before),
                          .not_after = utc_time(data.not_after)};
}

Listing issuers_of(std::span<const Ref<Credential>> credentials) {
  Listing issuers;
  std::set<std::string> seen;
  for (const Ref<Credential>& credential : credentials) {
    const std::string issuer = issuer_of(credential->certificate());
    if (seen.insert(issuer).second) issuers.add(issuer);
  }
  return issuers;
}

std::optional<TrustFacts> trust_of(const Context& context) {
  const Settings& settings = context.settings();
  if (!settings.trust || settings.skip_verification) return std::nullopt;
  TrustFacts trust{.source = status::clipped(settings.trust->source(), longest_listed),
                   .system = settings.trust->has_system_roots(),
                   .generation = settings.trust_generation};
  for (const X509Owner& anchor : settings.trust->anchors()) {
    if (trust.anchors.count < most_listed)
      trust.anchors.add(subject_of(anchor.get()));
    else
      ++trust.anchors.count;
  }
  return trust;
}

// A server that asks nobody has a trust store for later, perhaps.
bool judges_peer(const Context& context, const HandshakeRecord& record) {
  if (record.judgements != 0 || record.certificate_requested || !context.is_server()) return true;
  return context.settings().client_auth != SALLY_CLIENT_AUTH_NONE;
}

}  // namespace

std::shared_ptr<const HandshakeFacts> facts_of_failure(SSL* ssl, const HandshakeRecord& record) {
  const Context& context = context_of(ssl);
  const Settings& settings = context.settings();
  HandshakeFacts facts{.is_server = context.is_server(), .resumed = SSL_session_reused(ssl) == 1};
  facts.clock = utc_time(time_of(settings.rules));
  facts.clock_is_set = !settings.rules.goes_by_the_system();
  facts.versions = versions_of(ssl, record.hellos);
  facts.groups = groups_of(ssl, context, record.hellos);
  facts.certificate_requested =
      record.certificate_requested ||
      (context.is_server() && settings.client_auth != SALLY_CLIENT_AUTH_NONE);
  if (facts.certificate_requested) facts.asked_cas = asked_cas_of(ssl);
  facts.shown = shown_by(ssl, record);
  for (const std::string& passed : record.passed_over) facts.passed_over.add(passed);
  if (!context.is_server()) facts.held_issuers = issuers_of(settings.credentials);
  if (judges_peer(context, record)) facts.trust = trust_of(context);
  return std::make_shared<const HandshakeFacts>(std::move(facts));
}

std::shared_ptr<const JudgedFacts> validity_of_own(const HandshakeFacts& facts) {
  if (!facts.shown) return nullptr;
  return std::make_shared<const JudgedFacts>(JudgedFacts{.not_before = facts.shown->not_before,
                                                         .not_after = facts.shown->not_after,
                                                         .clock = facts.clock,
                                                         .clock_is_set = facts.clock_is_set});
}

// Times of this form are in the order of their letters.
std::string clock_hint(const HandshakeFacts& facts, std::string hint) {
  if (!facts.shown) return hint;
  const ShownCertificate& shown = *facts.shown;
  hint += hint.empty() ? "" : " ";
  hint += "This side's clock says " + facts.clock +
          ", and the certificate that it showed is valid from " + shown.not_before + " until " +
          shown.not_after + ": ";
  if (facts.clock > shown.not_after) return hint + "it has expired.";
  if (facts.clock < shown.not_before) return hint + "it is not valid yet.";
  return hint +
         "by this clock it is valid, so the peer's clock may be off, or a certificate above it has "
         "expired.";
}

}  // namespace sally::tls
