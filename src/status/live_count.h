// Counts live handles by kind, so that tests of every language can prove that nothing leaks.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include <sallyport/library.h>

namespace sally {

inline constexpr std::int32_t handle_kinds = SALLY_HANDLE_TRACE_RECORD + 1;
inline std::array<std::atomic<std::int64_t>, handle_kinds> live_handles{};

// Derive from it to be counted.
template <std::int32_t kind>
class LiveCount {
 protected:
  LiveCount() noexcept { live_handles[kind].fetch_add(1, std::memory_order_relaxed); }
  LiveCount(const LiveCount&) noexcept : LiveCount() {}
  LiveCount& operator=(const LiveCount&) noexcept = default;
  ~LiveCount() { live_handles[kind].fetch_sub(1, std::memory_order_relaxed); }
};

}  // namespace sally
