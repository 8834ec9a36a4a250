#include "tls/credential_choice.h"

#include "status/error.h"
#include "tls/callbacks.h"
#include "tls/certificate.h"
#include "tls/context.h"
#include "tls/error_queue.h"
#include "tls/handshake_record.h"
#include "tls/installing.h"
#include "tls/openssl.h"
#include "tls/verifier.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sally::tls {

std::vector<std::uint16_t> peer_schemes(SSL* ssl) {
  std::vector<std::uint16_t> schemes;
  const int count = SSL_get_sigalgs(ssl, -1, nullptr, nullptr, nullptr, nullptr, nullptr);
  for (int i = 0; i < count; ++i) {
    unsigned char low = 0;
    unsigned char high = 0;
    SSL_get_sigalgs(ssl, i, nullptr, nullptr, nullptr, &low, &high);
    schemes.push_back(static_cast<std::uint16_t>(high << 8 | low));
  }
  return schemes;
}

namespace {

// RFC 8446 section 4.2.3, RFC 8422 section 5.1.3.
constexpr std::uint16_t rsa_pkcs1_sha256 = 0x0401;
constexpr std::uint16_t rsa_pkcs1_sha384 = 0x0501;
constexpr std::uint16_t rsa_pkcs1_sha512 = 0x0601;
constexpr std::uint16_t ecdsa_sha256 = 0x0403;
constexpr std::uint16_t ecdsa_sha384 = 0x0503;
constexpr std::uint16_t ecdsa_sha512 = 0x0603;
constexpr std::uint16_t rsa_pss_rsae_sha256 = 0x0804;
constexpr std::uint16_t rsa_pss_rsae_sha512 = 0x0806;
constexpr std::uint16_t ed25519 = 0x0807;
constexpr std::uint16_t ed448 = 0x0808;
constexpr std::uint16_t rsa_pss_pss_sha256 = 0x0809;
constexpr std::uint16_t rsa_pss_pss_sha512 = 0x080b;

// What the peer asks of a certificate. What it says nothing of is empty: everything will do.
struct Wish {
  bool of_a_client = false;
  std::int32_t version = 0;
  std::int64_t now = 0;
  const STACK_OF(X509_NAME) * acceptable_cas = nullptr;
  std::vector<std::uint16_t> schemes{};
  std::vector<std::uint8_t> types{};  // RFC 5246 section 7.4.4
};

Wish wish_of(SSL* ssl) {
  Wish wish{.of_a_client = SSL_is_server(ssl) == 1,
            .version = SSL_version(ssl),
            .now = clock_of(context_of(ssl).settings().rules)};
  wish.schemes = peer_schemes(ssl);
  if (wish.of_a_client) return wish;
  wish.acceptable_cas = SSL_get0_peer_CA_list(ssl);
  if (wish.version >= TLS1_3_VERSION) return wish;
  const unsigned char* types = nullptr;
  const auto size = static_cast<std::size_t>(SSL_get0_certificate_types(ssl, &types));
  wish.types.assign(types, types + size);
  return wish;
}

bool signs_with(const Credential& credential, std::uint16_t scheme, bool tls13) {
  const std::string& type = credential.key_type();
  if (type == "ED25519") return scheme == ed25519;
  if (type == "ED448") return scheme == ed448;
  if (type == "RSA-PSS") return scheme >= rsa_pss_pss_sha256 && scheme <= rsa_pss_pss_sha512;
  if (type == "RSA") {
    if (scheme >= rsa_pss_rsae_sha256 && scheme <= rsa_pss_rsae_sha512) return true;
    return !tls13 &&
           (scheme == rsa_pkcs1_sha256 || scheme == rsa_pkcs1_sha384 || scheme == rsa_pkcs1_sha512);
  }
  if (type != "EC") return false;
  // TLS 1.3 ties the curve to the digest.
  const int bits = EVP_PKEY_get_bits(credential.key());
  if (scheme == ecdsa_sha256) return !tls13 || bits == 256;
  if (scheme == ecdsa_sha384) return !tls13 || bits == 384;
  return scheme == ecdsa_sha512 && (!tls13 || bits == 521);
}

bool signs_for(const Credential& credential, const Wish& wish) {
  const bool tls13 = wish.version >= TLS1_3_VERSION;
  return wish.schemes.empty() || std::ranges::any_of(wish.schemes, [&](std::uint16_t scheme) {
           return signs_with(credential, scheme, tls13);
         });
}

bool is_of_type(const Credential& credential, const Wish& wish) {
  if (wish.types.empty()) return true;
  // RFC 8422 section 5.5: Ed25519 and Ed448 come under ecdsa_sign.
  const bool rsa = credential.key_type().starts_with("RSA");
  const std::uint8_t wanted = rsa ? TLS_CT_RSA_SIGN : TLS_CT_ECDSA_SIGN;
  return std::ranges::find(wish.types, wanted) != wish.types.end();
}

// RFC 8446 section 4.2.4: one of the chain's certificates, issued by one of these.
bool is_acceptable(const Credential& credential, const Wish& wish) {
  const int count = sk_X509_NAME_num(wish.acceptable_cas);
  if (count <= 0) return true;
  const std::span chain(credential.chain().data(), credential.linked());
  return std::ranges::any_of(chain, [&](const X509Owner& member) {
    const X509_NAME* issuer = X509_get_issuer_name(member.get());
    for (int i = 0; i < count; ++i)
      if (X509_NAME_cmp(sk_X509_NAME_value(wish.acceptable_cas, i), issuer) == 0) return true;
    return false;
  });
}

// "" where nothing is against it.
std::string against(const Credential& credential, const Wish& wish) {
  X509* own = credential.certificate();
  if (!is_of_type(credential, wish) || !signs_for(credential, wish)) {
    return "the peer takes no signature of its key, " + key_of(own);
  }
  if (!is_acceptable(credential, wish)) {
    return "it was issued by '" + issuer_of(own) +
           "', and no certificate of its chain by a CA that the server accepts";
  }
  if ((X509_get_key_usage(own) & KU_DIGITAL_SIGNATURE) == 0)
    return "its key usage does not allow signatures";
  const std::uint32_t purpose = wish.of_a_client ? XKU_SSL_SERVER : XKU_SSL_CLIENT;
  // All bits where there is no such extension.
  if ((X509_get_extended_key_usage(own) & (purpose | XKU_ANYEKU)) == 0) {
    return std::string("its extended key usage does not allow ") +
           (wish.of_a_client ? "serverAuth" : "clientAuth");
  }
  if (not_after_of(own) < wish.now)
    return "it has expired: it was valid until " + utc_time(not_after_of(own));
  if (not_before_of(own) > wish.now)
    return "it is not valid yet: it will be from " + utc_time(not_before_of(own));
  return {};
}

void pass_over(HandshakeRecord& record, const Credential& credential, const std::string& reason) {
  record.passed_over.push_back("'" + subject_of(credential.certificate()) + "': " + reason);
}

bool show(SSL* ssl, const Credential& credential, HandshakeRecord& record) {
  clear_errors();
  if (install(ssl, credential)) return true;
  pass_over(record, credential, "the TLS library refuses it: " + take_error().name);
  return false;
}

}  // namespace

