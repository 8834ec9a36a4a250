// The numbers of native codes, where this system or a fixed standard gives them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sally::status {

struct NativeCode {
  std::int64_t code;
  std::string_view name;  // a literal, so it ends in NUL
};

// Where two names share a number, the canonical one comes first.
std::span<const NativeCode> errno_codes() noexcept;
std::span<const NativeCode> getaddrinfo_codes() noexcept;
std::span<const NativeCode> winsock_codes() noexcept;
std::span<const NativeCode> hresult_codes() noexcept;  // as unsigned 32 bits
std::span<const NativeCode> alert_codes() noexcept;

}  // namespace sally::status
