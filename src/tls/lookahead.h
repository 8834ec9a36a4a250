// What one receive brought of a stream of many records beyond what OpenSSL has room for.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>

namespace sally::tls {

// OpenSSL's own buffer takes one record, and the system is asked once for each. Where that did not
// empty what the system had, several are received at once into a block, which is kept only as long as
// something of it is left.
class Lookahead {
 public:
  bool empty() const noexcept { return head_ == tail_; }

  // Whether the next receive is worth a block, after one into OpenSSL's buffer.
  bool is_due() const noexcept { return due_; }
  void note_direct(std::size_t size, std::size_t room) noexcept { due_ = size == room; }

  // Where the next receive is to go; empty for want of memory. Nothing may be left.
  std::span<std::byte> room() noexcept {
    if (!block_) block_.reset(new (std::nothrow) std::byte[block_size]);
    return {block_.get(), block_ ? block_size : 0};
  }
  // What came of it; 0: nothing did.
  void fill(std::size_t size) noexcept {
    due_ = size >= block_size / 2;
    head_ = 0;
    tail_ = size;
    if (empty()) block_.reset();
  }
  std::size_t take(std::span<std::byte> buffer) noexcept {
    const std::size_t size = std::min(buffer.size(), tail_ - head_);
    std::copy_n(block_.get() + head_, size, buffer.begin());
    head_ += size;
    if (empty()) block_.reset();
    return size;
  }

 private:
  // Four full records, with what encryption adds; less than what malloc would map anew each time.
  static constexpr std::size_t block_size = std::size_t{4} * (16 * 1024 + 64);

  std::unique_ptr<std::byte[]> block_;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
  bool due_ = false;
};

}  // namespace sally::tls
