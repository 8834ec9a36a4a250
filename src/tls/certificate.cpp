#include "tls/certificate.h"

#include "status/text.h"
#include "tls/distinguished_name.h"
#include "tls/error_queue.h"
#include "tls/openssl.h"
#include "tls/peer_policy.h"

#include <arpa/inet.h>
#include <array>
#include <cstdio>
#include <ctime>
#include <openssl/objects.h>

namespace sally::tls {

namespace {

std::string hexadecimal(const unsigned char* bytes, std::size_t size) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(size * 2);
  for (std::size_t i = 0; i < size; ++i) {
    text += digits[bytes[i] >> 4];
    text += digits[bytes[i] & 15];
  }
  return text;
}

std::string serial_of(const X509* certificate) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
  const bool negative = (ASN1_STRING_type(serial) & V_ASN1_NEG) != 0;
  return (negative ? "-" : "") + hexadecimal(ASN1_STRING_get0_data(serial),
                                             static_cast<std::size_t>(ASN1_STRING_length(serial)));
}

std::string der_of(X509* certificate) {
  clear_errors();
  unsigned char* encoded = nullptr;
  const int size = i2d_X509(certificate, &encoded);
  const std::unique_ptr<unsigned char, CryptoDeleter> owner(encoded);
  if (size <= 0) throw Failure(SALLY_CERTIFICATE_MALFORMED, {.native_name = take_error().name});
  return std::string(reinterpret_cast<const char*>(encoded), static_cast<std::size_t>(size));
}

std::string fingerprint_of(const std::string& der) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  std::size_t size = 0;
  if (EVP_Q_digest(library_context(), "SHA256", nullptr, der.data(), der.size(), digest.data(),
                   &size) != 1) {
    throw std::bad_alloc();
  }
  return hexadecimal(digest.data(), size);
}

std::string ip_text(const ASN1_OCTET_STRING* octets) {
  const int size = ASN1_STRING_length(octets);
  if (size != 4 && size != 16) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = size == 4 ? AF_INET : AF_INET6;
  return inet_ntop(family, ASN1_STRING_get0_data(octets), text.data(), text.size()) != nullptr
             ? std::string(text.data())
             : std::string();
}

// An IA5String may hold anything, a NUL that hides the rest among it.
std::string escaped_text(const ASN1_STRING* string) {
  const unsigned char* bytes = ASN1_STRING_get0_data(string);
  std::string text;
  for (int i = 0; i < ASN1_STRING_length(string); ++i) {
    if (bytes[i] >= 0x20 && bytes[i] < 0x7f && bytes[i] != '\\') {
      text += static_cast<char>(bytes[i]);
      continue;
    }
    std::array<char, 5> escape{};
    std::snprintf(escape.data(), escape.size(), "\\x%02x", bytes[i]);
    text += escape.data();
  }
  return text;
}

AlternativeName to_alternative_name(const GENERAL_NAME* name) {
  int type = 0;
  const void* value = GENERAL_NAME_get0_value(name, &type);
  switch (type) {
    case GEN_DNS:
      return {SALLY_NAME_DNS, escaped_text(static_cast<const ASN1_STRING*>(value))};
    case GEN_EMAIL:
      return {SALLY_NAME_EMAIL, escaped_text(static_cast<const ASN1_STRING*>(value))};
    case GEN_URI:
      return {SALLY_NAME_URI, escaped_text(static_cast<const ASN1_STRING*>(value))};
    case GEN_IPADD:
      return {SALLY_NAME_IP, ip_text(static_cast<const ASN1_OCTET_STRING*>(value))};
    default:
      return {SALLY_NAME_OTHER, ""};
  }
}

std::string oid_text(const ASN1_OBJECT* oid) {
  std::array<char, 128> text{};
  OBJ_obj2txt(text.data(), static_cast<int>(text.size()), oid, /*no_name=*/1);
  return text.data();
}

void read_usage(X509* certificate, CertificateData& data) {
  const std::uint32_t flags = X509_get_extension_flags(certificate);
  data.is_ca = (flags & EXFLAG_CA) != 0;
  if (data.is_ca) data.path_length = static_cast<std::int32_t>(X509_get_pathlen(certificate));
  if ((flags & EXFLAG_KUSAGE) != 0) data.key_usage = X509_get_key_usage(certificate);
  const std::unique_ptr<EXTENDED_KEY_USAGE, void (*)(EXTENDED_KEY_USAGE*)> usages(
      static_cast<EXTENDED_KEY_USAGE*>(
          X509_get_ext_d2i(certificate, NID_ext_key_usage, nullptr, nullptr)),
      &EXTENDED_KEY_USAGE_free);
  for (int i = 0; i < sk_ASN1_OBJECT_num(usages.get()); ++i) {
    const ASN1_OBJECT* oid = sk_ASN1_OBJECT_value(usages.get(), i);
    const int known = OBJ_obj2nid(oid);
    const std::string text = oid_text(oid);
    data.extended_usages.push_back(
        {.oid = text, .name = known != NID_undef ? OBJ_nid2sn(known) : text});
  }
  clear_errors();
}

