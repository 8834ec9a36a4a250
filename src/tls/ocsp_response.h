// What an OCSP response (RFC 6960) says of a certificate, and whether it may be believed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

struct x509_st;

namespace sally::tls {

struct OcspAnswer {
  enum class Kind {
    good,
    revoked,
    nothing,  // the responder did not answer: what it sent says so, and is not signed
    invalid   // not to be believed, or not of use
  };
  Kind kind = Kind::invalid;
  std::string found{};     // in words
  std::int64_t until = 0;  // when there should be a newer one
};

// `issuer` is the certificate that issued `certificate`. Null where it is not known: who signed the
// response is then not looked at, which is for a server that is told what to show. `now`: seconds
// since 1970.
OcspAnswer read_ocsp_response(std::string_view response, x509_st* certificate, x509_st* issuer,
                              std::int64_t now);

// Whether the certificate is to be shown with a staple only (RFC 7633).
bool demands_staple(const x509_st* certificate);

}  // namespace sally::tls
