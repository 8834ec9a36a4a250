// An operation that goes on after the call which started it, and where its result goes.
#pragma once

#include "socket/completion_queue.h"
#include "socket/outcome.h"
#include "status/ref.h"
#include "tls/decision.h"
#include "tls/trace_sink.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace sally::socket {

class AsyncOperation;
class Stream;

// Either a queue, or a function that is called on an event loop. Nothing in it takes memory of its
// own, because two are made for each message that goes to and fro.
struct Completion {
  using Tell = void (*)(const Completion& self, AsyncOperation& over);

  Ref<CompletionQueue> queue{};
  std::uint64_t tag = 0;
  Tell tell = nullptr;           // unless there is a queue
  void (*function)() = nullptr;  // what the next two are is up to `tell`
  void* context = nullptr;
  std::shared_ptr<void> kept{};  // let go of when nobody is left to be told
};

// For functions that bring their own context, at the price of its memory.
Completion told(std::function<void(AsyncOperation&)> function);

// What kind of event its end is.
enum class EventKind { done, accepted, refused, decision, decisions_over, trace };

class AsyncOperation : public RefCounted<AsyncOperation> {
 public:
  explicit AsyncOperation(Completion&& completion, EventKind kind = EventKind::done);
  // One that was never completed gives its place back.
  virtual ~AsyncOperation();

  // Its place in the queue; once, before it is submitted. From then on the queue may cancel it, so
  // it must be whole. Throws Failure(SALLY_CLOSED).
  void reserve();

  // Any thread, any time; it completes all the same, once.
  virtual void cancel() noexcept = 0;

  std::uint64_t tag() const noexcept { return completion_.tag; }
  // No code of the user's runs when it completes.
  bool goes_to_queue_only() const noexcept {
    // What is kept may be called with a null pointer.
    return completion_.queue && completion_.kept.use_count() == 0;
  }

  const EventKind kind;
  // Its result, once it is complete.
  Outcome outcome;
  std::size_t size = 0;  // bytes moved, or what a wait found
  Ref<Stream> accepted;  // by a listener
  std::string peer;      // of a refusal
  ErrorRef refusal;
  Ref<tls::Decision> decision;  // denied where nobody takes it
  Ref<sally_trace_record> trace;

 protected:
  // Once. No lock is held; where the result goes to a function, on a loop's thread.
  void complete() noexcept;
  // It will not complete, and gives its place in the queue back.
  void withdraw() noexcept;

 private:
  friend class CompletionQueue;

  Completion completion_;
  // The queue's, under its lock.
  bool pending_ = false;
  AsyncOperation* previous_ = nullptr;
  AsyncOperation* next_ = nullptr;
};

}  // namespace sally::socket
