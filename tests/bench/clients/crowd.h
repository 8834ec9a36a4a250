// The connections of a client, and the orders that the driver gives it by line; each is answered by a
// line of JSON:
//
//   open COUNT echo|idle
//   echo SIZE BATCH MS           on all that are open; so are
//   upload|download SIZE COUNT MS
//   full|resumed PENDING MS LIMIT
//   close
//
// What differs from client to client is the Peer, one connection, and the World of all of them:
//
//   Peer(World&, bool strict);
//   void start(Plan&);     // connects, and goes on; plan.done(*this) when that is over
//   void go_on(Plan&);     // on a connection
//   void World::wait(Plan&);  // until it is over
#pragma once

#include "plan.h"

#include <iostream>
#include <list>
#include <sstream>
#include <vector>

namespace bench {

template <class Peer, class World>
class Crowd {
 public:
  Crowd(World& world, const Options& options) : world_(world), strict_(options.strict) {}

  int obey_all() {
    for (std::string line; std::getline(std::cin, line);)
      std::cout << "{\"operations\":" << obey(line) << "}" << std::endl;
    ::_exit(0);  // whatever is open
  }

 private:
  using Kind = Plan::Kind;

  static constexpr std::size_t opened_at_once = 64;

  std::uint64_t obey(const std::string& line) {
    std::istringstream words(line);
    std::string order;
    std::uint64_t first = 0, second = 0, third = 0;
    words >> order >> first;
    if (order == "open") {
      std::string work;
      words >> work;
      return open(first, work == "echo" ? Work::echo : Work::idle);
    }
    words >> second >> third;
    if (order == "echo") return talk(Job::echo(first, second), third);
    if (order == "upload") return talk(Job::upload(first, second), third);
    if (order == "download") return talk(Job::download(first, second), third);
    if (order == "full" || order == "resumed")
      return shake_hands(order == "resumed", first, second, third);
    if (order != "close") fail("not an order: " + line);
    peers_.clear();
    return 0;
  }

  std::uint64_t open(std::size_t count, Work work) {
    const std::size_t before = peers_.size();
    for (std::size_t i = 0; i < count; ++i)
      peers_.push_back(std::make_unique<Peer>(world_, strict_));
    Plan& plan = plans_.emplace_back(Kind::opening, Job::open(work), false, 0, count);
    plan.open = [&](std::size_t number) { peers_[before + number]->start(plan); };
    const std::size_t now = std::min(count, opened_at_once);
    plan.enter(now);
    for (std::size_t i = 0; i < now; ++i) {
      // The first of them may be done by now, and have begun the last.
      if (const auto number = plan.another())
        plan.open(*number);
      else
        plan.leave();
    }
    return finish(plan);
  }

  std::uint64_t talk(const Job& job, std::uint64_t duration_ms) {
    Plan& plan = plans_.emplace_back(Kind::talking, job, false, duration_ms, 0);
    plan.enter(peers_.size());
    for (const auto& peer : peers_) peer->go_on(plan);
    return finish(plan);
  }

  std::uint64_t shake_hands(bool resume, std::size_t pending, std::uint64_t duration_ms,
                            std::uint64_t limit) {
    std::vector<std::unique_ptr<Peer>> peers;
    Plan& plan = plans_.emplace_back(Kind::handshakes, Job{}, resume, duration_ms, limit);
    plan.enter(pending);
    for (std::size_t i = 0; i < pending; ++i) {
      peers.push_back(std::make_unique<Peer>(world_, strict_));
      if (plan.another())
        peers.back()->start(plan);
      else
        plan.leave();
    }
    return finish(plan);
  }

  std::uint64_t finish(Plan& plan) {
    world_.wait(plan);
    return plan.operations();
  }

  World& world_;
  const bool strict_;
  std::vector<std::unique_ptr<Peer>> peers_;
  std::list<Plan> plans_;  // whoever ended one may just be leaving it
};

}  // namespace bench
