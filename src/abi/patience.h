// Time-outs of the C ABI as the layers below understand them.
#pragma once

#include "abi/boundary.h"
#include "socket/patience.h"

#include <cstdint>

#include <sallyport/base.h>

namespace sally::abi {

inline constexpr std::int64_t default_connect_ms = 30'000;
inline constexpr std::int64_t default_handshake_ms = 10'000;
inline constexpr std::int64_t default_decision_ms = 10'000;
inline constexpr std::int64_t default_close_ms = 5'000;

// Throws Failure(SALLY_INVALID_ARGUMENT).
inline socket::Patience to_patience(std::int64_t timeout_ms, std::int64_t default_ms) {
  if (timeout_ms == SALLY_TIMEOUT_DEFAULT) timeout_ms = default_ms;
  if (timeout_ms == SALLY_TIMEOUT_NEVER) return {};
  if (timeout_ms == SALLY_TIMEOUT_ATTEMPT) return socket::Patience::none();
  require(timeout_ms > 0, "timeout_ms is negative");
  return socket::Patience::until(transport::deadline_after(timeout_ms));
}

}  // namespace sally::abi
