#include "tls/native_names.h"

#include "status/table.h"

#include <algorithm>
#include <iterator>
#include <openssl/asn1err.h>
#include <openssl/err.h>
#include <openssl/evperr.h>
#include <openssl/pemerr.h>
#include <openssl/pkcs12err.h>
#include <openssl/proverr.h>
#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509err.h>

namespace sally::tls {

namespace {

struct X509Error {
  int code;
  std::string_view name;
};

#define NAME(symbol) X509Error{symbol, #symbol},
constexpr X509Error x509_errors[] = {
#include "tls/x509_errors.inc"
};
#undef NAME

struct Reason {
  int library;
  int reason;
  std::string_view name;
};

#define REASON(library, symbol) Reason{library, symbol, #symbol},
constexpr Reason reasons[] = {
#include "tls/openssl_reasons.inc"
};
#undef REASON

}  // namespace

std::string_view x509_error_name(std::int64_t code) noexcept {
  const auto* found = std::ranges::find(x509_errors, code, &X509Error::code);
  return found == std::end(x509_errors) ? std::string_view() : found->name;
}

std::string_view openssl_error_name(std::int64_t code) noexcept {
  const auto packed = static_cast<unsigned long>(code);
  const int library = ERR_GET_LIB(packed);
  const int reason = ERR_GET_REASON(packed);
  const auto* found = std::ranges::find_if(
      reasons, [=](const Reason& row) { return row.library == library && row.reason == reason; });
  return found == std::end(reasons) ? std::string_view() : found->name;
}

sally_status status_from_code(std::int32_t domain, std::int64_t code) noexcept {
  if (code == 0 && (domain == SALLY_DOMAIN_OPENSSL || domain == SALLY_DOMAIN_X509)) return SALLY_OK;
  if (domain == SALLY_DOMAIN_X509) return status::from_name(domain, x509_error_name(code));
  if (domain == SALLY_DOMAIN_OPENSSL) return status::from_name(domain, openssl_error_name(code));
  return status::from_code(domain, code);
}

}  // namespace sally::tls
