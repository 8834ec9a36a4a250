#include "abi/argument_cases.h"

#include <cstring>

namespace sally::test {

namespace {

using Change = std::function<void(sally_stream_options&, World&)>;

sally_stream_options good_options(World& world) {
  sally_stream_options options{};
  options.struct_size = sizeof options;
  options.host = "127.0.0.1";
  options.verify_name = "localhost";
  options.service = "443";
  options.tls = world.frozen.get();
  return options;
}

// Options as a program would pass them that was compiled with a newer header: `size` bytes, of
// which the last is `last`.
sally_status create_with_newer(World& world, Outputs& out, sally_error** error, std::size_t size,
                               char last) {
  std::vector<std::uint64_t> storage(size / sizeof(std::uint64_t));
  sally_stream_options options = good_options(world);
  options.struct_size = static_cast<std::uint32_t>(size);
  std::memcpy(storage.data(), &options, sizeof options);
  reinterpret_cast<char*>(storage.data())[size - 1] = last;
  return sally_stream_create(reinterpret_cast<const sally_stream_options*>(storage.data()),
                             out.handle<sally_stream>(), error);
}

void append_create_cases(ArgumentCases& cases) {
  const auto create = [&](const char* what, sally_status status, const Change& change) {
    cases.push_back(answers(
        "sally_stream_create", what, status, [=](World& world, Outputs& out, sally_error** error) {
          sally_stream_options options = good_options(world);
          change(options, world);
          return sally_stream_create(&options, out.handle<sally_stream>(), error);
        }));
  };
  create("all that it needs", SALLY_OK, [](auto&, World&) {});
  create("no struct_size", SALLY_INVALID_ARGUMENT,
         [](auto& options, World&) { options.struct_size = 0; });
  create("a struct_size that is too small", SALLY_INVALID_ARGUMENT,
         [](auto& options, World&) { options.struct_size = 7; });
  create("a struct_size that leaves out what it needs", SALLY_INVALID_ARGUMENT,
         [](auto& options, World&) { options.struct_size = offsetof(sally_stream_options, tls); });
  create("an unknown flag", SALLY_INVALID_ARGUMENT,
         [](auto& options, World&) { options.flags = 8; });
  create("every flag", SALLY_INVALID_ARGUMENT,
         [](auto& options, World&) { options.flags = UINT32_MAX; });
  create("a config for a plain stream", SALLY_INVALID_ARGUMENT,
         [](auto& options, World&) { options.flags = SALLY_STREAM_PLAIN; });
  create("no config for a plain stream", SALLY_OK, [](auto& options, World&) {
    options.flags = SALLY_STREAM_PLAIN;
    options.tls = nullptr;
  });
  create("low latency and a runtime", SALLY_OK, [](auto& options, World& world) {
    options.flags = SALLY_STREAM_LOW_LATENCY;
    options.runtime = world.runtime.get();
  });
  create("a low watermark that is not below the high one", SALLY_INVALID_ARGUMENT,
         [](auto& options, World&) { options.high_watermark = options.low_watermark = 1000; });
  create("a low watermark that is not below the default", SALLY_INVALID_ARGUMENT,
         [](auto& options, World&) { options.low_watermark = 64 << 10; });
  create("watermarks as large as they can be", SALLY_OK, [](auto& options, World&) {
    options.high_watermark = UINT32_MAX;
    options.low_watermark = UINT32_MAX - 1;
  });
  create("no host", SALLY_INVALID_ARGUMENT, [](auto& options, World&) { options.host = nullptr; });
  create("an empty host", SALLY_INVALID_ARGUMENT, [](auto& options, World&) { options.host = ""; });
  create("no service", SALLY_INVALID_ARGUMENT,
         [](auto& options, World&) { options.service = nullptr; });
  create("an empty service", SALLY_INVALID_ARGUMENT,
         [](auto& options, World&) { options.service = ""; });
  create("no config", SALLY_INVALID_ARGUMENT, [](auto& options, World&) { options.tls = nullptr; });
  create("a server's config", SALLY_INVALID_ARGUMENT,
         [](auto& options, World& world) { options.tls = world.server.get(); });
  create("no verify_name", SALLY_OK, [](auto& options, World&) { options.verify_name = nullptr; });
  create("an empty verify_name", SALLY_OK, [](auto& options, World&) { options.verify_name = ""; });
  create("a verify_name that is not UTF-8", SALLY_INVALID_ARGUMENT,
         [](auto& options, World& world) { options.verify_name = world.not_utf8.c_str(); });
  create("a verify_name of 10 MB", SALLY_INVALID_ARGUMENT,
         [](auto& options, World& world) { options.verify_name = world.long_text.c_str(); });
  create("a host that cannot be one", SALLY_INVALID_ARGUMENT, [](auto& options, World&) {
    options.host = "two words";
    options.verify_name = nullptr;
  });

  cases.push_back(answers("sally_stream_create", "no options", SALLY_INVALID_ARGUMENT,
                          [](World&, Outputs& out, sally_error** error) {
                            return sally_stream_create(nullptr, out.handle<sally_stream>(), error);
                          }));
  cases.push_back(answers("sally_stream_create", "a NULL output", SALLY_INVALID_ARGUMENT,
                          [](World& world, Outputs&, sally_error** error) {
                            const sally_stream_options options = good_options(world);
                            return sally_stream_create(&options, nullptr, error);
                          }));
  const auto newer = [&](const char* what, sally_status status, std::size_t size, char last) {
    cases.push_back(answers("sally_stream_create", what, status,
                            [=](World& world, Outputs& out, sally_error** error) {
                              return create_with_newer(world, out, error, size, last);
                            }));
  };
  newer("a newer struct that asks for nothing new", SALLY_OK, sizeof(sally_stream_options) + 64, 0);
  newer("a newer struct that asks for something new", SALLY_INVALID_ARGUMENT,
        sizeof(sally_stream_options) + 64, 1);
  newer("the largest struct that can be", SALLY_OK, 4096, 0);
  newer("a struct that no version will ever have", SALLY_INVALID_ARGUMENT, 8192, 0);
}

// What connecting says to text that no resolver can do anything with.
void append_odd_target_cases(ArgumentCases& cases) {
  const auto odd = [&](const char* what, const Change& change) {
    cases.push_back(gives("sally_stream_connect", what, [=](World& world) {
      sally_stream_options options = good_options(world);
      change(options, world);
      Owned<sally_stream> stream;
      const Result created = called(
          [&](sally_error** error) { return sally_stream_create(&options, Out(stream), error); });
      if (created == SALLY_INVALID_ARGUMENT) return;
      EXPECT_EQ(created, SALLY_OK);
      const Result connected = called([&](sally_error** error) {
        return sally_stream_connect(stream.get(), generous_ms, error);
      });
      EXPECT_EQ(sally_error_layer(connected.error.get()), SALLY_LAYER_TRANSPORT)
          << testing::PrintToString(connected);
      EXPECT_EQ(connected.phase(), "resolve");
    }));
  };
  odd("a host that is not UTF-8",
      [](auto& options, World& world) { options.host = world.not_utf8.c_str(); });
  odd("a host of 10 MB",
      [](auto& options, World& world) { options.host = world.long_text.c_str(); });
  odd("a host of spaces", [](auto& options, World&) { options.host = "   "; });
  odd("a service that is not UTF-8",
      [](auto& options, World& world) { options.service = world.not_utf8.c_str(); });
  odd("a service of 10 MB",
      [](auto& options, World& world) { options.service = world.long_text.c_str(); });
}

void append_read_cases(ArgumentCases& cases) {
  static char buffer[16];
  const TimedCall read = [](sally_stream* stream, Outputs& out, std::int64_t timeout_ms,
                            sally_error** error) {
    return sally_stream_read_some(stream, buffer, sizeof buffer, out.count(), timeout_ms, error);
  };
  const char* name = "sally_stream_read_some";
  append_timed_cases(cases, name, read);
  append_state_case(cases, name, "a stream that is not connected", SALLY_INVALID_STATE,
                    &World::idle, read);
  append_state_case(cases, name, "a closed stream", SALLY_CLOSED, &World::closed, read);

  const auto space = [&](const char* what, sally_status status, void* place, std::size_t capacity) {
    cases.push_back(
        answers(name, what, status, [=](World& world, Outputs& out, sally_error** error) {
          return sally_stream_read_some(world.open.client.get(), place, capacity, out.count(),
                                        SALLY_TIMEOUT_ATTEMPT, error);
        }));
  };
  space("a NULL buffer", SALLY_INVALID_ARGUMENT, nullptr, 16);
  space("a capacity of 0", SALLY_INVALID_ARGUMENT, buffer, 0);
  space("nothing to read", SALLY_WOULD_BLOCK, buffer, sizeof buffer);
  cases.push_back(answers(name, "a NULL size", SALLY_INVALID_ARGUMENT,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_stream_read_some(world.open.client.get(), buffer, 1,
                                                          nullptr, SALLY_TIMEOUT_ATTEMPT, error);
                          }));
  for (const std::int64_t timeout_ms : absurd_timeouts) {
    cases.push_back(answers(name, "an absurd time-out", SALLY_OK,
                            [=](World& world, Outputs& out, sally_error** error) {
                              EXPECT_EQ(world.open.server.write("x"), SALLY_OK);
                              return sally_stream_read_some(world.open.client.get(), buffer, 1,
                                                            out.count(), timeout_ms, error);
                            }));
  }
}

void append_write_cases(ArgumentCases& cases) {
  const TimedCall write = [](sally_stream* stream, Outputs& out, std::int64_t timeout_ms,
                             sally_error** error) {
    return sally_stream_write(stream, "x", 1, 0, out.count(), timeout_ms, error);
  };
  const char* name = "sally_stream_write";
  append_timed_cases(cases, name, write);
  append_state_case(cases, name, "a stream that is not connected", SALLY_INVALID_STATE,
                    &World::idle, write);
  append_state_case(cases, name, "a closed stream", SALLY_CLOSED, &World::closed, write);

  const auto data = [&](const char* what, sally_status status, const char* bytes, std::size_t size,
                        std::uint32_t flags) {
    cases.push_back(
        answers(name, what, status, [=](World& world, Outputs& out, sally_error** error) {
          return sally_stream_write(world.open.client.get(), bytes, size, flags, out.count(), 0,
                                    error);
        }));
  };
  data("NULL data with a size", SALLY_INVALID_ARGUMENT, nullptr, 1, 0);
  data("NULL data without a size", SALLY_OK, nullptr, 0, 0);
  data("an unknown flag", SALLY_INVALID_ARGUMENT, "x", 1, 2);
  data("more to follow", SALLY_OK, "x", 1, SALLY_MORE);
  data("every flag", SALLY_INVALID_ARGUMENT, "x", 1, UINT32_MAX);
  cases.push_back(answers(name, "a NULL count", SALLY_INVALID_ARGUMENT,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_stream_write(world.open.client.get(), "x", 1, 0, nullptr,
                                                      0, error);
                          }));
}

