// How a connection came about, and how long each part of it took.
#pragma once

#include "status/error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sally::socket {

struct AttemptReport {
  std::string address{};
  std::int64_t began_us = 0;  // after the dialling began
  std::int64_t took_us = 0;
  sally_status status = SALLY_OK;  // SALLY_CANCELED: another was quicker
};

struct DialReport {
  std::int64_t resolve_us = 0;
  std::int64_t connect_us = 0;  // all attempts, from the first to the one that won
  std::vector<AttemptReport> attempts{};
};

struct Establishment {
  DialReport dial{};
  std::int64_t handshake_us = 0;
  std::int32_t round_trips = 0;  // of the handshake
};

}  // namespace sally::socket
