#include "socket/completion_queue.h"

#include "socket/async_operation.h"

#include <algorithm>
#include <utility>

namespace sally::socket {

void CompletionQueue::reserve(AsyncOperation& operation) {
  const std::lock_guard lock(mutex_);
  if (closed_) throw Failure(SALLY_CLOSED, {.message = "the completion queue was closed"});
  operation.pending_ = true;
  ++pending_;
  operation.next_ = first_pending_;
  if (first_pending_ != nullptr) first_pending_->previous_ = &operation;
  first_pending_ = &operation;
}

void CompletionQueue::unlink(AsyncOperation& operation) noexcept {
  operation.pending_ = false;
  --pending_;
  if (to_cancel_ == &operation) to_cancel_ = operation.next_;
  if (operation.next_ != nullptr) operation.next_->previous_ = operation.previous_;
  (operation.previous_ != nullptr ? operation.previous_->next_ : first_pending_) = operation.next_;
  operation.previous_ = operation.next_ = nullptr;
}

int CompletionQueue::descriptor() noexcept {
  const std::lock_guard lock(mutex_);
  watched_ = true;
  if (oldest_ != nullptr || is_over()) signal();
  return waker_.descriptor();
}

void CompletionQueue::signal() noexcept {
  if (watched_ && !std::exchange(signaled_, true)) waker_.wake();
}

// After the last event was taken. A fresh wake-up is a fresh edge, which tells the end to who took
// the last ones for all that would come.
void CompletionQueue::note_empty() noexcept {
  newest_ = nullptr;
  if (is_over()) {
    signaled_ = false;
    signal();
    changed_.notify_all();
  } else if (std::exchange(signaled_, false)) {
    waker_.reset();
  }
}

void CompletionQueue::withdraw(AsyncOperation& operation) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (!operation.pending_) return;
    unlink(operation);
    if (!is_over()) return;
    signal();
  }
  changed_.notify_all();
}

void CompletionQueue::push(AsyncOperation& operation) noexcept {
  bool over = false;
  {
    const std::lock_guard lock(mutex_);
    unlink(operation);
    if (!abandoned_) {
      operation.retain();
      (newest_ != nullptr ? newest_->next_ : oldest_) = &operation;
      newest_ = &operation;
      ++waiting_;
    }
    over = is_over();
    if (!abandoned_ || over) signal();
  }
  // The lock is free, so that who is woken does not wait for it.
  over ? changed_.notify_all() : changed_.notify_one();
}

std::size_t CompletionQueue::pending() noexcept {
  const std::lock_guard lock(mutex_);
  return pending_ + waiting_;
}

Outcome CompletionQueue::take(std::size_t capacity, const Patience& patience,
                              std::vector<Ref<AsyncOperation>>& taken) {
  std::unique_lock lock(mutex_);
  while (oldest_ == nullptr) {
    if (is_over()) return SALLY_CLOSED;
    if (patience.attempt) return SALLY_WOULD_BLOCK;
    if (patience.deadline == transport::never) {
      changed_.wait(lock);
    } else if (changed_.wait_until(lock, patience.deadline) == std::cv_status::timeout &&
               oldest_ == nullptr && !is_over()) {
      return SALLY_TIMED_OUT;
    }
  }
  // All that are asked for, where they are there: fewer mean to who waits for edges that nothing is
  // left. What cannot be taken for want of memory stays.
  const std::size_t count = std::min(capacity, waiting_);
  taken.reserve(count);
  while (taken.size() < count) {
    AsyncOperation* operation = oldest_;
    oldest_ = std::exchange(operation->next_, nullptr);
    taken.push_back(Ref<AsyncOperation>::adopt(operation));
  }
  waiting_ -= count;
  if (oldest_ == nullptr) note_empty();
  return SALLY_OK;
}

void CompletionQueue::put_back(Ref<AsyncOperation> operation) noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (abandoned_) return;
    AsyncOperation* raw = operation.detach();
    raw->next_ = oldest_;
    oldest_ = raw;
    if (newest_ == nullptr) newest_ = raw;
    ++waiting_;
    // A fresh edge: its taker gets fewer than are there.
    signaled_ = false;
    signal();
  }
  changed_.notify_one();
}

Ref<AsyncOperation> CompletionQueue::next_to_cancel() noexcept {
  const std::lock_guard lock(mutex_);
  while (to_cancel_ != nullptr) {
    AsyncOperation* pending = std::exchange(to_cancel_, to_cancel_->next_);
    // Not one whose last reference is going this very moment.
    if (pending->retain_if_alive()) return Ref<AsyncOperation>::adopt(pending);
  }
  return {};
}

void CompletionQueue::close() noexcept {
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(closed_, true)) to_cancel_ = first_pending_;
    if (is_over()) signal();
  }
  changed_.notify_all();
  while (const Ref<AsyncOperation> operation = next_to_cancel()) operation->cancel();
}

void CompletionQueue::abandon() noexcept {
  AsyncOperation* dropped = nullptr;
  {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
    dropped = std::exchange(oldest_, nullptr);
    newest_ = nullptr;
    waiting_ = 0;
  }
  while (dropped != nullptr) {
    AsyncOperation* next = std::exchange(dropped->next_, nullptr);
    dropped->release();
    dropped = next;
  }
  close();
}

}  // namespace sally::socket
