// A blocking call in progress, and the list by which other threads can end it.
#pragma once

#include "transport/waker.h"

namespace sally::socket {

class OperationList;

// Lives on the stack of the thread that called. Guarded by the lock of the stream.
class Operation {
 public:
  Operation(OperationList& list, unsigned directions);  // SALLY_DIRECTION_*
  ~Operation();
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  // Wakes its thread if that is waiting.
  void wake() noexcept {
    if (waker != nullptr) waker->wake();
  }

  const unsigned directions;
  bool canceled = false;
  bool closes = false;                // it is a close itself, which closing does not end
  transport::Waker* waker = nullptr;  // while its thread waits

 private:
  friend class OperationList;
  OperationList& list_;
  Operation* previous_ = nullptr;
  Operation* next_ = nullptr;
};

class OperationList {
 public:
  void cancel(unsigned directions) noexcept;
  void wake_all() noexcept;

 private:
  friend class Operation;
  Operation* first_ = nullptr;
};

}  // namespace sally::socket
