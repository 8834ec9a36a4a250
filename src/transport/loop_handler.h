// What a loop calls once, later.
#pragma once

namespace sally::transport {

class HandlerLine;

// It is its own place in the loop's line: posting it takes no memory, so it cannot fail. In one line
// at a time; it lives until it was called or dropped.
class LoopHandler {
 public:
  LoopHandler() = default;
  LoopHandler(const LoopHandler&) = delete;
  LoopHandler& operator=(const LoopHandler&) = delete;

  // On the loop's thread, out of the line already: it may be posted again, or be gone afterwards.
  virtual void call() noexcept = 0;
  // The loop has ended without calling it.
  virtual void drop() noexcept {}

 protected:
  ~LoopHandler() = default;

 private:
  friend class HandlerLine;
  LoopHandler* next_ = nullptr;
};

// First in, first out.
class HandlerLine {
 public:
  bool empty() const noexcept { return first_ == nullptr; }
  void append(LoopHandler& handler) noexcept {
    handler.next_ = nullptr;
    (last_ != nullptr ? last_->next_ : first_) = &handler;
    last_ = &handler;
  }
  // Null where it is empty.
  LoopHandler* take() noexcept {
    LoopHandler* handler = first_;
    if (handler == nullptr) return nullptr;
    first_ = handler->next_;
    if (first_ == nullptr) last_ = nullptr;
    return handler;
  }

 private:
  LoopHandler* first_ = nullptr;
  LoopHandler* last_ = nullptr;
};

}  // namespace sally::transport
