#include "abi/completion.h"

#include "abi/boundary.h"
#include "abi/bytes.h"

#include <memory>
#include <utility>

namespace sally::abi {

namespace {

static_assert(sizeof(sally_completion) ==
                  2 * sizeof(std::uint32_t) + sizeof(std::uint64_t) + 4 * sizeof(void*),
              "no padding");
static_assert(sizeof(sally_event) ==
                  2 * sizeof(std::uint64_t) + 2 * sizeof(void*) + 2 * sizeof(std::int32_t),
              "no padding");

// The caller's, until the last copy of what refers to it has gone.
using User = std::shared_ptr<void>;

User take_user(const sally_completion* completion) {
  // Also where the rest is refused; but what lies beyond a wrong size was never given.
  const std::size_t size = completion != nullptr ? completion->struct_size : 0;
  if (size < sizeof *completion || size > largest_options || completion->free_user == nullptr) {
    return {};
  }
  return {completion->user, completion->free_user};
}

std::int32_t kind_of(const socket::AsyncOperation& operation) {
  switch (operation.kind) {
    case socket::EventKind::accepted:
      return SALLY_EVENT_ACCEPTED;
    case socket::EventKind::refused:
      return SALLY_EVENT_REFUSED;
    case socket::EventKind::decision:
      return SALLY_EVENT_DECISION;
    case socket::EventKind::decisions_over:
      return SALLY_EVENT_DECISIONS_OVER;
    case socket::EventKind::trace:
      return SALLY_EVENT_TRACE;
    case socket::EventKind::done:
      break;
  }
  return SALLY_EVENT_DONE;
}

void tell(const socket::Completion& completion, socket::AsyncOperation& operation) {
  sally_event event{};
  try {
    to_event(operation, event);
  } catch (...) {
    event = {.tag = operation.tag(),
             .size = 0,
             .object = nullptr,
             .error = const_cast<sally_error*>(out_of_memory_error().detach()),
             .status = SALLY_OUT_OF_MEMORY,
             .kind = kind_of(operation)};
  }
  reinterpret_cast<sally_completion_function>(completion.function)(completion.context, &event);
  sally_event_dispose(&event);
}

}  // namespace

socket::Decider to_decider(const sally_completion* completion) {
  const std::size_t size = completion != nullptr ? completion->struct_size : 0;
  const bool has_flags = size >= sizeof *completion && size <= largest_options;
  const std::uint32_t flags = has_flags ? completion->flags & SALLY_COMPLETION_TELL_END : 0;
  auto destination = to_completion(completion, flags);
  require(flags == 0 || destination.queue, "only a queue is told that no decisions will come");
  return std::make_shared<socket::Destination>(std::move(destination), flags != 0);
}

socket::Completion to_completion(const sally_completion* completion, std::uint32_t known_flags) {
  User user = take_user(completion);
  const sally_completion given = copy_options(completion);
  require((given.flags & ~known_flags) == 0, "a flag of the completion is not known");
  require((given.queue != nullptr) != (given.function != nullptr),
          "a completion goes either to a queue or to a function");
  socket::Completion result{.tag = given.tag, .kept = std::move(user)};
  if (given.queue != nullptr) {
    result.queue = usable(given.queue).object;
    return result;
  }
  result.tell = &tell;
  result.function = reinterpret_cast<void (*)()>(given.function);
  result.context = given.user;
  return result;
}

void to_event(socket::AsyncOperation& operation, sally_event& event) {
  event = {.tag = operation.tag(),
           .size = operation.size,
           .object = nullptr,
           .error = nullptr,
           .status = operation.outcome.status,
           .kind = kind_of(operation)};
  if (operation.accepted) {
    event.object = new sally_stream(std::exchange(operation.accepted, {}));
  } else if (operation.refusal) {
    event.object = to_bytes(std::move(operation.peer));
    event.error = const_cast<sally_error*>(std::exchange(operation.refusal, {}).detach());
  } else if (operation.decision) {
    auto decision = operation.decision;  // in its place until nothing can fail
    event.object = new sally_decision(std::move(decision));
    operation.decision = {};
  } else if (operation.trace) {
    event.object = std::exchange(operation.trace, {}).detach();
  }
  if (operation.outcome.ok()) return;
  ErrorRef why = operation.outcome.error ? operation.outcome.error : make_error(event.status);
  event.error = const_cast<sally_error*>(why.detach());
}

}  // namespace sally::abi
