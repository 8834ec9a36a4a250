// Points in time on the monotonic clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace sally::transport {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

inline constexpr Deadline never = Deadline::max();

// Saturates: a time-out that no clock can hold is for ever.
inline Deadline deadline_after(std::int64_t milliseconds) {
  const auto now = Clock::now();
  const auto room = std::chrono::duration_cast<std::chrono::milliseconds>(never - now).count();
  return milliseconds >= room ? never : now + std::chrono::milliseconds(milliseconds);
}

inline std::int64_t microseconds_since(Deadline began) {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began).count();
}

}  // namespace sally::transport
