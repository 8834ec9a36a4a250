// Thousands of idle connections under mutual TLS on one event loop, all of which lose the trust of their
// server at the same moment: all end, each for its reason, and one that keeps its trust is served
// meanwhile.
//
//   soak_trust_changes [--count 2000]
//
// Where the limit of descriptors allows fewer, there are fewer. The last line is "N passed, N failed".
#include "lib/async.h"
#include "lib/folder.h"
#include "lib/threads.h"
#include "lib/zoo.h"
#include "soak/support.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <sys/resource.h>
#include <vector>

using namespace sally::test;
using namespace sally::soak;

namespace {

constexpr std::size_t other_descriptors = 100;
constexpr std::int64_t longest_echo_ms =
    500;  // the loop has nothing else to do, but the machine may
// One that reviews without a pause lets through the echo before, and the one that it holds up.
constexpr int most_echoes_of_a_busy_loop = 10;

std::size_t affordable(std::size_t count) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return std::min<std::size_t>(count, (limit.rlim_cur - other_descriptors) / 2);
}

// The server's ends, each waiting to be readable, which it is when it has ended.
class Idle {
 public:
  void add(Stream stream) {
    streams_.push_back(std::move(stream));
    const sally_completion completion = queue_.completion(streams_.size() - 1);
    require({sally_stream_wait_async(streams_.back().get(), SALLY_DIRECTION_READ,
                                     SALLY_TIMEOUT_NEVER, &completion, nullptr, nullptr)},
            SALLY_OK, "wait");
  }
  // How many have ended by now, and, of these, because their certificate was revoked.
  std::size_t ended() {
    for (const Event& event : queue_.take(256, SALLY_TIMEOUT_ATTEMPT)) {
      ++ended_;
      if (streams_[event->tag].read_status(SALLY_TIMEOUT_ATTEMPT) == SALLY_CERTIFICATE_REVOKED)
        ++revoked_;
    }
    return ended_;
  }
  std::size_t revoked() const { return revoked_; }

 private:
  Queue queue_;
  std::vector<Stream> streams_;
  std::size_t ended_ = 0;
  std::size_t revoked_ = 0;
};

// An echo by the loop, in milliseconds.
std::int64_t echo(Pair& pair, const Queue& queue_of_server) {
  Queue queue(Owned<sally_queue>(sally_queue_retain(queue_of_server.get())));
  const StopWatch watch;
  std::array<char, 4> bytes{};
  std::string back;
  const sally_completion read = queue.completion(0);
  require({sally_stream_read_exactly_async(pair.server.get(), bytes.data(), bytes.size(), 0, &read,
                                           nullptr, nullptr)},
          SALLY_OK, "read");
  require(pair.client.write("ping"), SALLY_OK, "ping");
  require({queue.next()->status}, SALLY_OK, "read");
  const sally_completion write = queue.completion(1);
  require({sally_stream_write_async(pair.server.get(), bytes.data(), bytes.size(), 0, 0, &write,
                                    nullptr, nullptr)},
          SALLY_OK, "write");
  require({queue.next()->status}, SALLY_OK, "write");
  if (pair.client.read_text(4) != "ping") throw std::runtime_error("another echo came back");
  return watch.milliseconds();
}

int run(std::size_t count) {
  Verdict verdict;
  {
    Folder folder;
    folder.replace("crl.pem", read_file(Zoo::crl_path("file-crl-none-revoked")));
    const auto trust = Zoo::trust("ca-root");
    require({sally_trust_store_add_crl(trust.get(), folder.path("crl.pem").c_str(), nullptr)},
            SALLY_OK, "CRL");
    const auto config = server_config(
        {.credential = "server-good", .trust = "", .client_auth = SALLY_CLIENT_AUTH_REQUIRE});
    require({sally_tls_config_set_trust(config.get(), trust.get(), nullptr)}, SALLY_OK, "trust");
    require({sally_tls_config_set_trust_change(config.get(), SALLY_TRUST_CHANGE_DROP, 0, nullptr)},
            SALLY_OK, "trust change");
    const auto runtime = make_runtime(0, 1);
    sally_listener_options options{};
    options.runtime = runtime.get();
    Listener listener(config, options);
    const auto client = client_config({.credential = "client-good-ed25519"});
    std::vector<Stream> clients;
    Idle idle;
    for (std::size_t i = 0; i < count; ++i) {
      Pair pair = connect_pair(listener, client.get());
      clients.push_back(std::move(pair.client));
      idle.add(std::move(pair.server));
    }
    const auto trusted = client_config();
    Pair pair = connect_pair(listener, trusted.get());
    const Queue queue;
    std::int64_t before = 0;
    for (int i = 0; i < 100; ++i) before = std::max(before, echo(pair, queue));

    folder.replace("crl.pem", read_file(Zoo::crl_path("file-crl-revoking")));
    const StopWatch watch;
    require({sally_trust_store_reload(trust.get(), nullptr)}, SALLY_OK, "reload");
    const std::int64_t told = watch.milliseconds();
    std::int64_t during = 0;
    int echoes = 0;
    while (idle.ended() < count && watch.milliseconds() < generous_ms) {
      during = std::max(during, echo(pair, queue));
      ++echoes;
    }
    std::printf("%zu reviews in %lld ms, of which the reload took %lld; %d echoes meanwhile\n",
                count, static_cast<long long>(watch.milliseconds()), static_cast<long long>(told),
                echoes);
    verdict.check(idle.revoked() == count, std::to_string(idle.revoked()) + " of " +
                                               std::to_string(count) +
                                               " ended because they were revoked");
    verdict.check(during <= longest_echo_ms || echoes > most_echoes_of_a_busy_loop,
                  "longest echo: " + std::to_string(during) + " ms, " + std::to_string(before) +
                      " ms before");
  }
  return verdict.conclude();
}

}  // namespace

int main(int argc, char** argv) {
  use_small_pages();
  std::size_t count = 2000;
  if (argc == 3 && std::strcmp(argv[1], "--count") == 0)
    count = std::strtoull(argv[2], nullptr, 10);
  if ((argc != 1 && argc != 3) || count < 1) {
    std::fprintf(stderr, "usage: soak_trust_changes [--count N]\n");
    return 2;
  }
  try {
    return run(affordable(count));
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "soak_trust_changes: %s\n", failure.what());
    return EXIT_FAILURE;
  }
}
