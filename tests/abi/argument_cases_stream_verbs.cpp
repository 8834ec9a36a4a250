// Blocking forms of what a stream does beside plain reading and writing.
#include "abi/argument_cases.h"

namespace sally::test {

namespace {

char buffer[16];

// What all functions on a connected stream refuse.
void append_connected_cases(ArgumentCases& cases, const char* name, const TimedCall& call) {
  append_timed_cases(cases, name, call);
  append_state_case(cases, name, "a stream that is not connected", SALLY_INVALID_STATE,
                    &World::idle, call);
  append_state_case(cases, name, "a closed stream", SALLY_CLOSED, &World::closed, call);
}

void append_busy_case(ArgumentCases& cases, const char* name, const TimedCall& call) {
  for (const std::int64_t timeout_ms : {SALLY_TIMEOUT_DEFAULT, SALLY_TIMEOUT_ATTEMPT}) {
    cases.push_back(answers(name, "another read pending", SALLY_BUSY,
                            [=](World& world, Outputs& out, sally_error** error) {
                              return call(world.busy.client.get(), out, timeout_ms, error);
                            }));
  }
}

void append_read_exactly_cases(ArgumentCases& cases) {
  const char* name = "sally_stream_read_exactly";
  const TimedCall read = [](sally_stream* stream, Outputs& out, std::int64_t timeout_ms,
                            sally_error** error) {
    return sally_stream_read_exactly(stream, buffer, 2, out.count(), timeout_ms, error);
  };
  append_connected_cases(cases, name, read);
  append_busy_case(cases, name, read);
  append_busy_case(
      cases, "sally_stream_read_some",
      [](sally_stream* stream, Outputs& out, std::int64_t timeout_ms, sally_error** error) {
        return sally_stream_read_some(stream, buffer, 2, out.count(), timeout_ms, error);
      });
  const auto space = [&](const char* what, sally_status status, void* place, std::size_t capacity,
                         std::int64_t timeout_ms) {
    cases.push_back(
        answers(name, what, status, [=](World& world, Outputs& out, sally_error** error) {
          return sally_stream_read_exactly(world.open.client.get(), place, capacity, out.count(),
                                           timeout_ms, error);
        }));
  };
  space("a NULL buffer", SALLY_INVALID_ARGUMENT, nullptr, 16, 0);
  space("a capacity of 0", SALLY_INVALID_ARGUMENT, buffer, 0, 0);
  space("nothing to read", SALLY_WOULD_BLOCK, buffer, 2, SALLY_TIMEOUT_ATTEMPT);
  space("nothing to read for a moment", SALLY_TIMED_OUT, buffer, 2, 1);
  for (const std::int64_t timeout_ms : absurd_timeouts) {
    cases.push_back(answers(name, "an absurd time-out", SALLY_OK,
                            [=](World& world, Outputs& out, sally_error** error) {
                              EXPECT_EQ(world.open.server.write("xy"), SALLY_OK);
                              return read(world.open.client.get(), out, timeout_ms, error);
                            }));
  }
  cases.push_back(answers(
      name, "a NULL size", SALLY_INVALID_ARGUMENT, [](World& world, Outputs&, sally_error** error) {
        return sally_stream_read_exactly(world.open.client.get(), buffer, 1, nullptr, 0, error);
      }));
}

void append_read_until_cases(ArgumentCases& cases) {
  const char* name = "sally_stream_read_until";
  const TimedCall read = [](sally_stream* stream, Outputs& out, std::int64_t timeout_ms,
                            sally_error** error) {
    return sally_stream_read_until(stream, buffer, sizeof buffer, "\n", 1, out.count(), timeout_ms,
                                   error);
  };
  append_connected_cases(cases, name, read);
  append_busy_case(cases, name, read);
  const auto until = [&](const char* what, sally_status status, void* place, std::size_t capacity,
                         bool with_delimiter, std::size_t delimiter_size) {
    cases.push_back(
        answers(name, what, status, [=](World& world, Outputs& out, sally_error** error) {
          return sally_stream_read_until(world.open.client.get(), place, capacity,
                                         with_delimiter ? world.long_text.data() : nullptr,
                                         delimiter_size, out.count(), SALLY_TIMEOUT_ATTEMPT, error);
        }));
  };
  until("a NULL buffer", SALLY_INVALID_ARGUMENT, nullptr, 16, true, 1);
  until("a capacity of 0", SALLY_INVALID_ARGUMENT, buffer, 0, true, 1);
  until("a NULL delimiter", SALLY_INVALID_ARGUMENT, buffer, 16, false, 1);
  until("no delimiter", SALLY_INVALID_ARGUMENT, buffer, 16, false, 0);
  until("an empty delimiter", SALLY_INVALID_ARGUMENT, buffer, 16, true, 0);
  until("a delimiter that is too long", SALLY_INVALID_ARGUMENT, buffer, 16, true, 257);
  until("a delimiter of 10 MB", SALLY_INVALID_ARGUMENT, buffer, 16, true, long_size);
  until("a delimiter longer than the buffer", SALLY_WOULD_BLOCK, buffer, 16, true, 256);
  cases.push_back(answers(name, "a NULL size", SALLY_INVALID_ARGUMENT,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_stream_read_until(world.open.client.get(), buffer, 1, "\n",
                                                           1, nullptr, 0, error);
                          }));
  cases.push_back(gives(name, "a buffer without room for the delimiter", [](World& world) {
    EXPECT_EQ(world.open.server.write("abc\n"), SALLY_OK);
    std::size_t size = 0;
    EXPECT_EQ(sally_stream_read_until(world.open.client.get(), buffer, 3, "\n", 1, &size,
                                      generous_ms, nullptr),
              SALLY_LIMIT_EXCEEDED);
    EXPECT_EQ(std::string(buffer, size), "abc") << "what was moved is the caller's";
    EXPECT_EQ(sally_stream_read_until(world.open.client.get(), buffer, 3, "\n", 1, &size,
                                      generous_ms, nullptr),
              SALLY_OK);
    EXPECT_EQ(std::string(buffer, size), "\n");
  }));
}

void append_wait_cases(ArgumentCases& cases) {
  const char* name = "sally_stream_wait";
  append_connected_cases(
      cases, name,
      [](sally_stream* stream, Outputs& out, std::int64_t timeout_ms, sally_error** error) {
        return sally_stream_wait(stream, SALLY_DIRECTION_READ, out.value<std::uint32_t>(),
                                 timeout_ms, error);
      });
  const auto wait = [&](const char* what, sally_status status, std::uint32_t interest,
                        std::int64_t timeout_ms) {
    cases.push_back(
        answers(name, what, status, [=](World& world, Outputs& out, sally_error** error) {
          return sally_stream_wait(world.open.client.get(), interest, out.value<std::uint32_t>(),
                                   timeout_ms, error);
        }));
  };
  wait("no interest", SALLY_INVALID_ARGUMENT, 0, 0);
  wait("an interest that does not exist", SALLY_INVALID_ARGUMENT, 4, 0);
  wait("every bit", SALLY_INVALID_ARGUMENT, UINT32_MAX, 0);
  wait("nothing to read", SALLY_WOULD_BLOCK, SALLY_DIRECTION_READ, SALLY_TIMEOUT_ATTEMPT);
  wait("nothing to read for a moment", SALLY_TIMED_OUT, SALLY_DIRECTION_READ, 1);
  for (const std::int64_t timeout_ms : absurd_timeouts)
    wait("an absurd time-out, and room to write", SALLY_OK, SALLY_DIRECTION_WRITE, timeout_ms);
  cases.push_back(answers(name, "a NULL output", SALLY_INVALID_ARGUMENT,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_stream_wait(world.open.client.get(), SALLY_DIRECTION_WRITE,
                                                     nullptr, 0, error);
                          }));
}

