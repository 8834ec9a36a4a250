#include "transport/patient_call.h"

#include "transport/asio_loop.h"
#include "transport/deadline.h"

#include <chrono>
#include <utility>

namespace sally::transport {

namespace {

// How long one turn may keep the loop from others.
constexpr std::chrono::milliseconds slice{1};

}  // namespace

void PatientCall::post() noexcept {
  PatientLine& line = loop_.state().patient;
  {
    const std::lock_guard lock(line.mutex);
    next_ = nullptr;
    (line.last != nullptr ? line.last->next_ : line.first) = this;
    line.last = this;
    if (std::exchange(line.posted, true)) return;
  }
  line.post_turn(loop_);
}

PatientCall* PatientLine::take() noexcept {
  const std::lock_guard lock(mutex);
  PatientCall* call = first;
  if (call == nullptr) {
    posted = false;
    return nullptr;
  }
  first = call->next_;
  if (first == nullptr) last = nullptr;
  return call;
}

void PatientLine::post_turn(EventLoop& loop) noexcept {
  post_reserved(loop, memory, [this, &loop] {
    const Deadline end = Clock::now() + slice;
    do {
      const PatientCall* call = take();
      if (call == nullptr) return;
      call->function_(call->context_);  // and may be gone
    } while (Clock::now() < end);
    post_turn(loop);
  });
}

}  // namespace sally::transport
