// A pair of transports joined in memory, with faults that a test can inject: TLS without sockets.
#pragma once

#include "transport/transport.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>

namespace sally::transport {

// What happens to the bytes that one end sends. Positions count that end's sent bytes from 0 over
// its life. A fault takes effect as soon as everything before its position was sent, whether or not
// more follows, and is then there to stay (but for a stall). At one position a stall hides a reset,
// and a reset hides an end.
struct Faults {
  static constexpr std::uint64_t nowhere = std::numeric_limits<std::uint64_t>::max();

  std::size_t receive_limit =
      0;  // short: no receive by the other end moves more than this; 0: no limit
  std::size_t send_limit = 0;         // split: no send takes more than this; 0: no limit
  std::size_t capacity = 256 * 1024;  // sends block when so much was not yet received
  std::uint64_t stall_at = nowhere;   // from this byte on nothing arrives, until resume()
  std::uint64_t cut_at = nowhere;  // the other end receives an end of stream instead of this byte
  std::uint64_t reset_at =
      nowhere;  // the other end's receive, and this end's send, fail with ECONNRESET instead
  std::uint64_t flip_at = nowhere;  // this byte arrives with its lowest bit flipped
};

// Closing is like TCP's: the other end receives what is under way and then an end of stream
// (`abort`: ECONNRESET), and its sends fail with EPIPE (`abort`: ECONNRESET) at once.
class MemoryTransport : public Transport {
 public:
  // Any thread, any time.
  virtual void set_faults(const Faults& faults) noexcept = 0;  // of what this end sends
  virtual void resume() noexcept = 0;                          // ends a stall
  virtual void
  cut() noexcept = 0;  // the other end receives what is under way, then an end of stream
  virtual std::uint64_t sent() const noexcept = 0;  // bytes sent by this end so far
};

std::pair<std::unique_ptr<MemoryTransport>, std::unique_ptr<MemoryTransport>>
make_memory_transports(EventLoop& loop);

}  // namespace sally::transport
