// base.hpp: what the C++ wrappers share: time-outs, and owners of handles.
//
// Rules of all wrappers, beside those of base.h:
//
// A wrapper holds one reference to one C handle and gives it back in its destructor, which neither
// throws nor waits. It is never empty, but after it was moved from or released: then it may be
// assigned to or destroyed, every operation throws SALLY_INVALID_ARGUMENT, and text is "".
//
// What is immutable or shared (Bytes, Certificate, CompletionQueue, Credential, Decision, Error,
// Operation, Runtime, StreamInfo, TlsConfig, Trace, TraceRecord, TrustStore) copies cheaply: a copy is
// one more reference to the same object. StreamSocket, StreamListener and Event only move.
//
// `get` borrows the C handle, `release` gives it away, `adopt` takes one over. Nothing converts by
// itself.
//
// A method is one C call and one check, unless it says otherwise. What fails throws `sally::Error`;
// getters do not throw. A std::string_view or std::span that is handed out lives as long as the
// object that it came from. Text that goes in and has a NUL inside throws std::invalid_argument: in
// C it would have ended there.
//
// Different threads may use one object where the C header says so of its handle; assigning to it,
// moving it and destroying it are for one thread alone, as with every C++ object.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <sallyport/base.h>

// Inline functions of these headers become part of the program that includes them; the version in
// their names keeps those of several versions apart within one process. Write `sally::`, and forget
// it.
namespace sally::inline v0 {

// How long an operation may take; std::chrono durations convert: `socket.read_some(buffer, 500ms)`.
// A duration is rounded up to milliseconds. One of zero or less, such as a rest of time that has
// run out, counts as one millisecond, and is never mistaken for one of the special values below.
class Timeout {
 public:
  // The default of the operation, as base.h lists them.
  constexpr Timeout() noexcept = default;

  template <class Rep, class Period>
  constexpr Timeout(
      std::chrono::duration<Rep, Period> duration) noexcept  // NOLINT: meant to convert
      : milliseconds_(to_milliseconds(duration)) {}

  // Waits for ever.
  static constexpr Timeout never() noexcept { return Timeout(Raw{SALLY_TIMEOUT_NEVER}); }
  // Does what can be done now, else SALLY_WOULD_BLOCK. Not for connecting.
  static constexpr Timeout attempt() noexcept { return Timeout(Raw{SALLY_TIMEOUT_ATTEMPT}); }

  // What the C functions take.
  constexpr std::int64_t get() const noexcept { return milliseconds_; }

  friend constexpr bool operator==(Timeout, Timeout) noexcept = default;

 private:
  struct Raw {
    std::int64_t value;
  };
  constexpr explicit Timeout(Raw raw) noexcept : milliseconds_(raw.value) {}

  template <class Rep, class Period>
  static constexpr std::int64_t to_milliseconds(
      std::chrono::duration<Rep, Period> duration) noexcept {
    // Compared as floating point first: a duration such as hours::max() has no count in
    // milliseconds.
    constexpr std::int64_t longest = std::numeric_limits<std::int64_t>::max() / 2;
    const std::chrono::duration<long double, std::milli> wide(duration);
    if (!(wide.count() > 1)) return 1;
    if (wide.count() >= static_cast<long double>(longest)) return longest;
    return std::chrono::ceil<std::chrono::duration<std::int64_t, std::milli>>(duration).count();
  }

  std::int64_t milliseconds_ = SALLY_TIMEOUT_DEFAULT;
};

namespace detail {

// The one reference to a handle.
template <class Handle, auto release_handle>
class Unique {
 public:
  Unique(Unique&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Unique& operator=(Unique&& other) noexcept {
    Unique taken(std::move(other));
    std::swap(handle_, taken.handle_);
    return *this;
  }

  // Borrows the C handle.
  Handle* get() const noexcept { return handle_; }
  // Gives the reference away; the caller releases it.
  [[nodiscard]] Handle* release() noexcept { return std::exchange(handle_, nullptr); }

 protected:
  explicit Unique(Handle* handle) noexcept : handle_(handle) {}
  ~Unique() { release_handle(handle_); }

 private:
  Handle* handle_;
};

// One of any number of references to a handle.
template <class Handle, auto retain_handle, auto release_handle>
class Shared {
 public:
  Shared(const Shared& other) noexcept : handle_(retain_handle(other.handle_)) {}
  Shared(Shared&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Shared& operator=(const Shared& other) noexcept {
    Shared copy(other);
    std::swap(handle_, copy.handle_);
    return *this;
  }
  Shared& operator=(Shared&& other) noexcept {
    Shared taken(std::move(other));
    std::swap(handle_, taken.handle_);
    return *this;
  }

  // Borrows the C handle.
  Handle* get() const noexcept { return handle_; }
  // Gives the reference away; the caller releases it.
  [[nodiscard]] Handle* release() noexcept { return std::exchange(handle_, nullptr); }

 protected:
  explicit Shared(Handle* handle) noexcept : handle_(handle) {}
  ~Shared() { release_handle(handle_); }

 private:
  Handle* handle_;
};

inline std::string_view view(const char* text) noexcept {
  return text != nullptr ? std::string_view(text) : std::string_view();
}

inline const char* c_text(const std::string& text) {
  if (text.find('\0') != std::string::npos)
    throw std::invalid_argument("sallyport: text with a NUL inside");
  return text.c_str();
}

}  // namespace detail

}  // namespace sally::inline v0
