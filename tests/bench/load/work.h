// What the load client makes of its connections.
#pragma once

#include "client.h"

namespace bench::load {

// What was done in a slice of time, and what it took.
struct Slice {
  std::uint64_t operations = 0;
  std::uint64_t bytes = 0;
  std::uint64_t resumed = 0;
  std::uint64_t wall_ns = 0;
  std::uint64_t server_ns = 0;
  std::uint64_t client_ns = 0;
};

// Opens so many more, some at a time; they have said what they are for, and heard what there is to
// hear.
Slice open(Target& target, std::size_t count, Work work);

// Messages of `size`, `batch` at once, on each connection opened for echo; an operation is a
// message that has come back.
Slice echo(Target& target, std::size_t size, std::size_t batch, std::uint64_t duration_ns);

// On each connection opened to be idle: `count` bytes up or down, or `count` messages down, again
// and again; what the server writes at once has `size` bytes. An operation is a byte, or a message.
Slice transfer(Target& target, Work work, std::size_t size, std::uint64_t count,
               std::uint64_t duration_ns);

// Connects, shakes hands, says goodbye and waits for the server's end, `pending` of these at once,
// until the time is over or `limit` are done.
Slice shake_hands(Target& target, bool resumed, std::size_t pending, std::uint64_t duration_ns,
                  std::uint64_t limit);

}  // namespace bench::load
