// A descriptor, the two ways to wait for it, and an end that is safe from any thread. Private to
// this layer.
#pragma once

#include "transport/asio_loop.h"
#include "transport/transport.h"

#include <array>
#include <asio/posix/basic_stream_descriptor.hpp>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>

namespace sally::transport {

// Asio learns of the descriptor only at the first wait_async: it watches edge-triggered for
// everything from then on, which would wake the loop at each segment that a blocking reader takes
// in.
//
// The descriptor's number is given back to the system when neither Asio nor a thread in wait() uses
// it any more. Handlers that wait in Asio keep
// the object alive, so each is told, even where the owner let go.
class WatchedDescriptor : public std::enable_shared_from_this<WatchedDescriptor> {
 public:
  // Takes the descriptor over, also when it throws.
  static std::shared_ptr<WatchedDescriptor> make(EventLoop& loop, int descriptor);
  ~WatchedDescriptor();
  WatchedDescriptor(const WatchedDescriptor&) = delete;
  WatchedDescriptor& operator=(const WatchedDescriptor&) = delete;

  // For attempts, which the owner keeps from running beside close().
  int number() const noexcept { return number_.load(std::memory_order_relaxed); }
  // 0, or the errno with which attempts must fail: ENOTCONN after close, or why the system cannot
  // watch the descriptor.
  int refusal() const noexcept { return refusal_.load(std::memory_order_acquire); }
  EventLoop& loop() const noexcept { return loop_; }

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
  // Loop's thread only, no wait in progress, not closed: gives the descriptor away, out of Asio.
  // Attempts are refused from then on.
  [[nodiscard]] int detach() noexcept;

 private:
  using AsioDescriptor = asio::posix::basic_stream_descriptor<asio::io_context::executor_type>;

  struct Wait {
    HandlerMemory memory;
    // Each wait has a number: one that was cancelled may not yet be told when the next begins.
    std::uint64_t begun = 0;
    std::uint64_t woken = 0;  // this one and those before
  };

  WatchedDescriptor(EventLoop& loop, int descriptor) noexcept : loop_(loop), number_(descriptor) {}

  Wait& slot(Interest interest) noexcept { return waits_[interest == Interest::write ? 1 : 0]; }
  void tell(WaitHandler& handler, bool woken, const asio::error_code& error) noexcept;
  bool attach() noexcept;
  void release_from_asio() noexcept;
  void close_if_unused() noexcept;

  EventLoop& loop_;
  std::atomic<int> number_;
  std::atomic<int> refusal_{0};

  std::mutex mutex_;  // guards what follows; never held while a handler runs
  bool closed_ = false;
  int blocked_ = 0;  // threads in wait()
  std::optional<AsioDescriptor> asio_;

  std::array<Wait, 2> waits_;  // loop's thread only
  HandlerMemory closing_;
};

}  // namespace sally::transport
