// Ten thousand idle connections under mutual TLS: the server's ends in this process, the clients' in
// another. Says what each costs, closes all of them properly, and fails where one does not end well
// or anything is left.
//
//   soak_idle_connections [--count 10000]
//
// Where the limit of descriptors allows fewer, there are fewer. The last line of each process is
// "N passed, N failed".
#include "lib/secure.h"
#include "soak/support.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <vector>

using namespace sally::test;
using namespace sally::soak;

namespace {

constexpr std::size_t warm_up = 100;
constexpr std::size_t listener_count = 4;  // each on an address of its own, with all ports again
constexpr std::size_t other_descriptors = 100;
constexpr double most_kib = 40;  // for a connection, on either side

// To the other process. Throws where that is gone.
class Line {
 public:
  explicit Line(int descriptor) : descriptor_(descriptor) {}

  void tell(std::uint64_t number) const {
    if (::send(descriptor_, &number, sizeof number, MSG_NOSIGNAL) != sizeof number)
      throw std::runtime_error("the other process is gone");
  }
  std::uint64_t hear() const {
    std::uint64_t number = 0;
    if (::recv(descriptor_, &number, sizeof number, MSG_WAITALL) != sizeof number)
      throw std::runtime_error("the other process is gone");
    return number;
  }

 private:
  const int descriptor_;
};

std::string address(std::size_t index) {
  return "127.0.0." + std::to_string(1 + index % listener_count);
}

std::size_t affordable(std::size_t count) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return std::min<std::size_t>(count, limit.rlim_cur - other_descriptors);
}

bool all_handles_gone() {
  for (int i = 0; i < 10'000 && live_handles() > 0; ++i) ::poll(nullptr, 0, 1);
  return live_handles() == 0;
}

// Remembers what was resident when the first connections were there.
class Growth {
 public:
  void reached(std::size_t connections) {
    if (connections == warm_up) before_ = resident_kib();
  }
  double each(std::size_t connections) const {
    return static_cast<double>(resident_kib() - before_) /
           static_cast<double>(connections - warm_up);
  }

 private:
  std::int64_t before_ = 0;
};

void judge(Verdict& verdict, const char* side, double kib) {
  char text[80];
  std::snprintf(text, sizeof text, "%s: %.1f KiB resident for an idle connection", side, kib);
  verdict.check(kib <= most_kib, text);
}

// Waits for every stream to be readable, and for that to be its proper end.
class Idle {
 public:
  explicit Idle(std::size_t count) {
    streams_.reserve(count);
    require(called([&](sally_error** error) { return sally_queue_create(Out(queue_), error); }),
            SALLY_OK, "queue");
  }

  void add(Stream stream) {
    streams_.push_back(std::move(stream));
    sally_completion completion{};
    completion.struct_size = sizeof completion;
    completion.queue = queue_.get();
    completion.tag = streams_.size() - 1;
    require(called([&](sally_error** error) {
              return sally_stream_wait_async(streams_.back().get(), SALLY_DIRECTION_READ,
                                             SALLY_TIMEOUT_NEVER, &completion, nullptr, error);
            }),
            SALLY_OK, "wait");
  }

  // How many ended as they should.
  std::size_t close_as_peers_do() {
    std::size_t proper = 0;
    for (std::size_t left = streams_.size(); left > 0;) {
      std::array<sally_event, 64> events;
      std::size_t count = 0;
      require(called([&](sally_error** error) {
                return sally_queue_take(queue_.get(), events.data(), sizeof(sally_event),
                                        events.size(), &count, generous_ms, error);
              }),
              SALLY_OK, "take");
      for (std::size_t i = 0; i < count; ++i) proper += end(events[i]);
      left -= count;
    }
    return proper;
  }

 private:
  bool end(sally_event& event) {
    Stream& stream = streams_[event.tag];
    const bool ready = event.status == SALLY_OK;
    sally_event_dispose(&event);
    return ready && stream.read_status(SALLY_TIMEOUT_ATTEMPT) == SALLY_END_OF_STREAM &&
           stream.close() == SALLY_OK;
  }

  Owned<sally_queue> queue_;
  std::vector<Stream> streams_;
};

int serve(std::size_t count, const Line& line) {
  Verdict verdict;
  {
    const auto config = server_config();
    std::vector<Listener> listeners;
    for (std::size_t i = 0; i < listener_count; ++i) {
      const std::string host = address(i);
      sally_listener_options options{};
      options.host = host.c_str();
      listeners.emplace_back(config, options);
      line.tell(listeners.back().port());
    }
    Idle idle(count);
    Growth growth;
    for (std::size_t i = 0; i < count; ++i) {
      growth.reached(i);
      Result result;
      Stream stream = listeners[i % listener_count].accept(generous_ms, &result);
      require(result, SALLY_OK, "accept");
      idle.add(std::move(stream));
    }
    judge(verdict, "server", growth.each(count));
    line.tell(count);
    const std::size_t proper = idle.close_as_peers_do();
    verdict.check(proper == count, "server: " + std::to_string(proper) + " of " +
                                       std::to_string(count) + " ended properly");
  }
  verdict.check(all_handles_gone(), "server: no handle is left");
  return verdict.conclude();
}

int call(std::size_t count, const Line& line) {
  Verdict verdict;
  {
    std::vector<std::string> ports;
    for (std::size_t i = 0; i < listener_count; ++i) ports.push_back(std::to_string(line.hear()));
    const auto config = client_config();
    std::vector<Stream> streams;
    streams.reserve(count);
    Growth growth;
    for (std::size_t i = 0; i < count; ++i) {
      growth.reached(i);
      streams.emplace_back(config.get(), address(i), ports[i % listener_count]);
      require(streams.back().connect(), SALLY_OK, "connect");
    }
    judge(verdict, "client", growth.each(count));
    line.hear();
    const auto closed =
        std::ranges::count_if(streams, [](Stream& stream) { return stream.close() == SALLY_OK; });
    verdict.check(
        closed == static_cast<std::ptrdiff_t>(count),
        "client: " + std::to_string(closed) + " of " + std::to_string(count) + " ended properly");
  }
  verdict.check(all_handles_gone(), "client: no handle is left");
  return verdict.conclude();
}

template <class Role>
int run(Role&& role) {
  try {
    return role();
  } catch (const std::exception& exception) {
    std::printf("FAILED: %s\n0 passed, 1 failed\n", exception.what());
    return EXIT_FAILURE;
  }
}

}  // namespace

int main(int argument_count, char** arguments) {
  use_small_pages();
  std::size_t count = 10'000;
  if (argument_count == 3 && std::strcmp(arguments[1], "--count") == 0)
    count = std::strtoull(arguments[2], nullptr, 10);
  if (argument_count == 2 || argument_count > 3 || count <= warm_up) {
    std::fprintf(stderr, "usage: %s [--count N], more than %zu\n", arguments[0], warm_up);
    return 2;
  }
  count = affordable(count);
  std::printf("%zu connections\n", count);
  std::fflush(stdout);

  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return EXIT_FAILURE;
  const pid_t child = ::fork();
  if (child < 0) return EXIT_FAILURE;
  ::close(ends[child == 0 ? 0 : 1]);
  if (child == 0) return run([&] { return call(count, Line(ends[1])); });
  const int served = run([&] { return serve(count, Line(ends[0])); });
  ::close(ends[0]);
  int called = 0;
  ::waitpid(child, &called, 0);
  return served == EXIT_SUCCESS && called == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
