// What credentials and trust stores share: they are sources, which are reloaded while they are used.
#pragma once

#include "abi/boundary.h"
#include "abi/completion.h"
#include "abi/handles.h"
#include "abi/patience.h"
#include "socket/source_wait.h"

#include <cstdint>
#include <utility>

namespace sally::abi {

template <class Handle>
Outcome reload(Handle& handle) {
  handle.object->reload();
  return SALLY_OK;
}

template <class Handle>
Outcome replace(Handle& handle, const Handle& by) {
  handle.object->replace(*by.object);
  return SALLY_OK;
}

template <class Handle>
Outcome watch(Handle& handle) {
  handle.object->watch();
  return SALLY_OK;
}

template <class Handle>
Outcome reload_status(const Handle& handle) {
  const ErrorRef error = handle.object->reload_error();
  return error ? Outcome(error) : Outcome();
}

template <class Handle>
std::uint64_t generation(const Handle* handle) {
  return handle != nullptr && !handle->inherited() ? handle->object->generation() : 0;
}

template <class Handle>
Outcome wait_change(Handle* handle, std::uint64_t generation, std::uint64_t* now,
                    std::int64_t timeout_ms) {
  auto& source = *usable(handle).object;
  require(now != nullptr, "now is NULL");
  const auto patience = to_patience(timeout_ms, SALLY_TIMEOUT_NEVER);
  return socket::wait_for_change(source, generation, patience, *now);
}

template <class Handle>
Outcome start_wait_change(Handle* handle, std::uint64_t generation, std::int64_t timeout_ms,
                          const sally_completion* completion, sally_operation** operation) {
  auto target = to_completion(completion);
  auto& source = usable(handle).object;
  const auto patience = to_patience(timeout_ms, SALLY_TIMEOUT_NEVER);
  require(!patience.attempt, "an asynchronous operation cannot be an attempt");
  auto wait =
      make_ref<socket::SourceWait>(source, generation, patience.deadline, std::move(target));
  Ref<sally_operation> wanted;
  if (operation != nullptr) wanted = make_ref<sally_operation>(wait);
  wait->reserve();
  socket::SourceWait::begin(std::move(wait));
  if (operation != nullptr) *operation = wanted.detach();
  return SALLY_OK;
}

}  // namespace sally::abi
