// By which rules a peer's certificate is judged. Plain data, a part of the settings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <sallyport/tls_config.h>

namespace sally::tls {

// A name that lets a peer in. Made by to_allowed_peer, which refuses what could never match.
struct AllowedPeer {
  std::int32_t kind;  // SALLY_NAME_*
  std::string pattern;
};

// SHA-256 of a subjectPublicKeyInfo. Made by to_pin.
struct Pin {
  std::string digest;       // 32 bytes
  std::uint32_t flags = 0;  // SALLY_PIN_*
};

// Who the peer may be, among those whose chain is good.
struct PeerPolicy {
  std::vector<AllowedPeer> allowed;  // alternatives; empty: anyone
  std::vector<Pin> pins;
  bool empty() const noexcept { return allowed.empty() && pins.empty(); }
};

// No certificate can name a later one: 9999-12-31T23:59:59Z (RFC 5280 section 4.1.2.5).
inline constexpr std::int64_t latest_time = 253'402'300'799;

// The program's own. Any thread.
struct ProgramClock {
  std::int64_t (*now)(void* user);  // seconds since 1970
  std::shared_ptr<void> user;
};

struct VerificationRules {
  std::int64_t time = 0;                        // seconds since 1970; 0: the clock
  std::shared_ptr<const ProgramClock> clock{};  // null: the system's
  std::int32_t max_depth = 10;
  std::int32_t security_level = 2;
  std::int32_t revocation = SALLY_REVOCATION_SOFT;
  bool partial_chain = false;
  std::vector<sally_status> ignored;
  PeerPolicy policy;
  std::size_t cache_entries = 1024;

  bool goes_by_the_system() const noexcept { return time == 0 && !clock; }
};

}  // namespace sally::tls
