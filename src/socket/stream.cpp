#include "socket/stream.h"

#include "transport/event_loop.h"
#include "transport/waker.h"

#include <algorithm>
#include <array>

#include <sallyport/stream.h>

namespace sally::socket {

using tls::Progress;
using transport::Interest;
using transport::WaitResult;

// Hands over records that an operation left behind when it ended early: the bytes it took were
// promised to be sent.
class Stream::Flusher final : public transport::WaitHandler {
 public:
  explicit Flusher(Stream& stream) : stream_(stream) {}

  // With the stream locked.
  void start() {
    if (pending_) return;
    pending_ = true;
    stream_.retain();  // until on_wait_over
    stream_.transport_->loop().post([this] { wait(); });
  }

 private:
  void wait() {
    {
      const Lock lock(stream_.mutex_);
      if (stream_.state_ == State::open)
        return stream_.transport_->wait_async(Interest::write, *this);
      pending_ = false;
    }
    stream_.release();
  }

  void on_wait_over(WaitResult /*result*/) noexcept override {
    {
      const Lock lock(stream_.mutex_);
      const bool open = stream_.state_ == State::open;
      if (open && stream_.session_->flush().state == Progress::State::waiting) {
        return stream_.transport_->wait_async(Interest::write, *this);
      }
      pending_ = false;
    }
    stream_.release();
  }

  Stream& stream_;
  bool pending_ = false;
};

Stream::Stream(Target target) : target_(std::move(target)) {}

Stream::Stream(std::unique_ptr<transport::Transport> transport,
               std::unique_ptr<tls::Session> session)
    : state_(State::open), transport_(std::move(transport)), session_(std::move(session)) {}

Stream::~Stream() = default;

Outcome Stream::usable() const {
  if (closing_) return SALLY_CLOSED;
  if (state_ == State::open) return SALLY_OK;
  return make_error(SALLY_INVALID_STATE, {.message = "the stream is not connected"});
}

Outcome Stream::wait(Lock& lock, Operation& operation, Interest interest,
                     const Patience& patience) {
  if (operation.canceled) return SALLY_CANCELED;
  if (patience.attempt) return SALLY_WOULD_BLOCK;

  transport::Waker& waker = transport::Waker::of_this_thread();
  waker.reset();
  operation.waker = &waker;
  transport::Transport* transport = interest == Interest::none ? nullptr : transport_.get();
  lock.unlock();
  const bool in_time = transport == nullptr ? waker.wait(patience.deadline)
                                            : transport->wait(interest, patience.deadline, waker) !=
                                                  WaitResult::timed_out;
  lock.lock();
  operation.waker = nullptr;

  if (closing_ && !operation.closes) return SALLY_CLOSED;
  if (operation.canceled) return SALLY_CANCELED;
  return in_time ? SALLY_OK : SALLY_TIMED_OUT;
}

namespace {

class ScopedFlag {
 public:
  explicit ScopedFlag(bool& flag) : flag_(flag) { flag_ = true; }
  ~ScopedFlag() { flag_ = false; }
  ScopedFlag(const ScopedFlag&) = delete;
  ScopedFlag& operator=(const ScopedFlag&) = delete;

 private:
  bool& flag_;
};

}  // namespace

Outcome Stream::read_some(std::span<std::byte> buffer, std::size_t& size,
                          const Patience& patience) {
  Lock lock(mutex_);
  if (Outcome state = usable(); !state.ok()) return state;
  if (reading_) return SALLY_BUSY;
  Operation operation(operations_, SALLY_DIRECTION_READ);
  const ScopedFlag reading(reading_);
  Outcome outcome;
  while (outcome.ok()) {
    const Progress progress = session_->read(buffer);
    // Reader and writer may wait for the same input; what the one has taken the system shows the
    // other no more.
    if (writer_needs_input_ && !session_->within_message()) writers_.front()->wake();
    if (progress.state == Progress::State::done) {
      size = progress.size;
      break;
    }
    outcome = progress.state == Progress::State::failed
                  ? Outcome(progress.error)
                  : wait(lock, operation, progress.interest, patience);
  }
  flush_in_background();
  return outcome;
}

Outcome Stream::wait_for_turn(Lock& lock, Operation& operation, const Patience& patience) {
  while (writers_.front() != &operation) {
    if (Outcome outcome = wait(lock, operation, Interest::none, patience); !outcome.ok())
      return outcome;
  }
  return SALLY_OK;
}

Outcome Stream::flush(Lock& lock, Operation& operation, const Patience& patience) {
  for (;;) {
    const Progress progress = session_->flush();
    if (progress.state == Progress::State::done) return SALLY_OK;
    if (progress.state == Progress::State::failed) return progress.error;
    if (Outcome outcome = wait(lock, operation, progress.interest, patience); !outcome.ok())
      return outcome;
  }
}

namespace {

// A writer's place in the queue; whoever leaves it lets the next one in.
class WriterTurn {
 public:
  WriterTurn(std::deque<Operation*>& writers, Operation& operation)
      : writers_(writers), operation_(operation) {
    writers_.push_back(&operation);
  }
  ~WriterTurn() {
    const bool was_first = writers_.front() == &operation_;
    std::erase(writers_, &operation_);
    if (was_first && !writers_.empty()) writers_.front()->wake();
  }
  WriterTurn(const WriterTurn&) = delete;
  WriterTurn& operator=(const WriterTurn&) = delete;

