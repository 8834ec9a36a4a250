#include "tls/ocsp_response.h"

#include "tls/certificate.h"
#include "tls/error_queue.h"
#include "tls/openssl.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>
#include <openssl/ocsp.h>

namespace sally::tls {

namespace {

constexpr long clock_skew = 5 * 60;           // seconds
constexpr long longest_life = 7 * 24 * 3600;  // of an answer that does not say when the next comes
constexpr int least_security_bits = 112;      // as of the certificates themselves
constexpr int most_responders = 4;            // each costs a verification

template <class T>
using Owner = std::unique_ptr<T, void (*)(T*)>;

std::int64_t seconds_of(const ASN1_GENERALIZEDTIME* time) {
  std::tm broken{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &broken) != 1) return 0;
  return ::timegm(&broken);
}

OcspAnswer invalid(std::string why) {
  return {.kind = OcspAnswer::Kind::invalid, .found = std::move(why)};
}

bool is_strong(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* object = nullptr;
  X509_ALGOR_get0(&object, nullptr, nullptr, algorithm);
  int digest = NID_undef;
  if (OBJ_find_sigid_algs(OBJ_obj2nid(object), &digest, nullptr) != 1) return false;
  return digest != NID_md5 && digest != NID_sha1;
}

// With the algorithms of our own context, which OCSP_basic_verify does not use.
bool is_signed_by(const OCSP_BASICRESP* basic, const X509* signer) {
  EVP_PKEY* key = X509_get0_pubkey(signer);
  return key != nullptr && EVP_PKEY_get_security_bits(key) >= least_security_bits &&
         ASN1_item_verify_ex(ASN1_ITEM_rptr(OCSP_RESPDATA), OCSP_resp_get0_tbs_sigalg(basic),
                             OCSP_resp_get0_signature(basic), OCSP_resp_get0_respdata(basic),
                             nullptr, key, library_context(), nullptr) == 1;
}

// RFC 6960 section 4.2.1: the responder names itself, or its key by a hash, for which SHA-1 will do.
bool is_responder(const OCSP_BASICRESP* basic, const X509* signer) {
  const ASN1_OCTET_STRING* key_hash = nullptr;
  const X509_NAME* name = nullptr;
  if (OCSP_resp_get0_id(basic, &key_hash, &name) != 1) return false;
  if (name != nullptr) return X509_NAME_cmp(name, X509_get_subject_name(signer)) == 0;
  const ASN1_BIT_STRING* key = X509_get0_pubkey_bitstr(signer);
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  std::size_t size = 0;
  if (EVP_Q_digest(library_context(), "SHA1", nullptr, ASN1_STRING_get0_data(key),
                   static_cast<std::size_t>(ASN1_STRING_length(key)), hash.data(), &size) != 1) {
    return false;
  }
  return std::equal(hash.data(), hash.data() + size, ASN1_STRING_get0_data(key_hash),
                    ASN1_STRING_get0_data(key_hash) + ASN1_STRING_length(key_hash));
}

// RFC 6960 section 4.2.2.2: appointed by the issuer itself, for this, and now.
bool is_appointed(X509* responder, X509* issuer, std::time_t now) {
  const std::uint32_t flags = X509_get_extension_flags(responder);
  if ((flags & (EXFLAG_INVALID | EXFLAG_CRITICAL)) != 0 || (flags & EXFLAG_XKUSAGE) == 0) {
    return false;
  }
  int signature_bits = 0;
  return (X509_get_extended_key_usage(responder) & XKU_OCSP_SIGN) != 0 &&
         (X509_get_key_usage(responder) & KU_DIGITAL_SIGNATURE) != 0 &&
         X509_cmp_time(X509_get0_notBefore(responder), &now) < 0 &&
         X509_cmp_time(X509_get0_notAfter(responder), &now) > 0 &&
         X509_get_signature_info(responder, nullptr, nullptr, &signature_bits, nullptr) == 1 &&
         signature_bits >= least_security_bits &&
         X509_check_issued(issuer, responder) == X509_V_OK &&
         X509_verify(responder, X509_get0_pubkey(issuer)) == 1;
}

// The same certificate in our own context.
X509Owner adopt(const X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  const std::unique_ptr<unsigned char, CryptoDeleter> owner(der);
  if (size <= 0) return {};
  X509* copy = checked(X509_new_ex(library_context(), nullptr));
  const unsigned char* bytes = der;
  if (d2i_X509(&copy, &bytes, size) == nullptr) return {};  // which frees the copy
  return X509Owner(copy);
}

bool is_authentic(const OCSP_BASICRESP* basic, X509* issuer, std::int64_t now) {
  if (!is_strong(OCSP_resp_get0_tbs_sigalg(basic))) return false;
  if (is_responder(basic, issuer) && is_signed_by(basic, issuer)) return true;
  const STACK_OF(X509)* sent = OCSP_resp_get0_certs(basic);
  const int count = std::min(sk_X509_num(sent), most_responders);
  for (int i = 0; i < count; ++i) {
    const X509Owner responder = adopt(sk_X509_value(sent, i));
    if (responder && is_responder(basic, responder.get()) &&
        is_appointed(responder.get(), issuer, now) && is_signed_by(basic, responder.get())) {
      return true;
    }
  }
  return false;
}

// RFC 6960 section 4.1.1: the responder chose the hash that the certificate is named by.
bool is_about(const OCSP_SINGLERESP* single, const X509* certificate, const X509* issuer) {
  auto* id = const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(single));
  ASN1_OBJECT* algorithm = nullptr;
  ASN1_INTEGER* serial = nullptr;
  if (OCSP_id_get0_info(nullptr, &algorithm, nullptr, &serial, id) != 1) return false;
  if (ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(certificate)) != 0) return false;
  if (issuer == nullptr) return true;
  const char* name = OBJ_nid2sn(OBJ_obj2nid(algorithm));
  const Owner<EVP_MD> digest(EVP_MD_fetch(library_context(), name, nullptr), &EVP_MD_free);
  if (!digest) return false;
  const Owner<OCSP_CERTID> expected(OCSP_cert_to_id(digest.get(), certificate, issuer),
                                    &OCSP_CERTID_free);
  return expected && OCSP_id_cmp(expected.get(), id) == 0;
}