void append_control_cases(ArgumentCases& cases) {
  const TimedCall connect = [](sally_stream* stream, Outputs&, std::int64_t timeout_ms,
                               sally_error** error) {
    return sally_stream_connect(stream, timeout_ms, error);
  };
  append_timed_cases(cases, "sally_stream_connect", connect);
  append_state_case(cases, "sally_stream_connect", "a closed stream", SALLY_CLOSED, &World::closed,
                    connect);
  cases.push_back(answers("sally_stream_connect", "an attempt", SALLY_INVALID_ARGUMENT,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_stream_connect(world.idle.get(), SALLY_TIMEOUT_ATTEMPT,
                                                        error);
                          }));
  cases.push_back(answers("sally_stream_connect", "a stream that is connected", SALLY_INVALID_STATE,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_stream_connect(world.open.client.get(), 0, error);
                          }));

  const TimedCall shutdown = [](sally_stream* stream, Outputs&, std::int64_t timeout_ms,
                                sally_error** error) {
    return sally_stream_shutdown(stream, timeout_ms, error);
  };
  append_timed_cases(cases, "sally_stream_shutdown", shutdown);
  append_state_case(cases, "sally_stream_shutdown", "a stream that is not connected",
                    SALLY_INVALID_STATE, &World::idle, shutdown);
  append_state_case(cases, "sally_stream_shutdown", "a closed stream", SALLY_CLOSED, &World::closed,
                    shutdown);

  const TimedCall close = [](sally_stream* stream, Outputs&, std::int64_t timeout_ms,
                             sally_error** error) {
    return sally_stream_close(stream, timeout_ms, error);
  };
  append_timed_cases(cases, "sally_stream_close", close);
  append_state_case(cases, "sally_stream_close", "a closed stream", SALLY_OK, &World::closed,
                    close);

  const auto cancel = [&](const char* what, sally_status status, std::uint32_t directions) {
    cases.push_back(answers(
        "sally_stream_cancel", what, status, [=](World& world, Outputs&, sally_error** error) {
          return sally_stream_cancel(world.open.client.get(), directions, error);
        }));
  };
  cancel("no direction", SALLY_INVALID_ARGUMENT, 0);
  cancel("a direction that does not exist", SALLY_INVALID_ARGUMENT, 4);
  cancel("every bit", SALLY_INVALID_ARGUMENT, UINT32_MAX);
  cancel("nothing pending", SALLY_OK, SALLY_DIRECTION_READ | SALLY_DIRECTION_WRITE);
  cases.push_back(answers("sally_stream_cancel", "a NULL handle", SALLY_INVALID_ARGUMENT,
                          [](World&, Outputs&, sally_error** error) {
                            return sally_stream_cancel(nullptr, SALLY_DIRECTION_READ, error);
                          }));
}

