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
  // For so many bytes more; throws std::bad_alloc.
  void reserve(std::size_t more) { bytes_.reserve(bytes_.size() + more); }
  void append(std::span<const std::byte> bytes);  // throws std::bad_alloc
  // One system call for everything that waits. moved: the queue may still hold a rest.
  Transfer send(Channel& channel) noexcept;

 private:
  std::vector<std::byte> bytes_;
  std::size_t head_ = 0;
  std::uint64_t sent_ = 0;
};

}  // namespace sally::transport
