// A place where one thread waits for descriptors and timers.
#pragma once

#include "transport/deadline.h"

#include <functional>
#include <memory>

namespace sally::transport {

class EventLoop {
 public:
  enum class RunBy { own_thread, caller };
  explicit EventLoop(RunBy by = RunBy::own_thread);  // throws Failure
  // Does what was posted, stops the thread and joins it. Waits that were cancelled or closed before
  // are still told; handlers of other waits are dropped untold, so end them first. Transports and
  // queries go before their loop. Not on the loop's thread.
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  // The other end of a loop, on any thread and without waiting: what still waits on it (a refusal
  // that lingers, say) goes on, and when nothing is left the loop destroys itself.
  static void dissolve(std::unique_ptr<EventLoop> loop) noexcept;
  // For a library that registered its end by std::atexit, right after it did: while the program
  // exits, the threads of all loops come to rest before. They may be about to free what the last
  // handles left, and a thread that ends gives back what the library keeps for it.
  static void rest_first_at_exit() noexcept;

  bool on_this_thread() const noexcept;
  // Whether a thread serves it now: always, unless it is run by the caller.
  bool is_served() const noexcept;
  // For a loop that is run by the caller: serves what is ready; where nothing is, waits until
  // something was served or the deadline has passed. Returns how much was served. Throws
  // Failure(SALLY_BUSY) while another thread, or this one further up, serves it.
  std::size_t serve(Deadline deadline);
  // For a loop that is run by the caller and will be no more: a thread of its own serves it from now
  // on, so that what waits on it ends. Any thread, within serve() too; leaked where the system gives
  // no thread.
  void hand_over() noexcept;
  // Any thread: a descriptor by which somebody's own poller learns that serve() has something to
  // do. It stays the loop's.
  int descriptor() noexcept;

  // Runs `task` on the loop's thread, later, in the order of posting. Any thread. An exception that
  // leaves it ends the program.
  void post(std::function<void()> task);
  // At once on the loop's own thread, else by post.
  void dispatch(std::function<void()> task);

  // The first of the shared runtime's.
  static EventLoop& shared();

  struct State;
  State& state() noexcept { return *state_; }

 private:
  void take_over() noexcept;

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
