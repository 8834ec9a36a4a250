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
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace sally::socket {

// What a queue gets behind the last question.
class LastEvent final : public AsyncOperation {
 public:
  explicit LastEvent(Completion destination);

  // False where it was told already; no question may follow then.
  template <class Deliver>
  bool before(Deliver&& deliver) {
    const std::lock_guard lock(mutex_);
    if (told_) return false;
    deliver();
    return true;
  }
  void tell() noexcept;
  void cancel() noexcept override { tell(); }

 private:
  std::mutex mutex_;
  bool told_ = false;
};

// Where the questions of a stream, or of all clients of a listener, go.
class Destination {
 public:
  // `tells_end`: its queue learns when nobody is left who could ask. Throws Failure(SALLY_CLOSED).
  explicit Destination(Completion completion, bool tells_end = false);
  ~Destination();
  Destination(const Destination&) = delete;
  Destination& operator=(const Destination&) = delete;

  const Completion& completion() const noexcept { return completion_; }
  LastEvent* last() const noexcept { return last_.get(); }  // null: the end is not told
  // Who asks was made; before that the end is nobody's business.
  void begin() noexcept { begun_ = true; }

 private:
  const Completion completion_;
  const Ref<LastEvent> last_;
  bool begun_ = false;
};
using Decider = std::shared_ptr<Destination>;  // null: nowhere

// Room for one question, kept from the beginning of the handshake on.
class QuestionEvent final : public AsyncOperation {
 public:
  explicit QuestionEvent(Decider decider);

  // With no lock held, on a loop's thread.
  void deliver() noexcept;
  // Its queue was closed: who asks is told no.
  void cancel() noexcept override;

 private:
  Decider decider_;  // what it says comes before the end that this tells
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

  // Any thread. The task is called once for all that come before it is.
  void post() noexcept;
  // Loop's thread: the task is not called any more.
  void forget() noexcept { task_ = nullptr; }

 private:
  friend class RefCounted<Nudge>;
  ~Nudge() = default;

  const Ref<transport::Runtime> keeps_;
  std::function<void()> task_;
  std::atomic<bool> posted_{false};
  transport::LoopCall call_;
};

}  // namespace sally::socket
