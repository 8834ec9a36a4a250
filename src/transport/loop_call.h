// A call on an event loop that cannot fail.
#pragma once

#include "transport/event_loop.h"
#include "transport/loop_handler.h"

namespace sally::transport {

// What is called must outlive its call.
class LoopCall final : private LoopHandler {
 public:
  using Function = void (*)(void* context) noexcept;
  LoopCall(EventLoop& loop, Function function, void* context) noexcept
      : loop_(loop), function_(function), context_(context) {}

  // Any thread. Once at a time: not again before the call has begun.
  void post() noexcept;
  EventLoop& loop() const noexcept { return loop_; }

 private:
  void call() noexcept override { function_(context_); }

  EventLoop& loop_;
  const Function function_;
  void* const context_;
};

}  // namespace sally::transport
