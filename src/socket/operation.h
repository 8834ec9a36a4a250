// An operation on a stream in progress, and the list by which others can end it.
#pragma once

#include "socket/patience.h"
#include "socket/request.h"
#include "transport/waker.h"

#include <cstdint>
#include <utility>

namespace sally::socket {

class OperationList;
class OperationLine;

// All of it is guarded by the lock of the stream.
class Operation {
 public:
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  // Somebody changed what it may be waiting for.
  virtual void wake() noexcept = 0;
  virtual bool is_async() const noexcept = 0;
  unsigned directions() const noexcept;  // SALLY_DIRECTION_*

  Request request;
  Patience patience;
  bool canceled = false;
  bool expired = false;
  // What it waits for; none: only for being woken.
  transport::Interest interest = transport::Interest::none;

  // A write: everything was taken, and what `sealed_at` and `sent_at` of Traffic must reach.
  bool taken = false;
  bool sent = false;
  std::uint64_t sealed_at = 0;
  std::uint64_t sent_at = 0;  // 0: not known before all of it is sealed

 protected:
  Operation(Request&& what, const Patience& how_long)
      : request(std::move(what)), patience(how_long) {}
  ~Operation() = default;

 private:
  friend class OperationList;
  friend class OperationLine;
  Operation* previous_ = nullptr;
  Operation* next_ = nullptr;
  const OperationLine* line_ = nullptr;
  Operation* before_ = nullptr;
  Operation* behind_ = nullptr;
};

// Lives on the stack of the thread that called.
class BlockingOperation final : public Operation {
 public:
  BlockingOperation(Request&& what, const Patience& how_long)
      : Operation(std::move(what), how_long) {}
  void wake() noexcept override {
    if (waker != nullptr) waker->wake();
  }
  bool is_async() const noexcept override { return false; }

  transport::Waker* waker = nullptr;  // while its thread waits
};

// In the order of their beginning.
class OperationList {
 public:
  void add(Operation& operation) noexcept;
  void remove(Operation& operation) noexcept;

  bool empty() const noexcept { return first_ == nullptr; }
  bool has_several() const noexcept { return first_ != last_; }
  void cancel(unsigned directions) noexcept;
  void wake_all() noexcept;
  // Those that wait for what the peer sends, but for one.
  void wake_receivers(const Operation* except) noexcept;

  Operation* first() const noexcept { return first_; }
  static Operation* after(const Operation& operation) noexcept { return operation.next_; }

 private:
  Operation* first_ = nullptr;
  Operation* last_ = nullptr;
};

// Operations that wait for their turn. An operation waits in one line at a time. Needs no memory, so
// that an idle stream keeps none.
class OperationLine {
 public:
  bool empty() const noexcept { return first_ == nullptr; }
  Operation* first() const noexcept { return first_; }
  static Operation* behind(const Operation& operation) noexcept { return operation.behind_; }
  void join(Operation& operation) noexcept;
  // Does nothing where it is not in this line.
  void leave(Operation& operation) noexcept;

 private:
  Operation* first_ = nullptr;
  Operation* last_ = nullptr;
};

}  // namespace sally::socket
