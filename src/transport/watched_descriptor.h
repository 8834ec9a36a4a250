// A descriptor, the two ways to wait for it, and an end that is safe from any thread. Private to
// this layer.
#pragma once

#include "transport/poller.h"
#include "transport/transport.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>

namespace sally::transport {

// The loop watches the descriptor from the first wait_async on, edge-triggered: a wait that follows
// an attempt costs no system call. It stops where nobody claims what it tells, because each segment
// that a blocking reader takes in would wake it.
//
// The descriptor's number is given back to the system when neither the loop nor a thread in wait()
// uses it any more.
class WatchedDescriptor final : public WaitSource,
                                private Poller::Watch,
                                private LoopHandler,
                                public std::enable_shared_from_this<WatchedDescriptor> {
 public:
  // Takes the descriptor over, also when it throws.
  static std::shared_ptr<WatchedDescriptor> make(EventLoop& loop, int descriptor);
  ~WatchedDescriptor() override;
  WatchedDescriptor(const WatchedDescriptor&) = delete;
  WatchedDescriptor& operator=(const WatchedDescriptor&) = delete;

  // For attempts, which the owner keeps from running beside close().
  int number() const noexcept { return number_.load(std::memory_order_relaxed); }
  // 0, or the errno with which attempts must fail: ENOTCONN after close, or why the system cannot
  // watch the descriptor.
  int refusal() const noexcept { return refusal_.load(std::memory_order_acquire); }
  bool is_closed() const noexcept override { return refusal() == ENOTCONN; }
  // For who does not give up where the system could not watch it: the next attempt is made.
  void try_again() noexcept;
  EventLoop& loop() const noexcept { return loop_; }

  // Around each attempt of one direction: `exhausted` when it met the end of what the system has to
  // give or to take, so that what comes then is an edge.
  void begin_attempt(Interest interest) noexcept;
  void end_attempt(Interest interest, bool exhausted) noexcept;
  // Whether an attempt would bring nothing, as far as the loop has seen.
  bool is_exhausted(Interest interest) const noexcept;

  // These are as in Transport.
  WaitResult wait(Interest interest, Deadline deadline, Waker& waker) noexcept;
  void wait_async(Interest interest, WaitHandler& handler) noexcept;
  void cancel_waits() noexcept;
  void close_in_child() noexcept;

  // Any thread; the second time it does nothing. `shut_down`: where threads in wait() still hold
  // the descriptor, it is shut down, so that the peer learns of it at once and they return.
  void close(bool shut_down) noexcept;
  // Any thread: the system takes nothing in on it any more; a listening socket listens no more. It is
  // still to be closed.
  void shut_down() noexcept;
  // Loop's thread only, no wait in progress, not closed: gives the descriptor away, unwatched.
  // Attempts are refused from then on.
  [[nodiscard]] int detach() noexcept;

 private:
  struct Direction {
    WaitHandler* waiting = nullptr;  // loop's thread only
    std::atomic<bool> edge{false};   // the loop saw one since the last attempt began
    std::atomic<bool> exhausted{false};
  };

  WatchedDescriptor(EventLoop& loop, int descriptor) noexcept : loop_(loop), number_(descriptor) {}

  Direction& direction(Interest interest) noexcept {
    return directions_[interest == Interest::write ? 1 : 0];
  }
  const Direction& direction(Interest interest) const noexcept {
    return directions_[interest == Interest::write ? 1 : 0];
  }
  void on_events(std::uint32_t events) noexcept override;
  void call() noexcept override;
  void drop() noexcept override { closing_.reset(); }
  bool watch(Interest interest) noexcept;
  WaitHandler* claim(Interest interest, bool happened) noexcept;
  void unwatch() noexcept;
  void close_if_unused() noexcept;

  EventLoop& loop_;
  std::atomic<int> number_;
  std::atomic<int> refusal_{0};
  std::atomic<bool> watched_{false};  // written on the loop's thread only
  std::atomic<bool> ended_{false};    // the peer's end or an error was seen
  std::uint32_t events_ = 0;          // for which it is watched; loop's thread only
  int unclaimed_ = 0;                 // events in a row for which nobody waited; loop's thread only
  std::array<Direction, 2> directions_;

  std::mutex mutex_;  // guards what follows; never held while a handler runs
  bool closed_ = false;
  int blocked_ = 0;                             // threads in wait()
  std::shared_ptr<WatchedDescriptor> closing_;  // itself, until the loop lets go of it
};

}  // namespace sally::transport
