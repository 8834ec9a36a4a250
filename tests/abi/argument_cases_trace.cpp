#include "abi/argument_cases.h"
#include "abi/trace_support.h"

#include <memory>

namespace sally::test {

namespace {

using Change = std::function<void(sally_trace_options&, sally_completion&, World&)>;

void append_create_cases(ArgumentCases& cases) {
  const char* name = "sally_trace_create";
  cases.push_back(answers(name, "NULL options", SALLY_INVALID_ARGUMENT,
                          [](World&, Outputs& out, sally_error** error) {
                            return sally_trace_create(nullptr, out.handle<sally_trace>(), error);
                          }));
  const auto with = [&](const char* what, sally_status status, const Change& change) {
    cases.push_back(
        answers(name, what, status, [=](World& world, Outputs& out, sally_error** error) {
          sally_completion destination = world.queue.completion(0);
          sally_trace_options options{};
          options.struct_size = sizeof options;
          options.destination = &destination;
          change(options, destination, world);
          return sally_trace_create(&options, out.handle<sally_trace>(), error);
        }));
  };
  const auto refuses = [&](const char* what, const Change& change) {
    with(what, SALLY_INVALID_ARGUMENT, change);
  };
  with("the defaults", SALLY_OK, [](auto&, auto&, World&) {});
  with("a queue that was closed", SALLY_OK, [](auto&, auto& destination, World& world) {
    destination.queue = world.closed_queue.get();
  });
  with("the least of everything", SALLY_OK, [](auto& options, auto&, World&) {
    options.max_waiting = 1;
    options.max_per_connection = 2;
  });
  refuses("no destination", [](auto& options, auto&, World&) { options.destination = nullptr; });
  refuses("a destination that leads nowhere",
          [](auto&, auto& destination, World&) { destination.queue = nullptr; });
  refuses("a struct_size of 0", [](auto& options, auto&, World&) { options.struct_size = 0; });
  refuses("a struct_size that is too large",
          [](auto& options, auto&, World&) { options.struct_size = 5000; });
  refuses("a flag that is not known", [](auto& options, auto&, World&) { options.flags = 1; });
  refuses("too many that wait",
          [](auto& options, auto&, World&) { options.max_waiting = 1'000'001; });
  refuses("too many of a connection",
          [](auto& options, auto&, World&) { options.max_per_connection = 1'000'001; });
  refuses("no room but for the end",
          [](auto& options, auto&, World&) { options.max_per_connection = 1; });
  cases.push_back(gives(name, "a function and other things that are wrong", [](World&) {
    Spy spy;
    const sally_completion destination = spy.completion();
    sally_trace_options options{};
    options.struct_size = sizeof options;
    options.destination = &destination;
    options.flags = 7;
    sally_trace* trace = nullptr;
    EXPECT_EQ(sally_trace_create(&options, &trace, nullptr), SALLY_INVALID_ARGUMENT);
    options.flags = 0;
    EXPECT_EQ(sally_trace_create(&options, nullptr, nullptr), SALLY_INVALID_ARGUMENT);
    EXPECT_EQ(spy.frees, 2);
    EXPECT_EQ(spy.calls, 0);
  }));
}

void append_set_cases(ArgumentCases& cases) {
  const char* name = "sally_tls_config_set_trace";
  const auto set = [&](const char* what, sally_status status,
                       Owned<sally_tls_config> World::*config, bool with_trace) {
    cases.push_back(answers(name, what, status, [=](World& world, Outputs&, sally_error** error) {
      const auto trace = make_trace(world.queue.completion(0));
      sally_tls_config* given = config != nullptr ? (world.*config).get() : nullptr;
      return sally_tls_config_set_trace(given, with_trace ? trace.get() : nullptr, error);
    }));
  };
  set("a NULL handle", SALLY_INVALID_ARGUMENT, nullptr, true);
  set("a NULL trace", SALLY_INVALID_ARGUMENT, &World::client, false);
  set("a config in use", SALLY_INVALID_STATE, &World::frozen, true);
  set("a client's config", SALLY_OK, &World::client, true);
  set("a server's config", SALLY_OK, &World::server, true);
}

void append_getter_cases(ArgumentCases& cases) {
  cases.push_back(gives("sally_trace_dropped", "NULL",
                        [](World&) { EXPECT_EQ(sally_trace_dropped(nullptr), 0u); }));
  const auto number = [&](const char* name, auto function) {
    cases.push_back(gives(name, "NULL", [=](World&) { EXPECT_EQ(function(nullptr), 0); }));
  };
  number("sally_trace_record_kind",
         [](const sally_trace_record* record) { return sally_trace_record_kind(record); });
  number("sally_trace_record_side",
         [](const sally_trace_record* record) { return sally_trace_record_side(record); });
  number("sally_trace_record_connection", [](const sally_trace_record* record) {
    return static_cast<std::int64_t>(sally_trace_record_connection(record));
  });
  number("sally_trace_record_time_us",
         [](const sally_trace_record* record) { return sally_trace_record_time_us(record); });
  const auto text = [&](const char* name, const char* (*function)(const sally_trace_record*)) {
    cases.push_back(gives(name, "NULL", [=](World&) { EXPECT_STREQ(function(nullptr), ""); }));
  };
  text("sally_trace_record_correlation_id", sally_trace_record_correlation_id);
  text("sally_trace_record_text", sally_trace_record_text);
  text("sally_trace_record_json", sally_trace_record_json);
}

Records records_of_a_connection() {
  Recorder recorder;
  Listener listener(server_config());
  const auto config = recorder.trace(client_config());
  Pair pair = connect_pair(listener, config.get());
  pair.client.release();
  return recorder.until_end();
}

}  // namespace

ArgumentCases trace_cases() {
  ArgumentCases cases;
  append_create_cases(cases);
  append_set_cases(cases);
  append_getter_cases(cases);
  append_lifetime_cases<sally_trace>(cases, "sally_trace_retain", sally_trace_retain,
                                     "sally_trace_release", sally_trace_release,
                                     [made = std::make_shared<Owned<sally_trace>>()](World& world) {
                                       *made = make_trace(world.queue.completion(0));
                                       return made->get();
                                     });
  append_lifetime_cases<sally_trace_record>(
      cases, "sally_trace_record_retain", sally_trace_record_retain, "sally_trace_record_release",
      sally_trace_record_release, [made = std::make_shared<Records>()](World&) {
        *made = records_of_a_connection();
        return made->front().record.get();
      });
  return cases;
}

}  // namespace sally::test
