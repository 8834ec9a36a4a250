// What makes an event loop turn: descriptors, alarms, and what was posted. Private to this layer.
#pragma once

#include "transport/event_loop.h"
#include "transport/loop_handler.h"
#include "transport/poller.h"

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

namespace sally::transport {

class Alarm;
using Alarms = std::multimap<Deadline, Alarm*>;

class Alarm {
 public:
  // At its time, with its place among the alarms, out of which it was taken.
  virtual void ring(Alarms::node_type node) noexcept = 0;

 protected:
  ~Alarm() = default;
};

class PatientCall;

// The calls of a loop that wait their turn (patient_call.h).
class PatientLine final : public LoopHandler {
 public:
  explicit PatientLine(EventLoop::State& loop) noexcept : loop_(loop) {}
  void add(PatientCall& call) noexcept;
  void call() noexcept override;

 private:
  PatientCall* take() noexcept;  // null: none is left, and nothing is posted any more

  EventLoop::State& loop_;
  std::mutex mutex_;
  PatientCall* first_ = nullptr;
  PatientCall* last_ = nullptr;
  bool posted_ = false;
};

struct EventLoop::State {
  explicit State(RunBy by) : run_by(by) {}
  ~State();

  // Any thread.
  void post(LoopHandler& handler) noexcept;
  // On the thread that serves it, which looks at what is posted before it sleeps again.
  bool is_running_here() const noexcept;
  // Any thread: a descriptor that is readable when serve() has something to do.
  int watch() noexcept;

  // These are for the thread that serves it, one at a time. serve() is as in EventLoop, run() goes
  // on until it is stopped or until nothing is left that could bring work.
  std::size_t serve(Deadline deadline) noexcept;
  void run() noexcept;
  // What was posted, and what that posts in turn; bounded, for handlers that always find something
  // new to do.
  void finish() noexcept;

  const RunBy run_by;
  std::thread thread;
  std::atomic<bool> served{false};
  std::atomic<bool> handed_over{false};  // by a caller that ran it
  std::atomic<bool> over{false};         // nothing will be served any more
  std::shared_ptr<std::atomic<bool>> thread_ended = std::make_shared<std::atomic<bool>>(false);

  // For the loop's thread only.
  Poller poller;
  Alarms alarms;
  std::size_t waits = 0;  // for descriptors
  PatientLine patient{*this};
  bool stopped = false;
  bool look_due = false;              // even where there is enough to do without
  std::unique_ptr<EventLoop> orphan;  // a dissolved loop owns itself until it is over

 private:
  std::size_t turn(Deadline deadline) noexcept;
  std::size_t call_posted() noexcept;
  std::size_t ring_alarms() noexcept;
  Deadline next_alarm() const noexcept { return alarms.empty() ? never : alarms.begin()->first; }
  bool fall_asleep() noexcept;
  void leave_to_watcher() noexcept;
  bool has_posted() noexcept;

  int turns_without_look_ = 0;
  std::atomic<int> waking_{0};  // who posted and has yet to wake it

  std::mutex mutex_;  // guards what follows; never held while a handler runs
  HandlerLine posted_;
  bool asleep_ = false;   // who posts wakes it
  bool watched_ = false;  // by somebody's own poller
};

}  // namespace sally::transport
