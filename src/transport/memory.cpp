#include "transport/memory.h"

#include "status/error.h"
#include "transport/memory_flow.h"
#include "transport/poll.h"
#include "transport/waker.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>
#include <new>
#include <optional>
#include <poll.h>
#include <utility>
#include <vector>

namespace sally::transport {

namespace {

struct BlockingWait {
  Interest interest;
  Waker* signal;
};

// Both ends, under one lock. Handlers are told later, and blocked threads through a signal of
// their own: the caller's Waker is sticky, and the caller could not tell our wake-up from one that
// means it.
class MemoryPair : public std::enable_shared_from_this<MemoryPair> {
 public:
  explicit MemoryPair(EventLoop& event_loop) : loop(event_loop) {}

  // Locks, changes something through `change`, and lets both ends notice.
  template <class Change>
  auto with(Change change) {
    const std::lock_guard lock(mutex_);
    struct Notice {
      MemoryPair& pair;
      ~Notice() { pair.notify(); }
    } const notice{*this};
    return change();
  }

  WaitResult wait(int side, Interest interest, Deadline deadline, Waker& waker);
  void wait_async(int side, Interest interest, WaitHandler& handler);
  void cancel_waits(int side);

  struct End final : WaitSource {
    bool is_closed() const noexcept override { return closed; }

    std::atomic<bool> closed{false};  // written with the lock
    MemoryFlow outgoing;
    std::array<WaitHandler*, 2> waits{};  // for reading, for writing; null where none waits
    std::vector<BlockingWait> blocked;
  };

  End& end(int side) { return ends_[static_cast<std::size_t>(side)]; }
  MemoryFlow& outgoing(int side) { return end(side).outgoing; }
  MemoryFlow& incoming(int side) { return end(1 - side).outgoing; }

  EventLoop& loop;

 private:
  bool over(int side, Interest interest);
  void notify();
  void tell(End& end, WaitHandler*& waiting, bool woken);
  bool enter(int side, const BlockingWait& wait);
  bool leave(int side, const Waker* signal);

  std::mutex mutex_;
  std::array<End, 2> ends_;
};

WaitResult MemoryPair::wait(int side, Interest interest, Deadline deadline, Waker& waker) {
  std::optional<Waker> signal;
  try {
    signal.emplace();
  } catch (const Failure&) {
    // No descriptor is left. Called ready every millisecond, the caller keeps trying without a busy
    // loop.
    pollfd polled{waker.descriptor(), POLLIN, 0};
    const auto soon = std::min(deadline, Clock::now() + std::chrono::milliseconds(1));
    if (poll_until({&polled, 1}, soon)) return WaitResult::woken;
    return Clock::now() >= deadline ? WaitResult::timed_out : WaitResult::ready;
  }

  if (!enter(side, {interest, &*signal})) return WaitResult::woken;
  std::array<pollfd, 2> polled{
      {{waker.descriptor(), POLLIN, 0}, {signal->descriptor(), POLLIN, 0}}};
  const bool found = poll_until(polled, deadline);
  if (!leave(side, &*signal) || polled[0].revents != 0) return WaitResult::woken;
  return found ? WaitResult::ready : WaitResult::timed_out;
}

bool MemoryPair::enter(int side, const BlockingWait& wait) {
  return with([&] {
    if (end(side).closed) return false;
    end(side).blocked.push_back(wait);
    return true;
  });
}

bool MemoryPair::leave(int side, const Waker* signal) {
  const std::lock_guard lock(mutex_);
  std::erase_if(end(side).blocked, [&](const BlockingWait& wait) { return wait.signal == signal; });
  return !end(side).closed;
}

void MemoryPair::wait_async(int side, Interest interest, WaitHandler& handler) {
  with([&] { end(side).waits[interest == Interest::write ? 1 : 0] = &handler; });
}

void MemoryPair::cancel_waits(int side) {
  with([&] {
    for (WaitHandler*& waiting : end(side).waits) tell(end(side), waiting, /*woken=*/true);
  });
}

bool MemoryPair::over(int side, Interest interest) {
  if (end(side).closed) return true;
  return (includes(interest, Interest::read) && incoming(side).readable()) ||
         (includes(interest, Interest::write) && outgoing(side).writable());
}

void MemoryPair::notify() {
  for (int side = 0; side < 2; ++side) {
    for (const Interest interest : {Interest::read, Interest::write}) {
      WaitHandler*& waiting = end(side).waits[interest == Interest::write ? 1 : 0];
      if (over(side, interest)) tell(end(side), waiting, /*woken=*/false);
    }
    for (const BlockingWait& wait : end(side).blocked) {
      if (over(side, wait.interest)) wait.signal->wake();
    }
  }
}

void MemoryPair::tell(End& end, WaitHandler*& waiting, bool woken) {
  WaitHandler* const handler = std::exchange(waiting, nullptr);
  if (handler == nullptr) return;
  handler->tell_later(loop, {shared_from_this(), &end}, woken);
}

class MemoryEnd final : public MemoryTransport {
 public:
  MemoryEnd(std::shared_ptr<MemoryPair> pair, int side) : pair_(std::move(pair)), side_(side) {}
  ~MemoryEnd() override { close(); }

