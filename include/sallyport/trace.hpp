// trace.hpp: an opt-in record of what happens on connections, sally_trace.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include <sallyport/base.hpp>
#include <sallyport/error.hpp>
#include <sallyport/queue.hpp>
#include <sallyport/trace.h>

namespace sally::inline v0 {

// One step of one connection. Copies are the same record; text lives as long as it does.
class TraceRecord : public detail::Shared<sally_trace_record, sally_trace_record_retain,
                                          sally_trace_record_release> {
 public:
  [[nodiscard]] static TraceRecord adopt(sally_trace_record* record) noexcept {
    return TraceRecord(record);
  }

  // A SALLY_TRACE_*. More may come.
  std::int32_t kind() const noexcept { return sally_trace_record_kind(get()); }
  // SALLY_ROLE_CLIENT or SALLY_ROLE_SERVER.
  std::int32_t side() const noexcept { return sally_trace_record_side(get()); }
  // Its number among the connections of the trace, from 1 on.
  std::uint64_t connection() const noexcept { return sally_trace_record_connection(get()); }
  // After the connection began.
  std::chrono::microseconds time() const noexcept {
    return std::chrono::microseconds(sally_trace_record_time_us(get()));
  }
  std::string_view correlation_id() const noexcept {
    return sally_trace_record_correlation_id(get());
  }
  // All of it, for people.
  std::string_view text() const noexcept { return sally_trace_record_text(get()); }
  // All of it, as sdk/docs/trace.md describes it.
  std::string_view json() const noexcept { return sally_trace_record_json(get()); }

 private:
  using Shared::Shared;
};

template <>
struct detail::FromEvent<TraceRecord> {
  static TraceRecord take(sally_event& event) {
    return TraceRecord::adopt(take_object<sally_trace_record>(event, SALLY_EVENT_TRACE));
  }
};

// 0: the defaults of trace.h.
struct TraceLimits {
  std::uint32_t waiting = 0;         // records that nobody has taken
  std::uint32_t per_connection = 0;  // at most
};

// Where the records of connections go: `tls.trace(sally::Trace([](const sally::TraceRecord& record) {
// ... }))`, or `sally::Trace(queue, tag)`, and then `event.take<sally::TraceRecord>()`. Copies are the
// same trace.
class Trace : public detail::Shared<sally_trace, sally_trace_retain, sally_trace_release> {
 public:
  // Called on a thread of an event loop, one record after the other. An exception that leaves it ends
  // the program.
  template <std::invocable<const TraceRecord&> Function>
  explicit Trace(Function function, TraceLimits limits = {})
      : Trace(to_function(std::move(function)), limits) {}
  explicit Trace(const CompletionQueue& queue, std::uint64_t tag = 0, TraceLimits limits = {})
      : Trace(to_queue(queue, tag), limits) {}
  [[nodiscard]] static Trace adopt(sally_trace* trace) noexcept { return Trace(trace); }

  // How many records nobody will see, because there were too many.
  std::uint64_t dropped() const noexcept { return sally_trace_dropped(get()); }

 private:
  using Shared::Shared;
  using Kept = std::function<void(const TraceRecord&)>;

  Trace(const sally_completion& destination, TraceLimits limits)
      : Shared(create(destination, limits)) {}

  static sally_completion to_queue(const CompletionQueue& queue, std::uint64_t tag) {
    sally_completion completion{};
    completion.struct_size = sizeof(completion);
    completion.tag = tag;
    completion.queue = queue.get();
    return completion;
  }
  static sally_completion to_function(Kept function) {
    sally_completion completion{};
    completion.struct_size = sizeof(completion);
    completion.function = [](void* user, sally_event* event) noexcept {
      if (event->object == nullptr) return;
      (*static_cast<const Kept*>(user))(detail::FromEvent<TraceRecord>::take(*event));
    };
    completion.free_user = [](void* user) noexcept { delete static_cast<const Kept*>(user); };
    completion.user = new Kept(std::move(function));
    return completion;
  }
  static sally_trace* create(const sally_completion& destination, TraceLimits limits) {
    sally_trace_options options{};
    options.struct_size = sizeof(options);
    options.destination = &destination;
    options.max_waiting = limits.waiting;
    options.max_per_connection = limits.per_connection;
    sally_trace* trace = nullptr;
    detail::check([&](sally_error** error) { return sally_trace_create(&options, &trace, error); });
    return trace;
  }
};

}  // namespace sally::inline v0
