// poll(2) until a point in time.
#pragma once

#include "transport/deadline.h"

#include <poll.h>
#include <span>

namespace sally::transport {

// True when one of the descriptors is worth a look, false when the deadline has passed with none.
// Interruptions by signals are hidden; should the system refuse to poll, that counts as worth a
// look. A deadline that has passed still looks once.
bool poll_until(std::span<pollfd> descriptors, Deadline deadline) noexcept;

}  // namespace sally::transport