void append_info_cases(ArgumentCases& cases) {
  const auto copy = [&](const char* what, sally_status status,
                        std::function<sally_stream*(World&)> stream) {
    cases.push_back(answers("sally_stream_copy_info", what, status,
                            [=](World& world, Outputs& out, sally_error** error) {
                              return sally_stream_copy_info(stream(world),
                                                            out.handle<sally_stream_info>(), error);
                            }));
  };
  copy("a NULL handle", SALLY_INVALID_ARGUMENT, [](World&) { return nullptr; });
  copy("a stream that is not connected", SALLY_INVALID_STATE,
       [](World& world) { return world.idle.get(); });
  copy("a stream that never was connected", SALLY_INVALID_STATE,
       [](World& world) { return world.closed.get(); });
  copy("a connected stream", SALLY_OK, [](World& world) { return world.open.client.get(); });
  cases.push_back(answers("sally_stream_copy_info", "a NULL output", SALLY_INVALID_ARGUMENT,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_stream_copy_info(world.open.client.get(), nullptr, error);
                          }));
}

void append_information_json_cases(ArgumentCases& cases) {
  cases.push_back(answers("sally_stream_info_copy_json", "a NULL handle", SALLY_INVALID_ARGUMENT,
                          [](World&, Outputs& out, sally_error** error) {
                            return sally_stream_info_copy_json(nullptr, out.handle<sally_bytes>(),
                                                               error);
                          }));
  cases.push_back(answers("sally_stream_info_copy_json", "a NULL output", SALLY_INVALID_ARGUMENT,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_stream_info_copy_json(world.info.get(), nullptr, error);
                          }));
  cases.push_back(answers("sally_stream_info_copy_json", "an information", SALLY_OK,
                          [](World& world, Outputs& out, sally_error** error) {
                            return sally_stream_info_copy_json(world.info.get(),
                                                               out.handle<sally_bytes>(), error);
                          }));
}