// RFC 6960 section 4.2.2.1; OpenSSL asks no clock but the system's.
bool is_in_date(const ASN1_GENERALIZEDTIME* from, const ASN1_GENERALIZEDTIME* next,
                std::int64_t now) {
  if (from == nullptr || ASN1_GENERALIZEDTIME_check(from) != 1) return false;
  const std::int64_t begin = seconds_of(from);
  if (begin > now + clock_skew) return false;
  if (next == nullptr) return begin >= now - longest_life;
  if (ASN1_GENERALIZEDTIME_check(next) != 1) return false;
  const std::int64_t end = seconds_of(next);
  return end >= now - clock_skew && end >= begin;
}

OcspAnswer read_single(OCSP_SINGLERESP* single, std::int64_t now) {
  int reason = OCSP_REVOKED_STATUS_NOSTATUS;
  ASN1_GENERALIZEDTIME* revoked_at = nullptr;
  ASN1_GENERALIZEDTIME* from = nullptr;
  ASN1_GENERALIZEDTIME* next = nullptr;
  const int status = OCSP_single_get0_status(single, &reason, &revoked_at, &from, &next);
  if (!is_in_date(from, next, now)) {
    std::string found = "an answer of " + utc_time(seconds_of(from));
    if (next != nullptr) found += ", good until " + utc_time(seconds_of(next));
    return invalid(found + "; it is " + utc_time(now) + " now");
  }
  if (status == V_OCSP_CERTSTATUS_REVOKED) {
    std::string found = "revoked at " + utc_time(seconds_of(revoked_at));
    if (reason != OCSP_REVOKED_STATUS_NOSTATUS) {
      found += std::string(" (") + OCSP_crl_reason_str(reason) + ")";
    }
    return {.kind = OcspAnswer::Kind::revoked, .found = std::move(found)};
  }
  if (status != V_OCSP_CERTSTATUS_GOOD) {
    return invalid("the responder does not know the certificate");
  }
  const std::int64_t until =
      next != nullptr ? seconds_of(next) : seconds_of(from) + std::int64_t{longest_life};
  return {.kind = OcspAnswer::Kind::good, .found = "good", .until = until};
}

}  // namespace

OcspAnswer read_ocsp_response(std::string_view bytes, X509* certificate, X509* issuer,
                              std::int64_t now) {
  clear_errors();
  const auto* start = reinterpret_cast<const unsigned char*>(bytes.data());
  const unsigned char* end = start;
  const Owner<OCSP_RESPONSE> response(
      d2i_OCSP_RESPONSE(nullptr, &end, static_cast<long>(bytes.size())), &OCSP_RESPONSE_free);
  if (!response || end != start + bytes.size()) return invalid("bytes that do not decode");
  const int outcome = OCSP_response_status(response.get());
  if (outcome != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return {.kind = OcspAnswer::Kind::nothing,
            .found = std::string("no answer but ") + OCSP_response_status_str(outcome)};
  }
  const Owner<OCSP_BASICRESP> basic(OCSP_response_get1_basic(response.get()), &OCSP_BASICRESP_free);
  if (!basic) return invalid("an answer of a kind that is not known");
  if (issuer != nullptr && !is_authentic(basic.get(), issuer, now)) {
    return invalid("an answer that neither the issuer nor a responder of its own has signed");
  }
  // Several may be about the certificate; the one that revokes it counts, then one that is good.
  OcspAnswer answer = invalid("an answer about another certificate");
  for (int i = 0; i < OCSP_resp_count(basic.get()); ++i) {
    OCSP_SINGLERESP* single = OCSP_resp_get0(basic.get(), i);
    if (!is_about(single, certificate, issuer)) continue;
    OcspAnswer said = read_single(single, now);
    if (said.kind == OcspAnswer::Kind::revoked) return said;
    if (answer.kind != OcspAnswer::Kind::good) answer = std::move(said);
  }
  clear_errors();
  return answer;
}

bool demands_staple(const X509* certificate) {
  constexpr long status_request = 5;  // RFC 7633 section 4.1: the numbers of TLS extensions
  const Owner<TLS_FEATURE> features(
      static_cast<TLS_FEATURE*>(X509_get_ext_d2i(certificate, NID_tlsfeature, nullptr, nullptr)),
      &TLS_FEATURE_free);
  clear_errors();
  for (int i = 0; features && i < sk_ASN1_INTEGER_num(features.get()); ++i) {
    if (ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features.get(), i)) == status_request) return true;
  }
  return false;
}

}  // namespace sally::tls
