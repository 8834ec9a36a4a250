// The enumerations of Windows that a status can be translated into, and out of.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <sallyport/status.h>

namespace sally::status {

struct WindowsValue {
  std::int32_t number;
  std::string_view name;  // a literal, so it ends in NUL
  sally_status status;    // what it becomes
  std::int32_t severity;  // of a ChainValidationResult: a SALLY_SOCKET_SSL_ERROR_SEVERITY_*
};

std::span<const WindowsValue> socket_error_statuses() noexcept;
std::span<const WindowsValue> socket_ssl_error_severities() noexcept;
std::span<const WindowsValue> chain_validation_results() noexcept;
std::span<const WindowsValue> web_error_statuses() noexcept;

// Null where the enumeration has no such number.
const WindowsValue* find(std::span<const WindowsValue> values, std::int32_t number) noexcept;

}  // namespace sally::status
