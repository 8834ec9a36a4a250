// The records of connections on their way to who reads them.
#pragma once

#include "socket/async_operation.h"
#include "tls/trace_sink.h"
#include "transport/loop_call.h"

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>

namespace sally::socket {

class TraceEvent;

class TraceTarget final : public tls::TraceSink {
 public:
  // Throws std::bad_alloc, and Failure where a function has no loop to be called on.
  TraceTarget(Completion destination, std::uint32_t most_waiting,
              std::uint32_t most_per_connection);

  void put(Ref<sally_trace_record> record) noexcept override;

 private:
  friend class TraceEvent;
  ~TraceTarget() override;
  void put_for_function(Ref<TraceEvent> event);
  void deliver() noexcept;

  const Completion destination_;
  const std::uint32_t most_waiting_;
  std::atomic<std::uint32_t> waiting_{0};
  // For a function, which is called on a loop with no lock held.
  std::mutex mutex_;
  std::deque<Ref<TraceEvent>> events_;
  bool posted_ = false;
  std::unique_ptr<transport::LoopCall> call_;
};

}  // namespace sally::socket
