#include "transport/patient_call.h"

#include "transport/deadline.h"
#include "transport/loop_state.h"

#include <chrono>
#include <utility>

namespace sally::transport {

namespace {

// How long one turn may keep the loop from others.
constexpr std::chrono::milliseconds slice{1};

}  // namespace

void PatientCall::post() noexcept {
  loop_.state().patient.add(*this);
}

void PatientLine::add(PatientCall& call) noexcept {
  {
    const std::lock_guard lock(mutex_);
    call.next_ = nullptr;
    (last_ != nullptr ? last_->next_ : first_) = &call;
    last_ = &call;
    if (std::exchange(posted_, true)) return;
  }
  loop_.post(*this);
}

PatientCall* PatientLine::take() noexcept {
  const std::lock_guard lock(mutex_);
  PatientCall* call = first_;
  if (call == nullptr) {
    posted_ = false;
    return nullptr;
  }
  first_ = call->next_;
  if (first_ == nullptr) last_ = nullptr;
  return call;
}

void PatientLine::call() noexcept {
  const Deadline end = Clock::now() + slice;
  do {
    const PatientCall* call = take();
    if (call == nullptr) return;
    call->function_(call->context_);  // and may be gone
  } while (Clock::now() < end);
  loop_.look_due = true;
  loop_.post(*this);
}

}  // namespace sally::transport
