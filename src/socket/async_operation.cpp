#include "socket/async_operation.h"

#include "socket/stream.h"

#include <utility>

namespace sally::socket {

Completion told(std::function<void(AsyncOperation&)> function) {
  using Function = std::function<void(AsyncOperation&)>;
  auto kept = std::make_shared<Function>(std::move(function));
  return {.tell = [](const Completion& self,
                     AsyncOperation& over) { (*static_cast<Function*>(self.context))(over); },
          .context = kept.get(),
          .kept = kept};
}

AsyncOperation::AsyncOperation(Completion&& completion, EventKind what)
    : kind(what), completion_(std::move(completion)) {}

void AsyncOperation::reserve() {
  if (completion_.queue) completion_.queue->reserve(*this);
}

AsyncOperation::~AsyncOperation() {
  withdraw();
  if (decision) decision->drop();
  if (accepted) accepted->abandon();
}

void AsyncOperation::withdraw() noexcept {
  if (completion_.queue) completion_.queue->withdraw(*this);
}

void AsyncOperation::complete() noexcept {
  // What it holds goes now, and not with the last handle of the operation.
  const Completion completion = std::move(completion_);
  if (completion.queue)
    completion.queue->push(*this);
  else
    completion.tell(completion, *this);
}

}  // namespace sally::socket
