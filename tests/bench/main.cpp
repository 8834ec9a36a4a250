// Measures Sallyport beside what a user would pick instead, in one run; README.md says how.
//
//   sallyport_bench [--rounds 7] [--idle 500] [--only echo|stream|handshake|idle] [--no-strace]
#include "bench/contender.h"
#include "bench/process.h"
#include "bench/workload.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <unistd.h>

using namespace sally::bench;

namespace {

struct WorkloadRow {
  const char* name;
  Workload workload;
  std::uint64_t warm_up;
  std::uint64_t operations;  // a round
  std::uint64_t traced;      // under strace
  const char* operation;
};
constexpr WorkloadRow workloads[] = {
    {"echo", Workload::echo, 500, 2000, 500, "64 bytes there and back"},
    {"stream", Workload::stream, 16, 64, 8, "1 MiB one way"},
    {"handshake", Workload::handshake, 50, 100, 50, "connect, full handshake, close"},
    {"idle", Workload::idle, 20, 0, 0, "an idle connection"},
};

struct Options {
  int rounds = 7;
  std::uint64_t idle = 500;
  std::string only{};
  bool strace = true;
};

// Both ends of one contender at one workload.
class Match {
 public:
  Match(const std::string& contender, const char* workload, const std::string& strace = {})
      : server_({"serve", contender, workload}, strace.empty() ? strace : strace + ".server"),
        client_({"call", contender, workload, std::to_string(server_.hear())},
                strace.empty() ? strace : strace + ".client") {}

  void run(std::uint64_t count) const {
    client_.tell(count);
    client_.hear();
  }
  const Process& server() const { return server_; }
  const Process& client() const { return client_; }

