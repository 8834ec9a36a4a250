// The small interface through which a TLS session drives whatever carries its records.
#pragma once

#include <cstddef>
#include <span>

namespace sally::transport {

enum class TransferState {
  moved,        // `size` bytes, at least one
  would_block,  // nothing now; wait for readiness
  ended,        // receiving only: the other side sends no more
  failed        // `error_number` says why
};

struct Transfer {
  TransferState state = TransferState::would_block;
  std::size_t size = 0;
  int error_number = 0;  // errno
};

// Attempts only: neither call ever waits, and neither throws.
class Channel {
 public:
  virtual Transfer try_receive(std::span<std::byte> buffer) noexcept = 0;
  // May take less than all of the buffers; one system call.
  virtual Transfer try_send(std::span<const std::span<const std::byte>> buffers) noexcept = 0;
  // Whether try_receive is known to answer would_block, without asking the system.
  virtual bool would_receive_nothing() const noexcept { return false; }

 protected:
  Channel() = default;
  Channel(const Channel&) = default;
  Channel& operator=(const Channel&) = default;
  ~Channel() = default;
};

}  // namespace sally::transport
