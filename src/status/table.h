// The translator: one table of statuses (status_table.toml) and the lookups into it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <sallyport/status.h>

namespace sally::status {

struct Row {
  sally_status status;
  const char* name;
  std::int32_t layer;
  const char* message;
  const char* hint;
  std::int32_t socket_error_status;
};

// In the order of their numbers.
std::span<const Row> rows() noexcept;
const Row* find(sally_status status) noexcept;

// By name, in a SALLY_DOMAIN_*: SALLY_UNKNOWN without a row, SALLY_INVALID_ARGUMENT for a domain
// that does not exist. SALLY_DOMAIN_HRESULT knows the names of SALLY_DOMAIN_WINSOCK too.
sally_status from_name(std::int32_t domain, std::string_view name) noexcept;

// The name of a native code that this system, or a fixed standard (Winsock, HRESULT, alerts), gives
// it; "" if unknown. SALLY_DOMAIN_OPENSSL and SALLY_DOMAIN_X509 are not known here: their numbers
// belong to src/tls. The text ends in NUL and lives for ever.
std::string_view native_name(std::int32_t domain, std::int64_t code) noexcept;

// native_name, then from_name. SALLY_OK for the domain's "no error"; alerts have none, their 0 is
// close_notify.
sally_status from_code(std::int32_t domain, std::int64_t code) noexcept;

}  // namespace sally::status
