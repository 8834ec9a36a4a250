// The bytes that clients and the neutral server send each other, by which each sees that what came is
// what was sent: the byte at a position says which one it is. They repeat every 64 KiB, which is what
// a write of a transfer has.
#pragma once

#include "program.h"

#include <array>

namespace bench {

class Pattern {
 public:
  // Two periods, so that any piece of up to one of them can be had from anywhere.
  static const unsigned char* bytes() {
    static const auto made = [] {
      std::array<unsigned char, 2 * Command::buffer_size> all{};
      for (std::size_t i = 0; i < all.size(); ++i) {
        const std::size_t at = i % Command::buffer_size;
        all[i] = static_cast<unsigned char>(at + 3 * (at >> 8));
      }
      return all;
    }();
    return made.data();
  }

  // The first byte and the last; `strict`: each. `size` is up to 64 KiB.
  static bool fits(std::uint64_t position, const unsigned char* data, std::size_t size,
                   bool strict = false) {
    const unsigned char* right = bytes() + position % Command::buffer_size;
    if (strict) return std::memcmp(right, data, size) == 0;
    return right[0] == data[0] && right[size - 1] == data[size - 1];
  }
};

}  // namespace bench
