// Runtimes, completion queues, events and operations.
#include "abi/argument_cases.h"
#include "lib/threads.h"

namespace sally::test {

namespace {

void append_create_cases(ArgumentCases& cases) {
  using Change = std::function<void(sally_runtime_options&)>;
  const auto create = [&](const char* what, sally_status status, const Change& change) {
    cases.push_back(answers(
        "sally_runtime_create", what, status, [=](World&, Outputs& out, sally_error** error) {
          sally_runtime_options options{};
          options.struct_size = sizeof options;
          change(options);
          return sally_runtime_create(&options, out.handle<sally_runtime>(), error);
        }));
  };
  create("defaults", SALLY_OK, [](auto&) {});
  create("one loop", SALLY_OK, [](auto& options) { options.loops = 1; });
  create("the caller to run it", SALLY_OK,
         [](auto& options) { options.flags = SALLY_RUNTIME_CALLER_RUN; });
  create("several loops for the caller to run", SALLY_INVALID_ARGUMENT, [](auto& options) {
    options.flags = SALLY_RUNTIME_CALLER_RUN;
    options.loops = 2;
  });
  create("too many loops", SALLY_INVALID_ARGUMENT, [](auto& options) { options.loops = 1025; });
  create("as many loops as can be written", SALLY_INVALID_ARGUMENT,
         [](auto& options) { options.loops = UINT32_MAX; });
  create("an unknown flag", SALLY_INVALID_ARGUMENT, [](auto& options) { options.flags = 2; });
  create("every flag", SALLY_INVALID_ARGUMENT, [](auto& options) { options.flags = UINT32_MAX; });
  create("something reserved", SALLY_INVALID_ARGUMENT, [](auto& options) { options.reserved = 1; });
  create("no struct_size", SALLY_INVALID_ARGUMENT, [](auto& options) { options.struct_size = 0; });
  create("a struct_size that is too small", SALLY_INVALID_ARGUMENT,
         [](auto& options) { options.struct_size = 7; });
  create("a struct_size that no version will ever have", SALLY_INVALID_ARGUMENT,
         [](auto& options) { options.struct_size = 8192; });
  create("an older struct, what follows being something else", SALLY_OK, [](auto& options) {
    options.struct_size = offsetof(sally_runtime_options, loops);
    options.loops = options.reserved = UINT32_MAX;
  });
  for (const char extra : {'\0', '\1'}) {
    cases.push_back(answers(
        "sally_runtime_create", "a newer struct", extra == 0 ? SALLY_OK : SALLY_INVALID_ARGUMENT,
        [=](World&, Outputs& out, sally_error** error) {
          struct {
            sally_runtime_options known;
            char unknown[16];
          } options{};
          options.known.struct_size = sizeof options;
          options.known.loops = 1;
          options.unknown[15] = extra;
          return sally_runtime_create(&options.known, out.handle<sally_runtime>(), error);
        }));
  }
  cases.push_back(answers("sally_runtime_create", "no options", SALLY_INVALID_ARGUMENT,
                          [](World&, Outputs& out, sally_error** error) {
                            return sally_runtime_create(nullptr, out.handle<sally_runtime>(),
                                                        error);
                          }));
  cases.push_back(answers("sally_runtime_create", "a NULL output", SALLY_INVALID_ARGUMENT,
                          [](World&, Outputs&, sally_error** error) {
                            sally_runtime_options options{};
                            options.struct_size = sizeof options;
                            return sally_runtime_create(&options, nullptr, error);
                          }));
}

void append_run_cases(ArgumentCases& cases) {
  const auto run = [&](const char* what, sally_status status, std::int64_t timeout_ms,
                       const std::function<sally_runtime*(World&)>& runtime) {
    cases.push_back(answers("sally_runtime_run", what, status,
                            [=](World& world, Outputs&, sally_error** error) {
                              return sally_runtime_run(runtime(world), timeout_ms, error);
                            }));
  };
  const auto idle = [](World& world) { return world.caller_run.get(); };
  const auto woken = [](World& world) {
    EXPECT_EQ(sally_runtime_wake(world.caller_run.get(), nullptr), SALLY_OK);
    return world.caller_run.get();
  };
  run("a NULL handle", SALLY_INVALID_ARGUMENT, 0, [](World&) { return nullptr; });
  run("a runtime that has threads", SALLY_INVALID_STATE, SALLY_TIMEOUT_ATTEMPT,
      [](World& world) { return world.runtime.get(); });
  for (const std::int64_t timeout_ms : bad_timeouts)
    run("a negative time-out", SALLY_INVALID_ARGUMENT, timeout_ms, idle);
  run("nothing to do", SALLY_WOULD_BLOCK, SALLY_TIMEOUT_ATTEMPT, idle);
  run("nothing to do for a moment", SALLY_TIMED_OUT, 1, idle);
  for (const std::int64_t timeout_ms : absurd_timeouts)
    run("an absurd time-out, woken", SALLY_OK, timeout_ms, woken);
  for (const std::int64_t timeout_ms :
       {SALLY_TIMEOUT_DEFAULT, SALLY_TIMEOUT_NEVER, SALLY_TIMEOUT_ATTEMPT})
    run("a call that was woken before", SALLY_OK, timeout_ms, woken);
  run("nothing to do, woken no more", SALLY_WOULD_BLOCK, SALLY_TIMEOUT_ATTEMPT, idle);
  cases.push_back(gives("sally_runtime_fd", "NULL and runtimes of both kinds", [](World& world) {
    EXPECT_EQ(sally_runtime_fd(nullptr), -1);
    EXPECT_EQ(sally_runtime_fd(world.runtime.get()), -1);
    const auto caller_run = make_runtime(SALLY_RUNTIME_CALLER_RUN);
    EXPECT_GE(sally_runtime_fd(caller_run.get()), 0);
  }));
  cases.push_back(gives("sally_runtime_run", "another thread in it", [](World& world) {
    const auto run_once = [&](std::int64_t timeout_ms) {
      return called([&](sally_error** error) {
        return sally_runtime_run(world.caller_run.get(), timeout_ms, error);
      });
    };
    auto running = on_thread([&] {
      Result result;
      do result = run_once(generous_ms);
      while (result == SALLY_BUSY);
      return result;
    });
    Result second;
    do second = run_once(SALLY_TIMEOUT_ATTEMPT);
    while (second == SALLY_WOULD_BLOCK);
    EXPECT_EQ(second, SALLY_BUSY);
    EXPECT_EQ(sally_runtime_wake(world.caller_run.get(), nullptr), SALLY_OK);
    EXPECT_EQ(running.get(), SALLY_OK);
  }));

  cases.push_back(answers(
      "sally_runtime_wake", "a NULL handle", SALLY_INVALID_ARGUMENT,
      [](World&, Outputs&, sally_error** error) { return sally_runtime_wake(nullptr, error); }));
  cases.push_back(answers("sally_runtime_wake", "a runtime that has threads", SALLY_INVALID_STATE,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_runtime_wake(world.runtime.get(), error);
                          }));
  cases.push_back(gives("sally_runtime_loops", "NULL and runtimes", [](World& world) {
    EXPECT_EQ(sally_runtime_loops(nullptr), 0u);
    EXPECT_EQ(sally_runtime_loops(world.runtime.get()), 2u);
    EXPECT_EQ(sally_runtime_loops(world.caller_run.get()), 1u);
  }));
}

void append_take_cases(ArgumentCases& cases) {
  using QueueOf = std::function<sally_queue*(World&)>;
  const QueueOf open = [](World& world) { return world.queue.get(); };
  const QueueOf closed = [](World& world) { return world.closed_queue.get(); };
  const auto take = [&](const char* what, sally_status status, const QueueOf& queue,
                        std::size_t event_size, std::size_t capacity, std::int64_t timeout_ms) {
    cases.push_back(answers(
        "sally_queue_take", what, status, [=](World& world, Outputs& out, sally_error** error) {
          return sally_queue_take(queue(world), out.value<sally_event>(4), event_size, capacity,
                                  out.count(), timeout_ms, error);
        }));
  };
  constexpr std::size_t size = sizeof(sally_event);
  take(
      "a NULL handle", SALLY_INVALID_ARGUMENT, [](World&) { return nullptr; }, size, 1, 0);
  take("no room", SALLY_INVALID_ARGUMENT, open, size, 0, 0);
  for (const std::size_t wrong :
       {std::size_t{0}, size - 8, size + 1, std::size_t{8192}, SIZE_MAX - 7})
    take("events of another size", SALLY_INVALID_ARGUMENT, open, wrong, 1, 0);
  for (const std::int64_t timeout_ms : bad_timeouts) {
    take("a negative time-out", SALLY_INVALID_ARGUMENT, open, size, 1, timeout_ms);
    take("a negative time-out of a closed queue", SALLY_INVALID_ARGUMENT, closed, size, 1,
         timeout_ms);
  }
  take("no event", SALLY_WOULD_BLOCK, open, size, 4, SALLY_TIMEOUT_ATTEMPT);
  take("no event, and more room than there is memory", SALLY_WOULD_BLOCK, open, size, SIZE_MAX,
       SALLY_TIMEOUT_ATTEMPT);
  take("no event, in structs of a later version", SALLY_WOULD_BLOCK, open, size + 8, 2,
       SALLY_TIMEOUT_ATTEMPT);
  take("no event for a moment", SALLY_TIMED_OUT, open, size, 4, 1);
  for (const std::int64_t timeout_ms :
       {SALLY_TIMEOUT_DEFAULT, SALLY_TIMEOUT_NEVER, SALLY_TIMEOUT_ATTEMPT, INT64_MAX})
    take("a closed queue", SALLY_CLOSED, closed, size, 4, timeout_ms);
  cases.push_back(answers("sally_queue_take", "NULL events", SALLY_INVALID_ARGUMENT,
                          [](World& world, Outputs& out, sally_error** error) {
                            return sally_queue_take(world.queue.get(), nullptr, size, 1,
                                                    out.count(), 0, error);
                          }));
  cases.push_back(answers("sally_queue_take", "a NULL count", SALLY_INVALID_ARGUMENT,
                          [](World& world, Outputs& out, sally_error** error) {
                            return sally_queue_take(world.queue.get(), out.value<sally_event>(),
                                                    size, 1, nullptr, 0, error);
                          }));
}

void append_queue_cases(ArgumentCases& cases) {
  cases.push_back(answers(
      "sally_queue_create", "a NULL output", SALLY_INVALID_ARGUMENT,
      [](World&, Outputs&, sally_error** error) { return sally_queue_create(nullptr, error); }));
  cases.push_back(answers("sally_queue_create", "an output", SALLY_OK,
                          [](World&, Outputs& out, sally_error** error) {
                            return sally_queue_create(out.handle<sally_queue>(), error);
                          }));
  cases.push_back(gives("sally_queue_pending", "NULL and a closed queue", [](World& world) {
    EXPECT_EQ(sally_queue_pending(nullptr), 0u);
    EXPECT_EQ(sally_queue_pending(world.closed_queue.get()), 0u);
  }));
  cases.push_back(gives("sally_queue_fd", "NULL and a closed queue", [](World& world) {
    EXPECT_EQ(sally_queue_fd(nullptr), -1);
    EXPECT_GE(sally_queue_fd(world.closed_queue.get()), 0);
    EXPECT_TRUE(world.closed_queue.is_readable());
    EXPECT_FALSE(world.queue.is_readable());
  }));
  cases.push_back(answers(
      "sally_queue_close", "a NULL handle", SALLY_INVALID_ARGUMENT,
      [](World&, Outputs&, sally_error** error) { return sally_queue_close(nullptr, error); }));
  cases.push_back(answers("sally_queue_close", "a closed queue", SALLY_OK,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_queue_close(world.closed_queue.get(), error);
                          }));
}

