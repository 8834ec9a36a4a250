// More than the system takes in for a peer that does not read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <string>

namespace sally::test {

// The sizes of a TCP buffer on this machine, of `which` direction: "tcp_wmem" or "tcp_rmem".
struct BufferSizes {
  explicit BufferSizes(const std::string& which) {
    std::ifstream("/proc/sys/net/ipv4/" + which) >> least >> usual >> most;
  }
  std::size_t least = 0, usual = 0, most = 0;
};

// A sender's buffer grows on its own, that of a receiver only as it is read from.
inline const std::size_t too_much = std::max<std::size_t>(
    8 << 20, 2 * (BufferSizes("tcp_wmem").most + BufferSizes("tcp_rmem").usual));

}  // namespace sally::test