static_assert(SALLY_KEY_USAGE_DIGITAL_SIGNATURE == KU_DIGITAL_SIGNATURE);
static_assert(SALLY_KEY_USAGE_NON_REPUDIATION == KU_NON_REPUDIATION);
static_assert(SALLY_KEY_USAGE_KEY_ENCIPHERMENT == KU_KEY_ENCIPHERMENT);
static_assert(SALLY_KEY_USAGE_DATA_ENCIPHERMENT == KU_DATA_ENCIPHERMENT);
static_assert(SALLY_KEY_USAGE_KEY_AGREEMENT == KU_KEY_AGREEMENT);
static_assert(SALLY_KEY_USAGE_CERT_SIGN == KU_KEY_CERT_SIGN);
static_assert(SALLY_KEY_USAGE_CRL_SIGN == KU_CRL_SIGN);
static_assert(SALLY_KEY_USAGE_ENCIPHER_ONLY == KU_ENCIPHER_ONLY);
static_assert(SALLY_KEY_USAGE_DECIPHER_ONLY == KU_DECIPHER_ONLY);

}  // namespace

std::string to_text(const X509_NAME* name) {
  const BioOwner out(checked(BIO_new(BIO_s_mem())));
  X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  // OpenSSL escapes the control characters of ASCII only.
  return size > 0 ? status::one_line({text, static_cast<std::size_t>(size)}) : std::string();
}

std::string to_pem(const CertificateData& data) {
  const BioOwner out(checked(BIO_new(BIO_s_mem())));
  const auto* der = reinterpret_cast<const unsigned char*>(data.der.data());
  if (PEM_write_bio(out.get(), PEM_STRING_X509, "", der, static_cast<long>(data.der.size())) <= 0) {
    throw std::bad_alloc();
  }
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

std::string subject_of(const X509* certificate) {
  return to_text(X509_get_subject_name(certificate));
}
std::string issuer_of(const X509* certificate) {
  return to_text(X509_get_issuer_name(certificate));
}

std::vector<AlternativeName> names_of(const X509* certificate) {
  std::vector<AlternativeName> names;
  const GeneralNamesOwner general(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(general.get()); ++i) {
    names.push_back(to_alternative_name(sk_GENERAL_NAME_value(general.get(), i)));
  }
  clear_errors();
  return names;
}

std::int64_t seconds_of(const ASN1_TIME* time) {
  std::tm broken{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &broken) != 1) return 0;
  return timegm(&broken);
}

std::int64_t not_before_of(const X509* certificate) {
  return seconds_of(X509_get0_notBefore(certificate));
}
std::int64_t not_after_of(const X509* certificate) {
  return seconds_of(X509_get0_notAfter(certificate));
}

std::string key_of(X509* certificate) {
  clear_errors();
  EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (key == nullptr) {
    clear_errors();
    return "unknown";
  }
  return key_of(key);
}

std::string key_of(EVP_PKEY* key) {
  const std::string bits = std::to_string(EVP_PKEY_get_bits(key));
  if (EVP_PKEY_is_a(key, "RSA")) return "RSA " + bits;
  if (EVP_PKEY_is_a(key, "RSA-PSS")) return "RSA-PSS " + bits;
  if (EVP_PKEY_is_a(key, "EC")) {
    std::array<char, 64> group{};
    std::size_t size = 0;
    if (EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) != 1) return "EC " + bits;
    const char* nist = EC_curve_nid2nist(OBJ_txt2nid(group.data()));
    return std::string("EC ") + (nist != nullptr ? nist : group.data());
  }
  const char* type = EVP_PKEY_get0_type_name(key);
  return type != nullptr ? type : "unknown";
}

std::string utc_time(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm broken{};
  std::array<char, 80> text{};
  if (gmtime_r(&time, &broken) == nullptr) return "?";
  // Not strftime, which writes the year 1 with one digit: no time of RFC 3339.
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02dZ", broken.tm_year + 1900,
                broken.tm_mon + 1, broken.tm_mday, broken.tm_hour, broken.tm_min, broken.tm_sec);
  return text.data();
}

std::string signature_algorithm_of(const X509* certificate) {
  const int algorithm = X509_get_signature_nid(certificate);
  const char* name = algorithm == NID_undef ? nullptr : OBJ_nid2ln(algorithm);
  return name != nullptr ? name : "an unknown signature algorithm";
}

Ref<sally_certificate> describe(X509* certificate) {
  CertificateData data;
  data.subject = subject_of(certificate);
  data.issuer = issuer_of(certificate);
  data.serial = serial_of(certificate);
  data.not_before = not_before_of(certificate);
  data.not_after = not_after_of(certificate);
  data.key = key_of(certificate);
  data.names = names_of(certificate);
  read_usage(certificate, data);
  data.signature_algorithm = signature_algorithm_of(certificate);
  data.pin = to_text(pin_of(certificate));
  data.der = der_of(certificate);
  data.fingerprint = fingerprint_of(data.der);
  return make_ref<sally_certificate>(std::move(data));
}

}  // namespace sally::tls
