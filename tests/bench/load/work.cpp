#include "work.h"

#include <algorithm>
#include <unordered_set>

namespace bench::load {

namespace {

constexpr std::size_t opened_at_once = 64;

std::uint64_t own_cpu_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1000000000u +
         static_cast<std::uint64_t>(time.tv_nsec);
}

// Measures from its making to over().
class Stopwatch {
 public:
  explicit Stopwatch(const Target& target)
      : target_(target), server_(target.server_cpu_ns()), client_(own_cpu_ns()), wall_(now_ns()) {}

  std::uint64_t began() const { return wall_; }
  void over(Slice& slice) const {
    slice.wall_ns = now_ns() - wall_;
    slice.client_ns = own_cpu_ns() - client_;
    slice.server_ns = target_.server_cpu_ns() - server_;
  }

 private:
  const Target& target_;
  const std::uint64_t server_, client_, wall_;
};

void send_command(Connection& connection, const Command& command) {
  unsigned char wire[Command::size_on_wire];
  command.write(wire);
  connection.write(wire, sizeof wire);
}

class Opening final : public Connection::Listener {
 public:
  explicit Opening(Work work) : work_(work) {}

  void connected(Connection& connection) override {
    send_command(connection, {.work = work_, .size = 0, .count = 0});
    // An echo is answered by nothing but echoes.
    if (work_ == Work::echo) connection.write("?", 1);
    connection.flush();
  }
  void received(Connection& connection, const unsigned char*, std::size_t size) override {
    if (size != 1) fail("more than one byte was answered");
    connection.listener = &done_;
    ++opened;
  }

  std::size_t opened = 0;

 private:
  const Work work_;
  Connection::Listener done_;
};

// Whoever has begun something ends it, and begins no more when the time is over.
class Repeating : public Connection::Listener {
 public:
  Repeating(Target& target, std::uint64_t duration_ns)
      : target_(target), duration_ns_(duration_ns) {}

  Slice run() {
    const Stopwatch stopwatch(target_);
    end_ = stopwatch.began() + duration_ns_;
    for (const auto& connection : target_.connections) {
      connection->listener = this;
      ++active_;
      begin(*connection);
    }
    while (active_ > 0) target_.poller.run_once();
    stopwatch.over(slice_);
    return slice_;
  }

 protected:
  virtual void begin(Connection& connection) = 0;
  void done(Connection& connection) {
    if (now_ns() < end_)
      begin(connection);
    else
      --active_;
  }

  Slice slice_;

 private:
  Target& target_;
  const std::uint64_t duration_ns_;
  std::uint64_t end_ = 0;
  std::size_t active_ = 0;
};

class Echo final : public Repeating {
 public:
  Echo(Target& target, std::size_t size, std::size_t batch, std::uint64_t duration_ns)
      : Repeating(target, duration_ns), message_(size, '\0'), batch_(batch) {
    // Another pattern in each slice.
    static unsigned char slices = 0;
    ++slices;
    for (std::size_t i = 0; i < size; ++i) message_[i] = static_cast<char>(slices + i % 61);
  }

  void received(Connection& connection, const unsigned char* data, std::size_t size) override {
    if (size > connection.expected) fail("more came back than was sent");
    const std::size_t position = (message_.size() * batch_ - connection.expected) % message_.size();
    const std::size_t last = (position + size - 1) % message_.size();
    if (data[0] != static_cast<unsigned char>(message_[position]) ||
        data[size - 1] != static_cast<unsigned char>(message_[last]))
      fail("something else came back than was sent");
    connection.expected -= size;
    if (connection.expected > 0) return;
    slice_.operations += batch_;
    slice_.bytes += batch_ * message_.size();
    done(connection);
  }

 private:
  void begin(Connection& connection) override {
    connection.expected = message_.size() * batch_;
    for (std::size_t i = 0; i < batch_; ++i) connection.write(message_.data(), message_.size());
    connection.flush();
  }

  std::string message_;
  const std::size_t batch_;
};

class Transfer final : public Repeating {
 public:
  Transfer(Target& target, const Command& command, std::uint64_t duration_ns)
      : Repeating(target, duration_ns), command_(command), block_(16384, 'u') {}

