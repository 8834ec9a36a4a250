// How operations on a stream begin, wait on their caller's thread, and end.
#include "socket/stream.h"

#include "socket/loop_wait.h"
#include "socket/stream_trust.h"
#include "transport/event_loop.h"
#include "transport/plain_flow.h"
#include "transport/waker.h"

#include <algorithm>
#include <utility>

#include <sallyport/stream.h>

namespace sally::socket {

using transport::Interest;
using transport::WaitResult;

namespace {

// As long as one that is waited for, unless its caller says otherwise.
constexpr std::int64_t unwaited_close_ms = 5'000;

}  // namespace

Stream::Stream(Target target)
    : target_(std::move(target)), decider_(target_.decider), runtime_(target_.runtime) {}

Stream::Stream(Established established)
    : state_(State::open),
      decider_(std::move(established.decider)),
      runtime_(std::move(established.runtime)),
      establishment_(std::move(established.report)),
      admission_(std::move(established.admission)),
      transport_(std::move(established.transport)),
      session_(established.session.get()) {
  flow_ = std::move(established.session);
  if (!flow_) flow_ = std::make_unique<transport::PlainFlow>(*transport_);
  flow_->set_limits(established.limits);
  open_loop(transport_->loop());
  if (session_ != nullptr) watch_trust();  // last: it may be reviewed from now on
}

Stream::~Stream() = default;

std::optional<Outcome> Stream::usable() const {
  if (closing_) return Outcome(SALLY_CLOSED);
  if (state_ == State::open && !handshaking_) return {};
  if (handshaking_) return Outcome(SALLY_BUSY);
  return Outcome(make_error(SALLY_INVALID_STATE, {.message = "the stream is not connected"}));
}

std::optional<Outcome> Stream::usable_for_bytes() const {
  if (auto refused = usable()) return refused;
  if (least_protection_ == 0 || protection_now() >= least_protection_) return {};
  return Outcome(make_error(SALLY_PROTECTION_TOO_LOW));
}

std::int32_t Stream::protection_now() const noexcept {
  return session_ != nullptr && session_->established() ? session_->version() : 0;
}

std::int32_t Stream::protection() const noexcept {
  const Lock lock(mutex_);
  return protection_now();
}

void Stream::require_protection(std::int32_t least) noexcept {
  const Lock lock(mutex_);
  least_protection_ = least;
}

// Gives the operation its place, or says why it has none.
std::optional<Outcome> Stream::admit(Operation& operation) {
  switch (operation.request.verb) {
    case Verb::connect:
      if (closing_) return Outcome(SALLY_CLOSED);
      if (state_ != State::idle) {
        return Outcome(
            make_error(SALLY_INVALID_STATE, {.message = "the stream was connected before"}));
      }
      dial();
      state_ = State::connecting;
      exclusive_ = &operation;
      break;
    case Verb::upgrade:
      if (auto refused = usable()) return refused;
      if (session_ != nullptr) {
        return Outcome(
            make_error(SALLY_INVALID_STATE, {.message = "the stream is secured already"}));
      }
      if (!operations_.empty()) return Outcome(SALLY_BUSY);
      handshaking_ = true;
      exclusive_ = &operation;
      break;
    case Verb::read_some:
    case Verb::read_exactly:
    case Verb::read_until:
      if (auto refused = usable_for_bytes()) return refused;
      if (reader_ != nullptr) return Outcome(SALLY_BUSY);
      reader_ = &operation;
      break;
    case Verb::authenticate:
      // It reads, and keeps for others what is not for it.
      if (auto refused = usable_for_keys()) return refused;
      if (reader_ != nullptr) return Outcome(SALLY_BUSY);
      reader_ = &operation;
      break;
    case Verb::wait:
      if (auto refused = usable()) return refused;
      waits_.push_back(&operation);
      break;
    case Verb::write:
      if (auto refused = usable_for_bytes()) return refused;
      if (ErrorRef why = untrusted(Verb::write)) return Outcome(std::move(why));
      writers_.join(operation);
      break;
    case Verb::flush:
    case Verb::shutdown:
      if (auto refused = usable()) return refused;
      if (ErrorRef why = untrusted(operation.request.verb)) return Outcome(std::move(why));
      writers_.join(operation);
      break;
    case Verb::close:
      if (auto nothing_to_do = admit_close(operation)) return nothing_to_do;
      break;
  }
  operations_.add(operation);
  return {};
}

std::optional<Outcome> Stream::admit_close(Operation& operation) {
  if (closing_) return Outcome();
  closing_ = true;
  attention_ = true;
  operations_.wake_all();
  if (state_ != State::open || handshaking_) {
    // A connect or an upgrade that is under way sees `closing_` and cleans up after itself.
    if (state_ == State::idle) state_ = State::closed;
    return Outcome();
  }
  closer_ = &operation;
  return {};
}

// What ends an operation from outside.
std::optional<Outcome> Stream::ended(const Operation& operation) const {
  if (operation.canceled) return Outcome(SALLY_CANCELED);
  if (closing_ && operation.request.verb != Verb::close) return Outcome(SALLY_CLOSED);
  if (operation.expired) return Outcome(SALLY_TIMED_OUT);
  return {};
}

void Stream::leave_writers(Operation& operation) noexcept {
  const bool was_first = writers_.first() == &operation;
  writers_.leave(operation);
  if (was_first && !writers_.empty()) writers_.first()->wake();
  if (draining_ && writers_.empty()) schedule();
}

// Takes the operation's place away, and leaves the stream as an end of this kind leaves it.
void Stream::retire(Operation& operation, Outcome& outcome) noexcept {
  operations_.remove(operation);
  switch (operation.request.verb) {
    case Verb::connect:
    case Verb::upgrade:
      exclusive_ = nullptr;
      handshaking_ = false;
      if (outcome.ok()) {
        state_ = State::open;
        questions_.reset();
      } else {
        end_connect(operation, outcome);
      }
      break;
    case Verb::read_some:
    case Verb::read_exactly:
    case Verb::read_until:
    case Verb::authenticate:
      reader_ = nullptr;
      schedule_answers(outcome);
      break;
    case Verb::wait:
      std::erase(waits_, &operation);
      schedule_answers(outcome);
      break;
    case Verb::write:
    case Verb::flush:
    case Verb::shutdown:
      sending_.leave(operation);
      // What was taken was promised to be sent.
      if (!operation.request.more) schedule_flush();
      leave_writers(operation);
      break;
    case Verb::close:
      closer_ = nullptr;
      say_goodbye();
      close_transport();
      if (outcome.status == SALLY_END_OF_STREAM) outcome = {};
      if (operation.patience.attempt && outcome.status == SALLY_WOULD_BLOCK) outcome = {};
      break;
  }
}

Outcome Stream::run(Request&& request, const Patience& patience) {
  std::size_t moved = 0;
  return run(std::move(request), patience, moved);
}

Outcome Stream::run(Request&& request, const Patience& patience, std::size_t& moved) {
  moved = 0;
  if (asks(request)) return run_on_loop(std::move(request), patience);
  BlockingOperation operation(std::move(request), patience);
  Lock lock(mutex_);
  if (auto refused = admit(operation)) return std::move(*refused);
  std::optional<Outcome> outcome = attempt(operation);
  while (!outcome) {
    outcome = wait(lock, operation);
    if (!outcome) outcome = attempt(operation);
  }
  if (leave_to_loop(operation, *outcome)) return {};
  retire(operation, *outcome);
  moved = operation.request.moved;
  return std::move(*outcome);
}

// Why a call must not block here, or null: it would wait for what only its own thread, or nobody,
// brings about.
ErrorRef Stream::cannot_wait(const Operation& operation) const {
  if (!call_) return {};
  if (call_->loop().on_this_thread()) {
    return make_error(SALLY_INVALID_STATE,
                      {.message = "a blocking call on the thread of the stream's event loop"});
  }
  if (operation.interest == Interest::none && !call_->loop().is_served()) {
    return make_error(SALLY_INVALID_STATE, {.message = "nobody runs the stream's event loop"});
  }
  return {};
}

// Nothing: it is time for another attempt.
std::optional<Outcome> Stream::wait(Lock& lock, BlockingOperation& operation) {
  if (auto over = ended(operation)) return over;
  if (operation.patience.attempt) {
    note_missing(operation);
    return Outcome(SALLY_WOULD_BLOCK);
  }
  if (ErrorRef why = cannot_wait(operation)) return Outcome(std::move(why));

  transport::Waker* waker = nullptr;
  try {
    waker = &transport::Waker::of_this_thread();
  } catch (const Failure& failure) {
    return Outcome(failure.error());  // thrown on, it would leave the operation in its place
  } catch (...) {
    return Outcome(out_of_memory_error());
  }
  waker->reset();
  operation.waker = waker;
  const Interest interest = operation.interest;
  transport::Transport* transport = interest == Interest::none ? nullptr : transport_.get();
  const auto deadline = operation.patience.deadline;
  lock.unlock();
  const bool in_time = transport == nullptr
                           ? waker->wait(deadline)
                           : transport->wait(interest, deadline, *waker) != WaitResult::timed_out;
  lock.lock();
  operation.waker = nullptr;
  if (auto over = ended(operation)) return over;
  if (!in_time) return Outcome(SALLY_TIMED_OUT);
  return {};
}

// An attempt to close while bytes are left that were taken, or are on their way: the loop sends them,
// says goodbye and closes when the peer has done so, within the time that a close takes by default.
bool Stream::leave_to_loop(Operation& closing, const Outcome& outcome) noexcept {
  const bool attempted = closing.request.verb == Verb::close && closing.patience.attempt;
  if (!attempted || outcome.status != SALLY_WOULD_BLOCK) return false;
  if (flow_->pending_output() == 0 && !in_flight_) return false;
  return go_on_closing(closing);
}

// Whether the peer may not have got yet all that was taken.
bool Stream::has_bytes_left() const noexcept {
  if (flow_->traffic().taken == 0) return false;
  return flow_->pending_output() > 0 || transport_->has_in_flight();
}

// In place of `closing`, which has no place any more.
bool Stream::go_on_closing(Operation& closing) noexcept {
  try {
    const Ref<StreamOperation> rest = make_ref<StreamOperation>(
        Ref<Stream>::share(this), Request{.verb = Verb::close, .unwaited = true},
        transport::deadline_after(unwaited_close_ms),
        Completion{.tell = [](const Completion&, AsyncOperation&) {}});
    operations_.remove(closing);
    operations_.add(*rest);
    closer_ = rest.get();
    rest->retain();  // until it is delivered
  } catch (...) {
    return false;
  }
  attention_ = true;
  schedule();
  return true;
}

// For a close that was ended before its first attempt: the peer learns of it if that is possible at
// once.
void Stream::say_goodbye() noexcept {
  if (std::exchange(sending_ended_, true)) return;
  try {
    flow_->end_sending();
    static_cast<void>(flow_->flush());
  } catch (...) {
    // Then it is not possible.
  }
}

void Stream::close_transport() noexcept {
  state_ = State::closed;
  end_trust_watch();
  if (session_ != nullptr) session_->end_trace();
  transport_->close();
  admission_.reset();
}

void Stream::cancel(unsigned directions) noexcept {
  const Lock lock(mutex_);
  attention_ = true;
  operations_.cancel(directions);
}

Outcome Stream::facts(StreamFacts& facts) const {
  const Lock lock(mutex_);
  const bool was_connected = flow_ && (session_ == nullptr || session_->established());
  if (!was_connected) {
    return make_error(SALLY_INVALID_STATE, {.message = "the stream is not connected"});
  }
  if (session_ != nullptr) facts.session = session_->facts();
  facts.secured = session_ != nullptr;
  facts.local_address = transport_->local_address();
  facts.peer_address = transport_->peer_address();
  facts.establishment = establishment_;
  facts.traffic = flow_->traffic();
  return SALLY_OK;
}

// A close that is under way ends for who began it; what it was to send is sent all the same.
void Stream::leave_close_to_loop() noexcept {
  const Lock lock(mutex_);
  const bool begun = closer_ != nullptr && closer_->is_async() && !closer_->request.unwaited;
  if (!begun || !has_bytes_left()) return;
  auto& closing = static_cast<StreamOperation&>(*closer_);
  if (!go_on_closing(closing)) return;
  closing.outcome = SALLY_CANCELED;
  deliver_later(closing);
}

void Stream::abandon() noexcept {
  leave_close_to_loop();
  cancel(SALLY_DIRECTION_READ | SALLY_DIRECTION_WRITE);
  try {
    static_cast<void>(close(Patience::none()));
  } catch (...) {
    const Lock lock(mutex_);
    if (state_ == State::open) close_transport();
  }
}

void Stream::abandon_in_child() noexcept {
  if (transport_) transport_->close_in_child();
}

}  // namespace sally::socket
