// What credentials and trust stores share: they are sources, which are reloaded while they are used.
#pragma once

#include "abi/boundary.h"
#include "abi/handles.h"

#include <cstdint>

namespace sally::abi {

template <class Handle>
Outcome reload(Handle& handle) {
  handle.object->reload();
  return SALLY_OK;
}

template <class Handle>
Outcome replace(Handle& handle, const Handle& by) {
  handle.object->replace(by.object->current());
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

}  // namespace sally::abi
