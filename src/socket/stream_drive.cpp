// Asynchronous operations of a stream, on its loop: each turn attempts whatever can go on, sends once
// for all of it, and waits for what is missing.
#include "socket/loop_wait.h"
#include "socket/stream.h"

#include <algorithm>
#include <utility>

namespace sally::socket {

using transport::Interest;
using transport::Progress;

StreamOperation::StreamOperation(Ref<Stream> stream, Request&& what, transport::Deadline deadline,
                                 Completion&& completion)
    : AsyncOperation(std::move(completion)),
      Operation(std::move(what), Patience::until(deadline)),
      stream_(std::move(stream)) {}

StreamOperation::~StreamOperation() = default;

void StreamOperation::cancel() noexcept {
  const Stream::Lock lock(stream_->mutex_);
  if (settled_) return;
  canceled = true;
  stream_->attention_ = true;
  stream_->schedule();
}

void StreamOperation::wake() noexcept {
  if (!settled_) stream_->schedule();
}

void Stream::open_loop(transport::EventLoop& loop) {
  call_ = std::make_unique<transport::LoopCall>(
      loop,
      [](void* context) noexcept {
        const Ref<Stream> stream = Ref<Stream>::adopt(static_cast<Stream*>(context));
        stream->advance(stream->scheduled_);
      },
      this);
  wait_read_ = std::make_unique<LoopWait>(*this, Interest::read);
  wait_write_ = std::make_unique<LoopWait>(*this, Interest::write);
}

// A turn on the loop, soon.
void Stream::schedule() noexcept {
  if (begin_schedule()) call_->post();
}

// Whether the caller is to post the call. It may do so without the lock: nobody else will.
bool Stream::begin_schedule() noexcept {
  if (advancing_ || telling_) {
    again_ = true;
    return false;
  }
  if (!call_ || std::exchange(scheduled_, true)) return false;
  retain();  // until the call
  return true;
}

void Stream::schedule_flush() noexcept {
  if (state_ != State::open || closing_ || flow_->pending_output() == 0) return;
  flush_due_ = true;
  schedule();
}

void Stream::submit(Ref<StreamOperation> operation) {
  Lock lock(mutex_);
  if (auto refused = admit(*operation)) {
    // A close that finds nothing to do has done it.
    if (operation->request.verb != Verb::close || !refused->ok()) {
      throw Failure(refused->error ? refused->error : make_error(refused->status));
    }
    if (!runtime_) runtime_ = transport::Runtime::shared();
    if (!call_) open_loop(runtime_->pick());
    return deliver_later(*operation.detach());
  }
  StreamOperation& begun = *operation.detach();  // until it is delivered
  if (completes_at_once(begun)) {
    lock.unlock();
    return deliver(begun);
  }
  attention_ = attention_ || begun.canceled || begun.patience.deadline != transport::never;
  const bool post = begin_schedule();
  lock.unlock();
  // Not before: the loop's thread would wake up only to wait for the lock.
  if (post) call_->post();
}

// What a read or a wait asks for is often there already, and a queue can be told of it on any thread: two
// wake-ups less. Writes are not attempted here, because those of one turn leave together.
bool Stream::completes_at_once(StreamOperation& operation) noexcept {
  const bool may = operation.request.reads() || operation.request.verb == Verb::wait;
  if (!may || operation.canceled || !operation.goes_to_queue_only() || advancing_) return false;
  rely_on_loop(true);
  auto outcome = attempt(operation);
  rely_on_loop(false);
  if (!outcome) return false;
  retire_async(operation, std::move(*outcome));
  operation.settled_ = true;
  return true;
}

void Stream::retire_async(StreamOperation& operation, Outcome outcome) noexcept {
  retire(operation, outcome);
  operation.outcome = std::move(outcome);
  operation.size = operation.request.moved;
}

// Ends an operation that goes on here; it is told when the lock is free.
void Stream::settle(Operation& operation, Outcome outcome) noexcept {
  auto& settled = static_cast<StreamOperation&>(operation);
  if (settled.settled_) return;
  retire_async(settled, std::move(outcome));
  deliver_later(settled);
}

void Stream::deliver_later(StreamOperation& settled) noexcept {
  settled.settled_ = true;
  (last_settled_ != nullptr ? last_settled_->next_settled_ : settled_) = &settled;
  last_settled_ = &settled;
  schedule();
}

// A turn of the stream. `pending` is what stood for it, and is put down under the lock. What those
// who are told begin goes on at once, for a few rounds: then it is the turn of others.
void Stream::advance(bool& pending) noexcept {
  constexpr int most_rounds = 4;
  Lock lock(mutex_);
  pending = false;
  for (int round = 1;; ++round) {
    attempt_until_quiet();
    StreamOperation* const done = std::exchange(settled_, nullptr);
    last_settled_ = nullptr;
    Ref<QuestionEvent> asked = std::exchange(asked_, {});
    if (done == nullptr && !asked) return;
    telling_ = true;
    lock.unlock();
    tell(asked, done);
    asked = {};  // not under the lock: an event that nobody took answers as it goes
    lock.lock();
    telling_ = false;
    if (!std::exchange(again_, false)) return;
    if (round == most_rounds) return schedule();
  }
}

void Stream::attempt_until_quiet() noexcept {
  advancing_ = true;
  rely_on_loop(true);
  do {
    again_ = false;
    if (std::exchange(attention_, false)) attend();
    attempt_all();
  } while (again_);
  arm();
  rely_on_loop(false);
  advancing_ = false;
  if (std::exchange(yields_, false)) schedule();
}

// With no lock held.
void Stream::tell(const Ref<QuestionEvent>& asked, StreamOperation* done) noexcept {
  if (asked) asked->deliver();
  while (done != nullptr) {
    StreamOperation* operation = done;
    done = std::exchange(operation->next_settled_, nullptr);
    operation->timer_.reset();
    deliver(*operation);
  }
}

// What these attempts do not find, the loop tells.
void Stream::rely_on_loop(bool relies) noexcept {
  if (transport_) transport_->rely_on_loop(relies);
}

// With no lock held.
void Stream::deliver(StreamOperation& settled) noexcept {
  Ref<StreamOperation>::adopt(&settled)->complete();
}

// Ends what is to end, all of it before anything is attempted: on a transport that is closed by now
// an attempt would tell something else.
void Stream::attend() noexcept {
  while (Operation* operation = next_ended()) settle(*operation, *ended(*operation));
  for (Operation* operation = operations_.first(); operation != nullptr;
       operation = OperationList::after(*operation)) {
    if (!operation->is_async() || start_clock(static_cast<StreamOperation&>(*operation))) continue;
    // Without a clock it might never end. Others are looked at again, as settling it may end them.
    attention_ = true;
    return settle(*operation, Outcome(out_of_memory_error()));
  }
}

// Settling one may end others, so the search begins anew each time.
Operation* Stream::next_ended() const noexcept {
  Operation* operation = operations_.first();
  while (operation != nullptr && !(operation->is_async() && ended(*operation))) {
    operation = OperationList::after(*operation);
  }
  return operation;
}

// Of an operation that has begun, or whose deadline has moved. False for want of memory.
bool Stream::start_clock(StreamOperation& operation) noexcept {
  if (operation.timed_for_ == operation.patience.deadline) return true;
  operation.timed_for_ = operation.patience.deadline;
  const auto ring = [this, &operation] {
    const Ref<Stream> stream = Ref<Stream>::share(this);
    bool rings = true;
    {
      const Lock lock(mutex_);
      operation.expired = true;
      attention_ = true;
    }
    advance(rings);
  };
  try {
    if (!operation.timer_) operation.timer_.emplace(call_->loop());
    operation.timer_->start(operation.timed_for_, ring);
  } catch (...) {
    return false;
  }
  return true;
}

void Stream::attempt_async(Operation* operation) noexcept {
  if (!operation->is_async()) return;
  if (auto outcome = attempt(*operation)) settle(*operation, std::move(*outcome));
}

void Stream::attempt_all() noexcept {
  if (exclusive_ != nullptr) attempt_async(exclusive_);
  if (flow_ && !handshaking_) {
    attempt_writers();
    if (draining_) end_drained_sending();
    flush_in_turn();
    if (reader_ != nullptr) attempt_async(reader_);
    for (std::size_t i = 0; i < waits_.size();) {
      Operation* wait = waits_[i];
      attempt_async(wait);
      if (i < waits_.size() && waits_[i] == wait) ++i;
    }
  }
  if (closer_ != nullptr) attempt_async(closer_);
}

void Stream::attempt_writers() noexcept {
  while (!writers_.empty() && writers_.first()->is_async()) {
    Operation* first = writers_.first();
    attempt_async(first);
    if (writers_.first() == first) return;
  }
}

// One send for all that this turn has written.
void Stream::flush_in_turn() noexcept {
  sends_wait_ = Interest::none;
  if (state_ != State::open || (sending_.empty() && !flush_due_)) return;
  const std::uint64_t received = flow_->traffic().wire_received;
  Progress progress;
  try {
    progress = flow_->flush();
  } catch (...) {
    progress = {.state = Progress::State::failed, .error = out_of_memory_error()};
  }
  collect_sent();
  // Sealing takes in the rest of a message of the peer's, and what came with it.
  if (flow_->traffic().wire_received != received) operations_.wake_receivers(nullptr);
  if (progress.state == Progress::State::waiting) {
    sends_wait_ = progress.interest;
    return;
  }
  flush_due_ = false;
  if (progress.state == Progress::State::done) return;
  Operation* next = nullptr;
  for (Operation* failed = sending_.first(); failed != nullptr; failed = next) {
    next = OperationLine::behind(*failed);
    if (failed->is_async()) settle(*failed, Outcome(progress.error));
  }
}

void Stream::arm() noexcept {
  if (!transport_ || state_ == State::closed) return;
  Interest missing = sends_wait_;
  const auto include = [&missing](const Operation* operation) {
    if (operation != nullptr && operation->is_async()) missing = missing | operation->interest;
  };
  include(exclusive_);
  include(reader_);
  include(closer_);
  include(writers_.first());
  for (const Operation* wait : waits_) include(wait);
  // What the caller watches itself is to wake nobody here.
  if (lent_ && missing == Interest::none) return transport_->cancel_waits();
  if (includes(missing, Interest::read)) wait_read_->start();
  if (includes(missing, Interest::write)) wait_write_->start();
}

}  // namespace sally::socket