void choose_for_client(SSL* ssl, std::span<const Ref<Credential>> credentials,
                       HandshakeRecord& record) {
  record.passed_over.clear();
  SSL_certs_clear(ssl);
  const Wish wish = wish_of(ssl);
  for (const Ref<Credential>& credential : credentials) {
    const std::string reason = against(*credential, wish);
    if (!reason.empty())
      pass_over(record, *credential, reason);
    else if (show(ssl, *credential, record))
      return;
  }
}

void CredentialSet::add(Ref<Credential> credential) {
  const bool known = std::ranges::any_of(credentials, [&](const Ref<Credential>& other) {
    return other->key_type() == credential->key_type();
  });
  if (!known) ++key_types;
  credentials.push_back(std::move(credential));
}

void choose_for_server(SSL* ssl, std::span<const CredentialSet* const> ranks,
                       HandshakeRecord& record) {
  record.passed_over.clear();
  SSL_certs_clear(ssl);
  const Wish wish = wish_of(ssl);
  for (const CredentialSet* set : ranks) {
    std::set<std::string_view> taken;
    for (const Ref<Credential>& credential : set->credentials) {
      if (taken.size() == set->key_types) break;
      if (taken.contains(credential->key_type())) continue;
      const std::string reason = against(*credential, wish);
      if (!reason.empty())
        pass_over(record, *credential, reason);
      else if (show(ssl, *credential, record))
        taken.insert(credential->key_type());
    }
    if (!taken.empty()) return;
  }
  std::set<std::string_view> taken;
  for (const Ref<Credential>& credential : ranks.front()->credentials) {
    if (taken.size() == ranks.front()->key_types) break;
    const bool first = taken.insert(credential->key_type()).second;
    if (first) show(ssl, *credential, record);
  }
}

}  // namespace sally::tls
