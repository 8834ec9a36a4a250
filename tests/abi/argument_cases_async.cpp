// The asynchronous forms: each refuses what its blocking form refuses, and bad completions besides.
// Whatever is refused has its `free_user` run once, and never completes.
#include "abi/argument_cases.h"

namespace sally::test {

namespace {

char buffer[16];

template <class Handle>
using Submit = std::function<sally_status(World&, Handle*, std::int64_t, const sally_completion*,
                                          sally_operation**, sally_error**)>;
template <class Handle>
using HandleOf = std::function<Handle*(World&)>;
using Change = std::function<void(sally_completion&, World&)>;

void leave(sally_completion&, World&) {}

// `frees`: how often `free_user` must run.
template <class Handle>
struct Function {
  const char* name;
  Submit<Handle> submit;
  HandleOf<Handle> usual;

  ArgumentCase refuses(const char* what, sally_status status, const HandleOf<Handle>& handle,
                       std::int64_t timeout_ms = SALLY_TIMEOUT_DEFAULT,
                       const Change& change = leave, int frees = 1) const {
    return answers(
        name, what, status, [=, submit = submit](World& world, Outputs& out, sally_error** error) {
          sally_completion completion = world.spy.completion();
          change(completion, world);
          const int before = world.spy.frees;
          const sally_status answer = submit(world, handle(world), timeout_ms, &completion,
                                             out.handle<sally_operation>(), error);
          EXPECT_EQ(world.spy.frees - before, frees) << "free_user";
          EXPECT_EQ(world.spy.calls, 0) << "a function was called for what was refused";
          return answer;
        });
  }
  ArgumentCase refuses(const char* what, sally_status status, const Change& change,
                       int frees = 1) const {
    return refuses(what, status, usual, SALLY_TIMEOUT_DEFAULT, change, frees);
  }
};

void to_queue(sally_completion& completion, sally_queue* queue) {
  completion.function = nullptr;
  completion.queue = queue;
}

template <class Handle>
void append_completion_cases(ArgumentCases& cases, const Function<Handle>& function) {
  const auto submit = function.submit;
  const auto usual = function.usual;
  cases.push_back(answers(function.name, "no completion", SALLY_INVALID_ARGUMENT,
                          [=](World& world, Outputs& out, sally_error** error) {
                            return submit(world, usual(world), 0, nullptr,
                                          out.handle<sally_operation>(), error);
                          }));
  const auto bad = [&](const char* what, const Change& change, int frees = 1) {
    cases.push_back(function.refuses(what, SALLY_INVALID_ARGUMENT, change, frees));
  };
  bad("a queue and a function",
      [](auto& completion, World& world) { completion.queue = world.queue.get(); });
  bad("neither queue nor function",
      [](auto& completion, World&) { completion.function = nullptr; });
  bad("an unknown flag of the completion", [](auto& completion, World&) { completion.flags = 1; });
  bad("every flag of the completion",
      [](auto& completion, World&) { completion.flags = UINT32_MAX; });
  // What lies beyond a struct_size that is wrong was never given.
  for (const std::uint32_t size : {0u, 4u, 8192u}) {
    bad(
        "a bad struct_size of the completion",
        [=](auto& completion, World&) { completion.struct_size = size; }, 0);
  }
  bad(
      "a completion that ends before its destination",
      [](auto& completion, World&) { completion.struct_size = offsetof(sally_completion, queue); },
      0);
  cases.push_back(function.refuses(
      "a closed queue", SALLY_CLOSED,
      [](auto& completion, World& world) { to_queue(completion, world.closed_queue.get()); }));
  cases.push_back(answers(
      function.name, "a newer completion that asks for something new", SALLY_INVALID_ARGUMENT,
      [=](World& world, Outputs& out, sally_error** error) {
        struct {
          sally_completion known;
          char unknown[16];
        } completion{world.spy.completion(), {}};
        completion.known.struct_size = sizeof completion;
        completion.unknown[15] = 1;
        const int before = world.spy.frees;
        const sally_status answer =
            submit(world, usual(world), 0, &completion.known, out.handle<sally_operation>(), error);
        EXPECT_EQ(world.spy.frees - before, 1) << "free_user is known to every version";
        return answer;
      }));
}

template <class Handle>
void append_common_cases(ArgumentCases& cases, const Function<Handle>& function) {
  append_completion_cases(cases, function);
  cases.push_back(
      function.refuses("a NULL handle", SALLY_INVALID_ARGUMENT, [](World&) { return nullptr; }));
  for (const std::int64_t timeout_ms : bad_timeouts) {
    cases.push_back(function.refuses("a negative time-out", SALLY_INVALID_ARGUMENT, function.usual,
                                     timeout_ms));
  }
  cases.push_back(function.refuses("an attempt", SALLY_INVALID_ARGUMENT, function.usual,
                                   SALLY_TIMEOUT_ATTEMPT));
}

using StreamFunction = Function<sally_stream>;

sally_stream* open_stream(World& world) {
  return world.open.client.get();
}
sally_stream* plain_stream(World& world) {
  return world.plain.client.get();
}
sally_stream* busy_stream(World& world) {
  return world.busy.client.get();
}
sally_stream* idle_stream(World& world) {
  return world.idle.get();
}
sally_stream* closed_stream(World& world) {
  return world.closed.get();
}

void append_connected_cases(ArgumentCases& cases, const StreamFunction& function) {
  append_common_cases(cases, function);
  cases.push_back(
      function.refuses("a stream that is not connected", SALLY_INVALID_STATE, idle_stream));
  cases.push_back(function.refuses("a closed stream", SALLY_CLOSED, closed_stream));
}

// One that is wrong in an argument of its own.
void append_wrong(ArgumentCases& cases, const char* name, const char* what,
                  const Submit<sally_stream>& submit, const HandleOf<sally_stream>& handle,
                  sally_status status = SALLY_INVALID_ARGUMENT) {
  cases.push_back(StreamFunction{name, submit, handle}.refuses(what, status, handle));
}

void append_read_cases(ArgumentCases& cases) {
  using Read = sally_status (*)(sally_stream*, void*, size_t, int64_t, const sally_completion*,
                                sally_operation**, sally_error**);
  const auto reads = [&](const char* name, Read read) {
    const auto into = [=](void* place, std::size_t capacity) -> Submit<sally_stream> {
      return [=](World&, sally_stream* stream, std::int64_t timeout_ms,
                 const sally_completion* completion, sally_operation** operation,
                 sally_error** error) {
        return read(stream, place, capacity, timeout_ms, completion, operation, error);
      };
    };
    const StreamFunction function{name, into(buffer, sizeof buffer), open_stream};
    append_connected_cases(cases, function);
    cases.push_back(function.refuses("another read pending", SALLY_BUSY, busy_stream));
    append_wrong(cases, name, "a NULL buffer", into(nullptr, 16), open_stream);
    append_wrong(cases, name, "a capacity of 0", into(buffer, 0), open_stream);
  };
  reads("sally_stream_read_some_async", sally_stream_read_some_async);
  reads("sally_stream_read_exactly_async", sally_stream_read_exactly_async);

  const char* name = "sally_stream_read_until_async";
  const auto until = [=](void* place, std::size_t capacity, bool with_delimiter,
                         std::size_t delimiter_size) -> Submit<sally_stream> {
    return
        [=](World& world, sally_stream* stream, std::int64_t timeout_ms,
            const sally_completion* completion, sally_operation** operation, sally_error** error) {
          return sally_stream_read_until_async(
              stream, place, capacity, with_delimiter ? world.long_text.data() : nullptr,
              delimiter_size, timeout_ms, completion, operation, error);
        };
  };
  const StreamFunction function{name, until(buffer, sizeof buffer, true, 1), open_stream};
  append_connected_cases(cases, function);
  cases.push_back(function.refuses("another read pending", SALLY_BUSY, busy_stream));
  append_wrong(cases, name, "a NULL buffer", until(nullptr, 16, true, 1), open_stream);
  append_wrong(cases, name, "a capacity of 0", until(buffer, 0, true, 1), open_stream);
  append_wrong(cases, name, "a NULL delimiter", until(buffer, 16, false, 1), open_stream);
  append_wrong(cases, name, "an empty delimiter", until(buffer, 16, true, 0), open_stream);
  append_wrong(cases, name, "a delimiter that is too long", until(buffer, 16, true, 257),
               open_stream);
}

void append_wait_cases(ArgumentCases& cases) {
  const char* name = "sally_stream_wait_async";
  const auto wait = [](std::uint32_t interest) -> Submit<sally_stream> {
    return [=](World&, sally_stream* stream, std::int64_t timeout_ms,
               const sally_completion* completion, sally_operation** operation,
               sally_error** error) {
      return sally_stream_wait_async(stream, interest, timeout_ms, completion, operation, error);
    };
  };
  append_connected_cases(cases, StreamFunction{name, wait(SALLY_DIRECTION_READ), open_stream});
  append_wrong(cases, name, "no interest", wait(0), open_stream);
  append_wrong(cases, name, "an interest that does not exist", wait(4), open_stream);
  append_wrong(cases, name, "every bit", wait(UINT32_MAX), open_stream);
}

void append_write_cases(ArgumentCases& cases) {
  const char* name = "sally_stream_write_async";
  const auto write = [](const char* data, std::size_t size,
                        std::uint32_t flags) -> Submit<sally_stream> {
    return
        [=](World&, sally_stream* stream, std::int64_t timeout_ms,
            const sally_completion* completion, sally_operation** operation, sally_error** error) {
          return sally_stream_write_async(stream, data, size, flags, timeout_ms, completion,
                                          operation, error);
        };
  };
  append_connected_cases(cases, StreamFunction{name, write("x", 1, 0), open_stream});
  append_wrong(cases, name, "NULL data with a size", write(nullptr, 1, 0), open_stream);
  append_wrong(cases, name, "an unknown flag", write("x", 1, 2), open_stream);
  append_wrong(cases, name, "every flag", write("x", 1, UINT32_MAX), open_stream);

  name = "sally_stream_writev_async";
  static const sally_buffer good[] = {{"x", 1}, {nullptr, 0}};
  static const sally_buffer bad[] = {{"x", 1}, {nullptr, 1}};
  const auto writev = [](const sally_buffer* buffers, std::size_t count,
                         std::uint32_t flags) -> Submit<sally_stream> {
    return
        [=](World&, sally_stream* stream, std::int64_t timeout_ms,
            const sally_completion* completion, sally_operation** operation, sally_error** error) {
          return sally_stream_writev_async(stream, buffers, count, flags, timeout_ms, completion,
                                           operation, error);
        };
  };
  append_connected_cases(cases, StreamFunction{name, writev(good, 2, 0), open_stream});
  append_wrong(cases, name, "NULL buffers with a count", writev(nullptr, 1, 0), open_stream);
  append_wrong(cases, name, "a buffer of NULL with a size", writev(bad, 2, 0), open_stream);
  append_wrong(cases, name, "more buffers than there can be", writev(good, SIZE_MAX, 0),
               open_stream);
  append_wrong(cases, name, "an unknown flag", writev(good, 2, 2), open_stream);
}

using Timed = sally_status (*)(sally_stream*, int64_t, const sally_completion*, sally_operation**,
                               sally_error**);

Submit<sally_stream> timed(Timed function) {
  return [=](World&, sally_stream* stream, std::int64_t timeout_ms,
             const sally_completion* completion, sally_operation** operation, sally_error** error) {
    return function(stream, timeout_ms, completion, operation, error);
  };
}

void append_control_cases(ArgumentCases& cases) {
  append_connected_cases(
      cases, {"sally_stream_flush_async", timed(sally_stream_flush_async), open_stream});
  append_connected_cases(
      cases, {"sally_stream_shutdown_async", timed(sally_stream_shutdown_async), open_stream});
  append_connected_cases(cases, {"sally_stream_authenticate_async",
                                 timed(sally_stream_authenticate_async), open_stream});
  const StreamFunction close{"sally_stream_close_async", timed(sally_stream_close_async),
                             open_stream};
  append_common_cases(cases, close);
  const StreamFunction connect{"sally_stream_connect_async", timed(sally_stream_connect_async),
                               idle_stream};
  append_common_cases(cases, connect);
  cases.push_back(connect.refuses("a closed stream", SALLY_CLOSED, closed_stream));
  cases.push_back(connect.refuses("a stream that is connected", SALLY_INVALID_STATE, open_stream));
  cases.push_back(gives("sally_stream_close_async", "refusals behind it", [](World& world) {
    EXPECT_EQ(world.open.client.write("x"), SALLY_OK) << "what is refused closes nothing";
    EXPECT_EQ(world.open.server.read_text(1), "x");
  }));
  // Not refused: whatever the form, there is nothing left to do.
  cases.push_back(answers("sally_stream_close_async", "a closed stream", SALLY_OK,
                          [](World& world, Outputs& out, sally_error** error) {
                            Queue queue;
                            const sally_completion completion = queue.completion(7);
                            const sally_status status =
                                sally_stream_close_async(world.closed.get(), 0, &completion,
                                                         out.handle<sally_operation>(), error);
                            const Event event = queue.next();
                            EXPECT_EQ(event->kind, SALLY_EVENT_DONE);
                            EXPECT_EQ(event->status, SALLY_OK);
                            EXPECT_EQ(event->tag, 7u);
                            return status;
                          }));
}

void append_upgrade_cases(ArgumentCases& cases) {
  const char* name = "sally_stream_upgrade_async";
  using Config = std::function<sally_tls_config*(World&)>;
  const auto upgrade = [](const Config& config, const char* verify_name) -> Submit<sally_stream> {
    return
        [=](World& world, sally_stream* stream, std::int64_t timeout_ms,
            const sally_completion* completion, sally_operation** operation, sally_error** error) {
          return sally_stream_upgrade_async(stream, config(world), verify_name, timeout_ms,
                                            completion, operation, error);
        };
  };
  const Config client = [](World& world) { return world.frozen.get(); };
  const Config server = [](World& world) { return world.server.get(); };
  const StreamFunction function{name, upgrade(client, "localhost"), plain_stream};
  append_connected_cases(cases, function);
  cases.push_back(function.refuses("a secured stream", SALLY_INVALID_STATE, open_stream));
  cases.push_back(function.refuses("a read pending", SALLY_BUSY,
                                   [](World& world) { return world.busy_plain.client.get(); }));
  append_wrong(cases, name, "no config", upgrade([](World&) { return nullptr; }, "localhost"),
               plain_stream);
  append_wrong(cases, name, "a name for a server to verify", upgrade(server, "localhost"),
               plain_stream);
  append_wrong(cases, name, "a name that cannot be one", upgrade(client, "two words"),
               plain_stream);
  append_wrong(cases, name, "a config that cannot be used",
               upgrade([](World& world) { return world.no_credential.get(); }, nullptr),
               plain_stream, SALLY_INVALID_STATE);
}

// A completion as a program would give it that was compiled with another version of the header.
void append_version_cases(ArgumentCases& cases) {
  const char* name = "sally_stream_flush_async";
  const auto completes = [&](const char* what, std::function<sally_status(World&, Queue&)> flush) {
    cases.push_back(gives(name, what, [=](World& world) {
      Queue queue;
      EXPECT_EQ(flush(world, queue), SALLY_OK);
      const Event event = queue.next();
      EXPECT_EQ(event->tag, 7u);
      EXPECT_EQ(event->status, SALLY_OK);
    }));
  };
  completes("no place for the operation and for the error", [](World& world, Queue& queue) {
    const sally_completion completion = queue.completion(7);
    return sally_stream_flush_async(world.open.client.get(), 0, &completion, nullptr, nullptr);
  });
  completes(
      "an older completion, what follows being something else", [](World& world, Queue& queue) {
        sally_completion completion = queue.completion(7);
        completion.struct_size = offsetof(sally_completion, function);
        std::memset(&completion.function, 0x5a,
                    sizeof completion - offsetof(sally_completion, function));
        return sally_stream_flush_async(world.open.client.get(), 0, &completion, nullptr, nullptr);
      });
  completes("a newer completion that asks for nothing new", [](World& world, Queue& queue) {
    struct {
      sally_completion known;
      char unknown[16];
    } completion{queue.completion(7), {}};
    completion.known.struct_size = sizeof completion;
    return sally_stream_flush_async(world.open.client.get(), 0, &completion.known, nullptr,
                                    nullptr);
  });
  for (const std::int64_t timeout_ms : absurd_timeouts) {
    completes("an absurd time-out", [=](World& world, Queue& queue) {
      const sally_completion completion = queue.completion(7);
      return sally_stream_flush_async(world.open.client.get(), timeout_ms, &completion, nullptr,
                                      nullptr);
    });
  }
}

void append_listener_cases(ArgumentCases& cases) {
  using Wait = sally_status (*)(sally_listener*, int64_t, const sally_completion*,
                                sally_operation**, sally_error**);
  const auto waits = [&](const char* name, Wait wait) {
    const Function<sally_listener> function{
        name,
        [=](World&, sally_listener* listener, std::int64_t timeout_ms,
            const sally_completion* completion, sally_operation** operation, sally_error** error) {
          return wait(listener, timeout_ms, completion, operation, error);
        },
        [](World& world) { return world.listener->get(); }};
    append_common_cases(cases, function);
    return function;
  };
  const HandleOf<sally_listener> closed = [](World& world) { return world.closed_listener->get(); };
  const auto accept = waits("sally_listener_accept_async", sally_listener_accept_async);
  cases.push_back(accept.refuses("a closed listener", SALLY_CLOSED, closed));
  const auto refusal =
      waits("sally_listener_next_refusal_async", sally_listener_next_refusal_async);
  cases.push_back(refusal.refuses("a closed listener", SALLY_CLOSED, closed));
  waits("sally_listener_drain_async", sally_listener_drain_async);
  cases.push_back(gives("sally_listener_drain_async", "refusals behind it", [](World& world) {
    EXPECT_EQ(world.listener->accept_status(SALLY_TIMEOUT_ATTEMPT), SALLY_WOULD_BLOCK);
    const Pair pair = connect_pair(*world.listener, world.frozen.get());
    EXPECT_NE(pair.server.get(), nullptr) << "what is refused stops no listener";
  }));
}

template <class Handle>
void append_source_cases(ArgumentCases& cases, const char* name,
                         sally_status (*wait)(Handle*, std::uint64_t, std::int64_t,
                                              const sally_completion*, sally_operation**,
                                              sally_error**),
                         const HandleOf<Handle>& handle) {
  append_common_cases(
      cases, Function<Handle>{name,
                              [=](World&, Handle* source, std::int64_t timeout_ms,
                                  const sally_completion* completion, sally_operation** operation,
                                  sally_error** error) {
                                return wait(source, 0, timeout_ms, completion, operation, error);
                              },
                              handle});
}

}  // namespace

ArgumentCases async_cases() {
  ArgumentCases cases;
  append_control_cases(cases);
  append_upgrade_cases(cases);
  append_read_cases(cases);
  append_wait_cases(cases);
  append_write_cases(cases);
  append_version_cases(cases);
  append_listener_cases(cases);
  append_source_cases<sally_credential>(cases, "sally_credential_wait_change_async",
                                        sally_credential_wait_change_async,
                                        [](World& world) { return world.credential.get(); });
  append_source_cases<sally_trust_store>(cases, "sally_trust_store_wait_change_async",
                                         sally_trust_store_wait_change_async,
                                         [](World& world) { return world.trust.get(); });
  append_source_cases<sally_ticket_keys>(cases, "sally_ticket_keys_wait_change_async",
                                         sally_ticket_keys_wait_change_async,
                                         [](World& world) { return world.ticket_keys.get(); });
  return cases;
}

}  // namespace sally::test