void append_writev_cases(ArgumentCases& cases) {
  const char* name = "sally_stream_writev";
  static const sally_buffer good[] = {{"x", 1}, {nullptr, 0}, {"y", 1}};
  static const sally_buffer bad[] = {{"x", 1}, {nullptr, 1}};
  append_connected_cases(
      cases, name,
      [](sally_stream* stream, Outputs& out, std::int64_t timeout_ms, sally_error** error) {
        return sally_stream_writev(stream, good, 3, 0, out.count(), timeout_ms, error);
      });
  const auto writev = [&](const char* what, sally_status status, const sally_buffer* buffers,
                          std::size_t count, std::uint32_t flags) {
    cases.push_back(
        answers(name, what, status, [=](World& world, Outputs& out, sally_error** error) {
          return sally_stream_writev(world.open.client.get(), buffers, count, flags, out.count(), 0,
                                     error);
        }));
  };
  writev("buffers of which one is empty", SALLY_OK, good, 3, 0);
  writev("more to follow", SALLY_OK, good, 3, SALLY_MORE);
  writev("NULL buffers with a count", SALLY_INVALID_ARGUMENT, nullptr, 1, 0);
  writev("NULL buffers without a count", SALLY_OK, nullptr, 0, 0);
  writev("a buffer of NULL with a size", SALLY_INVALID_ARGUMENT, bad, 2, 0);
  writev("more buffers than there can be", SALLY_INVALID_ARGUMENT, good, SIZE_MAX, 0);
  writev("an unknown flag", SALLY_INVALID_ARGUMENT, good, 3, 2);
  writev("every flag", SALLY_INVALID_ARGUMENT, good, 3, UINT32_MAX);
  cases.push_back(answers(name, "a NULL count", SALLY_INVALID_ARGUMENT,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_stream_writev(world.open.client.get(), good, 3, 0, nullptr,
                                                       0, error);
                          }));
}

