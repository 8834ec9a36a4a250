// The questions of one handshake on their way to who decides, and the answers on their way back.
#pragma once

#include "socket/async_operation.h"
#include "status/ref.h"
#include "tls/session.h"
#include "transport/event_loop.h"
#include "transport/loop_call.h"
#include "transport/runtime.h"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sally::socket {

// Where the questions of a stream, or of all clients of a listener, go; null: nowhere.
using Decider = std::shared_ptr<const Completion>;

// Room for one question, kept from the beginning of the handshake on.
class QuestionEvent final : public AsyncOperation {
 public:
  explicit QuestionEvent(Completion destination);

  // With no lock held, on a loop's thread.
  void deliver() noexcept;
  // Its queue was closed: who asks is told no.
  void cancel() noexcept override;

 private:
  std::atomic<bool> used_{false};
};

// Loop's thread only.
class Questions {
 public:
  // Throws Failure(SALLY_CLOSED) where the queue takes in nothing new.
  Questions(const Decider& decider, const tls::Context& context, transport::EventLoop& loop);

  // After each attempt at the handshake. What has to be delivered now, or null; `answered` will be
  // called when there is an answer, on any thread.
  Ref<QuestionEvent> attend(tls::Session& session, const std::string& peer_address,
                            std::function<void()> answered);

 private:
  const std::int64_t decision_ms_;
  transport::Timer timer_;
  std::vector<Ref<QuestionEvent>> room_;
};

// Lets a task on a loop go on, from any thread and as long as there is one.
class Nudge final : public RefCounted<Nudge> {
 public:
  // `keeps` keeps the loop.
  Nudge(Ref<transport::Runtime> keeps, transport::EventLoop& loop, std::function<void()> task);

  // Any thread. Once at a time: not again before the task was called.
  void post() noexcept;
  // Loop's thread: the task is not called any more.
  void forget() noexcept { task_ = nullptr; }

 private:
  friend class RefCounted<Nudge>;
  ~Nudge() = default;

  const Ref<transport::Runtime> keeps_;
  std::function<void()> task_;
  transport::LoopCall call_;
};

}  // namespace sally::socket
