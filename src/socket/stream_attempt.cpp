// What each operation on a connected stream attempts. Nothing waits here.
#include "socket/stream.h"
#include "socket/stream_trust.h"

#include <algorithm>
#include <array>

namespace sally::socket {

using transport::Interest;
using transport::Progress;

Stream::Attempted Stream::attempt(Operation& operation) noexcept {
  // Several may wait for the same input; what one has taken in, the system shows the others no
  // more.
  const bool shared = flow_ && operations_.has_several();
  const bool within = shared && flow_->within_message();
  const std::uint64_t received = shared ? flow_->traffic().wire_received : 0;
  operation.interest = Interest::none;
  Attempted outcome;
  try {
    outcome = attempt_verb(operation);
  } catch (const Failure& failure) {
    outcome = Outcome(failure.error());
  } catch (...) {
    outcome = Outcome(out_of_memory_error());
  }
  if (!flow_) return outcome;
  if (trust_watch_) {
    // What would go on would wait in vain; what it has moved it has moved.
    ErrorRef why = review_shown(operation.request.verb);
    const bool moved = outcome && operation.request.verb != Verb::authenticate;
    if (why && !moved) outcome = Outcome(std::move(why));
  }
  if (shared && (flow_->traffic().wire_received != received || within != flow_->within_message())) {
    operations_.wake_receivers(&operation);
  }
  collect_sent();
  return outcome;
}

Stream::Attempted Stream::attempt_verb(Operation& operation) {
  switch (operation.request.verb) {
    case Verb::connect:
      return attempt_connect(operation);
    case Verb::upgrade:
      return attempt_upgrade(operation);
    case Verb::read_some:
    case Verb::read_exactly:
    case Verb::read_until:
      return attempt_read(operation);
    case Verb::authenticate:
      return attempt_authenticate(operation);
    case Verb::wait:
      return attempt_wait(operation);
    case Verb::write:
      return attempt_write(operation);
    case Verb::flush:
    case Verb::shutdown:
      return attempt_flush(operation);
    case Verb::close:
      return attempt_close(operation);
  }
  return Outcome(SALLY_INTERNAL);
}

namespace {

// Where the delimiter that ends within [`from`, end) ends; 0: nowhere.
std::size_t end_of_delimiter(std::span<const std::byte> bytes, std::size_t from,
                             std::span<const std::byte> delimiter) {
  const std::size_t overlap = std::min(from, delimiter.size() - 1);
  const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(from - overlap);
  const auto found = std::search(begin, bytes.end(), delimiter.begin(), delimiter.end());
  if (found == bytes.end()) return 0;
  return static_cast<std::size_t>(found - bytes.begin()) + delimiter.size();
}

}  // namespace

Stream::Attempted Stream::attempt_read(Operation& operation) {
  Request& request = operation.request;
  while (true) {
    const Progress progress = flow_->read(request.into.subspan(request.moved));
    if (progress.state == Progress::State::failed) return Outcome(progress.error);
    if (progress.state == Progress::State::waiting) {
      operation.interest = progress.interest;
      return {};
    }
    const std::size_t before = request.moved;
    request.moved += progress.size;
    if (request.verb == Verb::read_some) {
      read_on(request);
      return Outcome();
    }
    if (request.verb == Verb::read_until) {
      const auto bytes = request.into.first(request.moved);
      if (const std::size_t end = end_of_delimiter(bytes, before, request.delimiter); end != 0) {
        flow_->unread(bytes.subspan(end));
        request.moved = end;
        return Outcome();
      }
      if (request.moved == request.into.size()) {
        return Outcome(make_error(SALLY_LIMIT_EXCEEDED,
                                  {.message = "the buffer is full, without the delimiter in it"}));
      }
    }
    if (request.moved == request.into.size()) return Outcome();
  }
}

// What follows and is here already: a turn for each record would cost more than the record. What a
// failure says, the next read says too.
void Stream::read_on(Request& request) {
  while (request.moved < request.into.size() && flow_->has_more()) {
    const Progress progress = flow_->read(request.into.subspan(request.moved));
    if (progress.state != Progress::State::done) return;
    request.moved += progress.size;
  }
}

Stream::Attempted Stream::attempt_wait(Operation& operation) {
  Request& request = operation.request;
  Interest found = Interest::none;
  Interest missing = Interest::none;
  if (includes(request.interest, Interest::read)) {
    const Progress progress = flow_->peek();
    const bool ready = progress.state == Progress::State::done;
    read_missing_ = progress.interest;
    (ready ? found : missing) = ready ? Interest::read : progress.interest;
  }
  if (includes(request.interest, Interest::write)) {
    Progress progress{.state = Progress::State::done};
    if (!flow_->is_writable()) progress = flow_->flush();
    const bool ready = progress.state == Progress::State::failed || flow_->is_writable();
    write_missing_ = progress.interest;
    if (ready)
      found = found | Interest::write;
    else
      missing = missing | progress.interest;
  }
  request.moved = static_cast<std::size_t>(found);
  if (found != Interest::none) return Outcome();
  operation.interest = missing;
  return {};
}

namespace {

ErrorRef sending_ended_error() {
  return make_error(SALLY_INVALID_STATE, {.message = "the sending direction was shut down"});
}

}  // namespace

// Whether the write behind this one will be attempted in the same turn, so that both can share a
// record.
bool Stream::coalesces(const Operation& operation) const noexcept {
  if (!operation.is_async()) return false;
  const Operation* next = OperationLine::behind(operation);
  return next != nullptr && next->is_async() && next->request.verb == Verb::write && !ended(*next);
}

bool Stream::pack(Piece data) noexcept {
  const Lock lock(mutex_);
  const bool open = state_ == State::open && !closing_ && !handshaking_ && !sending_ended_;
  if (!open || !writers_.empty() || protection_now() < least_protection_) return false;
  if (trust_watch_ && trust_watch_->refusal) return false;
  return flow_->pack(data);
}

Stream::Attempted Stream::attempt_write(Operation& operation) {
  Request& request = operation.request;
  if (!operation.taken) {
    if (writers_.first() != &operation) return {};
    if (sending_ended_) return Outcome(sending_ended_error());
    const bool followed = request.more || coalesces(operation);
    for (bool last = false; !last;) {
      const Piece piece = request.next_piece(last);
      if (piece.empty() && !last) {
        request.move_on(0);
        continue;
      }
      const Progress progress = flow_->write(piece, followed || !last);
      if (progress.state == Progress::State::failed) return Outcome(progress.error);
      if (progress.state == Progress::State::waiting) {
        operation.interest = progress.interest;
        return {};
      }
      request.move_on(progress.size);
      last = last && progress.size == piece.size();
    }
    // An attempt is content with having the bytes taken; one who waits learns that the system has
    // them.
    if (request.more || operation.patience.attempt) return Outcome();
    operation.taken = true;
    operation.sealed_at = flow_->traffic().taken;
    leave_writers(operation);
    sending_.join(operation);
    if (followed) return {};
  }
  const Progress progress = flow_->flush();
  collect_sent();
  if (operation.sent) return Outcome();
  if (progress.state == Progress::State::failed) return Outcome(progress.error);
  operation.interest = progress.interest;
  return {};
}

// Tells the writes of which the last byte was sent.
void Stream::collect_sent() noexcept {
  if (sending_.empty()) return;
  const transport::Traffic traffic = flow_->traffic();
  while (!sending_.empty()) {
    Operation& oldest = *sending_.first();
    if (oldest.sent_at == 0 && traffic.sealed >= oldest.sealed_at) {
      oldest.sent_at = traffic.wire_queued;
    }
    if (traffic.sealed < oldest.sealed_at || traffic.wire_sent < oldest.sent_at) return;
    oldest.sent = true;
    sending_.leave(oldest);
    if (oldest.is_async())
      settle(oldest, {});
    else
      oldest.wake();
  }
}

// A barrier: behind it nothing is written before everything before it is sent.
Stream::Attempted Stream::attempt_flush(Operation& operation) {
  if (writers_.first() != &operation) return {};
  // Of a stream that was dropped nothing is left to be sent, and yet not all has left.
  if (ErrorRef why = untrusted(operation.request.verb)) return Outcome(std::move(why));
  if (operation.request.verb == Verb::shutdown && !std::exchange(sending_ended_, true)) {
    flow_->end_sending();
  }
  const Progress progress = flow_->flush();
  if (progress.state == Progress::State::done) return Outcome();
  if (progress.state == Progress::State::failed) return Outcome(progress.error);
  operation.interest = progress.interest;
  if (operation.patience.attempt && operation.request.verb == Verb::shutdown) return Outcome();
  return {};
}

namespace {

// What one attempt to close throws away at most, in reads of 4 KiB.
constexpr int most_reads_at_once = 64;

}  // namespace

// Reading until the peer's end also keeps the closing from being a reset, which could cost the peer
// our last bytes; and a peer that waits for us to read can then read what we send.
Stream::Attempted Stream::attempt_close(Operation& operation) {
  // Before the goodbye, which nobody misses, as nobody does a ticket.
  if (operation.patience.attempt) in_flight_ = has_bytes_left();
  if (!std::exchange(sending_ended_, true)) flow_->end_sending();
  const Progress sent = flow_->flush();
  if (sent.state == Progress::State::failed) return Outcome(sent.error);
  const bool all_sent = sent.state == Progress::State::done;
  std::array<std::byte, 4096> scratch{};
  for (int reads = 0;; ++reads) {
    const Progress progress = flow_->read(scratch);
    if (progress.state == Progress::State::failed) {
      if (all_sent || progress.error->status() != SALLY_END_OF_STREAM) {
        return Outcome(progress.error);
      }
      operation.interest = Interest::write;
      return {};
    }
    if (progress.state == Progress::State::waiting) {
      operation.interest = all_sent ? progress.interest : progress.interest | Interest::write;
      return {};
    }
    // A peer that never stops sending is not read for ever, nor does it keep the loop from others.
    if (transport::Clock::now() >= operation.patience.deadline) return Outcome(SALLY_TIMED_OUT);
    if (reads < most_reads_at_once) continue;
    if (operation.patience.attempt) return Outcome(SALLY_WOULD_BLOCK);
    if (operation.is_async()) {
      yields_ = true;
      return {};
    }
  }
}

}  // namespace sally::socket
