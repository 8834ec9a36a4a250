// Certificates and CRLs made on the spot, for chains that no zoo entry shows.
#pragma once

#include "tls/certificate.h"
#include "tls/handshake_record.h"
#include "tls/openssl.h"
#include "tls/trust_store.h"
#include "tls/verdict.h"
#include "tls/verifier.h"

#include <cstdint>
#include <ctime>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sally::test {

inline constexpr std::int64_t day = 24 * 60 * 60;

inline tls::KeyOwner make_key(const char* kind = "EC", const char* detail = "P-256") {
  EVP_PKEY* key = std::string_view(kind) == "RSA"
                      ? EVP_PKEY_Q_keygen(nullptr, nullptr, kind, std::size_t{2048})
                  : detail != nullptr ? EVP_PKEY_Q_keygen(nullptr, nullptr, kind, detail)
                                      : EVP_PKEY_Q_keygen(nullptr, nullptr, kind);
  return tls::KeyOwner(tls::checked(key));
}

// DSA takes parameters first.
inline tls::KeyOwner make_dsa_key() {
  const std::unique_ptr<EVP_PKEY_CTX, void (*)(EVP_PKEY_CTX*)> context(
      EVP_PKEY_CTX_new_from_name(nullptr, "DSA", nullptr), &EVP_PKEY_CTX_free);
  EVP_PKEY* parameters = nullptr;
  EXPECT_EQ(EVP_PKEY_paramgen_init(context.get()), 1);
  EXPECT_EQ(EVP_PKEY_CTX_set_dsa_paramgen_bits(context.get(), 2048), 1);
  EXPECT_EQ(EVP_PKEY_paramgen(context.get(), &parameters), 1);
  const tls::KeyOwner owner(parameters);
  const std::unique_ptr<EVP_PKEY_CTX, void (*)(EVP_PKEY_CTX*)> generate(
      EVP_PKEY_CTX_new_from_pkey(nullptr, parameters, nullptr), &EVP_PKEY_CTX_free);
  EVP_PKEY* key = nullptr;
  EXPECT_EQ(EVP_PKEY_keygen_init(generate.get()), 1);
  EXPECT_EQ(EVP_PKEY_keygen(generate.get(), &key), 1);
  return tls::KeyOwner(key);
}

struct Made {
  tls::X509Owner certificate;
  tls::KeyOwner key;
};

struct Wish {
  std::string name;
  const Made* issuer = nullptr;  // null: itself
  std::int64_t from = -day;      // counted from now
  std::int64_t until = 30 * day;
  bool ca = false;
  std::string names = {};  // "DNS:a.example.test,..."
  std::vector<std::pair<const char*, std::string>> more =
      {};                                       // extensions, as openssl.cnf has them
  const char* usage = "serverAuth,clientAuth";  // of a leaf
  EVP_PKEY* key = nullptr;                      // a twin's; null: a new one
};

inline void extend(X509* certificate, X509* issuer, const char* name, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_nconf(nullptr, &context, name, value.c_str());
  ASSERT_NE(extension, nullptr) << name << " " << value;
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

inline void set_text(X509_NAME* name, const std::string& text) {
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(text.c_str()), -1, -1, 0);
}

inline const EVP_MD* digest_for(EVP_PKEY* key) {
  return EVP_PKEY_is_a(key, "ED25519") ? nullptr : EVP_sha256();
}

