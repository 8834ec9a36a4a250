#include "transport/flow.h"

#include <algorithm>

namespace sally::transport {

void Flow::unread(std::span<const std::byte> bytes) {
  unread_.erase(unread_.begin(), unread_.begin() + static_cast<std::ptrdiff_t>(head_));
  head_ = 0;
  unread_.insert(unread_.begin(), bytes.begin(), bytes.end());
  given_ -= bytes.size();
}

void Flow::append_unread(std::span<const std::byte> bytes) {
  unread_.insert(unread_.end(), bytes.begin(), bytes.end());
}

std::size_t Flow::reread(std::span<std::byte> buffer) noexcept {
  const std::size_t size = std::min(buffer.size(), unread_size());
  if (size == 0) return 0;
  std::copy_n(unread_.begin() + static_cast<std::ptrdiff_t>(head_), size, buffer.begin());
  head_ += size;
  given_ += size;
  if (head_ == unread_.size()) drop_unread();
  return size;
}

void Flow::drop_unread() noexcept {
  std::vector<std::byte>().swap(unread_);
  head_ = 0;
}

}  // namespace sally::transport
