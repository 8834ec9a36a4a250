#include "tls/native_names.h"

#include "status/table.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <openssl/asn1err.h>
#include <openssl/decodererr.h>
#include <openssl/err.h>
#include <openssl/evperr.h>
#include <openssl/pemerr.h>
#include <openssl/pkcs12err.h>
#include <openssl/proverr.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509err.h>

namespace sally::tls {

namespace {

struct X509Error {
  int code;
  std::string_view name;
};

constexpr X509Error x509_errors[] = {
#define SALLY_X509(name) X509Error{name, #name},
#include "status/status_table.inc"
#undef SALLY_X509
};

struct Reason {
  int library;  // ERR_LIB_NONE for what is common to all of them
  int reason;
  std::string_view name;
};

constexpr Reason reasons[] = {
#define SALLY_OPENSSL(library, name) Reason{library, name, #name},
#include "status/status_table.inc"
#undef SALLY_OPENSSL
};

// libssl makes the reason of a peer's alert from the alert's number.
int alert_of(unsigned long code) {
  const int reason = ERR_GET_REASON(code);
  const bool is_alert = ERR_GET_LIB(code) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET &&
                        reason <= SSL_AD_REASON_OFFSET + 255;
  return is_alert ? reason - SSL_AD_REASON_OFFSET : -1;
}

bool is_packed(std::int64_t code) {
  return code > 0 && code <= std::numeric_limits<std::uint32_t>::max();
}

}  // namespace

std::string_view x509_error_name(std::int64_t code) noexcept {
  const auto* found = std::ranges::find(x509_errors, code, &X509Error::code);
  return found == std::end(x509_errors) ? std::string_view() : found->name;
}

std::string_view openssl_error_name(std::int64_t code) noexcept {
  if (!is_packed(code)) return {};
  const auto packed = static_cast<unsigned long>(code);
  const int reason = ERR_GET_REASON(packed);
  if (ERR_SYSTEM_ERROR(packed)) return status::native_name(SALLY_DOMAIN_ERRNO, reason);
  const int library = ERR_COMMON_ERROR(packed) ? ERR_LIB_NONE : ERR_GET_LIB(packed);
  const auto* found = std::ranges::find_if(
      reasons, [=](const Reason& row) { return row.library == library && row.reason == reason; });
  return found == std::end(reasons) ? std::string_view() : found->name;
}

std::string_view native_name(std::int32_t domain, std::int64_t code) noexcept {
  if (domain == SALLY_DOMAIN_X509) return x509_error_name(code);
  if (domain == SALLY_DOMAIN_OPENSSL) return openssl_error_name(code);
  return status::native_name(domain, code);
}

std::optional<std::int64_t> code_of(std::int32_t domain, std::string_view name) noexcept {
  if (domain == SALLY_DOMAIN_X509) {
    const auto* found = std::ranges::find(x509_errors, name, &X509Error::name);
    return found == std::end(x509_errors) ? std::nullopt : std::optional<std::int64_t>(found->code);
  }
  if (domain == SALLY_DOMAIN_OPENSSL) {
    const auto* found = std::ranges::find(reasons, name, &Reason::name);
    if (found == std::end(reasons)) return std::nullopt;
    return static_cast<std::int64_t>(ERR_PACK(found->library, 0, found->reason));
  }
  return status::code_of(domain, name);
}

sally_status status_from_code(std::int32_t domain, std::int64_t code) noexcept {
  if (code == 0 && (domain == SALLY_DOMAIN_OPENSSL || domain == SALLY_DOMAIN_X509)) return SALLY_OK;
  if (domain == SALLY_DOMAIN_X509) return status::from_name(domain, x509_error_name(code));
  if (domain != SALLY_DOMAIN_OPENSSL) return status::from_code(domain, code);
  if (!is_packed(code)) return SALLY_UNKNOWN;
  const auto packed = static_cast<unsigned long>(code);
  if (ERR_SYSTEM_ERROR(packed))
    return status::from_code(SALLY_DOMAIN_ERRNO, ERR_GET_REASON(packed));
  if (const int alert = alert_of(packed); alert >= 0)
    return status::from_code(SALLY_DOMAIN_ALERT, alert);
  return status::from_name(domain, openssl_error_name(code));
}

}  // namespace sally::tls
