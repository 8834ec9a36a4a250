// A call on an event loop that can wait its turn. When thousands are due at once, each turn of the loop
// makes a few of them, for a millisecond, so that what is urgent comes in between.
#pragma once

#include "transport/event_loop.h"

namespace sally::transport {

// What is called must outlive its call.
class PatientCall {
 public:
  using Function = void (*)(void* context) noexcept;
  PatientCall(EventLoop& loop, Function function, void* context) noexcept
      : loop_(loop), function_(function), context_(context) {}
  PatientCall(const PatientCall&) = delete;
  PatientCall& operator=(const PatientCall&) = delete;

  // Any thread. Once at a time: not again before the call has begun.
  void post() noexcept;
  EventLoop& loop() const noexcept { return loop_; }

 private:
  friend struct PatientLine;
  EventLoop& loop_;
  const Function function_;
  void* const context_;
  PatientCall* next_ = nullptr;
};

}  // namespace sally::transport
