// Names of OpenSSL's numbers, which differ between its versions: the translator's table knows names
// only.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <sallyport/status.h>

namespace sally::tls {

// "X509_V_ERR_CERT_HAS_EXPIRED"; "" if unknown.
std::string_view x509_error_name(std::int64_t code) noexcept;

// "SSL_R_WRONG_VERSION_NUMBER", "PEM_R_BAD_DECRYPT", "ENOENT", for an error as ERR_get_error gives
// it; "" if unknown.
std::string_view openssl_error_name(std::int64_t code) noexcept;

// status::native_name, status::code_of and status::from_code, with OpenSSL's two domains understood
// as well. A reason that is common to OpenSSL's libraries gets a code without a library.
std::string_view native_name(std::int32_t domain, std::int64_t code) noexcept;
std::optional<std::int64_t> code_of(std::int32_t domain, std::string_view name) noexcept;
sally_status status_from_code(std::int32_t domain, std::int64_t code) noexcept;

}  // namespace sally::tls
