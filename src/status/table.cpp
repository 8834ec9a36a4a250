#include "status/table.h"

#include "status/native.h"

#include <algorithm>
#include <array>
#include <compare>
#include <cstdio>
#include <limits>

namespace sally::status {
namespace {

constexpr Row row_table[] = {
#define SALLY_ROW(name, layer, message, hint, socket_error, chain, web, is_catch_all) \
  {SALLY_##name,                                                                      \
   "SALLY_" #name,                                                                    \
   SALLY_LAYER_##layer,                                                               \
   message,                                                                           \
   hint,                                                                              \
   SALLY_SOCKET_ERROR_STATUS_##socket_error,                                          \
   chain,                                                                             \
   SALLY_WEB_ERROR_STATUS_##web,                                                      \
   is_catch_all},
#include "status/status_table.inc"
#undef SALLY_ROW
};
static_assert(std::ranges::is_sorted(row_table, {}, &Row::status));

struct NativeName {
  std::int32_t domain;
  std::string_view name;
  sally_status status;
  int place;  // among the codes of its status; -1 where it is meant to land in a catch-all

  constexpr auto key() const { return Key{domain, name}; }
  struct Key {
    std::int32_t domain;
    std::string_view name;
    auto operator<=>(const Key&) const = default;
  };
};

constexpr NativeName name_table[] = {
#define SALLY_NATIVE(domain, name, status, place) \
  {SALLY_DOMAIN_##domain, name, SALLY_##status, place},
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

std::span<const NativeCode> codes_of(std::int32_t domain) {
  switch (domain) {
    case SALLY_DOMAIN_ERRNO:
      return errno_codes();
    case SALLY_DOMAIN_GETADDRINFO:
      return getaddrinfo_codes();
    case SALLY_DOMAIN_WINSOCK:
      return winsock_codes();
    case SALLY_DOMAIN_HRESULT:
      return hresult_codes();
    case SALLY_DOMAIN_ALERT:
      return alert_codes();
    default:
      return {};
  }
}

// What a system defines for itself may be missing from it.
bool is_here(std::int32_t domain, std::string_view name) {
  const bool varies = domain == SALLY_DOMAIN_ERRNO || domain == SALLY_DOMAIN_GETADDRINFO;
  return !varies || code_of(domain, name).has_value();
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
  return domain == SALLY_DOMAIN_HRESULT ? hresult_name(code) : name_in(codes_of(domain), code);
}

std::string_view to_name(sally_status status, std::int32_t domain) noexcept {
  const NativeName* first = nullptr;
  for (const NativeName& native : name_table) {
    if (native.domain != domain || native.status != status || native.place < 0) continue;
    const bool earlier = first == nullptr || native.place < first->place;
    if (earlier && is_here(domain, native.name)) first = &native;
  }
  return first == nullptr ? std::string_view{} : first->name;
}

std::optional<std::int64_t> code_of(std::int32_t domain, std::string_view name) noexcept {
  const auto codes = codes_of(domain);
  const auto found = std::ranges::find(codes, name, &NativeCode::name);
  return found == codes.end() ? std::nullopt : std::optional(found->code);
}

std::string unknown_name(std::int32_t domain, std::int64_t code) {
  constexpr std::array words{"",        "errno",         "getaddrinfo", "Winsock",
                             "HRESULT", "OpenSSL error", "X509_V_ERR",  "alert"};
  static_assert(words.size() == SALLY_DOMAIN_ALERT + 1);
  if (!is_domain(domain)) return {};
  const auto bits = hresult_bits(code);
  std::string number = std::to_string(code);
  if (domain == SALLY_DOMAIN_OPENSSL || (domain == SALLY_DOMAIN_HRESULT && bits)) {
    std::array<char, 20> digits{};
    const auto value = domain == SALLY_DOMAIN_HRESULT ? *bits : static_cast<std::uint64_t>(code);
    std::snprintf(digits.data(), digits.size(), "0x%08llX", static_cast<unsigned long long>(value));
    number = digits.data();
  }
  return std::string(words[static_cast<std::size_t>(domain)]) + " " + number + " (unknown)";
}

sally_status from_code(std::int32_t domain, std::int64_t code) noexcept {
  if (!is_domain(domain)) return SALLY_INVALID_ARGUMENT;
  if (is_no_error(domain, code)) return SALLY_OK;
  return from_name(domain, native_name(domain, code));
}

}  // namespace sally::status
