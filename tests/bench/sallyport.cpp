// Sallyport through its C ABI: blocking, and asynchronous in two ways.
#include "bench/contender.h"
#include "lib/handles.h"
#include "lib/secure.h"

#include <array>
#include <poll.h>
#include <stdexcept>

namespace sally::bench {

namespace {

using test::called;
using test::generous_ms;
using test::Out;
using test::Owned;
using test::Result;

void check(const Result& result, const char* what) {
  if (!result.ok())
    throw std::runtime_error(std::string(what) + ": " + sally_error_json(result.error.get()));
}

// An asynchronous operation that is waited for.
struct Pending {
  bool done = false;
  sally_event event{};
};

// Where operations are started and complete.
class Ground {
 public:
  explicit Ground(SallyMode mode) : mode_(mode) {
    sally_runtime_options options{};
    options.struct_size = sizeof options;
    if (mode == SallyMode::caller_run)
      options.flags = SALLY_RUNTIME_CALLER_RUN;
    else
      options.loops = 1;
    check(called([&](sally_error** error) {
            return sally_runtime_create(&options, Out(runtime_), error);
          }),
          "runtime");
    if (mode == SallyMode::queue || mode == SallyMode::watched) {
      check(called([&](sally_error** error) { return sally_queue_create(Out(queue_), error); }),
            "queue");
    }
  }

  sally_runtime* runtime() const { return runtime_.get(); }
  bool is_blocking() const { return mode_ == SallyMode::blocking; }

  sally_completion completion(Pending& pending) const {
    sally_completion completion{};
    completion.struct_size = sizeof completion;
    if (queue_) {
      completion.queue = queue_.get();
      completion.tag = reinterpret_cast<std::uintptr_t>(&pending);
    } else {
      completion.user = &pending;
      completion.function = [](void* user, sally_event* event) {
        keep(*static_cast<Pending*>(user), *event);
        *event = {};
      };
    }
    return completion;
  }

  // Starts an operation and waits for its event, which is the caller's.
  template <class Start>
  sally_event completed(const char* what, Start&& start) {
    Pending pending;
    const sally_completion where = completion(pending);
    check(called([&](sally_error** error) { return start(&where, error); }), what);
    while (!pending.done) serve(what);
    return pending.event;
  }

 private:
  static void keep(Pending& pending, const sally_event& event) {
    pending.event = event;
    pending.done = true;
  }

  void serve(const char* what) {
    if (!queue_) {
      return check(called([&](sally_error** error) {
                     return sally_runtime_run(runtime_.get(), generous_ms, error);
                   }),
                   what);
    }
    std::int64_t timeout_ms = generous_ms;
    if (mode_ == SallyMode::watched) {
      pollfd polled{static_cast<int>(sally_queue_fd(queue_.get())), POLLIN, 0};
      ::poll(&polled, 1, -1);
      timeout_ms = SALLY_TIMEOUT_ATTEMPT;
    }
    std::array<sally_event, 16> events;
    std::size_t count = 0;
    check(called([&](sally_error** error) {
            return sally_queue_take(queue_.get(), events.data(), sizeof(sally_event), events.size(),
                                    &count, timeout_ms, error);
          }),
          what);
    for (std::size_t i = 0; i < count; ++i)
      keep(*reinterpret_cast<Pending*>(static_cast<std::uintptr_t>(events[i].tag)), events[i]);
  }

  const SallyMode mode_;
  Owned<sally_runtime> runtime_;
  Owned<sally_queue> queue_;
};

Result result_of(const sally_event& event) {
  Result result;
  result.status = event.status;
  result.error.reset(event.error);
  return result;
}

std::size_t size_read(const Result& result, std::size_t size) {
  if (result == SALLY_END_OF_STREAM) return 0;
  check(result, "read");
  return size;
}

class BlockingConnection final : public Connection {
 public:
  explicit BlockingConnection(Owned<sally_stream> stream) : stream_(std::move(stream)) {}

  std::size_t read_some(std::span<std::byte> buffer) override {
    std::size_t size = 0;
    const Result result = called([&](sally_error** error) {
      return sally_stream_read_some(stream_.get(), buffer.data(), buffer.size(), &size, 0, error);
    });
    return size_read(result, size);
  }
  void write(std::span<const std::byte> data) override {
    std::size_t taken = 0;
    check(called([&](sally_error** error) {
            return sally_stream_write(stream_.get(), data.data(), data.size(), 0, &taken, 0, error);
          }),
          "write");
  }
  void close() override {
    check(called([&](sally_error** error) {
            return sally_stream_close(stream_.get(), generous_ms, error);
          }),
          "close");
  }

