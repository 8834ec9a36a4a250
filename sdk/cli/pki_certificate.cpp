#include "pki_certificate.h"

#include "pki_encoding.h"
#include "pki_extensions.h"
#include "pki_failure.h"
#include "pki_key.h"

#include <ctime>
#include <openssl/rand.h>

namespace pki {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t longest_common_name = 64;  // ub-common-name, RFC 5280 appendix A.1

TimeOwner to_asn1(Time time) {
  // UTCTime up to 2049, GeneralizedTime from 2050 on, as RFC 5280 section 4.1.2.5 demands.
  return TimeOwner(made(ASN1_TIME_set(nullptr, time.time_since_epoch().count()), "encode a time"));
}

Time from_asn1(const ASN1_TIME* time) {
  std::tm parts{};
  must(ASN1_TIME_to_tm(time, &parts) == 1, "decode a time");
  return Time(std::chrono::seconds(timegm(&parts)));
}

// RFC 5280 section 4.1.2.2: positive, at most 20 bytes. The two highest bits make it exactly 20.
IntegerOwner random_serial() {
  unsigned char bytes[20] = {};
  must(RAND_bytes_ex(library(), bytes, sizeof bytes, 0) == 1, "find randomness");
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);
  const BignumOwner number(made(BN_bin2bn(bytes, sizeof bytes, nullptr), "make a number"));
  return IntegerOwner(made(BN_to_ASN1_INTEGER(number.get(), nullptr), "make a number"));
}

void set_subject(X509* certificate, const std::string& name) {
  if (name.empty()) return;
  X509_NAME* subject = X509_get_subject_name(certificate);
  const auto* text = reinterpret_cast<const unsigned char*>(name.data());
  must(X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, text,
                                  static_cast<int>(name.size()), -1, 0) == 1,
       "write the common name, which has at most 64 letters and is UTF-8");
}

DigestContextOwner signing(EVP_PKEY* key, const char* digest) {
  DigestContextOwner context(made(EVP_MD_CTX_new(), "allocate memory"));
  must(EVP_DigestSignInit_ex(context.get(), nullptr, digest, library(), nullptr, key, nullptr) == 1,
       "sign with this key");
  return context;
}

void set_validity(X509* certificate, const Validity& validity) {
  must(X509_set1_notBefore(certificate, to_asn1(validity.from).get()) == 1 &&
           X509_set1_notAfter(certificate, to_asn1(validity.until).get()) == 1,
       "write the validity");
}

void add_extensions(X509* certificate, const Recipe& recipe, const X509* issuer) {
  add_basic_constraints(certificate, recipe.is_ca, recipe.path_length);
  add_key_usage(certificate, recipe.is_ca);
  add_extended_usage(certificate, recipe.extended_usage);
  const OctetsOwner own = add_subject_key_identifier(certificate);
  // Not asked of a certificate that is not finished: it would remember that it has so little.
  add_authority_key_identifier(
      certificate,
      issuer != nullptr ? X509_get0_subject_key_id(const_cast<X509*>(issuer)) : own.get());
  add_names(certificate, recipe.names, recipe.common_name.empty());
  add_exclusions(certificate, recipe.excluded);
  if (recipe.unknown_critical) add_unknown_critical(certificate);
}

}  // namespace

Validity valid_for(int days) {
  const Time now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return {.from = now - 1h, .until = now + std::chrono::days(days)};
}

Recipe authority_recipe(const std::string& name, Validity validity,
                        std::optional<long> path_length) {
  return {.common_name = name, .validity = validity, .is_ca = true, .path_length = path_length};
}

Recipe leaf_recipe(Role role, const std::vector<Name>& names, Validity validity) {
  const std::string& first = names.front().text;
  return {.common_name = first.size() <= longest_common_name ? first : "",
          .names = names,
          .validity = validity,
          .extended_usage = {role == Role::server ? NID_server_auth : NID_client_auth}};
}

CertificateOwner make_certificate(const Recipe& recipe, EVP_PKEY* key, const Identity* issuer) {
  const CertificateOwner owner(made(X509_new_ex(library(), nullptr), "allocate memory"));
  X509* certificate = owner.get();
  const X509* above = issuer != nullptr ? issuer->certificate.get() : certificate;
  EVP_PKEY* signer = issuer != nullptr ? issuer->key.get() : key;
  must(X509_set_version(certificate, X509_VERSION_3) == 1 &&
           X509_set_serialNumber(certificate, random_serial().get()) == 1 &&
           X509_set_pubkey(certificate, key) == 1,
       "begin a certificate");
  set_validity(certificate, recipe.validity);
  set_subject(certificate, recipe.common_name);
  must(X509_set_issuer_name(certificate, X509_get_subject_name(above)) == 1, "name the issuer");
  add_extensions(certificate, recipe, issuer != nullptr ? above : nullptr);
  const char* digest = recipe.digest != nullptr ? recipe.digest : digest_of(signer);
  must(X509_sign_ctx(certificate, signing(signer, digest).get()) > 0, "sign a certificate");
  // Read anew: what is in memory knows nothing yet of its own extensions. The signature stands
  // last.
  std::string der = der_of(certificate);
  if (recipe.forged) der.back() = static_cast<char>(der.back() ^ 1);
  return from_der(der);
}

CrlOwner make_crl(const Identity& issuer, const X509* revoked, Validity validity) {
  CrlOwner owner(made(X509_CRL_new_ex(library(), nullptr), "allocate memory"));
  X509_CRL* crl = owner.get();
  must(X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
           X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer.certificate.get())) == 1 &&
           X509_CRL_set1_lastUpdate(crl, to_asn1(validity.from).get()) == 1 &&
           X509_CRL_set1_nextUpdate(crl, to_asn1(validity.until).get()) == 1,
       "begin a CRL");
  add_revoked(crl, X509_get0_serialNumber(revoked), to_asn1(validity.from).get());
  add_authority_key_identifier(crl, X509_get0_subject_key_id(issuer.certificate.get()));
  // Numbers of later lists are greater.
  const IntegerOwner number(made(ASN1_INTEGER_new(), "make a number"));
  must(ASN1_INTEGER_set_int64(number.get(), validity.from.time_since_epoch().count()) == 1,
       "make a number");
  add_crl_number(crl, number.get());
  must(X509_CRL_sign_ctx(crl, signing(issuer.key.get(), digest_of(issuer.key.get())).get()) > 0,
       "sign a CRL");
  return owner;
}

Validity validity_of(const X509* certificate) {
  return {.from = from_asn1(X509_get0_notBefore(certificate)),
          .until = from_asn1(X509_get0_notAfter(certificate))};
}

}  // namespace pki