void append_event_cases(ArgumentCases& cases) {
  cases.push_back(gives("sally_event_dispose", "NULL and events of every kind", [](World& world) {
    sally_event_dispose(nullptr);
    for (const std::int32_t kind :
         {0, static_cast<int>(SALLY_EVENT_DONE), static_cast<int>(SALLY_EVENT_ACCEPTED),
          static_cast<int>(SALLY_EVENT_REFUSED), 99, -1}) {
      sally_event event{};
      event.tag = event.size = 5;
      event.status = SALLY_CANCELED;
      event.kind = kind;
      event.error = sally_error_retain(world.error.get());
      if (kind == SALLY_EVENT_ACCEPTED) event.object = sally_stream_retain(world.open.client.get());
      if (kind == SALLY_EVENT_REFUSED) event.object = sally_bytes_retain(world.bytes.get());
      sally_event_dispose(&event);
      EXPECT_EQ(event.object, nullptr);
      EXPECT_EQ(event.error, nullptr);
      EXPECT_EQ(event.kind, kind);
      EXPECT_EQ(event.tag, 5u);
      EXPECT_EQ(event.status, SALLY_CANCELED);
      sally_event_dispose(&event);  // a second time nothing is left
    }
  }));
  cases.push_back(
      gives("sally_operation_cancel", "NULL", [](World&) { sally_operation_cancel(nullptr); }));
}

}  // namespace

ArgumentCases runtime_cases() {
  ArgumentCases cases;
  append_create_cases(cases);
  append_run_cases(cases);
  append_take_cases(cases);
  append_queue_cases(cases);
  append_event_cases(cases);
  append_lifetime_cases<sally_runtime, sally_runtime>(
      cases, "sally_runtime_retain", sally_runtime_retain, "sally_runtime_release",
      sally_runtime_release, [](World& world) { return world.runtime.get(); });
  append_lifetime_cases<sally_queue, sally_queue>(cases, "sally_queue_retain", sally_queue_retain,
                                                  "sally_queue_release", sally_queue_release,
                                                  [](World& world) { return world.queue.get(); });
  append_lifetime_cases<sally_operation, sally_operation>(
      cases, "sally_operation_retain", sally_operation_retain, "sally_operation_release",
      sally_operation_release, [](World& world) { return world.operation.get(); });
  return cases;
}

}  // namespace sally::test