 private:
  Owned<sally_stream> stream_;
};

class AsyncConnection final : public Connection {
 public:
  AsyncConnection(Ground& ground, Owned<sally_stream> stream)
      : ground_(ground), stream_(std::move(stream)) {}

  std::size_t read_some(std::span<std::byte> buffer) override {
    const sally_event event =
        ground_.completed("read", [&](const sally_completion* where, sally_error** error) {
          return sally_stream_read_some_async(stream_.get(), buffer.data(), buffer.size(), 0, where,
                                              nullptr, error);
        });
    return size_read(result_of(event), event.size);
  }
  void write(std::span<const std::byte> data) override {
    const sally_event event =
        ground_.completed("write", [&](const sally_completion* where, sally_error** error) {
          return sally_stream_write_async(stream_.get(), data.data(), data.size(), 0, 0, where,
                                          nullptr, error);
        });
    check(result_of(event), "write");
  }
  void park() override {
    const sally_completion where = ground_.completion(idle_);
    check(called([&](sally_error** error) {
            return sally_stream_read_some_async(stream_.get(), buffer_.data(), buffer_.size(), 0,
                                                &where, nullptr, error);
          }),
          "read");
  }
  void close() override {
    const sally_event event =
        ground_.completed("close", [&](const sally_completion* where, sally_error** error) {
          return sally_stream_close_async(stream_.get(), generous_ms, where, nullptr, error);
        });
    check(result_of(event), "close");
  }

 private:
  Ground& ground_;
  Owned<sally_stream> stream_;
  std::array<std::byte, 16> buffer_{};
  Pending idle_;
};

class Sallyport final : public Contender {
 public:
  explicit Sallyport(SallyMode mode) : ground_(mode) {}

  std::uint16_t listen() override {
    const auto config = test::server_config();
    sally_listener_options options{};
    options.struct_size = sizeof options;
    options.host = "127.0.0.1";
    options.service = "0";
    options.tls = config.get();
    options.runtime = ground_.runtime();
    check(called([&](sally_error** error) {
            return sally_listener_bind(&options, Out(listener_), error);
          }),
          "listener");
    return sally_listener_port(listener_.get());
  }

  std::unique_ptr<Connection> accept() override {
    Owned<sally_stream> stream;
    if (ground_.is_blocking()) {
      check(called([&](sally_error** error) {
              return sally_listener_accept(listener_.get(), 0, Out(stream), error);
            }),
            "accept");
    } else {
      const sally_event event =
          ground_.completed("accept", [&](const sally_completion* where, sally_error** error) {
            return sally_listener_accept_async(listener_.get(), 0, where, nullptr, error);
          });
      check(result_of(event), "accept");
      stream.reset(static_cast<sally_stream*>(event.object));
    }
    return connection(std::move(stream));
  }

  std::unique_ptr<Connection> connect(std::uint16_t port) override {
    if (!config_) {
      config_ = test::client_config();
      // Each handshake is a full one, as those of the others are; the server would resume.
      check({sally_tls_config_set_resumption(config_.get(), SALLY_RESUMPTION_OFF, 0, nullptr)},
            "TLS");
    }
    const std::string service = std::to_string(port);
    sally_stream_options options{};
    options.struct_size = sizeof options;
    options.host = "127.0.0.1";
    options.verify_name = "localhost";
    options.service = service.c_str();
    options.tls = config_.get();
    options.runtime = ground_.runtime();
    Owned<sally_stream> stream;
    check(called([&](sally_error** error) {
            return sally_stream_create(&options, Out(stream), error);
          }),
          "stream");
    if (ground_.is_blocking()) {
      check(called([&](sally_error** error) {
              return sally_stream_connect(stream.get(), generous_ms, error);
            }),
            "connect");
    } else {
      const sally_event event =
          ground_.completed("connect", [&](const sally_completion* where, sally_error** error) {
            return sally_stream_connect_async(stream.get(), generous_ms, where, nullptr, error);
          });
      check(result_of(event), "connect");
    }
    return connection(std::move(stream));
  }

 private:
  std::unique_ptr<Connection> connection(Owned<sally_stream> stream) {
    if (ground_.is_blocking()) return std::make_unique<BlockingConnection>(std::move(stream));
    return std::make_unique<AsyncConnection>(ground_, std::move(stream));
  }

  Ground ground_;
  Owned<sally_tls_config> config_;
  Owned<sally_listener> listener_;
};

}  // namespace

std::unique_ptr<Contender> make_sallyport(SallyMode mode) {
  return std::make_unique<Sallyport>(mode);
}

}  // namespace sally::bench
