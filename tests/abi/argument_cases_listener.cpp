#include "abi/argument_cases.h"
#include "lib/threads.h"

#include <cstring>

namespace sally::test {

namespace {

sally_listener_options good_options(World& world) {
  sally_listener_options options{};
  options.struct_size = sizeof options;
  options.host = "127.0.0.1";
  options.service = "0";
  options.tls = world.server.get();
  return options;
}

void append_bind_cases(ArgumentCases& cases) {
  using Change = std::function<void(sally_listener_options&, World&)>;
  const auto bind = [&](const char* what, sally_status status, const Change& change) {
    cases.push_back(answers(
        "sally_listener_bind", what, status, [=](World& world, Outputs& out, sally_error** error) {
          sally_listener_options options = good_options(world);
          change(options, world);
          return sally_listener_bind(&options, out.handle<sally_listener>(), error);
        }));
  };
  bind("all that it needs", SALLY_OK, [](auto&, World&) {});
  bind("no struct_size", SALLY_INVALID_ARGUMENT,
       [](auto& options, World&) { options.struct_size = 0; });
  bind("a struct_size that is too small", SALLY_INVALID_ARGUMENT,
       [](auto& options, World&) { options.struct_size = 4; });
  bind("an older struct, what follows being something else", SALLY_OK, [](auto& options, World&) {
    options.struct_size = offsetof(sally_listener_options, handshake_timeout_ms);
    options.handshake_timeout_ms = -1;
    options.backlog = UINT32_MAX;
  });
  bind("an unknown flag", SALLY_INVALID_ARGUMENT,
       [](auto& options, World&) { options.flags = 1u << 31; });
  bind("no service", SALLY_INVALID_ARGUMENT,
       [](auto& options, World&) { options.service = nullptr; });
  bind("an empty service", SALLY_INVALID_ARGUMENT,
       [](auto& options, World&) { options.service = ""; });
  bind("a service of 10 MB", SALLY_SERVICE_NOT_FOUND,
       [](auto& options, World& world) { options.service = world.long_text.c_str(); });
  bind("a service that is not UTF-8", SALLY_SERVICE_NOT_FOUND,
       [](auto& options, World& world) { options.service = world.not_utf8.c_str(); });
  bind("a host of 10 MB", SALLY_HOST_NOT_FOUND,
       [](auto& options, World& world) { options.host = world.long_text.c_str(); });
  bind("a host that is not UTF-8", SALLY_HOST_NOT_FOUND,
       [](auto& options, World& world) { options.host = world.not_utf8.c_str(); });
  bind("no config", SALLY_INVALID_ARGUMENT, [](auto& options, World&) { options.tls = nullptr; });
  bind("a client's config", SALLY_INVALID_ARGUMENT,
       [](auto& options, World& world) { options.tls = world.client.get(); });
  bind("a config without credential", SALLY_INVALID_STATE,
       [](auto& options, World& world) { options.tls = world.no_credential.get(); });
  bind("a config without trust", SALLY_INVALID_STATE,
       [](auto& options, World& world) { options.tls = world.no_trust.get(); });
  for (const std::int64_t timeout_ms : {std::int64_t{-1}, std::int64_t{-2}, INT64_MIN}) {
    bind("a negative handshake time-out", SALLY_INVALID_ARGUMENT,
         [=](auto& options, World&) { options.handshake_timeout_ms = timeout_ms; });
  }
  bind("an absurd handshake time-out", SALLY_OK,
       [](auto& options, World&) { options.handshake_timeout_ms = INT64_MAX; });
  bind("a backlog that is too large", SALLY_INVALID_ARGUMENT,
       [](auto& options, World&) { options.backlog = UINT32_MAX; });
  bind("limits as large as they can be", SALLY_OK, [](auto& options, World&) {
    options.max_pending_handshakes = UINT32_MAX;
    options.max_unaccepted = UINT32_MAX;
    options.max_refusals = UINT32_MAX;
    options.max_connections = UINT32_MAX;
    options.max_connections_per_source = UINT32_MAX;
    options.backlog = INT32_MAX;
  });
  bind("a config for plain streams", SALLY_INVALID_ARGUMENT,
       [](auto& options, World&) { options.flags = SALLY_STREAM_PLAIN; });
  bind("no config for plain streams", SALLY_OK, [](auto& options, World&) {
    options.flags = SALLY_STREAM_PLAIN;
    options.tls = nullptr;
  });
  bind("a runtime and low latency", SALLY_OK, [](auto& options, World& world) {
    options.flags = SALLY_STREAM_LOW_LATENCY;
    options.runtime = world.runtime.get();
  });
  bind("a low watermark that is not below the high one", SALLY_INVALID_ARGUMENT,
       [](auto& options, World&) { options.high_watermark = options.low_watermark = 1000; });

  cases.push_back(answers("sally_listener_bind", "no options", SALLY_INVALID_ARGUMENT,
                          [](World&, Outputs& out, sally_error** error) {
                            return sally_listener_bind(nullptr, out.handle<sally_listener>(),
                                                       error);
                          }));
  cases.push_back(answers("sally_listener_bind", "a NULL output", SALLY_INVALID_ARGUMENT,
                          [](World& world, Outputs&, sally_error** error) {
                            const sally_listener_options options = good_options(world);
                            return sally_listener_bind(&options, nullptr, error);
                          }));
  for (const char extra : {'\0', '\1'}) {
    cases.push_back(answers(
        "sally_listener_bind", "a newer struct", extra == 0 ? SALLY_OK : SALLY_INVALID_ARGUMENT,
        [=](World& world, Outputs& out, sally_error** error) {
          struct {
            sally_listener_options known;
            char unknown[64];
          } options{good_options(world), {}};
          options.known.struct_size = sizeof options;
          options.unknown[63] = extra;
          return sally_listener_bind(&options.known, out.handle<sally_listener>(), error);
        }));
  }
}

void append_accept_cases(ArgumentCases& cases) {
  using ListenerOf = std::function<sally_listener*(World&)>;
  const auto accept = [&](const char* what, sally_status status, std::int64_t timeout_ms,
                          const ListenerOf& listener) {
    cases.push_back(answers("sally_listener_accept", what, status,
                            [=](World& world, Outputs& out, sally_error** error) {
                              return sally_listener_accept(listener(world), timeout_ms,
                                                           out.handle<sally_stream>(), error);
                            }));
    cases.push_back(answers("sally_listener_next_refusal", what, status,
                            [=](World& world, Outputs& out, sally_error** error) {
                              return sally_listener_next_refusal(listener(world), timeout_ms,
                                                                 out.handle<sally_bytes>(),
                                                                 out.handle<sally_error>(), error);
                            }));
  };
  const ListenerOf open = [](World& world) { return world.listener->get(); };
  const ListenerOf closed = [](World& world) { return world.closed_listener->get(); };
  accept("a NULL handle", SALLY_INVALID_ARGUMENT, 0, [](World&) { return nullptr; });
  for (const std::int64_t timeout_ms : bad_timeouts) {
    accept("a negative time-out", SALLY_INVALID_ARGUMENT, timeout_ms, open);
  }
  for (const std::int64_t timeout_ms : absurd_timeouts) {
    accept("an absurd time-out on a closed listener", SALLY_CLOSED, timeout_ms, closed);
  }
  accept("nobody there", SALLY_WOULD_BLOCK, SALLY_TIMEOUT_ATTEMPT, open);
  accept("nobody there for a moment", SALLY_TIMED_OUT, 1, open);
  accept("a closed listener", SALLY_CLOSED, SALLY_TIMEOUT_DEFAULT, closed);
  cases.push_back(gives("sally_listener_accept", "an absurd time-out", [](World&) {
    Listener listener(server_config());
    for (const std::int64_t timeout_ms : absurd_timeouts) {
      const auto config = client_config();
      auto accepting = on_thread([&] { return listener.accept_status(timeout_ms); });
      EXPECT_TRUE(goes_on(accepting)) << timeout_ms;
      EXPECT_EQ(listener.stream(config.get()).connect(), SALLY_OK);
      EXPECT_EQ(accepting.get(), SALLY_OK);
    }
  }));
  cases.push_back(answers("sally_listener_accept", "a NULL output", SALLY_INVALID_ARGUMENT,
                          [=](World& world, Outputs&, sally_error** error) {
                            return sally_listener_accept(open(world), SALLY_TIMEOUT_ATTEMPT,
                                                         nullptr, error);
                          }));
  cases.push_back(answers("sally_listener_next_refusal", "a NULL peer", SALLY_INVALID_ARGUMENT,
                          [=](World& world, Outputs& out, sally_error** error) {
                            return sally_listener_next_refusal(open(world), SALLY_TIMEOUT_ATTEMPT,
                                                               nullptr, out.handle<sally_error>(),
                                                               error);
                          }));
  cases.push_back(answers("sally_listener_next_refusal", "a NULL refusal", SALLY_INVALID_ARGUMENT,
                          [=](World& world, Outputs& out, sally_error** error) {
                            return sally_listener_next_refusal(open(world), SALLY_TIMEOUT_ATTEMPT,
                                                               out.handle<sally_bytes>(), nullptr,
                                                               error);
                          }));
}

void append_drain_cases(ArgumentCases& cases) {
  const auto drain = [&](const char* what, sally_status status, std::int64_t timeout_ms,
                         const std::function<sally_listener*(World&)>& listener) {
    cases.push_back(answers("sally_listener_drain", what, status,
                            [=](World& world, Outputs&, sally_error** error) {
                              return sally_listener_drain(listener(world), timeout_ms, error);
                            }));
  };
  drain("a NULL handle", SALLY_INVALID_ARGUMENT, 0, [](World&) { return nullptr; });
  for (const std::int64_t timeout_ms : bad_timeouts) {
    drain("a negative time-out", SALLY_INVALID_ARGUMENT, timeout_ms,
          [](World& world) { return world.listener->get(); });
  }
  cases.push_back(gives("sally_listener_drain", "refusals behind it", [](World& world) {
    const Pair pair = connect_pair(*world.listener, world.frozen.get());
    EXPECT_NE(pair.server.get(), nullptr) << "what is refused stops no listener";
  }));
  for (const std::int64_t timeout_ms :
       {SALLY_TIMEOUT_DEFAULT, SALLY_TIMEOUT_NEVER, SALLY_TIMEOUT_ATTEMPT, INT64_MAX}) {
    drain("a closed listener of which nothing is left", SALLY_OK, timeout_ms,
          [](World& world) { return world.closed_listener->get(); });
  }
  for (const auto& [timeout_ms, status] : {std::pair(SALLY_TIMEOUT_ATTEMPT, SALLY_WOULD_BLOCK),
                                           std::pair(short_ms, SALLY_TIMED_OUT)}) {
    cases.push_back(gives("sally_listener_drain", "something left at the deadline",
                          [timeout_ms = timeout_ms, status = status](World& world) {
                            Listener listener(server_config());
                            Pair pair = connect_pair(listener, world.frozen.get());
                            EXPECT_EQ(called([&](sally_error** error) {
                                        return sally_listener_drain(listener.get(), timeout_ms,
                                                                    error);
                                      }),
                                      status);
                            EXPECT_EQ(pair.server.read_status(), SALLY_CLOSED);
                            EXPECT_EQ(listener.accept_status(short_ms), SALLY_CLOSED)
                                << "the listener is closed in the end";
                          }));
  }
}

// Calls that would need somebody to run the runtime.
void append_unserved_cases(ArgumentCases& cases) {
  const auto unserved =
      [&](const char* name,
          std::function<sally_status(sally_listener*, Outputs&, sally_error**)> call) {
        cases.push_back(answers(name, "a runtime that nobody runs", SALLY_INVALID_STATE,
                                [=](World& world, Outputs& out, sally_error** error) {
                                  sally_listener_options options{};
                                  options.runtime = world.caller_run.get();
                                  const Listener listener(server_config(), options);
                                  return call(listener.get(), out, error);
                                }));
      };
  cases.push_back(gives("sally_listener_drain", "a runtime that nobody runs", [](World& world) {
    const auto runtime = make_runtime(SALLY_RUNTIME_CALLER_RUN);
    sally_listener_options options{};
    options.runtime = runtime.get();
    Listener listener(server_config(), options);
    const auto connect = [&] {
      auto connecting = on_thread([&] {
        Stream client = listener.stream(world.frozen.get());
        EXPECT_EQ(client.connect(), SALLY_OK);
        return client;
      });
      Pair pair;
      Result accepted;
      do {
        EXPECT_EQ(sally_runtime_run(runtime.get(), generous_ms, nullptr), SALLY_OK);
        pair.server = listener.accept(SALLY_TIMEOUT_ATTEMPT, &accepted);
      } while (accepted == SALLY_WOULD_BLOCK && !testing::Test::HasFailure());
      EXPECT_EQ(accepted, SALLY_OK);
      pair.client = connecting.get();
      return pair;
    };
    const Pair lives = connect();
    EXPECT_EQ(called([&](sally_error** error) {
                return sally_listener_drain(listener.get(), generous_ms, error);
              }),
              SALLY_INVALID_STATE);
    EXPECT_NE(connect().server.get(), nullptr) << "what is refused stops no listener";
  }));
  unserved("sally_listener_accept",
           [](sally_listener* listener, Outputs& out, sally_error** error) {
             return sally_listener_accept(listener, generous_ms, out.handle<sally_stream>(), error);
           });
  unserved("sally_listener_next_refusal",
           [](sally_listener* listener, Outputs& out, sally_error** error) {
             return sally_listener_next_refusal(listener, generous_ms, out.handle<sally_bytes>(),
                                                out.handle<sally_error>(), error);
           });
}

}  // namespace

ArgumentCases listener_cases() {
  ArgumentCases cases;
  append_bind_cases(cases);
  append_accept_cases(cases);
  append_drain_cases(cases);
  append_unserved_cases(cases);
  cases.push_back(gives("sally_listener_address", "NULL and a closed one", [](World& world) {
    EXPECT_STREQ(sally_listener_address(nullptr), "");
    EXPECT_STRNE(sally_listener_address(world.closed_listener->get()), "");
  }));
  cases.push_back(gives("sally_listener_port", "NULL and a closed one", [](World& world) {
    EXPECT_EQ(sally_listener_port(nullptr), 0);
    EXPECT_NE(sally_listener_port(world.closed_listener->get()), 0);
  }));
  cases.push_back(
      gives("sally_listener_dropped_refusals", "NULL and a closed one", [](World& world) {
        EXPECT_EQ(sally_listener_dropped_refusals(nullptr), 0u);
        EXPECT_EQ(sally_listener_dropped_refusals(world.closed_listener->get()), 0u);
      }));
  cases.push_back(answers(
      "sally_listener_close", "a NULL handle", SALLY_INVALID_ARGUMENT,
      [](World&, Outputs&, sally_error** error) { return sally_listener_close(nullptr, error); }));
  cases.push_back(answers("sally_listener_close", "a closed listener", SALLY_OK,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_listener_close(world.closed_listener->get(), error);
                          }));
  append_lifetime_cases<sally_listener, sally_listener>(
      cases, "sally_listener_retain", sally_listener_retain, "sally_listener_release",
      sally_listener_release, [](World& world) { return world.listener->get(); });
  return cases;
}

}  // namespace sally::test
