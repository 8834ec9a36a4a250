// queue.hpp: results of asynchronous operations as events, queues of them, and started operations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include <sallyport/base.hpp>
#include <sallyport/error.hpp>
#include <sallyport/queue.h>

namespace sally::inline v0 {

namespace detail {

// How an event that tells of success becomes a value: `static T take(sally_event&)`. Headers of
// what events carry add theirs.
template <class T>
struct FromEvent;

template <>
struct FromEvent<void> {
  static void take(const sally_event&) noexcept {}
};
template <>
struct FromEvent<std::size_t> {
  static std::size_t take(const sally_event& event) noexcept {
    return static_cast<std::size_t>(event.size);
  }
};
template <>
struct FromEvent<std::uint32_t> {  // SALLY_DIRECTION_*
  static std::uint32_t take(const sally_event& event) noexcept {
    return static_cast<std::uint32_t>(event.size);
  }
};

// Gives away what an event carries, which must be of that kind.
template <class Handle>
Handle* take_object(sally_event& event, std::int32_t kind) {
  if (event.kind != kind || event.object == nullptr) {
    throw std::invalid_argument("sallyport: the event does not carry that");
  }
  return static_cast<Handle*>(std::exchange(event.object, nullptr));
}

}  // namespace detail

// What one completed operation says. It owns what it carries, and only moves; one that was moved
// from, or made without arguments, says nothing: its kind is 0.
class Event {
 public:
  Event() noexcept = default;
  Event(Event&& other) noexcept : raw_(std::exchange(other.raw_, sally_event{})) {}
  Event& operator=(Event&& other) noexcept {
    Event taken(std::move(other));
    std::swap(raw_, taken.raw_);
    return *this;
  }
  ~Event() { sally_event_dispose(&raw_); }

  // Takes over all that the C struct owns.
  [[nodiscard]] static Event adopt(const sally_event& event) noexcept { return Event(event); }

  // As it was given when the operation was started.
  std::uint64_t tag() const noexcept { return raw_.tag; }
  // A SALLY_EVENT_*. More may come: drop events of a kind that is not known.
  std::int32_t kind() const noexcept { return raw_.kind; }
  sally_status status() const noexcept { return raw_.status; }
  // Bytes moved, also where it failed; for a wait, the SALLY_DIRECTION_* that are ready, or the
  // generation of the source.
  std::size_t size() const noexcept { return static_cast<std::size_t>(raw_.size); }
  // Why it failed.
  std::optional<Error> error() const {
    if (raw_.status == SALLY_OK) return std::nullopt;
    return Error::adopt(sally_error_retain(raw_.error));
  }

  // What the operation was for, or its failure thrown: `event.take<std::size_t>()` for bytes moved,
  // `take<sally::StreamSocket>()` for what was accepted, `take<sally::Refusal>()` for a refusal,
  // `take<void>()` just to throw. Streams and refusals can be taken once. std::invalid_argument:
  // the event carries nothing of the kind.
  template <class T>
  T take() {
    if (raw_.status != SALLY_OK) throw Error::adopt(sally_error_retain(raw_.error));
    return detail::FromEvent<T>::take(raw_);
  }

  // Borrows the C struct.
  const sally_event& get() const noexcept { return raw_; }

 private:
  explicit Event(const sally_event& event) noexcept : raw_(event) {}

  sally_event raw_{};
};

// A started operation. Keeping one is never needed; copies are the same operation.
class Operation
    : public detail::Shared<sally_operation, sally_operation_retain, sally_operation_release> {
 public:
  [[nodiscard]] static Operation adopt(sally_operation* operation) noexcept {
    return Operation(operation);
  }

  // Asks it to end early. It completes all the same, once: with SALLY_CANCELED, or with its result
  // where that was quicker. Any thread, any time.
  void cancel() const noexcept { sally_operation_cancel(get()); }

 private:
  using Shared::Shared;
};

// Where results wait until somebody takes them, for programs with an event loop of their own: watch
// fd(), and take. Copies are the same queue, and any thread may use it. Each asynchronous operation
// can complete in one: `socket.async_write(data).start(queue, tag)`.
class CompletionQueue
    : public detail::Shared<sally_queue, sally_queue_retain, sally_queue_release> {
 public:
  [[nodiscard]] static CompletionQueue create() {
    sally_queue* queue = nullptr;
    detail::check([&](sally_error** error) { return sally_queue_create(&queue, error); });
    return CompletionQueue(queue);
  }
  [[nodiscard]] static CompletionQueue adopt(sally_queue* queue) noexcept {
    return CompletionQueue(queue);
  }

  // Readable while something waits, and for good when the queue is closed and empty. Never read
  // from it or close it. With an edge-triggered poller: take until fewer come than there was room
  // for.
  std::intptr_t fd() const noexcept { return sally_queue_fd(get()); }

  // The oldest event; it waits for one (default: for ever). SALLY_TIMED_OUT, SALLY_WOULD_BLOCK:
  // none came. SALLY_CLOSED: the queue was closed, and the last event taken.
  [[nodiscard]] Event take(Timeout timeout = {}) {
    Event event;
    take(std::span(&event, 1), timeout);
    return event;
  }
  // The same, but std::nullopt where none came in time; by default it does not wait at all.
  [[nodiscard]] std::optional<Event> try_take(Timeout timeout = Timeout::attempt()) {
    Event event;
    if (try_take(std::span(&event, 1), timeout) == 0) return std::nullopt;
    return event;
  }
  // As many as there are and `events` has room for (at least 1): fills its first elements, and
  // returns their number.
  std::size_t take(std::span<Event> events, Timeout timeout = {}) {
    std::size_t count = 0;
    detail::check([&](sally_error** error) { return fill(events, count, timeout, error); });
    return count;
  }
  // The same, but 0 where none came in time; by default it does not wait at all.
  [[nodiscard]] std::size_t try_take(std::span<Event> events,
                                     Timeout timeout = Timeout::attempt()) {
    std::size_t count = 0;
    static_cast<void>(detail::check_in_time(
        [&](sally_error** error) { return fill(events, count, timeout, error); }));
    return count;
  }

  // Cancels every operation that is to complete here; their events can still be taken. Starting
  // another throws SALLY_CLOSED. Never waits.
  void close() {
    detail::check([&](sally_error** error) { return sally_queue_close(get(), error); });
  }

 private:
  using Shared::Shared;

  sally_status fill(std::span<Event> events, std::size_t& count, Timeout timeout,
                    sally_error** error) {
    // An Event is nothing but the C struct; what it held before is disposed of.
    static_assert(std::is_standard_layout_v<Event> && sizeof(Event) == sizeof(sally_event));
    for (Event& event : events) event = Event();
    return sally_queue_take(get(), reinterpret_cast<sally_event*>(events.data()),
                            sizeof(sally_event), events.size(), &count, timeout.get(), error);
  }
};

}  // namespace sally::inline v0