  Transfer try_receive(std::span<std::byte> buffer) noexcept override {
    return pair_->with([&]() -> Transfer {
      if (pair_->end(side_).closed) return {TransferState::failed, 0, ENOTCONN};
      if (buffer.empty()) return {TransferState::moved, 0, 0};
      return pair_->incoming(side_).receive(buffer);
    });
  }
  Transfer try_send(std::span<const std::span<const std::byte>> buffers) noexcept override {
    return pair_->with([&]() -> Transfer {
      if (pair_->end(side_).closed) return {TransferState::failed, 0, ENOTCONN};
      try {
        return pair_->outgoing(side_).send(buffers);
      } catch (const std::bad_alloc&) {
        return {TransferState::failed, 0, ENOMEM};
      }
    });
  }

  WaitResult wait(Interest interest, Deadline deadline, Waker& waker) noexcept override {
    return pair_->wait(side_, interest, deadline, waker);
  }
  void wait_async(Interest interest, WaitHandler& handler) noexcept override {
    pair_->wait_async(side_, interest, handler);
  }
  void cancel_waits() noexcept override { pair_->cancel_waits(side_); }

  void shutdown_send() noexcept override {
    pair_->with([&] { pair_->outgoing(side_).end(); });
  }
  void close(bool abort = false) noexcept override {
    pair_->with([&] {
      if (pair_->end(side_).closed.exchange(true)) return;
      abort ? pair_->outgoing(side_).reset() : pair_->outgoing(side_).end();
      pair_->incoming(side_).refuse(abort ? ECONNRESET : EPIPE);
    });
  }
  void close_in_child() noexcept override {}  // there is no descriptor

  EventLoop& loop() const noexcept override { return pair_->loop; }
  std::string local_address() const override { return "memory"; }
  std::string peer_address() const override { return "memory"; }

  void set_faults(const Faults& faults) noexcept override {
    pair_->with([&] { pair_->outgoing(side_).set_faults(faults); });
  }
  void resume() noexcept override {
    pair_->with([&] { pair_->outgoing(side_).resume(); });
  }
  void cut() noexcept override {
    pair_->with([&] { pair_->outgoing(side_).cut(); });
  }
  std::uint64_t sent() const noexcept override {
    return pair_->with([&] { return pair_->outgoing(side_).sent(); });
  }

 private:
  const std::shared_ptr<MemoryPair> pair_;
  const int side_;
};

}  // namespace

std::pair<std::unique_ptr<MemoryTransport>, std::unique_ptr<MemoryTransport>>
make_memory_transports(EventLoop& loop) {
  const auto pair = std::make_shared<MemoryPair>(loop);
  return {std::make_unique<MemoryEnd>(pair, 0), std::make_unique<MemoryEnd>(pair, 1)};
}

}  // namespace sally::transport
