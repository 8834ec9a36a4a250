#include "status/windows.h"

#include <algorithm>

namespace sally::status {
namespace {

constexpr WindowsValue socket_error_status_table[] = {
#define SALLY_SOCKET_ERROR_STATUS(number, name, status, severity) \
  {number, name, SALLY_##status, SALLY_SOCKET_SSL_ERROR_SEVERITY_##severity},
#include "status/status_table.inc"
#undef SALLY_SOCKET_ERROR_STATUS
};

constexpr WindowsValue severity_table[] = {
#define SALLY_SOCKET_SSL_ERROR_SEVERITY(number, name, status, severity) \
  {number, name, SALLY_##status, SALLY_SOCKET_SSL_ERROR_SEVERITY_##severity},
#include "status/status_table.inc"
#undef SALLY_SOCKET_SSL_ERROR_SEVERITY
};

constexpr WindowsValue chain_validation_result_table[] = {
#define SALLY_CHAIN_VALIDATION_RESULT(number, name, status, severity) \
  {number, name, SALLY_##status, SALLY_SOCKET_SSL_ERROR_SEVERITY_##severity},
#include "status/status_table.inc"
#undef SALLY_CHAIN_VALIDATION_RESULT
};

constexpr WindowsValue web_error_status_table[] = {
#define SALLY_WEB_ERROR_STATUS(number, name, status, severity) \
  {number, name, SALLY_##status, SALLY_SOCKET_SSL_ERROR_SEVERITY_##severity},
#include "status/status_table.inc"
#undef SALLY_WEB_ERROR_STATUS
};

}  // namespace

std::span<const WindowsValue> socket_error_statuses() noexcept {
  return socket_error_status_table;
}
std::span<const WindowsValue> socket_ssl_error_severities() noexcept {
  return severity_table;
}
std::span<const WindowsValue> chain_validation_results() noexcept {
  return chain_validation_result_table;
}
std::span<const WindowsValue> web_error_statuses() noexcept {
  return web_error_status_table;
}

const WindowsValue* find(std::span<const WindowsValue> values, std::int32_t number) noexcept {
  const auto found = std::ranges::find(values, number, &WindowsValue::number);
  return found == values.end() ? nullptr : &*found;
}

}  // namespace sally::status
