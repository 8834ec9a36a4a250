// The boundary that every entry point stands behind: nothing throws across it, and every failure
// becomes a status and an error.
#pragma once

#include "abi/handle.h"
#include "socket/outcome.h"
#include "status/error.h"

#include <cstddef>
#include <cstring>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include <sallyport/error.h>

namespace sally::abi {

using socket::Outcome;

// Hands the outcome to a C caller.
inline sally_status report(const Outcome& outcome, sally_error** error) noexcept {
  if (outcome.ok() || error == nullptr) return outcome.status;
  ErrorRef why = outcome.error ? outcome.error : make_error(outcome.status);
  // Immutable all the same: C has no other word for an owner.
  *error = const_cast<sally_error*>(why.detach());
  return outcome.status;
}

// Runs the body of an entry point, which returns an Outcome or throws.
template <class Body>
sally_status guarded(sally_error** error, Body&& body) noexcept {
  try {
    return report(body(), error);
  } catch (const Failure& failure) {
    return report(failure.error(), error);
  } catch (const std::bad_alloc&) {
    return report(out_of_memory_error(), error);
  } catch (const std::exception& exception) {
    return report(make_error(SALLY_INTERNAL, {.message = exception.what()}), error);
  } catch (...) {
    return report(SALLY_INTERNAL, error);
  }
}

inline void require(bool condition, const char* what) {
  if (!condition) throw Failure(SALLY_INVALID_ARGUMENT, {.message = what});
}

// The handle itself, after the two checks that all entry points share.
template <class Handle>
Handle& usable(Handle* handle) {
  require(handle != nullptr, "a handle is NULL");
  if (handle->inherited()) throw Failure(SALLY_FORKED);
  return *handle;
}

// No version will have more; beyond it `struct_size` was never set, and what follows the struct is
// not the library's to read.
inline constexpr std::size_t largest_options = 4096;

// A caller's option struct, whatever version of the header it was compiled with: what it lacks is
// zero, what this library does not know must be zero.
template <class Options>
Options copy_options(const Options* options) {
  require(options != nullptr, "options is NULL");
  const std::size_t size = options->struct_size;
  require(size >= sizeof(options->struct_size) + sizeof(options->flags),
          "struct_size is too small");
  require(size <= largest_options, "struct_size is too large");
  Options copy{};
  std::memcpy(&copy, options, size < sizeof copy ? size : sizeof copy);
  const auto* bytes = reinterpret_cast<const unsigned char*>(options);
  for (std::size_t i = sizeof copy; i < size; ++i) {
    require(bytes[i] == 0, "an option is set that this version of the library does not know");
  }
  copy.struct_size = sizeof copy;
  return copy;
}

}  // namespace sally::abi
