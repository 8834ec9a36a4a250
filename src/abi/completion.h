// Completions of the C ABI as the layers below understand them, and their events.
#pragma once

#include "abi/boundary.h"
#include "abi/handles.h"
#include "socket/async_operation.h"
#include "socket/questions.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include <sallyport/queue.h>

namespace sally::abi {

// Where a result shall go. `free_user` will run when the completion has gone, wherever that is; so
// this comes first in every function that takes one. Throws Failure.
socket::Completion to_completion(const sally_completion* completion, std::uint32_t known_flags = 0);

// Where questions go, which may be told when none will come any more; not before begin(). Likewise.
socket::Decider to_decider(const sally_completion* completion);

// Where the questions go that options name; null: nowhere. The options may be of any version, and
// need not be right otherwise: `free_user` will run in any case. Throws Failure.
template <class Options>
socket::Decider take_decider(const Options* options) {
  constexpr std::size_t end = offsetof(Options, decisions) + sizeof(decltype(Options::decisions));
  if (options == nullptr || options->struct_size < end || options->struct_size > largest_options ||
      options->decisions == nullptr) {
    return {};
  }
  return to_decider(options->decisions);
}

// Fills the event with what a completed operation says, and moves what it carries there. Throws
// std::bad_alloc, and the operation is then as before.
void to_event(socket::AsyncOperation& operation, sally_event& event);

// Submits the operation to its stream or listener, and hands it out to who wants it.
template <class Object, class Operation>
void start(Object& object, Ref<Operation> operation, sally_operation** handle) {
  Ref<sally_operation> wanted;
  if (handle != nullptr) wanted = make_ref<sally_operation>(operation);
  operation->reserve();
  object.submit(std::move(operation));
  if (handle != nullptr) *handle = wanted.detach();
}

}  // namespace sally::abi
