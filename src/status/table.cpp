#include "status/table.h"

#include "status/native.h"

#include <algorithm>
#include <compare>
#include <limits>
#include <optional>

namespace sally::status {
namespace {

constexpr Row row_table[] = {
#define SALLY_ROW(name, layer, message, hint, socket_error) \
  {SALLY_##name, "SALLY_" #name, SALLY_LAYER_##layer,       \
   message,      hint,           SALLY_SOCKET_ERROR_STATUS_##socket_error},
#include "status/status_table.inc"
#undef SALLY_ROW
};
static_assert(std::ranges::is_sorted(row_table, {}, &Row::status));

struct NativeName {
  std::int32_t domain;
  std::string_view name;
  sally_status status;

  constexpr auto key() const { return Key{domain, name}; }
  struct Key {
    std::int32_t domain;
    std::string_view name;
    auto operator<=>(const Key&) const = default;
  };
};

constexpr NativeName name_table[] = {
#define SALLY_NATIVE(domain, name, status) {SALLY_DOMAIN_##domain, name, SALLY_##status},
#include "status/status_table.inc"
#undef SALLY_NATIVE
};
static_assert(std::ranges::is_sorted(name_table, {}, &NativeName::key));

bool is_domain(std::int32_t domain) {
  return domain >= SALLY_DOMAIN_ERRNO && domain <= SALLY_DOMAIN_ALERT;
}

std::string_view name_in(std::span<const NativeCode> codes, std::int64_t code) {
  const auto found = std::ranges::find(codes, code, &NativeCode::code);
  return found == codes.end() ? std::string_view{} : found->name;
}

// Windows itself hands an HRESULT out as a signed number, most tables print it unsigned.
std::optional<std::uint32_t> hresult_bits(std::int64_t code) {
  if (code < std::numeric_limits<std::int32_t>::min()) return std::nullopt;
  if (code > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(code);
}

std::string_view hresult_name(std::int64_t code) {
  const auto bits = hresult_bits(code);
  if (!bits) return {};
  if (const auto name = name_in(hresult_codes(), *bits); !name.empty()) return name;
  constexpr std::uint32_t failure_of_win32 = 0x8007;  // severity and FACILITY_WIN32
  if (*bits >> 16 != failure_of_win32) return {};
  return name_in(winsock_codes(), *bits & 0xFFFF);
}

bool is_no_error(std::int32_t domain, std::int64_t code) {
  if (domain == SALLY_DOMAIN_ALERT) return false;
  if (domain != SALLY_DOMAIN_HRESULT) return code == 0;
  const auto bits = hresult_bits(code);
  return bits && *bits >> 31 == 0;
}

}  // namespace

std::span<const Row> rows() noexcept {
  return row_table;
}

const Row* find(sally_status status) noexcept {
  const auto row = std::ranges::lower_bound(row_table, status, {}, &Row::status);
  return row != std::ranges::end(row_table) && row->status == status ? row : nullptr;
}

sally_status from_name(std::int32_t domain, std::string_view name) noexcept {
  if (!is_domain(domain)) return SALLY_INVALID_ARGUMENT;
  const NativeName::Key key{domain, name};
  const auto found = std::ranges::lower_bound(name_table, key, {}, &NativeName::key);
  if (found != std::ranges::end(name_table) && found->key() == key) return found->status;
  return domain == SALLY_DOMAIN_HRESULT ? from_name(SALLY_DOMAIN_WINSOCK, name) : SALLY_UNKNOWN;
}

std::string_view native_name(std::int32_t domain, std::int64_t code) noexcept {
  switch (domain) {
    case SALLY_DOMAIN_ERRNO:
      return name_in(errno_codes(), code);
    case SALLY_DOMAIN_GETADDRINFO:
      return name_in(getaddrinfo_codes(), code);
    case SALLY_DOMAIN_WINSOCK:
      return name_in(winsock_codes(), code);
    case SALLY_DOMAIN_HRESULT:
      return hresult_name(code);
    case SALLY_DOMAIN_ALERT:
      return name_in(alert_codes(), code);
    default:
      return {};
  }
}

sally_status from_code(std::int32_t domain, std::int64_t code) noexcept {
  if (!is_domain(domain)) return SALLY_INVALID_ARGUMENT;
  if (is_no_error(domain, code)) return SALLY_OK;
  return from_name(domain, native_name(domain, code));
}

}  // namespace sally::status
