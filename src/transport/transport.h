// A connected byte stream: attempts through Channel, and two ways to wait between attempts.
#pragma once

#include "transport/channel.h"
#include "transport/deadline.h"
#include "transport/loop_handler.h"

#include <memory>
#include <string>

namespace sally::transport {

class EventLoop;
class Waker;

enum class Interest : unsigned { none = 0, read = 1, write = 2, both = 3 };
constexpr Interest operator|(Interest a, Interest b) {
  return static_cast<Interest>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool includes(Interest set, Interest member) {
  return (static_cast<unsigned>(set) & static_cast<unsigned>(member)) != 0;
}

enum class WaitResult {
  ready,      // worth another attempt; may be spurious
  woken,      // the Waker, or cancel_waits
  timed_out,  // the deadline
};

// What is waited for.
class WaitSource {
 public:
  virtual ~WaitSource() = default;
  virtual bool is_closed() const noexcept = 0;
};

// Told, once and on the loop's thread, when a wait is over: ready or woken. Deadlines are the
// business of Timer. In one wait at a time, until it was told.
class WaitHandler : private LoopHandler {
 public:
  virtual void on_wait_over(WaitResult result) noexcept = 0;

  // For those who wait on its behalf. Later, in a turn of its own; woken, where the source is closed
  // by then.
  void tell_later(EventLoop& loop, std::shared_ptr<const WaitSource> source, bool woken) noexcept;

 protected:
  ~WaitHandler() = default;

 private:
  void call() noexcept override;
  void drop() noexcept override { source_.reset(); }

  std::shared_ptr<const WaitSource> source_;
  bool woken_ = false;
};

class Transport : public Channel {
 public:
  // Any thread; closes if nobody has. No attempt and no blocking wait may be under way. Pending
  // handlers are still told, woken and on the loop, without the transport: they must live until
  // then.
  virtual ~Transport() = default;

  // Blocks the calling thread, which is not the loop's. Several threads may wait at once. Takes no
  // lock of the caller's, so the transport may be closed meanwhile by one who then wakes the
  // waiter.
  virtual WaitResult wait(Interest interest, Deadline deadline, Waker& waker) noexcept = 0;

  // On the loop's thread only. One wait for reading and one for writing may be pending; `interest`
  // is one of the two. `handler` lives until it was told; it is never told inside this call.
  virtual void wait_async(Interest interest, WaitHandler& handler) noexcept = 0;
  // On the loop's thread only: pending wait_asyncs end as woken (told later, not inside this call),
  // and the loop stops watching until the next one.
  virtual void cancel_waits() noexcept = 0;
  // For attempts that lead to a wait_async where nothing is there: with it, they may rely on what the
  // loop has seen, and spare a system call that would bring nothing. Like attempts, not while one
  // runs.
  virtual void rely_on_loop(bool /*relies*/) noexcept {}

  // Whether the other side's system has yet to confirm some of what was sent: a reset, which closing
  // becomes where something comes that nobody reads, would lose that.
  virtual bool has_in_flight() const noexcept { return false; }
  // The other side will read an end of stream after what was sent.
  virtual void shutdown_send() noexcept = 0;
  // Attempts fail from now on (ENOTCONN), waits end as woken or ready. Any thread; a second time it
  // does nothing. No attempt may run at the same time (the caller's lock sees to that); waits may.
  // With `abort`, TCP sends a reset. Where the loop watches the descriptor or a thread waits for
  // it, its number is given back, and the peer told, when those let go of it.
  virtual void close(bool abort = false) noexcept = 0;
  // What close(abort) does to the connection, while a descriptor that was lent stays the transport's
  // until close().
  virtual void break_off() noexcept { close(/*abort=*/true); }
  // For the caller's own poller, until close(), which then ends the connection also where the
  // descriptor was duplicated; -1 where there is none. As with close(), no attempt may run.
  virtual int lend_descriptor() noexcept { return -1; }
  // In a forked child: closes the child's copy of the descriptor and nothing else; no lock, no
  // epoll. The object is then leaked.
  virtual void close_in_child() noexcept = 0;

  virtual EventLoop& loop() const noexcept = 0;
  virtual std::string local_address() const = 0;
  virtual std::string peer_address() const = 0;
};

}  // namespace sally::transport
