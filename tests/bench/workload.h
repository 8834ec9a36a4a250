// What is measured, as the two ends of it do it. Each end is a process of its own, which obeys a
// control socket: a number comes in, that many operations are done, a number goes back.
#pragma once

#include "bench/contender.h"

#include <string>

namespace sally::bench {

enum class Workload {
  echo,       // 64 bytes there and back
  stream,     // 1 MiB one way
  handshake,  // connect, one byte there and back, close
  idle        // connect, one byte there and back, stay
};

inline constexpr int control_descriptor = 3;

// Tells its port, then serves one client after another until one says that it is over.
void serve(Contender& contender, Workload workload);
// Does as many operations as it is told, again and again until the control socket ends.
void call(Contender& contender, Workload workload, std::uint16_t port);

}  // namespace sally::bench
