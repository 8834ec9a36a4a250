// Options that streams and listeners share.
#pragma once

#include "abi/boundary.h"
#include "tls/context.h"
#include "transport/flow.h"

#include <cstdint>

#include <sallyport/stream.h>
#include <sallyport/tls_config.h>

namespace sally::abi {

// A config, or the word that none is wanted: forgetting it must not mean plaintext. Throws
// Failure(SALLY_INVALID_ARGUMENT).
inline void require_config_or_plain(const sally_tls_config* tls, std::uint32_t flags) {
  const bool plain = (flags & SALLY_STREAM_PLAIN) != 0;
  require(plain || tls != nullptr, "tls is NULL");
  require(!plain || tls == nullptr, "a plain stream has no config before its upgrade");
}

// Throws Failure(SALLY_INVALID_ARGUMENT) where the config asks questions that would go nowhere.
inline void require_decider(const tls::Context& context, bool there) {
  require(there || context.possible_questions() == 0,
          "the config asks questions, and decisions does not say where they go");
}

// Throws Failure(SALLY_INVALID_ARGUMENT).
inline transport::FlowLimits to_flow_limits(std::uint32_t flags, std::uint32_t high_watermark,
                                            std::uint32_t low_watermark) {
  constexpr std::uint32_t known =
      SALLY_STREAM_LOW_LATENCY | SALLY_STREAM_PLAIN | SALLY_STREAM_CONFIRMED;
  require((flags & ~known) == 0, "a flag is not known");
  transport::FlowLimits limits;
  limits.low_latency = (flags & SALLY_STREAM_LOW_LATENCY) != 0;
  if (high_watermark != 0) limits.high_watermark = high_watermark;
  limits.low_watermark = low_watermark != 0 ? low_watermark : limits.high_watermark / 4;
  require(limits.low_watermark < limits.high_watermark,
          "the low watermark is not below the high one");
  return limits;
}

}  // namespace sally::abi
