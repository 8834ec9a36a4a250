// An asynchronous operation on a listener.
#pragma once

#include "socket/async_operation.h"
#include "transport/event_loop.h"
#include "transport/loop_call.h"

#include <optional>

namespace sally::socket {

class Listener;

enum class ListenerVerb { accept, refusal, drain };

class ListenerOperation final : public AsyncOperation {
 public:
  ListenerOperation(Ref<Listener> listener, ListenerVerb verb, transport::Deadline deadline,
                    Completion completion);
  ~ListenerOperation() override;

  void cancel() noexcept override;
  ListenerVerb verb() const noexcept { return verb_; }

 private:
  friend class Listener;

  // On its loop.
  void start() noexcept;
  void finish() noexcept;

  const Ref<Listener> listener_;
  const ListenerVerb verb_;
  const transport::Deadline deadline_;
  // The listener's, under its lock: before it has been submitted it may be cancelled already, by its
  // queue.
  bool submitted_ = false;
  bool canceled_ = false;
  bool finished_ = false;                  // the loop's alone
  std::optional<transport::Timer> timer_;  // likewise
  transport::LoopCall starting_, finishing_;
};

}  // namespace sally::socket