void append_upgrade_cases(ArgumentCases& cases) {
  const char* name = "sally_stream_upgrade";
  using Upgrade = std::function<sally_status(World&, sally_error**)>;
  const auto upgrade = [&](const char* what, sally_status status, const Upgrade& call) {
    cases.push_back(answers(name, what, status, [=](World& world, Outputs&, sally_error** error) {
      return call(world, error);
    }));
  };
  const auto on = [&](const char* what, sally_status status, Pair World::*pair,
                      std::int64_t timeout_ms) {
    upgrade(what, status, [=](World& world, sally_error** error) {
      return sally_stream_upgrade((world.*pair).client.get(), world.frozen.get(), "localhost",
                                  timeout_ms, error);
    });
  };
  for (const std::int64_t timeout_ms : bad_timeouts)
    on("a negative time-out", SALLY_INVALID_ARGUMENT, &World::plain, timeout_ms);
  on("an attempt", SALLY_INVALID_ARGUMENT, &World::plain, SALLY_TIMEOUT_ATTEMPT);
  on("a secured stream", SALLY_INVALID_STATE, &World::open, 0);
  on("a read pending", SALLY_BUSY, &World::busy_plain, 0);
  for (const auto& [what, status, stream] :
       {std::tuple("a stream that is not connected", SALLY_INVALID_STATE, &World::idle),
        std::tuple("a closed stream", SALLY_CLOSED, &World::closed)}) {
    upgrade(what, status, [stream = stream](World& world, sally_error** error) {
      return sally_stream_upgrade((world.*stream).get(), world.frozen.get(), "localhost", 0, error);
    });
  }
  upgrade("a NULL handle", SALLY_INVALID_ARGUMENT, [](World& world, sally_error** error) {
    return sally_stream_upgrade(nullptr, world.frozen.get(), "localhost", 0, error);
  });

  const auto with = [&](const char* what, sally_status status,
                        const std::function<sally_tls_config*(World&)>& config,
                        const std::function<const char*(World&)>& name_of) {
    upgrade(what, status, [=](World& world, sally_error** error) {
      return sally_stream_upgrade(world.plain.client.get(), config(world), name_of(world), 0,
                                  error);
    });
  };
  const auto client = [](World& world) { return world.frozen.get(); };
  const auto server = [](World& world) { return world.server.get(); };
  const auto localhost = [](World&) { return "localhost"; };
  with(
      "no config", SALLY_INVALID_ARGUMENT, [](World&) { return nullptr; }, localhost);
  with("a name for a server to verify", SALLY_INVALID_ARGUMENT, server, localhost);
  with(
      "a server's config without credential", SALLY_INVALID_STATE,
      [](World& world) { return world.no_credential.get(); }, [](World&) { return nullptr; });
  with("a name that is not UTF-8", SALLY_INVALID_ARGUMENT, client,
       [](World& world) { return world.not_utf8.c_str(); });
  with("a name of 10 MB", SALLY_INVALID_ARGUMENT, client,
       [](World& world) { return world.long_text.c_str(); });
  with("a name that cannot be one", SALLY_INVALID_ARGUMENT, client,
       [](World&) { return "two words"; });
  cases.push_back(gives(name, "refusals behind it", [](World& world) {
    EXPECT_EQ(world.plain.client.write("x"), SALLY_OK) << "a bad argument ends no stream";
    EXPECT_EQ(world.plain.server.read_text(1), "x");
  }));
  cases.push_back(gives(name, "no name on a stream that was accepted", [](World& world) {
    EXPECT_EQ(called([&](sally_error** error) {
                return sally_stream_upgrade(world.plain.server.get(), world.frozen.get(), nullptr,
                                            0, error);
              }),
              SALLY_INVALID_ARGUMENT);
  }));
}

