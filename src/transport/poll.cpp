#include "transport/poll.h"

#include <cerrno>
#include <ctime>

namespace sally::transport {

namespace {

timespec time_left(Deadline deadline) noexcept {
  const auto now = Clock::now();
  const auto left = deadline > now ? deadline - now : Clock::duration::zero();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
  timespec result{};
  result.tv_sec = static_cast<time_t>(seconds.count());
  result.tv_nsec = static_cast<long>(std::chrono::nanoseconds(left - seconds).count());
  return result;
}

}  // namespace

bool poll_until(std::span<pollfd> descriptors, Deadline deadline) noexcept {
  while (true) {
    timespec left{};
    if (deadline != never) left = time_left(deadline);
    const int count = ::ppoll(descriptors.data(), descriptors.size(),
                              deadline == never ? nullptr : &left, nullptr);
    if (count > 0) return true;
    if (count < 0 && errno != EINTR) return true;
    // After a signal there must be one more look even if the deadline has passed meanwhile.
    if (count == 0 && Clock::now() >= deadline) return false;
  }
}

}  // namespace sally::transport
