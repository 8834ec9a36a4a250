#include "transport/send_queue.h"

#include <array>

namespace sally::transport {

void SendQueue::append(std::span<const std::byte> bytes) {
  // What was sent goes from time to time, since a queue that a slow peer never empties would grow by all
  // that ever went through it. That moves no more bytes than were sent.
  if (head_ > 0 && head_ >= size()) {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
  // Growing record by record would copy again and again.
  if (expected_ > bytes_.capacity() - bytes_.size()) bytes_.reserve(bytes_.size() + expected_);
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
}

void SendQueue::pass(Channel& channel, std::span<const std::byte> bytes) {
  Transfer transfer;
  if (empty() && failure_ == 0) transfer = channel.try_send(std::array{bytes});
  if (transfer.state == TransferState::failed) failure_ = transfer.error_number;
  sent_ += transfer.size;
  if (transfer.size < bytes.size()) append(bytes.subspan(transfer.size));
}

Transfer SendQueue::send(Channel& channel) noexcept {
  if (failure_ != 0) return {TransferState::failed, 0, failure_};
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
