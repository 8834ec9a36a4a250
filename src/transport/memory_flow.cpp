#include "transport/memory_flow.h"

#include <algorithm>
#include <cerrno>

namespace sally::transport {

namespace {

std::size_t limited(std::size_t size, std::size_t limit) {
  return limit == 0 ? size : std::min(size, limit);
}

}  // namespace

Transfer MemoryFlow::receive(std::span<std::byte> buffer) {
  if (!readable()) return {};
  const std::uint64_t available = arriving() - received_;
  if (available == 0 && received_ >= reset_) return {TransferState::failed, 0, ECONNRESET};
  if (available == 0) return {TransferState::ended, 0, 0};

  const auto wanted = limited(buffer.size(), faults_.receive_limit);
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, available));
  const auto stop = bytes_.begin() + static_cast<std::ptrdiff_t>(size);
  std::copy(bytes_.begin(), stop, buffer.begin());
  bytes_.erase(bytes_.begin(), stop);
  if (faults_.flip_at >= received_ && faults_.flip_at - received_ < size) {
    buffer[static_cast<std::size_t>(faults_.flip_at - received_)] ^= std::byte{1};
  }
  received_ += size;
  return {TransferState::moved, size, 0};
}

Transfer MemoryFlow::send(std::span<const std::span<const std::byte>> buffers) {
  if (sent_ >= reset_) return {TransferState::failed, 0, ECONNRESET};
  if (send_error_ != 0) return {TransferState::failed, 0, send_error_};

  std::size_t size = 0;
  for (const auto buffer : buffers) size += buffer.size();
  if (size == 0) return {TransferState::moved, 0, 0};
  size = std::min(limited(size, faults_.send_limit), room());
  if (faults_.reset_at > sent_) {
    size = static_cast<std::size_t>(std::min<std::uint64_t>(size, faults_.reset_at - sent_));
  }
  if (size == 0) return {};

  std::size_t left = swallows() ? 0 : size;
  for (const auto buffer : buffers) {
    const auto part = buffer.first(std::min(left, buffer.size()));
    bytes_.insert(bytes_.end(), part.begin(), part.end());
    left -= part.size();
  }
  sent_ += size;
  settle();
  return {TransferState::moved, size, 0};
}

bool MemoryFlow::readable() const noexcept {
  if (arriving() > received_) return true;
  return received_ < faults_.stall_at && received_ >= std::min(reset_, end_);
}

bool MemoryFlow::writable() const noexcept {
  return sent_ >= reset_ || send_error_ != 0 || room() > 0;
}

void MemoryFlow::set_faults(const Faults& faults) noexcept {
  faults_ = faults;
  settle();
}

void MemoryFlow::cut() noexcept {
  end_ = std::min(end_, sent_);
}

void MemoryFlow::end() noexcept {
  cut();
  if (send_error_ == 0) send_error_ = EPIPE;
}

void MemoryFlow::reset() noexcept {
  reset_ = std::min(reset_, sent_);
}

void MemoryFlow::refuse(int error_number) noexcept {
  send_error_ = error_number;
  bytes_.clear();
}

// The position up to which bytes can be received now; never less than received_.
std::uint64_t MemoryFlow::arriving() const noexcept {
  return std::max(received_, std::min({sent_, faults_.stall_at, reset_, end_}));
}

std::size_t MemoryFlow::room() const noexcept {
  if (swallows()) return std::numeric_limits<std::size_t>::max();
  return faults_.capacity > bytes_.size() ? faults_.capacity - bytes_.size() : 0;
}

// Faults whose position was reached take effect, and what lies behind them is lost.
void MemoryFlow::settle() noexcept {
  if (faults_.cut_at <= sent_) end_ = std::min(end_, std::max(faults_.cut_at, received_));
  if (faults_.reset_at <= sent_) reset_ = std::min(reset_, std::max(faults_.reset_at, received_));
  const std::uint64_t kept = std::min(end_, reset_);
  if (kept == Faults::nowhere) return;
  const auto under_way = static_cast<std::size_t>(kept - received_);
  if (bytes_.size() > under_way) bytes_.resize(under_way);
}

}  // namespace sally::transport
