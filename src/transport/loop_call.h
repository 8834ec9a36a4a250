// A call on an event loop that cannot fail, because its memory was reserved before.
#pragma once

#include "transport/event_loop.h"

#include <memory>

namespace sally::transport {

// What is called must outlive its call.
class LoopCall {
 public:
  using Function = void (*)(void* context) noexcept;
  LoopCall(EventLoop& loop, Function function, void* context);  // throws std::bad_alloc
  ~LoopCall();
  LoopCall(const LoopCall&) = delete;
  LoopCall& operator=(const LoopCall&) = delete;

  // Any thread. Once at a time: not again before the call has begun.
  void post() noexcept;
  EventLoop& loop() const noexcept { return loop_; }

 private:
  struct State;
  EventLoop& loop_;
  std::unique_ptr<State> state_;
};

}  // namespace sally::transport
