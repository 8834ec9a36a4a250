// A thousand clients connect and never speak: how long do good clients' handshakes take without and
// with them? Fails where they take more than a fifth longer.
//
//   soak_silent_clients [--silent 1000]
//
// The listener is in another process. Both situations take turns, so that what else the machine does
// befalls both. The last line is "N passed, N failed".
#include "lib/raw_tcp.h"
#include "lib/secure.h"
#include "soak/support.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <vector>

using namespace sally::test;
using namespace sally::soak;

namespace {

constexpr int turns = 5;
constexpr std::size_t good_clients = 200;  // a turn, one after another
constexpr double most_slower = 1.2;

void raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

// Tells its port, and lets in whoever comes until nobody is at the other end of the line.
int serve(int line) {
  sally_listener_options options{};
  options.handshake_timeout_ms = std::int64_t{10} * 60 * 1000;
  Listener listener(server_config(), options);
  const std::uint16_t port = listener.port();
  if (::send(line, &port, sizeof port, 0) != sizeof port) return EXIT_FAILURE;
  std::uint64_t expected = 0;
  while (::recv(line, &expected, sizeof expected, MSG_WAITALL) == sizeof expected) {
    for (; expected > 0; --expected) {
      Result result;
      Stream stream = listener.accept(generous_ms, &result);
      require(result, SALLY_OK, "accept");
    }
  }
  return EXIT_SUCCESS;
}

class Good {
 public:
  Good(int line, std::uint16_t port) : line_(line), service_(std::to_string(port)) {}

  // Adds the microseconds that each of them took.
  void connect(std::vector<double>& took) {
    const std::uint64_t expected = good_clients;
    if (::send(line_, &expected, sizeof expected, MSG_NOSIGNAL) != sizeof expected)
      throw std::runtime_error("the server is gone");
    for (std::size_t i = 0; i < good_clients; ++i) {
      Stream stream(config_.get(), "127.0.0.1", service_);
      const auto began = std::chrono::steady_clock::now();
      require(stream.connect(), SALLY_OK, "connect");
      took.push_back(
          std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - began)
              .count());
    }
  }

 private:
  const int line_;
  const std::string service_;
  const Owned<sally_tls_config> config_ = client_config();
};

double print(const char* situation, std::vector<double>& took) {
  std::ranges::sort(took);
  const double median = took[took.size() / 2];
  std::printf("%-24s median %7.0f us, 90th percentile %7.0f us, %zu handshakes\n", situation,
              median, took[took.size() * 9 / 10], took.size());
  return median;
}

int run(std::size_t silent_count, int line) {
  std::uint16_t port = 0;
  if (::recv(line, &port, sizeof port, MSG_WAITALL) != sizeof port)
    throw std::runtime_error("the server is gone");
  Good good(line, port);
  std::vector<double> warm_up, alone, beside;
  good.connect(warm_up);
  for (int turn = 0; turn < turns; ++turn) {
    good.connect(alone);
    std::vector<RawSocket> silent;
    for (std::size_t i = 0; i < silent_count; ++i) silent.push_back(RawSocket::connect(port));
    good.connect(beside);
  }
  const double without = print("without silent clients", alone);
  const double with = print("with silent clients", beside);
  Verdict verdict;
  verdict.check(with <= without * most_slower,
                std::to_string(silent_count) + " silent clients make it " +
                    std::to_string(with / without) + " times as long");
  return verdict.conclude();
}

}  // namespace

int main(int count, char** arguments) {
  use_small_pages();
  std::size_t silent = 1000;
  if (count == 3 && std::strcmp(arguments[1], "--silent") == 0)
    silent = std::strtoull(arguments[2], nullptr, 10);
  if (count == 2 || count > 3 || silent == 0) {
    std::fprintf(stderr, "usage: %s [--silent N]\n", arguments[0]);
    return 2;
  }
  raise_descriptor_limit();
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return EXIT_FAILURE;
  const pid_t child = ::fork();
  if (child < 0) return EXIT_FAILURE;
  ::close(ends[child == 0 ? 0 : 1]);
  int ended = EXIT_FAILURE;
  try {
    ended = child == 0 ? serve(ends[1]) : run(silent, ends[0]);
  } catch (const std::exception& exception) {
    std::printf("FAILED: %s\n0 passed, 1 failed\n", exception.what());
  }
  if (child == 0) return ended;
  ::close(ends[0]);
  int served = 0;
  ::waitpid(child, &served, 0);
  return ended == EXIT_SUCCESS && served == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
