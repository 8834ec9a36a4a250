// Where results wait until somebody takes them.
#pragma once

#include "socket/outcome.h"
#include "socket/patience.h"
#include "status/ref.h"
#include "transport/waker.h"

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <vector>

namespace sally::socket {

class AsyncOperation;

// Operations are its nodes, so that no result is ever lost for want of memory. Its lock is a leaf:
// nothing else is locked under it.
class CompletionQueue : public RefCounted<CompletionQueue> {
 public:
  CompletionQueue() = default;  // throws Failure where no descriptor is left

  // Readable while something waits, and for good when the queue is closed and empty.
  int descriptor() noexcept;

  // Operations whose results were not yet taken.
  std::size_t pending() noexcept;

  // Adds up to `capacity` completed operations to `taken`, oldest first, at least one on success.
  // SALLY_CLOSED: the queue was closed, and nothing is pending or waiting any more. Throws
  // std::bad_alloc, and everything waits on.
  Outcome take(std::size_t capacity, const Patience& patience,
               std::vector<Ref<AsyncOperation>>& taken);
  // Puts back what could not be handed on; it is then the oldest.
  void put_back(Ref<AsyncOperation> operation) noexcept;

  // Cancels what is pending, and takes in nothing new.
  void close() noexcept;
  // Nobody will take from it any more: closes it, and drops what waits and what is still to come.
  void abandon() noexcept;
  // In a forked child: closes the child's copy of the descriptor and nothing else.
  void close_in_child() noexcept { waker_.close_in_child(); }

 private:
  friend class RefCounted<CompletionQueue>;
  friend class AsyncOperation;
  ~CompletionQueue() = default;

  void reserve(AsyncOperation& operation);
  void withdraw(AsyncOperation& operation) noexcept;
  void push(AsyncOperation& operation) noexcept;

  void unlink(AsyncOperation& operation) noexcept;
  bool is_over() const noexcept { return closed_ && first_pending_ == nullptr && !oldest_; }
  void signal() noexcept;
  void note_empty() noexcept;
  Ref<AsyncOperation> next_to_cancel() noexcept;

  std::mutex mutex_;
  std::condition_variable changed_;  // for those who wait in take()
  transport::Waker waker_;           // for those who watch the descriptor
  bool watched_ = false;             // somebody asked for it; system calls are spared before
  bool signaled_ = false;
  bool closed_ = false;
  bool abandoned_ = false;
  std::size_t pending_ = 0;
  AsyncOperation* first_pending_ = nullptr;
  AsyncOperation* to_cancel_ = nullptr;  // while closing: this one and those after it
  AsyncOperation* oldest_ = nullptr;     // each that waits holds a reference that this owns
  AsyncOperation* newest_ = nullptr;
  std::size_t waiting_ = 0;  // how many these are
};

}  // namespace sally::socket
