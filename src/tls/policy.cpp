#include "tls/policy.h"

#include "status/error.h"
#include "tls/error_queue.h"
#include "tls/openssl.h"

#include <algorithm>
#include <array>

#include <sallyport/tls_config.h>

namespace sally::tls {

namespace {

// TLS 1.2 with ephemeral keys and authenticated encryption only; the quicker suites first.
#define SUITES_1_2                                             \
  "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
  "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
  "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define SUITES_1_3 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define MODERN_SIGNATURES                                        \
  "ECDSA+SHA256:ed25519:rsa_pss_rsae_sha256:rsa_pss_pss_sha256:" \
  "ECDSA+SHA384:rsa_pss_rsae_sha384:rsa_pss_pss_sha384:"         \
  "ECDSA+SHA512:ed448:rsa_pss_rsae_sha512:rsa_pss_pss_sha512"
#define SIGNATURES MODERN_SIGNATURES ":RSA+SHA256:RSA+SHA384:RSA+SHA512"

constexpr std::array policies = {
    Policy{.name = "default-2026",
           .min_version = SALLY_TLS_1_2,
           .max_version = SALLY_TLS_1_3,
           .suites_1_2 = SUITES_1_2,
           .suites_1_3 = SUITES_1_3,
           .hybrid_groups = "X25519MLKEM768",
           .groups = "X25519:P-256:P-384",
           .signatures = SIGNATURES},
    // No signature of PKCS#1 v1.5, which only TLS 1.2 has in its handshakes.
    Policy{.name = "modern-2026",
           .min_version = SALLY_TLS_1_3,
           .max_version = SALLY_TLS_1_3,
           .suites_1_2 = SUITES_1_2,  // OpenSSL wants a list, which no version here uses
           .suites_1_3 = SUITES_1_3,
           .hybrid_groups = "X25519MLKEM768:SecP256r1MLKEM768:SecP384r1MLKEM1024",
           .groups = "X25519:P-256:P-384",
           .signatures = MODERN_SIGNATURES},
    // What small and old devices have beside, as far as it is as safe: CCM (RFC 7251), and P-521.
    Policy{.name = "compatible-2026",
           .min_version = SALLY_TLS_1_2,
           .max_version = SALLY_TLS_1_3,
           .suites_1_2 = SUITES_1_2 ":ECDHE-ECDSA-AES128-CCM:ECDHE-ECDSA-AES256-CCM",
           .suites_1_3 = SUITES_1_3 ":TLS_AES_128_CCM_SHA256",
           .hybrid_groups = "X25519MLKEM768",
           .groups = "X25519:P-256:P-384:P-521",
           .signatures = SIGNATURES},
};

#undef SUITES_1_2
#undef SUITES_1_3
#undef MODERN_SIGNATURES
#undef SIGNATURES

std::string names() {
  std::string all;
  for (const Policy& policy : policies) all += (all.empty() ? "" : ", ") + std::string(policy.name);
  return all;
}

}  // namespace

const Policy& default_policy() noexcept {
  return policies.front();
}

const Policy& find_policy(std::string_view name) {
  if (name.empty() || name == "default") return default_policy();
  for (const Policy& policy : policies) {
    if (name == policy.name) return policy;
  }
  constexpr std::size_t shown = 64;
  throw Failure(SALLY_INVALID_ARGUMENT,
                {.message = "there is no such TLS policy; there are: default, " + names(),
                 .expected = names(),
                 .found = std::string(name.substr(0, shown))});
}

std::string known_groups(SSL_CTX* context, std::string_view list) {
  std::string known;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(':'), list.size());
    const std::string group(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
    if (SSL_CTX_set1_groups_list(context, group.c_str()) != 1) continue;
    known += (known.empty() ? "" : ":") + group;
  }
  clear_errors();
  return known;
}

namespace {

// "P-256" is OpenSSL's word, "secp256r1" everybody's.
std::vector<std::string> iana_names(std::string_view list) {
  std::vector<std::string> names;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(':'), list.size());
    const std::string_view group = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    const bool is_nist = group.size() == 5 && group.starts_with("P-");
    if (is_nist)
      names.push_back("secp" + std::string(group.substr(2)) + "r1");
    else
      names.emplace_back(group == "X25519" ? "x25519" : group);
  }
  return names;
}

}  // namespace

std::vector<std::string> set_groups(SSL_CTX* context, const Policy& policy,
                                    bool post_quantum_only) {
  const std::string hybrid = known_groups(context, policy.hybrid_groups);
  const std::string classic =
      post_quantum_only ? std::string() : known_groups(context, policy.groups);
  if (hybrid.empty() && post_quantum_only) fail_without_post_quantum(policy);
  // Where there are hybrid groups there is the newer syntax: a server that has both takes the
  // hybrid one even where that costs a round trip ('/'), and a client sends a key share for the
  // first of each kind ('*'), so that a peer without costs none.
  const std::string separator = hybrid.empty() || classic.empty() ? "" : ":";
  const std::string all = hybrid + separator + classic;
  const std::string both = "*" + hybrid + "/*" + classic;
  bool done =
      !hybrid.empty() && !classic.empty() && SSL_CTX_set1_groups_list(context, both.c_str()) == 1;
  if (!done) done = SSL_CTX_set1_groups_list(context, all.c_str()) == 1;
  clear_errors();
  if (done) return iana_names(all);
  throw Failure(SALLY_NOT_SUPPORTED, {.message = "the TLS library has none of the policy's groups",
                                      .expected = policy.groups,
                                      .found = OpenSSL_version(OPENSSL_VERSION)});
}

void fail_without_post_quantum(const Policy& policy) {
  throw Failure(SALLY_NOT_SUPPORTED,
                {.message = "the TLS library has no post-quantum group",
                 .hint = "OpenSSL has them from 3.5 on. sally_library_tls_backend tells which one "
                         "is in use.",
                 .expected = policy.hybrid_groups,
                 .found = OpenSSL_version(OPENSSL_VERSION)});
}

bool has_post_quantum(const Policy& policy) {
  clear_errors();
  const SslContextOwner probe(checked(SSL_CTX_new_ex(library_context(), nullptr, TLS_method())));
  return !known_groups(probe.get(), policy.hybrid_groups).empty();
}

}  // namespace sally::tls
