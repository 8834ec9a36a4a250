// What one end of a memory pair sends to the other, and what befalls it on the way. Not
// thread-safe: the pair locks.
#pragma once

#include "transport/channel.h"
#include "transport/memory.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>

namespace sally::transport {

class MemoryFlow {
 public:
  Transfer receive(std::span<std::byte> buffer);
  Transfer send(std::span<const std::span<const std::byte>> buffers);
  // Whether an attempt would do anything but block.
  bool readable() const noexcept;
  bool writable() const noexcept;

  void set_faults(const Faults& faults) noexcept;
  void resume() noexcept { faults_.stall_at = Faults::nowhere; }
  void cut() noexcept;                     // what is sent from now on vanishes
  void end() noexcept;                     // nothing more can be sent (EPIPE)
  void reset() noexcept;                   // like end, but as ECONNRESET
  void refuse(int error_number) noexcept;  // the receiver is gone: sends fail with this
  std::uint64_t sent() const noexcept { return sent_; }

 private:
  std::uint64_t arriving() const noexcept;
  std::size_t room() const noexcept;
  bool swallows() const noexcept { return sent_ >= end_; }
  void settle() noexcept;

  Faults faults_;
  std::deque<std::byte> bytes_;  // from received_ on
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t end_ = Faults::nowhere;  // positions at which faults took effect
  std::uint64_t reset_ = Faults::nowhere;
  int send_error_ = 0;
};

}  // namespace sally::transport
