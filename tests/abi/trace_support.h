// Records of connections, for tests.
#pragma once

#include "lib/async.h"
#include "lib/json_schema.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace sally::test {

using Json = nlohmann::json;

inline Owned<sally_trace> make_trace(const sally_completion& destination, std::uint32_t waiting = 0,
                                     std::uint32_t per_connection = 0) {
  sally_trace_options options{};
  options.struct_size = sizeof options;
  options.destination = &destination;
  options.max_waiting = waiting;
  options.max_per_connection = per_connection;
  Owned<sally_trace> trace;
  const Result made =
      called([&](sally_error** error) { return sally_trace_create(&options, Out(trace), error); });
  EXPECT_EQ(made, SALLY_OK);
  return trace;
}

inline Owned<sally_tls_config> traced(Owned<sally_tls_config> config, sally_trace* trace) {
  EXPECT_EQ(sally_tls_config_set_trace(config.get(), trace, nullptr), SALLY_OK);
  return config;
}

struct Record {
  explicit Record(sally_trace_record* handle)
      : record(handle), json(Json::parse(sally_trace_record_json(handle))) {}

  Owned<sally_trace_record> record;
  Json json;

  std::int32_t kind() const { return sally_trace_record_kind(record.get()); }
  std::string text() const { return sally_trace_record_text(record.get()); }
};
using Records = std::vector<Record>;

// What a trace says goes into a queue, and out of it as JSON.
class Recorder {
 public:
  explicit Recorder(std::uint32_t waiting = 0, std::uint32_t per_connection = 0)
      : trace_(make_trace(queue_.completion(tag), waiting, per_connection)) {}

  Owned<sally_tls_config> trace(Owned<sally_tls_config> config) const {
    return traced(std::move(config), trace_.get());
  }
  // Up to the end of so many connections.
  Records until_end(int connections = 1) {
    Records records;
    while (connections > 0) {
      sally_event event{};
      std::size_t count = 0;
      const sally_status status =
          sally_queue_take(queue_.get(), &event, sizeof event, 1, &count, generous_ms, nullptr);
      EXPECT_EQ(status, SALLY_OK);
      if (status != SALLY_OK) break;
      EXPECT_EQ(event.kind, SALLY_EVENT_TRACE);
      EXPECT_EQ(event.tag, tag);
      EXPECT_EQ(event.status, SALLY_OK);
      records.emplace_back(static_cast<sally_trace_record*>(std::exchange(event.object, nullptr)));
      if (records.back().kind() == SALLY_TRACE_END) --connections;
    }
    return records;
  }
  std::uint64_t dropped() const { return sally_trace_dropped(trace_.get()); }
  Queue& queue() { return queue_; }
  void release() { trace_.reset(); }

  static constexpr std::uint64_t tag = 5;

 private:
  Queue queue_;
  Owned<sally_trace> trace_;
};

// "sent client_hello", "received alert unknown_ca", "state established": the steps of it, without
// sizes and times.
inline std::vector<std::string> steps_of(const Records& records) {
  std::vector<std::string> steps;
  for (const Record& record : records) {
    const Json& json = record.json;
    const std::string direction = json.value("direction", "");
    switch (record.kind()) {
      case SALLY_TRACE_FLIGHT: {
        std::string step = direction;
        for (const Json& message : json.at("messages")) {
          step += ' ' + message.at("type").get<std::string>();
        }
        steps.push_back(step);
        break;
      }
      case SALLY_TRACE_STATE:
        steps.push_back("state " + json.at("state").get<std::string>());
        break;
      case SALLY_TRACE_ALERT:
        steps.push_back(direction + " alert " + json.at("alert").get<std::string>());
        break;
      case SALLY_TRACE_DECISION:
        steps.push_back(json.at("step").get<std::string>() + ' ' +
                        json.at("question").get<std::string>());
        break;
      case SALLY_TRACE_RESUMPTION:
        steps.push_back("session " + json.at("step").get<std::string>());
        break;
      default:
        steps.push_back((direction.empty() ? "" : direction + ' ') +
                        json.at("kind").get<std::string>());
    }
  }
  return steps;
}

inline Json established(const Records& records) {
  for (const Record& record : records) {
    if (record.json.value("state", "") == "established") return record.json;
  }
  ADD_FAILURE() << "it was not established";
  return Json::object();
}

// The first record of this kind; fails the test where there is none.
inline Json first(const Records& records, std::int32_t kind) {
  for (const Record& record : records) {
    if (record.kind() == kind) return record.json;
  }
  ADD_FAILURE() << "no record of kind " << kind;
  return Json::object();
}

}  // namespace sally::test