inline Made make(const Wish& wish) {
  static std::int64_t serial = 1000;
  Made made{.certificate = tls::X509Owner(X509_new()), .key = nullptr};
  if (wish.key != nullptr) EVP_PKEY_up_ref(wish.key);
  made.key = wish.key != nullptr ? tls::KeyOwner(wish.key) : make_key();
  X509* x = made.certificate.get();
  X509* issuer = wish.issuer != nullptr ? wish.issuer->certificate.get() : x;
  EVP_PKEY* signer = wish.issuer != nullptr ? wish.issuer->key.get() : made.key.get();
  X509_set_version(x, X509_VERSION_3);
  ASN1_INTEGER_set_int64(X509_get_serialNumber(x), ++serial);
  set_text(X509_get_subject_name(x), wish.name);
  X509_set_issuer_name(x, X509_get_subject_name(issuer));
  const std::int64_t now = std::time(nullptr);
  ASN1_TIME_set(X509_getm_notBefore(x), now + wish.from);
  ASN1_TIME_set(X509_getm_notAfter(x), now + wish.until);
  X509_set_pubkey(x, made.key.get());
  extend(x, issuer, "basicConstraints", wish.ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
  extend(x, issuer, "keyUsage",
         wish.ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
  extend(x, issuer, "subjectKeyIdentifier", "hash");
  extend(x, issuer, "authorityKeyIdentifier", "keyid:always");
  if (!wish.ca) extend(x, issuer, "extendedKeyUsage", wish.usage);
  if (!wish.names.empty()) extend(x, issuer, "subjectAltName", wish.names);
  for (const auto& [name, value] : wish.more) extend(x, issuer, name, value);
  EXPECT_GT(X509_sign(x, signer, digest_for(signer)), 0);
  // As loading does: extensions are decoded at the first use.
  X509_check_purpose(x, -1, 0);
  ERR_clear_error();
  return made;
}

inline tls::CrlOwner make_crl(const Made& issuer, const std::vector<const Made*>& revoked,
                              std::int64_t from = -day, std::int64_t until = day,
                              EVP_PKEY* signer = nullptr) {
  tls::CrlOwner crl(X509_CRL_new());
  X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(issuer.certificate.get()));
  const std::int64_t now = std::time(nullptr);
  ASN1_TIME* time = ASN1_TIME_set(nullptr, now + from);
  X509_CRL_set1_lastUpdate(crl.get(), time);
  ASN1_TIME_set(time, now + until);
  X509_CRL_set1_nextUpdate(crl.get(), time);
  for (const Made* one : revoked) {
    X509_REVOKED* entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(one->certificate.get()));
    ASN1_TIME_set(time, now + from);
    X509_REVOKED_set_revocationDate(entry, time);
    X509_CRL_add0_revoked(crl.get(), entry);
  }
  ASN1_TIME_free(time);
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer.certificate.get(), nullptr, nullptr, crl.get(), 0);
  for (const auto& [name, value] :
       {std::pair{"authorityKeyIdentifier", "keyid:always"}, std::pair{"crlNumber", "1"}}) {
    if (X509_EXTENSION* extension = X509V3_EXT_nconf(nullptr, &context, name, value)) {
      X509_CRL_add_ext(crl.get(), extension, -1);
      X509_EXTENSION_free(extension);
    }
  }
  ERR_clear_error();
  X509_CRL_sort(crl.get());
  EVP_PKEY* key = signer != nullptr ? signer : issuer.key.get();
  EXPECT_GT(X509_CRL_sign(crl.get(), key, digest_for(key)), 0);
  // Only a CRL that was decoded knows its own extensions.
  unsigned char* encoded = nullptr;
  const int size = i2d_X509_CRL(crl.get(), &encoded);
  const std::unique_ptr<unsigned char, tls::CryptoDeleter> owner(encoded);
  const unsigned char* next = encoded;
  return tls::CrlOwner(tls::checked(d2i_X509_CRL(nullptr, &next, size)));
}

inline std::string pem_of(X509* certificate) {
  const tls::BioOwner out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

inline Ref<tls::TrustStore> trusting(const std::vector<const Made*>& anchors,
                                     std::vector<tls::CrlOwner> crls = {}) {
  std::string pem;
  for (const Made* anchor : anchors) pem += pem_of(anchor->certificate.get());
  return make_ref<tls::TrustStore>(tls::PemSource::from_memory(pem), std::move(crls));
}

template <class... Owners>
std::vector<tls::CrlOwner> crls(Owners... owners) {
  std::vector<tls::CrlOwner> list;
  (list.push_back(std::move(owners)), ...);
  return list;
}

// Asks the verifier.
struct Ask {
  Ref<tls::TrustStore> trust = {};
  const Made* leaf = nullptr;
  std::vector<const Made*> sent = {};
  tls::VerificationRules rules = {};
  tls::Purpose purpose = tls::Purpose::server;
  tls::PeerName name = {};
};

struct Answer {
  tls::Judgement judgement;
  ErrorRef error;

  sally_status status() const { return error->status(); }
  // "SALLY_CERTIFICATE_EXPIRED@1, ..."; what is ignored in brackets.
  std::string faults() const {
    std::string text;
    for (const Fault& fault : error->detail().faults) {
      if (!text.empty()) text += ", ";
      const std::string one = sally_status_name(fault.status) + ("@" + std::to_string(fault.depth));
      text += fault.ignored ? "(" + one + ")" : one;
    }
    return text;
  }
  std::string path() const {
    std::string text;
    for (const auto& each : judgement.chain)
      text += (text.empty() ? "" : " < ") + tls::subject_of(each.get());
    return text;
  }
};

inline Answer ask(const Ask& asked) {
  const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> untrusted(
      sk_X509_new_null(), [](STACK_OF(X509) * stack) { sk_X509_free(stack); });
  sk_X509_push(untrusted.get(), asked.leaf->certificate.get());
  for (const Made* one : asked.sent) sk_X509_push(untrusted.get(), one->certificate.get());
  const tls::Question question{.trust = asked.trust.get(),
                               .leaf = asked.leaf->certificate.get(),
                               .untrusted = untrusted.get(),
                               .purpose = asked.purpose,
                               .name = asked.name,
                               .rules = asked.rules};
  Answer answer{.judgement = tls::judge(question), .error = {}};
  answer.error = tls::explain(question, answer.judgement);
  return answer;
}

}  // namespace sally::test
