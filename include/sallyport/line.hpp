// line.hpp: what read_line is made of. Nothing here is for programs.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>

#include <sallyport/base.hpp>
#include <sallyport/buffer.hpp>
#include <sallyport/result.hpp>

namespace sally::inline v0 {

namespace detail {

// What is left of a time-out that covers several calls.
class Remaining {
 public:
  explicit Remaining(Timeout timeout) noexcept : timeout_(timeout), began_(Clock::now()) {}
  Timeout get() const noexcept {
    if (timeout_.get() <= 0) return timeout_;
    return std::chrono::milliseconds(timeout_.get()) - (Clock::now() - began_);
  }

 private:
  using Clock = std::chrono::steady_clock;
  Timeout timeout_;
  Clock::time_point began_;
};

// The line that is being read: it grows by what the next read may bring.
class GrowingLine {
 public:
  GrowingLine(std::string& line, std::size_t limit)
      : line_(line), limit_(limit), begun_(line.size()) {
    if (begun_ >= limit) throw std::length_error("sallyport: the line is at its limit already");
  }

  // The room for the next read.
  MutableBuffer grow() {
    constexpr std::size_t least = 256;
    begun_ = line_.size();
    line_.resize(begun_ + std::min(std::max(begun_, least), limit_ - begun_));
    return {line_.data() + begun_, line_.size() - begun_};
  }
  // What it brought. False: there may be more of the line.
  bool take(const Result<std::size_t>& read) {
    line_.resize(begun_ + read.size());
    if (read.status() == SALLY_LIMIT_EXCEEDED && line_.size() < limit_) return false;
    if (!read) return true;
    line_.pop_back();
    if (!line_.empty() && line_.back() == '\r') line_.pop_back();
    return true;
  }

 private:
  std::string& line_;
  const std::size_t limit_;
  std::size_t begun_;
};

}  // namespace detail

}  // namespace sally::inline v0
