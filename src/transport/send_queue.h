// Records that wait to be sent. Empty most of the time, and then without memory of its own.
#pragma once

#include "transport/channel.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sally::transport {

class SendQueue {
 public:
  bool empty() const noexcept { return head_ == bytes_.size(); }
  std::size_t size() const noexcept { return bytes_.size() - head_; }
  // Totals over the queue's life.
  std::uint64_t queued() const noexcept { return sent_ + size(); }
  std::uint64_t sent() const noexcept { return sent_; }
  // So many bytes are to be appended now; 0 when they are: none of them then needs another copy.
  void expect(std::size_t size) noexcept { expected_ = size; }
  void append(std::span<const std::byte> bytes);  // throws std::bad_alloc
  // The same, but where nothing waits the channel gets them at once and only the rest is appended. A
  // failure is kept for the next send() to tell.
  void pass(Channel& channel, std::span<const std::byte> bytes);
  // One system call for everything that waits. moved: the queue may still hold a rest.
  Transfer send(Channel& channel) noexcept;

 private:
  std::vector<std::byte> bytes_;
  std::size_t head_ = 0;
  std::uint64_t sent_ = 0;
  std::size_t expected_ = 0;
  int failure_ = 0;  // an errno
};

}  // namespace sally::transport
