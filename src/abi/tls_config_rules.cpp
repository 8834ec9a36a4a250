// The setters that say how the peer's chain is judged.
#include "abi/boundary.h"
#include "abi/handles.h"
#include "tls/peer_policy.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include <sallyport/tls_config.h>

using sally::abi::guarded;
using sally::abi::require;
using sally::abi::usable;
using sally::tls::VerificationRules;

namespace {

constexpr std::int32_t largest_depth = 100;
constexpr std::size_t largest_cache = 1'000'000;
constexpr std::int64_t default_drain_ms = 30'000;
constexpr std::uint32_t pin_flags = SALLY_PIN_REPORT_ONLY | SALLY_PIN_ISSUER;

// What a program may have a reason to let pass: times on a device whose clock is wrong, a name that
// it checks itself, CRLs that it cannot have. None of them makes a stranger a friend by itself, as
// an unknown CA or a wrong signature would.
constexpr std::array<sally_status, 4> ignorable = {
    SALLY_CERTIFICATE_EXPIRED, SALLY_CERTIFICATE_NOT_YET_VALID, SALLY_CERTIFICATE_NAME_MISMATCH,
    SALLY_CERTIFICATE_REVOCATION_UNKNOWN};

template <class Change>
sally_status change_rules(sally_tls_config& config, Change&& change) {
  config.object->change_rules(change);
  return SALLY_OK;
}

}  // namespace

sally_status sally_tls_config_set_verification_time(sally_tls_config* config, int64_t unix_seconds,
                                                    sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    require(unix_seconds >= 0 && unix_seconds <= sally::tls::latest_time,
            "unix_seconds is negative or after the year 9999");
    return change_rules(handle, [&](VerificationRules& rules) {
      rules.time = unix_seconds;
      rules.clock.reset();
    });
  });
}

sally_status sally_tls_config_set_clock(sally_tls_config* config, int64_t (*now)(void* user),
                                        void* user, void (*free_user)(void* user),
                                        sally_error** error) {
  return guarded(error, [&] {
    std::shared_ptr<void> kept;
    if (free_user != nullptr)
      kept.reset(user, free_user);
    else
      kept = std::shared_ptr<void>(std::shared_ptr<void>(), user);
    auto& handle = usable(config);
    std::shared_ptr<const sally::tls::ProgramClock> clock;
    if (now != nullptr) {
      clock = std::make_shared<const sally::tls::ProgramClock>(
          sally::tls::ProgramClock{.now = now, .user = std::move(kept)});
    }
    return change_rules(handle, [&](VerificationRules& rules) {
      rules.clock = clock;
      rules.time = 0;
    });
  });
}

sally_status sally_tls_config_set_max_depth(sally_tls_config* config, int32_t depth,
                                            sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    require(depth >= 0 && depth <= largest_depth, "depth is not from 0 to 100");
    return change_rules(handle, [&](VerificationRules& rules) { rules.max_depth = depth; });
  });
}

sally_status sally_tls_config_set_security_level(sally_tls_config* config, int32_t level,
                                                 sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    require(level >= 2 && level <= 4, "level is not from 2 to 4");
    return change_rules(handle, [&](VerificationRules& rules) { rules.security_level = level; });
  });
}

sally_status sally_tls_config_insecure_set_security_level(sally_tls_config* config, int32_t level,
                                                          sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    require(level == 0 || level == 1, "level is neither 0 nor 1");
    return change_rules(handle, [&](VerificationRules& rules) { rules.security_level = level; });
  });
}

sally_status sally_tls_config_set_revocation(sally_tls_config* config, int32_t mode,
                                             sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    require(mode >= SALLY_REVOCATION_SOFT && mode <= SALLY_REVOCATION_CHAIN,
            "mode is not a SALLY_REVOCATION_*");
    return change_rules(handle, [&](VerificationRules& rules) { rules.revocation = mode; });
  });
}

sally_status sally_tls_config_allow_partial_chain(sally_tls_config* config, sally_error** error) {
  return guarded(error, [&] {
    return change_rules(usable(config),
                        [](VerificationRules& rules) { rules.partial_chain = true; });
  });
}

sally_status sally_tls_config_insecure_ignore(sally_tls_config* config, sally_status status,
                                              sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    require(std::ranges::find(ignorable, status) != ignorable.end(),
            "this status cannot be ignored");
    return change_rules(handle, [&](VerificationRules& rules) {
      if (std::ranges::find(rules.ignored, status) == rules.ignored.end())
        rules.ignored.push_back(status);
    });
  });
}

sally_status sally_tls_config_allow_peer(sally_tls_config* config, int32_t kind,
                                         const char* pattern, sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    require(pattern != nullptr, "pattern is NULL");
    const auto allowed = sally::tls::to_allowed_peer(kind, pattern);
    return change_rules(handle,
                        [&](VerificationRules& rules) { rules.policy.allowed.push_back(allowed); });
  });
}

sally_status sally_tls_config_add_pin(sally_tls_config* config, const char* pin, uint32_t flags,
                                      sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    require(pin != nullptr, "pin is NULL");
    require((flags & ~pin_flags) == 0, "a flag is not a SALLY_PIN_*");
    const auto parsed = sally::tls::to_pin(pin, flags);
    return change_rules(handle,
                        [&](VerificationRules& rules) { rules.policy.pins.push_back(parsed); });
  });
}

sally_status sally_tls_config_set_trust_change(sally_tls_config* config, int32_t mode,
                                               int64_t drain_ms, sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    require(mode >= SALLY_TRUST_CHANGE_KEEP && mode <= SALLY_TRUST_CHANGE_DROP,
            "mode is not a SALLY_TRUST_CHANGE_*");
    const bool drains = mode == SALLY_TRUST_CHANGE_DRAIN;
    require(drains || drain_ms == 0, "drain_ms is for SALLY_TRUST_CHANGE_DRAIN");
    require(drain_ms >= 0 || drain_ms == SALLY_TIMEOUT_NEVER, "drain_ms is negative");
    handle.object->set_trust_change(mode, drain_ms != 0 ? drain_ms : default_drain_ms);
    return SALLY_OK;
  });
}

sally_status sally_tls_config_set_verification_cache(sally_tls_config* config, size_t entries,
                                                     sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    require(entries <= largest_cache, "entries is above 1000000");
    return change_rules(handle, [&](VerificationRules& rules) { rules.cache_entries = entries; });
  });
}

uint64_t sally_tls_config_verification_cache_hits(const sally_tls_config* config) {
  if (config == nullptr || config->inherited()) return 0;
  return config->object->verification_cache_hits();
}
