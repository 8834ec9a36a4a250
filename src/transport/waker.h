// Wakes one thread that waits for a transport, whatever it waits for.
#pragma once

#include "transport/deadline.h"

#include <atomic>

namespace sally::transport {

// A descriptor that turns readable when somebody calls wake(). Each thread that blocks uses its own
// (Waker::of_this_thread), made at its first wait and remade after a fork, because the child would
// share it with its parent.
class Waker {
 public:
  Waker();  // throws Failure where no descriptor is left
  ~Waker();
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  // Any thread; sticky until reset. Not at the same time as reset: both are called under the lock
  // by which the waiting thread makes itself known.
  void wake() noexcept;
  // Forgets earlier wake-ups. By the waiting thread, before it makes itself known to those who may
  // wake it.
  void reset() noexcept;
  // By the waiting thread: until somebody wakes it (true) or the deadline has passed (false).
  bool wait(Deadline deadline) noexcept;
  int descriptor() const noexcept { return descriptor_; }
  // In a forked child, of one that the parent made: closes the child's copy and nothing else.
  void close_in_child() noexcept;

  static Waker& of_this_thread();

 private:
  int descriptor_ = -1;
  std::atomic<bool> signaled_{false};  // spares reset() its system call
};

}  // namespace sally::transport
