// A set of event loops that share nothing: each socket lives on one of them.
#pragma once

#include "status/ref.h"
#include "transport/event_loop.h"

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

namespace sally::transport {

// Streams and listeners hold references; with the last one the loops dissolve, which never waits.
class Runtime : public RefCounted<Runtime> {
 public:
  // 0: one loop for each processor, up to `most_default_loops`. Throws Failure.
  static Ref<Runtime> with_threads(std::size_t loops);
  // One loop, which some thread of the caller's serves.
  static Ref<Runtime> run_by_caller();
  // Made at first need and never destroyed, because its threads may still be needed while the
  // program exits. A forked child gets its own.
  static Ref<Runtime> shared();

  static constexpr std::size_t most_default_loops = 8;

  std::size_t size() const noexcept { return loops_.size(); }
  EventLoop& loop(std::size_t index) noexcept { return *loops_[index]; }
  // For the next socket: they take turns.
  EventLoop& pick() noexcept;
  bool on_its_thread() const noexcept;
  bool is_run_by_caller() const noexcept { return by_caller_; }
  // The caller that runs it will do so no more.
  void hand_over() noexcept;

 private:
  friend class RefCounted<Runtime>;
  Runtime(std::size_t loops, EventLoop::RunBy by);
  ~Runtime();

  const bool by_caller_;
  std::vector<std::unique_ptr<EventLoop>> loops_;
  std::atomic<std::size_t> next_{0};
};

}  // namespace sally::transport