 private:
  std::deque<Operation*>& writers_;
  Operation& operation_;
};

ErrorRef sending_ended_error() {
  return make_error(SALLY_INVALID_STATE, {.message = "the sending direction was shut down"});
}

}  // namespace

Outcome Stream::write(std::span<const std::byte> data, std::size_t& taken,
                      const Patience& patience) {
  Lock lock(mutex_);
  if (Outcome state = usable(); !state.ok()) return state;
  Operation operation(operations_, SALLY_DIRECTION_WRITE);
  const WriterTurn turn(writers_, operation);
  if (Outcome outcome = wait_for_turn(lock, operation, patience); !outcome.ok()) return outcome;
  if (sending_ended_) return sending_ended_error();

  Outcome outcome;
  while (outcome.ok() && taken < data.size()) {
    const bool needed_input = session_->within_message();
    const Progress progress = session_->write(data.subspan(taken));
    writer_needs_input_ = session_->within_message();
    // What came behind the message, this writer has taken in, and a reader waits for it.
    if (needed_input && !writer_needs_input_) operations_.wake_all();
    if (progress.state == Progress::State::failed)
      outcome = progress.error;
    else if (progress.state == Progress::State::waiting)
      outcome = wait(lock, operation, progress.interest, patience);
    else
      taken += progress.size;
  }
  writer_needs_input_ = false;
  // An attempt is content with having the bytes taken; one who waits learns that the system has
  // them.
  if (outcome.ok() && !patience.attempt) outcome = flush(lock, operation, patience);
  flush_in_background();
  return outcome;
}

Outcome Stream::shutdown(const Patience& patience) {
  Lock lock(mutex_);
  if (Outcome state = usable(); !state.ok()) return state;
  Operation operation(operations_, SALLY_DIRECTION_WRITE);
  const WriterTurn turn(writers_, operation);
  if (Outcome outcome = wait_for_turn(lock, operation, patience); !outcome.ok()) return outcome;
  sending_ended_ = true;
  session_->send_close_notify();
  Outcome outcome = flush(lock, operation, patience);
  if (outcome.status == SALLY_WOULD_BLOCK) outcome = SALLY_OK;
  flush_in_background();
  return outcome;
}

void Stream::flush_in_background() {
  if (state_ != State::open || closing_ || session_->pending_output() == 0) return;
  if (!flusher_) flusher_ = std::make_unique<Flusher>(*this);
  flusher_->start();
}

Outcome Stream::close(const Patience& patience) {
  Lock lock(mutex_);
  if (closing_) return SALLY_OK;
  closing_ = true;
  operations_.wake_all();
  if (state_ != State::open) {
    // A connect that is under way sees `closing_` and cleans up after itself.
    if (state_ == State::idle) state_ = State::closed;
    return SALLY_OK;
  }
  Operation operation(operations_, SALLY_DIRECTION_READ | SALLY_DIRECTION_WRITE);
  operation.closes = true;
  Outcome outcome = say_goodbye(lock, operation, patience);
  close_transport();
  if (outcome.status == SALLY_END_OF_STREAM) return SALLY_OK;
  if (patience.attempt && outcome.status == SALLY_WOULD_BLOCK) return SALLY_OK;
  return outcome;
}

namespace {

// What an attempt to close throws away at most, in reads of 4 KiB.
constexpr int most_attempted_reads = 64;

}  // namespace

// Reading until the peer's close_notify also keeps the closing from being a reset, which could cost
// the peer our last bytes.
Outcome Stream::say_goodbye(Lock& lock, Operation& operation, const Patience& patience) {
  session_->send_close_notify();
  if (Outcome outcome = flush(lock, operation, patience); !outcome.ok()) return outcome;
  std::array<std::byte, 4096> scratch{};
  for (int reads = 0;; ++reads) {
    const Progress progress = session_->read(scratch);
    if (progress.state == Progress::State::failed) return progress.error;
    if (progress.state == Progress::State::done) {
      // A peer that never stops sending is not read for ever.
      if (patience.attempt && reads == most_attempted_reads) return SALLY_WOULD_BLOCK;
      if (transport::Clock::now() >= patience.deadline) return SALLY_TIMED_OUT;
      continue;
    }
    if (Outcome outcome = wait(lock, operation, progress.interest, patience); !outcome.ok())
      return outcome;
  }
}

void Stream::close_transport() noexcept {
  state_ = State::closed;
  transport_->close();
}

void Stream::cancel(unsigned directions) noexcept {
  const Lock lock(mutex_);
  operations_.cancel(directions);
}

Outcome Stream::facts(StreamFacts& facts) const {
  const Lock lock(mutex_);
  if (!session_ || !session_->established()) {
    return make_error(SALLY_INVALID_STATE, {.message = "the stream is not connected"});
  }
  facts.session = session_->facts();
  facts.local_address = transport_->local_address();
  facts.peer_address = transport_->peer_address();
  return SALLY_OK;
}

void Stream::abandon() noexcept {
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
