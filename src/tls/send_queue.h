// Records that wait to be sent. Empty most of the time, and then without memory of its own.
#pragma once

#include "transport/channel.h"

#include <cstddef>
#include <span>
#include <vector>

namespace sally::tls {

class SendQueue {
 public:
  bool empty() const noexcept { return head_ == bytes_.size(); }
  std::size_t size() const noexcept { return bytes_.size() - head_; }
  void append(std::span<const std::byte> bytes);  // throws std::bad_alloc
  // One system call for everything that waits. moved: the queue may still hold a rest.
  transport::Transfer send(transport::Channel& channel) noexcept;

 private:
  std::vector<std::byte> bytes_;
  std::size_t head_ = 0;
};

}  // namespace sally::tls
