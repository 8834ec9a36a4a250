// Certificates and CRLs from PEM and DER.
#include "status/error.h"
#include "tls/encoding.h"
#include "tls/error_queue.h"
#include "tls/openssl.h"
#include "tls/pem.h"

#include <openssl/x509v3.h>

namespace sally::tls {

namespace {

struct Certificates {
  using Owner = X509Owner;
  static constexpr const char* name = "certificate";
  static X509* make() { return X509_new_ex(library_context(), nullptr); }
  static constexpr auto from_pem = &PEM_read_bio_X509;
  static constexpr auto from_der = &d2i_X509;
};

struct Crls {
  using Owner = CrlOwner;
  static constexpr const char* name = "CRL";
  static X509_CRL* make() { return X509_CRL_new_ex(library_context(), nullptr); }
  static constexpr auto from_pem = &PEM_read_bio_X509_CRL;
  static constexpr auto from_der = &d2i_X509_CRL;
};

// A certificate's file may claim to be encrypted: nobody is asked.
int no_passphrase(char* /*buffer*/, int /*capacity*/, int /*writing*/, void* /*user*/) {
  return -1;
}

bool only_pem_ended() {
  const unsigned long last = ERR_peek_last_error();
  return ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
}

// `decode` fills what it is given and answers NULL where it cannot; null where it could not.
template <class Kind, class Decode>
typename Kind::Owner decoded(Decode&& decode) {
  clear_errors();
  typename Kind::Owner object(checked(Kind::make()));
  auto* target = object.get();
  if (decode(&target) != nullptr) return object;
  // A failing decoder frees what it was given to fill.
  if (target == nullptr) static_cast<void>(object.release());
  return nullptr;
}

template <class Kind>
[[noreturn]] void fail(const PemSource& source, std::size_t number, int malformed) {
  const NativeError error = take_error();
  throw Failure(malformed, {.message = std::string(Kind::name) + " " + std::to_string(number) +
                                       " of '" + source.name() + "' does not decode",
                            .native_domain = SALLY_DOMAIN_OPENSSL,
                            .native_code = static_cast<std::int64_t>(error.code),
                            .native_name = error.name,
                            .source = source.name(),
                            .phase = "load"});
}

template <class Kind>
std::vector<typename Kind::Owner> from_pem(const PemSource& source, int malformed) {
  std::vector<typename Kind::Owner> objects;
  const BioOwner bio = memory_bio(source.bytes());
  for (;;) {
    auto object = decoded<Kind>(
        [&](auto** target) { return Kind::from_pem(bio.get(), target, &no_passphrase, nullptr); });
    if (object == nullptr && only_pem_ended()) {
      clear_errors();
      return objects;
    }
    if (object == nullptr) fail<Kind>(source, objects.size() + 1, malformed);
    objects.push_back(std::move(object));
  }
}

// One after the other, up to the last byte.
template <class Kind>
std::vector<typename Kind::Owner> from_der(const PemSource& source, int malformed) {
  std::vector<typename Kind::Owner> objects;
  const std::string_view bytes = source.bytes();
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  const unsigned char* const end = at + bytes.size();
  while (at != end) {
    auto object =
        decoded<Kind>([&](auto** target) { return Kind::from_der(target, &at, end - at); });
    if (object == nullptr) fail<Kind>(source, objects.size() + 1, malformed);
    objects.push_back(std::move(object));
  }
  return objects;
}

template <class Kind>
std::vector<typename Kind::Owner> read(const PemSource& source, int malformed) {
  switch (encoding_of(source.bytes())) {
    case Encoding::pem:
      return from_pem<Kind>(source, malformed);
    case Encoding::signed_object:
      return from_der<Kind>(source, malformed);
    case Encoding::pkcs12:
      throw Failure(malformed, {.message = "'" + source.name() + "' is a PKCS#12 file",
                                .expected = "PEM or DER",
                                .found = "PKCS#12",
                                .source = source.name(),
                                .phase = "load"});
    default:
      return {};
  }
}

}  // namespace

std::vector<X509Owner> read_certificates(const PemSource& source, int malformed) {
  std::vector<X509Owner> certificates = read<Certificates>(source, malformed);
  // OpenSSL decodes extensions at the first use: that is now, and not in the first handshakes of
  // several threads. What is wrong with them, each use will say.
  for (const X509Owner& certificate : certificates) X509_check_purpose(certificate.get(), -1, 0);
  clear_errors();
  return certificates;
}

namespace {

// OpenSSL takes a delta for the whole, in whose place it comes, and passes over the others and what they
// revoke, without a word. Null for what it reads as it is meant.
const char* why_misread(const X509_CRL* crl) {
  if (X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0) return "a delta CRL";
  if (X509_CRL_get_ext_by_NID(crl, NID_issuing_distribution_point, -1) < 0) return nullptr;
  const std::unique_ptr<ISSUING_DIST_POINT, void (*)(ISSUING_DIST_POINT*)> scope(
      static_cast<ISSUING_DIST_POINT*>(
          X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, nullptr, nullptr)),
      &ISSUING_DIST_POINT_free);
  if (!scope) return "a CRL whose issuingDistributionPoint does not decode";
  if (scope->indirectCRL > 0) return "an indirect CRL";
  if (scope->onlysomereasons != nullptr) return "a CRL of some reasons only";
  const int kinds = (scope->onlyuser > 0) + (scope->onlyCA > 0) + (scope->onlyattr > 0);
  return kinds > 1 ? "a CRL whose issuingDistributionPoint contradicts itself" : nullptr;
}

}  // namespace

std::vector<CrlOwner> read_crls(const PemSource& source) {
  std::vector<CrlOwner> crls = read<Crls>(source, SALLY_CRL_BAD_FORMAT);
  for (std::size_t i = 0; i < crls.size(); ++i) {
    const char* found = why_misread(crls[i].get());
    clear_errors();
    if (found == nullptr) continue;
    throw Failure(SALLY_CRL_BAD_FORMAT,
                  {.message = "CRL " + std::to_string(i + 1) + " of '" + source.name() + "' is " +
                              found + ", which is not supported",
                   .expected = "a complete CRL of its issuer's own certificates",
                   .found = found,
                   .source = source.name(),
                   .phase = "load"});
  }
  return crls;
}

}  // namespace sally::tls