void append_descriptor_cases(ArgumentCases& cases) {
  const auto fd = [&](const char* what, sally_status status,
                      std::function<sally_stream*(World&)> stream) {
    cases.push_back(answers("sally_stream_fd", what, status,
                            [=](World& world, Outputs& out, sally_error** error) {
                              return sally_stream_fd(stream(world), out.value<intptr_t>(), error);
                            }));
  };
  fd("a NULL handle", SALLY_INVALID_ARGUMENT, [](World&) { return nullptr; });
  fd("a stream that is not connected", SALLY_INVALID_STATE,
     [](World& world) { return world.idle.get(); });
  fd("a closed stream", SALLY_CLOSED, [](World& world) { return world.closed.get(); });
  fd("a secured stream", SALLY_OK, [](World& world) { return world.open.client.get(); });
  fd("a plain stream", SALLY_OK, [](World& world) { return world.plain.server.get(); });
  cases.push_back(answers("sally_stream_fd", "a NULL output", SALLY_INVALID_ARGUMENT,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_stream_fd(world.open.client.get(), nullptr, error);
                          }));

  cases.push_back(
      gives("sally_stream_fd_interest", "streams and directions of all kinds", [](World& world) {
        EXPECT_EQ(sally_stream_fd_interest(nullptr, SALLY_DIRECTION_READ), 0u);
        EXPECT_EQ(sally_stream_fd_interest(world.idle.get(), SALLY_DIRECTION_READ), 0u);
        EXPECT_EQ(sally_stream_fd_interest(world.closed.get(), SALLY_DIRECTION_WRITE), 0u);
        const sally_stream* open = world.open.client.get();
        for (const std::uint32_t direction : {0u, 3u, 4u, UINT32_MAX}) {
          EXPECT_EQ(sally_stream_fd_interest(open, direction), 0u);
        }
        for (const std::uint32_t direction : {SALLY_DIRECTION_READ, SALLY_DIRECTION_WRITE}) {
          EXPECT_EQ(sally_stream_fd_interest(open, direction), direction);
        }
      }));
}

}  // namespace

ArgumentCases stream_cases() {
  ArgumentCases cases;
  append_create_cases(cases);
  append_odd_target_cases(cases);
  append_read_cases(cases);
  append_write_cases(cases);
  append_control_cases(cases);
  append_info_cases(cases);
  append_information_json_cases(cases);
  append_descriptor_cases(cases);
  append_lifetime_cases<sally_stream, sally_stream>(
      cases, "sally_stream_retain", sally_stream_retain, "sally_stream_release",
      sally_stream_release, [](World& world) { return world.open.client.get(); });
  return cases;
}

}  // namespace sally::test
