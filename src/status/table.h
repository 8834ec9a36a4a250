// The translator: one table of statuses (status_table.toml) and the lookups into it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
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
  std::int32_t chain_validation_result;  // -1 where the status says nothing about a chain
  std::int32_t web_error_status;
  bool is_catch_all;  // says no more than that something failed: the native name must say the rest
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

// The code that stands for the status in a SALLY_DOMAIN_*, by name: the one that the table names
// first, of those that this system has. "" where the domain has none.
std::string_view to_name(sally_status status, std::int32_t domain) noexcept;
// Its number, as native_name knows it.
std::optional<std::int64_t> code_of(std::int32_t domain, std::string_view name) noexcept;

// "errno 4095 (unknown)", for a code without a name.
std::string unknown_name(std::int32_t domain, std::int64_t code);

// native_name, then from_name. SALLY_OK for the domain's "no error"; alerts have none, their 0 is
// close_notify.
sally_status from_code(std::int32_t domain, std::int64_t code) noexcept;

}  // namespace sally::status
