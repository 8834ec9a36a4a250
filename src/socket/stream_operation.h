// An asynchronous operation on a stream.
#pragma once

#include "socket/async_operation.h"
#include "socket/operation.h"
#include "transport/event_loop.h"

#include <optional>

namespace sally::socket {

class StreamOperation final : public AsyncOperation, public Operation {
 public:
  StreamOperation(Ref<Stream> stream, Request&& what, transport::Deadline deadline,
                  Completion&& completion);
  ~StreamOperation() override;

  void cancel() noexcept override;
  void wake() noexcept override;
  bool is_async() const noexcept override { return true; }

 private:
  friend class Stream;

  const Ref<Stream> stream_;
  bool settled_ = false;
  StreamOperation* next_settled_ = nullptr;
  // The loop's alone.
  std::optional<transport::Timer> timer_;
  transport::Deadline timed_for_ = transport::never;
};

}  // namespace sally::socket
