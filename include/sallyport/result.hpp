// result.hpp: what an operation came to, for those who do not want it thrown.
#pragma once

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

#include <sallyport/base.hpp>
#include <sallyport/error.hpp>
#include <sallyport/queue.hpp>

namespace sally::inline v0 {

// The value, or why there is none; and how many bytes were moved in either case. Callbacks get one,
// try_read_exactly and the like return one, and `co_await operation.as_result()` is one.
template <class T = void>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  explicit Result(Event event) noexcept : event_(std::move(event)) {}

  // Whether it succeeded.
  explicit operator bool() const noexcept { return status() == SALLY_OK; }
  sally_status status() const noexcept { return event_.status(); }
  // Bytes that were moved, also where it failed: those of a read are in the buffer, those of a
  // write will be sent.
  std::size_t size() const noexcept { return event_.size(); }
  // Why it failed.
  std::optional<Error> error() const { return event_.error(); }

  // The value, or the failure thrown. A stream or a refusal can be taken once.
  T value() { return event_.take<T>(); }
  T value() const requires(std::is_void_v<T> || std::is_arithmetic_v<T>) {
    if (status() != SALLY_OK) throw *error();
    return detail::FromEvent<T>::take(event_.get());
  }

 private:
  Event event_;
};

}  // namespace sally::inline v0
