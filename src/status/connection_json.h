// What is known about a connection as JSON, in the form that include/sallyport/stream_info.h documents.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sallyport/status.h>

namespace sally::status {

struct ConnectionReport {
  struct Attempt {
    std::string address;
    sally_status status;
    std::int64_t began_us;
    std::int64_t took_us;
  };

  bool secured = false;
  std::string local_address;
  std::string peer_address;
  std::string tls;  // JSON; empty: null
  std::int64_t resolve_us = 0;
  std::int64_t connect_us = 0;
  std::int64_t handshake_us = 0;
  std::int32_t round_trips = 0;
  std::vector<Attempt> attempts;
  std::uint64_t read = 0;
  std::uint64_t written = 0;
  std::uint64_t wire_received = 0;
  std::uint64_t wire_sent = 0;
};

// Throws std::bad_alloc.
std::string to_json(const ConnectionReport& report);

}  // namespace sally::status
