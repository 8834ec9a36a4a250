#include "transport/send_queue.h"

#include <array>

namespace sally::transport {

void SendQueue::append(std::span<const std::byte> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

Transfer SendQueue::send(Channel& channel) noexcept {
  const std::array buffers = {std::span<const std::byte>(bytes_).subspan(head_)};
  const Transfer transfer = channel.try_send(buffers);
  head_ += transfer.size;
  sent_ += transfer.size;
  if (empty()) {
    std::vector<std::byte>().swap(bytes_);  // an idle connection keeps no buffer
    head_ = 0;
  }
  return transfer;
}

}  // namespace sally::transport
