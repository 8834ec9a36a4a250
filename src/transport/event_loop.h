// One thread that waits for descriptors and timers. Asio runs underneath and stays out of sight.
#pragma once

#include "transport/deadline.h"

#include <functional>
#include <memory>

namespace sally::transport {

class EventLoop {
 public:
  EventLoop();  // throws Failure
  // Does what was posted, stops the thread and joins it. Waits that were cancelled or closed before
  // are still told; handlers of other waits are dropped untold, so end them first. Transports and
  // queries go before their loop. Not on the loop's thread.
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  bool on_this_thread() const noexcept;
  // Runs `task` on the loop's thread, later, in the order of posting. Any thread. An exception that
  // leaves it ends the program.
  void post(std::function<void()> task);
  // At once on the loop's own thread, else by post.
  void dispatch(std::function<void()> task);

  // The one that all streams and listeners use, made at first need and never destroyed, because its
  // thread may still be needed while the program exits. A forked child gets its own.
  static EventLoop& shared();

  struct State;
  State& state() noexcept { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

// Calls `task` once on the loop's thread at its deadline. All of it is for the loop's thread only;
// destroying it cancels.
class Timer {
 public:
  explicit Timer(EventLoop& loop);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Replaces a pending start. `never` just cancels.
  void start(Deadline deadline, std::function<void()> task);
  // The task will not run any more, even if its time has come.
  void cancel() noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sally::transport
