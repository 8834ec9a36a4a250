// Connects, echoes and closes under mutual TLS, over and over in one process, and fails where
// anything grows.
//
//   soak_connect_cycles [--cycles 2000]
//
// After a warm-up of 5 % of the cycles (100 at least) the process is measured: at the end its
// resident memory may be 2 MiB larger, descriptors and live handles must be the same,
// and threads no more than the library ever has.
// The last line is "N passed, N failed".
#include "lib/secure.h"
#include "soak/support.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>

using namespace sally::test;
using namespace sally::soak;

namespace {

constexpr std::int64_t allowed_growth_kib = 2048;
constexpr int intervals = 10;
constexpr std::uint32_t cached_sessions = 32;
// This one, an event loop for each processor, and the resolvers, who come as needed and stay.
const std::int64_t most_threads =
    1 + std::clamp<std::int64_t>(std::thread::hardware_concurrency(), 1, 8) + 4;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool memory_tells = false;  // a sanitizer keeps what was freed for a while
#else
constexpr bool memory_tells = true;
#endif

struct Figures {
  std::int64_t resident_kib;
  std::int64_t descriptors;
  std::int64_t threads;
  std::int64_t handles;
};

std::int64_t count_entries(const char* directory) {
  DIR* entries = ::opendir(directory);
  if (entries == nullptr) throw std::runtime_error(std::string("cannot read ") + directory);
  std::int64_t count = 0;
  while (const dirent* entry = ::readdir(entries)) count += entry->d_name[0] != '.';
  ::closedir(entries);
  return count;
}

Figures measure() {
  return {resident_kib(), count_entries("/proc/self/fd"), count_entries("/proc/self/task"),
          live_handles()};
}

// The event loop lets go of descriptors a moment after their release.
Figures settled_to(const Figures& expected) {
  Figures figures = measure();
  for (int i = 0; i < 5000 && (figures.descriptors > expected.descriptors ||
                               figures.handles > expected.handles);
       ++i) {
    ::poll(nullptr, 0, 1);
    figures = measure();
  }
  return figures;
}

// What is there between two cycles: nothing less comes for a while.
Figures lowest() {
  Figures figures = measure();
  for (int i = 0; i < 100; ++i) {
    ::poll(nullptr, 0, 1);
    const Figures now = measure();
    if (now.descriptors + now.handles < figures.descriptors + figures.handles) figures = now;
  }
  return figures;
}

void cycle(Listener& listener, sally_tls_config* config) {
  static const std::string question = pattern(1024);
  Pair pair = connect_pair(listener, config);
  require(pair.client.write(question), SALLY_OK, "write");
  require(pair.server.write(pair.server.read_text(question.size())), SALLY_OK, "echo");
  if (pair.client.read_text(question.size()) != question)
    throw std::runtime_error("the echo differs");
  require(pair.client.shutdown(), SALLY_OK, "shutdown");
  require(pair.server.read_status(), SALLY_END_OF_STREAM, "end");
  require(pair.server.shutdown(), SALLY_OK, "shutdown");
  // The client first: a loopback port is soonest free again where it waits on the client's side.
  require(pair.client.close(), SALLY_OK, "close");
  require(pair.server.close(), SALLY_OK, "close");
}

void print(int cycles, const Figures& figures) {
  std::printf("%9d cycles  %8lld KiB resident  %4lld descriptors  %3lld threads  %4lld handles\n",
              cycles, static_cast<long long>(figures.resident_kib),
              static_cast<long long>(figures.descriptors), static_cast<long long>(figures.threads),
              static_cast<long long>(figures.handles));
  std::fflush(stdout);
}

void compare(Verdict& verdict, const Figures& before, const Figures& after) {
  const std::int64_t growth = after.resident_kib - before.resident_kib;
  if (memory_tells) {
    verdict.check(growth <= allowed_growth_kib,
                  "resident memory grew by " + std::to_string(growth) + " KiB");
  }
  const auto same = [&](const char* what, std::int64_t first, std::int64_t last) {
    verdict.check(first == last, std::string(what) + ": " + std::to_string(first) + ", then " +
                                     std::to_string(last));
  };
  same("descriptors", before.descriptors, after.descriptors);
  verdict.check(after.threads <= most_threads, "threads: " + std::to_string(after.threads));
  same("live handles", before.handles, after.handles);
}

int run(int cycles) {
  const int warm_up = std::max(100, cycles / 20);
  const auto serving = server_config();
  const auto config = client_config();
  // Full before the measuring begins: what the cache of sessions holds is no leak.
  for (sally_tls_config* each : {serving.get(), config.get()}) {
    require({sally_tls_config_set_resumption(each, SALLY_RESUMPTION_ON, cached_sessions, nullptr)},
            SALLY_OK, "resumption");
  }
  Listener listener(serving);
  const auto began = std::chrono::steady_clock::now();
  cycle(listener, config.get());
  const Figures idle = lowest();
  for (int i = 1; i < warm_up; ++i) cycle(listener, config.get());

  const Figures before = settled_to(idle);
  print(warm_up, before);
  Figures after = before;
  for (int done = warm_up, i = 1; i <= intervals; ++i) {
    for (const int until = warm_up + cycles / intervals * i; done < until; ++done)
      cycle(listener, config.get());
    after = settled_to(before);
    print(done, after);
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - began;
  std::printf("%.1f s\n", seconds.count());

  Verdict verdict;
  compare(verdict, before, after);
  return verdict.conclude();
}

}  // namespace

int main(int count, char** arguments) {
  use_small_pages();
  int cycles = 2000;
  if (count == 3 && std::strcmp(arguments[1], "--cycles") == 0) cycles = std::atoi(arguments[2]);
  if (count == 2 || count > 3 || cycles < intervals) {
    std::fprintf(stderr, "usage: %s [--cycles N]\n", arguments[0]);
    return 2;
  }
  try {
    return run(cycles);
  } catch (const std::exception& exception) {
    std::printf("FAILED: %s\n0 passed, 1 failed\n", exception.what());
    return EXIT_FAILURE;
  }
}
