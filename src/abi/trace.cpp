#include "abi/boundary.h"
#include "abi/completion.h"
#include "abi/handles.h"
#include "socket/trace_target.h"

#include <cstddef>

#include <sallyport/trace.h>

using sally::make_ref;
using sally::abi::copy_options;
using sally::abi::guarded;
using sally::abi::require;
using sally::abi::usable;

namespace {

static_assert(sizeof(sally_trace_options) == 4 * sizeof(std::uint32_t) + sizeof(void*),
              "no padding");

constexpr std::uint32_t most_records = 1'000'000;
constexpr std::uint32_t default_waiting = 4096;
constexpr std::uint32_t default_per_connection = 256;

// `free_user` is called whatever else is wrong with the options.
sally::socket::Completion take_destination(const sally_trace_options* options) {
  constexpr std::size_t end = offsetof(sally_trace_options, destination) + sizeof(void*);
  if (options == nullptr || options->struct_size < end ||
      options->struct_size > sally::abi::largest_options || options->destination == nullptr) {
    return {};
  }
  return sally::abi::to_completion(options->destination);
}

}  // namespace

sally_status sally_trace_create(const sally_trace_options* options, sally_trace** trace,
                                sally_error** error) {
  return guarded(error, [&] {
    auto destination = take_destination(options);
    const sally_trace_options given = copy_options(options);
    require(given.flags == 0, "a flag is not known");
    require(given.destination != nullptr, "destination is NULL");
    require(given.max_waiting <= most_records, "max_waiting is above 1000000");
    require(given.max_per_connection != 1 && given.max_per_connection <= most_records,
            "max_per_connection is not from 2 to 1000000");
    require(trace != nullptr, "trace is NULL");
    *trace = new sally_trace(make_ref<sally::socket::TraceTarget>(
        std::move(destination), given.max_waiting != 0 ? given.max_waiting : default_waiting,
        given.max_per_connection != 0 ? given.max_per_connection : default_per_connection));
    return SALLY_OK;
  });
}

uint64_t sally_trace_dropped(const sally_trace* trace) {
  return trace != nullptr && !trace->inherited() ? trace->object->dropped() : 0;
}

sally_trace* sally_trace_retain(sally_trace* trace) {
  if (trace != nullptr) trace->retain();
  return trace;
}

void sally_trace_release(sally_trace* trace) {
  if (trace != nullptr) trace->release();
}

sally_status sally_tls_config_set_trace(sally_tls_config* config, sally_trace* trace,
                                        sally_error** error) {
  return guarded(error, [&] {
    usable(config).object->set_trace(usable(trace).object);
    return SALLY_OK;
  });
}

int32_t sally_trace_record_kind(const sally_trace_record* record) {
  return record != nullptr ? record->data.kind : 0;
}

int32_t sally_trace_record_side(const sally_trace_record* record) {
  return record != nullptr ? record->data.side : 0;
}

uint64_t sally_trace_record_connection(const sally_trace_record* record) {
  return record != nullptr ? record->data.connection : 0;
}

int64_t sally_trace_record_time_us(const sally_trace_record* record) {
  return record != nullptr ? record->data.time_us : 0;
}

const char* sally_trace_record_correlation_id(const sally_trace_record* record) {
  return record != nullptr ? record->data.correlation_id.c_str() : "";
}

const char* sally_trace_record_text(const sally_trace_record* record) {
  return record != nullptr ? record->data.text.c_str() : "";
}

const char* sally_trace_record_json(const sally_trace_record* record) {
  return record != nullptr ? record->data.json.c_str() : "";
}

sally_trace_record* sally_trace_record_retain(sally_trace_record* record) {
  if (record != nullptr) record->retain();
  return record;
}

void sally_trace_record_release(sally_trace_record* record) {
  if (record != nullptr) record->release();
}
