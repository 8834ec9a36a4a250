// status.hpp: what is known about a status, and the translator between statuses and native codes.
// See status.h.
#pragma once

#include <cstdint>
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

}  // namespace sally::inline v0