// Calls that would need somebody to run the runtime.
void append_protection_cases(ArgumentCases& cases) {
  const char* const name = "sally_stream_require_protection";
  cases.push_back(gives("sally_stream_protection", "streams of every state", [](World& world) {
    EXPECT_EQ(sally_stream_protection(nullptr), 0);
    EXPECT_EQ(sally_stream_protection(world.idle.get()), 0);
    EXPECT_EQ(sally_stream_protection(world.plain.client.get()), 0);
    EXPECT_EQ(sally_stream_protection(world.open.client.get()), SALLY_TLS_1_3);
  }));
  cases.push_back(answers(name, "a NULL handle", SALLY_INVALID_ARGUMENT,
                          [](World&, Outputs&, sally_error** error) {
                            return sally_stream_require_protection(nullptr, SALLY_TLS_1_2, error);
                          }));
  for (const std::int32_t wrong : {1, -1, SALLY_TLS_1_3 + 1, INT32_MAX}) {
    cases.push_back(answers(name, "what is no protection", SALLY_INVALID_ARGUMENT,
                            [wrong](World& world, Outputs&, sally_error** error) {
                              return sally_stream_require_protection(world.plain.client.get(),
                                                                     wrong, error);
                            }));
  }
  cases.push_back(answers(name, "more than there is", SALLY_PROTECTION_TOO_LOW,
                          [](World& world, Outputs& out, sally_error** error) {
                            Pair pair = plain_pair();
                            EXPECT_EQ(sally_stream_require_protection(pair.client.get(),
                                                                      SALLY_TLS_1_2, nullptr),
                                      SALLY_OK);
                            return sally_stream_write(pair.client.get(), world.buffer.data(), 1, 0,
                                                      out.count(), 0, error);
                          }));
}

void append_unserved_cases(ArgumentCases& cases) {
  cases.push_back(answers("sally_stream_connect", "a runtime that nobody runs", SALLY_INVALID_STATE,
                          [](World& world, Outputs&, sally_error** error) {
                            const std::string service = world.listener->service();
                            sally_stream_options options{};
                            options.struct_size = sizeof options;
                            options.host = "localhost";
                            options.service = service.c_str();
                            options.tls = world.frozen.get();
                            options.runtime = world.caller_run.get();
                            Owned<sally_stream> stream;
                            EXPECT_EQ(sally_stream_create(&options, Out(stream), nullptr),
                                      SALLY_OK);
                            return sally_stream_connect(stream.get(), generous_ms, error);
                          }));
}

}  // namespace

ArgumentCases stream_verb_cases() {
  ArgumentCases cases;
  append_read_exactly_cases(cases);
  append_read_until_cases(cases);
  append_wait_cases(cases);
  append_writev_cases(cases);
  append_connected_cases(
      cases, "sally_stream_flush",
      [](sally_stream* stream, Outputs&, std::int64_t timeout_ms, sally_error** error) {
        return sally_stream_flush(stream, timeout_ms, error);
      });
  cases.push_back(answers("sally_stream_flush", "nothing written", SALLY_OK,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_stream_flush(world.open.client.get(),
                                                      SALLY_TIMEOUT_ATTEMPT, error);
                          }));
  append_upgrade_cases(cases);
  append_protection_cases(cases);
  append_unserved_cases(cases);
  return cases;
}

}  // namespace sally::test
