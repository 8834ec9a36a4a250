#include "socket/async_operation.h"

#include "socket/stream.h"

#include <utility>

namespace sally::socket {

AsyncOperation::AsyncOperation(Completion completion, EventKind what)
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
  const auto function = std::exchange(completion_.function, nullptr);
  if (const auto queue = std::exchange(completion_.queue, {}))
    queue->push(*this);
  else
    function(*this);
}

}  // namespace sally::socket