  void received(Connection& connection, const unsigned char*, std::size_t size) override {
    if (size > connection.expected) fail("more came than was asked for");
    connection.expected -= size;
    if (connection.expected > 0) return;
    slice_.operations += command_.count;
    slice_.bytes += command_.count * (of_messages() ? command_.size : 1);
    done(connection);
  }

 private:
  void begin(Connection& connection) override {
    send_command(connection, command_);
    connection.expected = 1;
    if (command_.work == Work::download) connection.expected = command_.count;
    if (of_messages()) connection.expected = command_.count * command_.size;
    if (command_.work == Work::upload) {
      for (std::uint64_t left = command_.count; left > 0;) {
        const std::size_t size = std::min<std::uint64_t>(left, block_.size());
        connection.write(block_.data(), size);
        left -= size;
      }
    }
    connection.flush();
  }

  bool of_messages() const {
    return command_.work == Work::stream || command_.work == Work::batches;
  }

  const Command command_;
  const std::string block_;
};

class Handshakes final : public Connection::Listener {
 public:
  Handshakes(Target& target, bool resume) : target_(target), resume_(resume) {}

  Slice run(std::size_t pending, std::uint64_t duration_ns, std::uint64_t limit) {
    if (resume_) prime(pending);
    slice_ = {};
    const Stopwatch stopwatch(target_);
    end_ = stopwatch.began() + duration_ns;
    limit_ = limit;
    started_ = 0;
    for (std::size_t i = 0; i < pending; ++i) start();
    drain();
    stopwatch.over(slice_);
    return slice_;
  }

  void connected(Connection& connection) override {
    if (connection.resumed()) ++slice_.resumed;
    connection.say_goodbye();
  }
  void ended(Connection& connection) override {
    if (!connection.established()) fail("the server refused the handshake");
    ++slice_.operations;
    const auto found = std::find_if(live_.begin(), live_.end(),
                                    [&](const auto& live) { return live.get() == &connection; });
    ended_.splice(ended_.end(), live_, found);
    if (now_ns() < end_) start();
  }

 private:
  // A session for each that will be pending.
  void prime(std::size_t pending) {
    end_ = 0;
    for (std::size_t i = target_.sessions(); i < pending; ++i) {
      live_.push_back(std::make_unique<Connection>(target_, *this));
      if (live_.size() == 16) drain();
    }
    drain();
  }

  void start() {
    if (limit_ != 0 && started_ == limit_) return;
    ++started_;
    live_.push_back(
        std::make_unique<Connection>(target_, *this, resume_ ? target_.take_session() : nullptr));
  }

  void drain() {
    while (!live_.empty()) {
      target_.poller.run_once();
      ended_.clear();
    }
  }

  Target& target_;
  const bool resume_;
  Slice slice_;
  std::uint64_t end_ = 0;
  std::uint64_t limit_ = 0;
  std::uint64_t started_ = 0;
  std::list<std::unique_ptr<Connection>> live_, ended_;
};

}  // namespace

Slice open(Target& target, std::size_t count, Work work) {
  const Stopwatch stopwatch(target);
  static std::list<Opening>
      openings;  // connections that have no other work go on referring to theirs
  Opening& opening = openings.emplace_back(work);
  for (std::size_t begun = 0; opening.opened < count;) {
    for (; begun < count && begun - opening.opened < opened_at_once; ++begun)
      target.connections.push_back(std::make_unique<Connection>(target, opening));
    target.poller.run_once();
  }
  Slice slice{.operations = count};
  stopwatch.over(slice);
  return slice;
}

Slice echo(Target& target, std::size_t size, std::size_t batch, std::uint64_t duration_ns) {
  return Echo(target, size, batch, duration_ns).run();
}

Slice transfer(Target& target, Work work, std::size_t size, std::uint64_t count,
               std::uint64_t duration_ns) {
  return Transfer(target, {.work = work, .size = static_cast<std::uint32_t>(size), .count = count},
                  duration_ns)
      .run();
}

Slice shake_hands(Target& target, bool resumed, std::size_t pending, std::uint64_t duration_ns,
                  std::uint64_t limit) {
  return Handshakes(target, resumed).run(pending, duration_ns, limit);
}

}  // namespace bench::load
