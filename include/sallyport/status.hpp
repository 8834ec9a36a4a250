// status.hpp: what is known about a status, and the translator between statuses and native codes.
// See status.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sallyport/base.hpp>
#include <sallyport/status.h>

namespace sally::inline v0 {

// Text about a status lives for ever; it is "" for a number that is not in the table.
inline std::string_view status_name(sally_status status) noexcept {
  return detail::view(sally_status_name(status));
}
inline std::string_view status_message(sally_status status) noexcept {
  return detail::view(sally_status_message(status));
}
inline std::string_view status_hint(sally_status status) noexcept {
  return detail::view(sally_status_hint(status));
}

// A SALLY_LAYER_*, or -1.
inline std::int32_t status_layer(sally_status status) noexcept {
  return sally_status_layer(status);
}

// SALLY_UNKNOWN where the table has no row, SALLY_INVALID_ARGUMENT for a domain that is no
// SALLY_DOMAIN_*.
inline sally_status status_from_native(std::int32_t domain, std::int64_t code) noexcept {
  return sally_status_from_native(domain, code);
}
// The same from the code's name: "ECONNREFUSED", "X509_V_ERR_CERT_HAS_EXPIRED". Throws
// std::invalid_argument.
inline sally_status status_from_native(std::int32_t domain, const std::string& name) {
  return sally_status_from_native_name(domain, detail::c_text(name));
}

// A Windows.Networking.Sockets.SocketErrorStatus, SALLY_SOCKET_ERROR_STATUS_*.
inline std::int32_t status_to_socket_error_status(sally_status status) noexcept {
  return sally_status_to_socket_error_status(status);
}
// SALLY_INVALID_ARGUMENT for a number that is not one of them, here and below.
inline sally_status status_from_socket_error_status(std::int32_t value) noexcept {
  return sally_status_from_socket_error_status(value);
}

// A code's name in a SALLY_DOMAIN_*; "" where it has none.
inline std::string_view native_name(std::int32_t domain, std::int64_t code) noexcept {
  return detail::view(sally_native_name(domain, code));
}
// The code of a SALLY_DOMAIN_* that stands for the status, by name and by number; "" and nothing
// where the domain has none.
inline std::string_view status_to_native_name(sally_status status, std::int32_t domain) noexcept {
  return detail::view(sally_status_to_native_name(status, domain));
}
inline std::optional<std::int64_t> status_to_native(sally_status status,
                                                    std::int32_t domain) noexcept {
  std::int64_t code = 0;
  if (sally_status_to_native(status, domain, &code) == 0) return std::nullopt;
  return code;
}

// A ChainValidationResult, SALLY_CHAIN_VALIDATION_RESULT_*; nothing where the status says nothing
// about a chain.
inline std::optional<std::int32_t> status_to_chain_validation_result(sally_status status) noexcept {
  const std::int32_t value = sally_status_to_chain_validation_result(status);
  return value >= 0 ? std::optional(value) : std::nullopt;
}
inline sally_status status_from_chain_validation_result(std::int32_t value) noexcept {
  return sally_status_from_chain_validation_result(value);
}
// A SocketSslErrorSeverity, SALLY_SOCKET_SSL_ERROR_SEVERITY_*. There is no way back.
inline std::int32_t status_to_socket_ssl_error_severity(sally_status status) noexcept {
  return sally_status_to_socket_ssl_error_severity(status);
}
// A WebErrorStatus, SALLY_WEB_ERROR_STATUS_*.
inline std::int32_t status_to_web_error_status(sally_status status) noexcept {
  return sally_status_to_web_error_status(status);
}
inline sally_status status_from_web_error_status(std::int32_t value) noexcept {
  return sally_status_from_web_error_status(value);
}

// The names that Windows gives the values; "" for a number that is not one of them.
inline std::string_view socket_error_status_name(std::int32_t value) noexcept {
  return detail::view(sally_socket_error_status_name(value));
}
inline std::string_view socket_ssl_error_severity_name(std::int32_t value) noexcept {
  return detail::view(sally_socket_ssl_error_severity_name(value));
}
inline std::string_view chain_validation_result_name(std::int32_t value) noexcept {
  return detail::view(sally_chain_validation_result_name(value));
}
inline std::string_view web_error_status_name(std::int32_t value) noexcept {
  return detail::view(sally_web_error_status_name(value));
}

}  // namespace sally::inline v0
