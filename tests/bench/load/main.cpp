// The load client: takes orders by line, answers each by a line of JSON. Each order names a server.
//
//   server NAME PORT PID CERTDIR tls|plain
//   open NAME COUNT echo|idle
//   echo NAME SIZE BATCH MS
//   upload|download|stream|batches NAME SIZE COUNT MS
//   full|resumed NAME PENDING MS LIMIT
//   close NAME                                    its connections and sessions
//   drop NAME                                     the server itself
#include "work.h"

#include <csignal>
#include <iostream>
#include <map>
#include <sstream>

namespace bench::load {

namespace {

std::string to_json(const Slice& slice, const Target& target) {
  std::ostringstream json;
  json << "{\"operations\":" << slice.operations << ",\"bytes\":" << slice.bytes
       << ",\"resumed\":" << slice.resumed << ",\"wall_ns\":" << slice.wall_ns
       << ",\"server_ns\":" << slice.server_ns << ",\"client_ns\":" << slice.client_ns
       << ",\"agreed\":\"" << target.agreed << "\"}";
  return json.str();
}

class Client {
 public:
  std::string obey(const std::string& line) {
    std::istringstream words(line);
    std::string order, name;
    words >> order >> name;
    if (order == "server") {
      std::uint16_t port = 0;
      pid_t process = 0;
      std::string directory, kind;
      words >> port >> process >> directory >> kind;
      targets_.insert_or_assign(
          name, std::make_unique<Target>(poller_, port, process, directory, kind == "tls"));
      return "{}";
    }
    if (order == "drop") {
      targets_.erase(name);
      return "{}";
    }
    Target& target = *targets_.at(name);
    if (order == "open") {
      std::size_t count = 0;
      std::string work;
      words >> count >> work;
      return to_json(open(target, count, work == "echo" ? Work::echo : Work::idle), target);
    }
    if (order == "close") {
      target.connections.clear();
      target.forget_sessions();
      return "{}";
    }
    std::uint64_t first = 0, second = 0, third = 0;
    words >> first >> second >> third;
    constexpr std::uint64_t ms = 1000000;
    if (order == "echo") return to_json(echo(target, first, second, third * ms), target);
    if (order == "upload")
      return to_json(transfer(target, Work::upload, first, second, third * ms), target);
    if (order == "download")
      return to_json(transfer(target, Work::download, first, second, third * ms), target);
    if (order == "stream")
      return to_json(transfer(target, Work::stream, first, second, third * ms), target);
    if (order == "batches")
      return to_json(transfer(target, Work::batches, first, second, third * ms), target);
    if (order == "full" || order == "resumed")
      return to_json(shake_hands(target, order == "resumed", first, second * ms, third), target);
    fail("not an order: " + line);
  }

 private:
  Poller poller_;
  std::map<std::string, std::unique_ptr<Target>> targets_;
};

}  // namespace

}  // namespace bench::load

int main() {
  std::signal(SIGPIPE, SIG_IGN);
  bench::load::Client client;
  for (std::string line; std::getline(std::cin, line);) {
    std::string answer;
    try {
      answer = client.obey(line);
    } catch (const std::exception& failure) {
      answer = "{\"error\":\"" + std::string(failure.what()) + "\"}";
    }
    std::cout << answer << std::endl;
  }
}
