#include "transport/waker.h"

#include "status/error.h"
#include "transport/fork.h"
#include "transport/poll.h"

#include <array>
#include <cerrno>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace sally::transport {

namespace {

// Plain data, so that it can still be used after the thread's destructors ran (by a destructor of a
// static object, say).
struct ThreadWaker {
  Waker* waker = nullptr;
  std::uint64_t generation = 0;
};
constinit thread_local ThreadWaker mine;

struct AtThreadExit {
  ~AtThreadExit() {
    delete mine.waker;
    mine.waker = nullptr;
  }
  void arm() noexcept {}
};
thread_local AtThreadExit at_thread_exit;

}  // namespace

Waker::Waker() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (descriptor_ < 0) throw Failure(errno_error(errno, {.message = "eventfd"}));
}

Waker::~Waker() {
  ::close(descriptor_);
}

void Waker::close_in_child() noexcept {
  ::close(descriptor_);
}

void Waker::wake() noexcept {
  signaled_.store(true, std::memory_order_relaxed);
  // EAGAIN: the counter is full, so the descriptor is readable anyway.
  while (::eventfd_write(descriptor_, 1) != 0 && errno == EINTR) {
  }
}

void Waker::reset() noexcept {
  if (!signaled_.exchange(false, std::memory_order_relaxed)) return;
  eventfd_t count = 0;
  while (::eventfd_read(descriptor_, &count) != 0 && errno == EINTR) {
  }
}

bool Waker::wait(Deadline deadline) noexcept {
  std::array<pollfd, 1> polled{{{descriptor_, POLLIN, 0}}};
  return poll_until(polled, deadline);
}

Waker& Waker::of_this_thread() {
  if (mine.waker != nullptr && mine.generation == fork_generation()) return *mine.waker;
  delete mine.waker;
  mine.waker = nullptr;
  mine.waker = new Waker;
  mine.generation = fork_generation();
  at_thread_exit.arm();
  return *mine.waker;
}

}  // namespace sally::transport
