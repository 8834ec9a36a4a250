// Work that lives on an event loop for a while and waits there for a transport.
#pragma once

#include "status/ref.h"
#include "transport/transport.h"

namespace sally::socket {

// Loop's thread only. Holds a reference to itself while a wait is pending, so that it outlives what
// will tell it.
class LoopTask : public RefCounted<LoopTask> {
 public:
  virtual ~LoopTask() = default;

 protected:
  // Leads to step() when one of `interest` is ready; a direction that is being waited for already
  // stays so. A wait that is cancelled, or whose transport is closed, leads to nothing.
  void wait(transport::Transport& transport, transport::Interest interest) noexcept;
  virtual void step() noexcept = 0;

 private:
  class Direction final : public transport::WaitHandler {
   public:
    Direction(LoopTask& task, transport::Interest interest) : task_(task), interest_(interest) {}
    void wait(transport::Transport& transport) noexcept;
    void on_wait_over(transport::WaitResult result) noexcept override;

   private:
    LoopTask& task_;
    const transport::Interest interest_;
    bool pending_ = false;
  };

  Direction reading_{*this, transport::Interest::read};
  Direction writing_{*this, transport::Interest::write};
};

}  // namespace sally::socket