 private:
  Process server_;  // ends after the client, who tells it to
  Process client_;
};

// For one operation.
struct Figures {
  double client_cpu_us = 0;
  double server_cpu_us = 0;
  double wall_us = 0;
  double switches = 0;
  double both_cpu_us() const { return client_cpu_us + server_cpu_us; }
};

Figures measure(const Match& match, std::uint64_t count) {
  const Cost client = match.client().cost();
  const Cost server = match.server().cost();
  const auto began = std::chrono::steady_clock::now();
  match.run(count);
  const std::chrono::duration<double, std::micro> wall = std::chrono::steady_clock::now() - began;
  const Cost client_after = match.client().cost();
  const Cost server_after = match.server().cost();
  const auto each = static_cast<double>(count);
  return {
      (client_after.cpu_us - client.cpu_us) / each, (server_after.cpu_us - server.cpu_us) / each,
      wall.count() / each,
      (client_after.switches - client.switches + server_after.switches - server.switches) / each};
}

template <class Rounds, class Figure>
double median(const Rounds& rounds, Figure&& figure) {
  std::vector<double> values;
  for (std::size_t i = 0; i < rounds.size(); ++i) values.push_back(figure(i));
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

struct SystemCalls {
  double client = 0;
  double server = 0;
};

// What is left when the calls of a run with no operation are taken from those of one with many.
SystemCalls system_calls(const std::string& contender, const WorkloadRow& row) {
  char folder[] = "/tmp/sallyport-bench-XXXXXX";
  if (::mkdtemp(folder) == nullptr) throw std::runtime_error("no temporary folder");
  SystemCalls calls;
  for (const bool many : {false, true}) {
    const std::string file = std::string(folder) + (many ? "/many" : "/few");
    {
      const Match match(contender, row.name, file);
      match.run(row.traced);
      if (many) match.run(row.traced);
    }
    const double sign = (many ? 1.0 : -1.0) / static_cast<double>(row.traced);
    calls.client += sign * system_calls_in(file + ".client");
    calls.server += sign * system_calls_in(file + ".server");
  }
  std::filesystem::remove_all(folder);
  return calls;
}

void measure_time(const WorkloadRow& row, const Options& options) {
  const auto& names = contender_names();
  std::map<std::string, std::unique_ptr<Match>> matches;
  for (const std::string& name : names) {
    matches[name] = std::make_unique<Match>(name, row.name);
    matches[name]->run(row.warm_up);
  }
  std::map<std::string, std::vector<Figures>> all;
  for (int i = 0; i < options.rounds; ++i) {
    for (const std::string& name : names)
      all[name].push_back(measure(*matches[name], row.operations));
  }
  matches.clear();

  std::printf("\n%s: %s (median of %d rounds of %llu)\n", row.name, row.operation, options.rounds,
              static_cast<unsigned long long>(row.operations));
  std::printf("%-18s %10s %10s %7s %10s %9s %16s\n", "", "client CPU", "server CPU", "ratio",
              "wall", "switches", "system calls");
  std::printf("%-18s %10s %10s %7s %10s %9s %16s\n", "", "us", "us", "", "us", "",
              "client / server");
  const auto& reference = all[names.front()];
  for (const std::string& name : names) {
    const auto& rounds = all[name];
    std::printf(
        "%-18s %10.1f %10.1f %7.2f %10.1f %9.2f", name.c_str(),
        median(rounds, [&](std::size_t i) { return rounds[i].client_cpu_us; }),
        median(rounds, [&](std::size_t i) { return rounds[i].server_cpu_us; }),
        median(rounds,
               [&](std::size_t i) { return rounds[i].both_cpu_us() / reference[i].both_cpu_us(); }),
        median(rounds, [&](std::size_t i) { return rounds[i].wall_us; }),
        median(rounds, [&](std::size_t i) { return rounds[i].switches; }));
    if (options.strace) {
      const SystemCalls calls = system_calls(name, row);
      std::printf(" %7.1f / %6.1f", calls.client, calls.server);
    }
    std::printf("\n");
    std::fflush(stdout);
  }
}

void measure_memory(const WorkloadRow& row, const Options& options) {
  std::printf("\n%s: resident memory of %s (mean of %llu)\n", row.name, row.operation,
              static_cast<unsigned long long>(options.idle));
  std::printf("%-18s %10s %10s %7s\n", "", "client KiB", "server KiB", "ratio");
  double reference = 0;
  for (const std::string& name : contender_names()) {
    const Match match(name, row.name);
    match.run(row.warm_up);
    const double client_before = match.client().resident_bytes();
    const double server_before = match.server().resident_bytes();
    match.run(options.idle);
    const double each = static_cast<double>(options.idle) * 1024;
    const double client = (match.client().resident_bytes() - client_before) / each;
    const double server = (match.server().resident_bytes() - server_before) / each;
    if (reference == 0) reference = client + server;
    std::printf("%-18s %10.1f %10.1f %7.2f\n", name.c_str(), client, server,
                (client + server) / reference);
    std::fflush(stdout);
  }
}

int be_an_end(int count, char** arguments) {
  const std::string role = arguments[1];
  std::signal(SIGPIPE, SIG_IGN);
  const auto row = std::ranges::find_if(workloads, [&](const WorkloadRow& each) {
    return std::strcmp(each.name, arguments[3]) == 0;
  });
  const auto contender = make_contender(arguments[2]);
  if (role == "serve")
    serve(*contender, row->workload);
  else
    call(*contender, row->workload, static_cast<std::uint16_t>(std::atoi(arguments[count - 1])));
  return EXIT_SUCCESS;
}

bool parse(int count, char** arguments, Options& options) {
  for (int i = 1; i < count; ++i) {
    const std::string option = arguments[i];
    if (option == "--no-strace") {
      options.strace = false;
      continue;
    }
    if (++i == count) return false;
    if (option == "--rounds")
      options.rounds = std::atoi(arguments[i]);
    else if (option == "--idle")
      options.idle = std::strtoull(arguments[i], nullptr, 10);
    else if (option == "--only")
      options.only = arguments[i];
    else
      return false;
  }
  return options.rounds > 0 && options.idle > 0;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    const std::string role = count > 3 ? arguments[1] : "";
    if (role == "serve" || role == "call") return be_an_end(count, arguments);
    Options options;
    if (!parse(count, arguments, options)) {
      std::fprintf(stderr,
                   "usage: %s [--rounds N] [--idle N] [--only echo|stream|handshake|idle] "
                   "[--no-strace]\n",
                   arguments[0]);
      return 2;
    }
    for (const WorkloadRow& row : workloads) {
      if (!options.only.empty() && options.only != row.name) continue;
      row.workload == Workload::idle ? measure_memory(row, options) : measure_time(row, options);
    }
    return EXIT_SUCCESS;
  } catch (const std::exception& exception) {
    std::fprintf(stderr, "FAILED: %s\n", exception.what());
    return EXIT_FAILURE;
  }
}
