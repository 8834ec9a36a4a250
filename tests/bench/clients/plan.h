// What all clients in C++ share: what an order asks for, and how far each connection has come with it.
#pragma once

#include "pattern.h"
#include "program.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <semaphore>
#include <span>
#include <time.h>
#include <unistd.h>

namespace bench {

using Bytes = std::span<const unsigned char>;

// The driver reads why, and goes on without this client. Any thread.
[[noreturn]] inline void fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  ::_exit(1);
}

// What is said on a connection in one go: a command maybe, writes that follow the Pattern, and what
// comes back. Those of an echo follow it from one go to the next.
struct Job {
  std::optional<Command> command{};
  std::size_t size = 0;  // of a write
  std::size_t writes = 0;
  bool at_once = false;  // they are there together: one call, where the library has one for several
  std::uint64_t expected = 1;
  bool patterned = false;  // so is what comes back
  bool goes_on = false;    // where the connection's last echo was
  std::uint64_t operations = 1;

  static Job open(Work work) {
    Job job{.command = Command{.work = work}};
    // An echo is answered by nothing but echoes.
    if (work == Work::echo) {
      job.size = job.writes = 1;
      job.patterned = true;
    }
    return job;
  }
  static Job echo(std::size_t size, std::size_t batch) {
    return {.size = size,
            .writes = batch,
            .at_once = batch > 1,
            .expected = size * batch,
            .patterned = true,
            .goes_on = true,
            .operations = batch};
  }
  static Job upload(std::size_t size, std::uint64_t count) {
    return {.command = Command{.work = Work::upload, .count = count},
            .size = size,
            .writes = static_cast<std::size_t>(count / size),
            .operations = count};
  }
  static Job download(std::size_t size, std::uint64_t count) {
    return {.command = Command{.work = Work::download,
                               .size = static_cast<std::uint32_t>(size),
                               .count = count},
            .expected = count,
            .patterned = true,
            .operations = count};
  }
  // An idle connection has no buffer.
  bool needs_buffer() const { return expected > 1; }
};

// One connection's part of a job. What next() gives stays where it is until the job is over.
class Talk {
 public:
  explicit Talk(bool strict) : strict_(strict) {}

  void begin(const Job& job) {
    job_ = &job;
    if (!job.goes_on) sent_ = received_ = 0;
    left_ = job.writes;
    to_come_ = job.expected;
    said_command_ = !job.command;
  }
  // The next write; empty: that was all.
  Bytes next() {
    if (!said_command_) {
      said_command_ = true;
      job_->command->write(header_.data());
      return header_;
    }
    if (left_ == 0) return {};
    --left_;
    const Bytes piece(Pattern::bytes() + sent_ % Command::buffer_size, job_->size);
    sent_ += piece.size();
    return piece;
  }
  // Whether that was all.
  bool received(const unsigned char* data, std::size_t size) {
    if (size == 0 || size > to_come_) fail("more came than was asked for, or nothing");
    if (job_->patterned ? !Pattern::fits(received_, data, size, strict_) : data[0] != 'y')
      fail("something else came than was sent");
    received_ += size;
    to_come_ -= size;
    return to_come_ == 0;
  }

 private:
  const bool strict_;
  const Job* job_ = nullptr;
  std::uint64_t sent_ = 0, received_ = 0;  // positions in the Pattern
  std::uint64_t to_come_ = 0;
  std::size_t left_ = 0;
  bool said_command_ = true;
  std::array<unsigned char, Command::size_on_wire> header_;
};

// An order: whoever is done with something begins another, until the time is over or enough was begun.
// Several threads may use it.
class Plan {
 public:
  enum class Kind { opening, talking, handshakes };

  Plan(Kind kind_of, Job job_of_all, bool resuming, std::uint64_t duration_ms, std::uint64_t limit)
      : kind(kind_of), job(job_of_all), resume(resuming), limit_(limit) {
    if (duration_ms != 0) end_ = now_ns() + duration_ms * 1000000u;
  }

  const Kind kind;
  const Job job;
  const bool resume;
  std::function<void(std::size_t)> open;  // the connection of that number

  // As many as begin at the same time, before they do.
  void enter(std::size_t count) { active_ = count; }
  // The number of what begins now.
  std::optional<std::size_t> another() {
    const std::size_t number = begun_++;
    // The first begins however late it is: an order has a result.
    if (number > 0 && end_ != 0 && now_ns() >= end_) return std::nullopt;
    if (limit_ != 0 && number >= limit_) return std::nullopt;
    return number;
  }
  void leave() {
    if (--active_ == 0) over_.release();
  }
  // Peer has done what it had begun.
  template <class Peer>
  void done(Peer& peer) {
    operations_ += job.operations;
    const auto number = another();
    if (!number) return leave();
    if (kind == Kind::opening)
      open(*number);
    else if (kind == Kind::talking)
      peer.go_on(*this);
    else
      peer.start(*this);
  }

  bool over() const { return active_ == 0; }
  void wait() {
    if (!over()) over_.acquire();
  }
  std::uint64_t operations() const { return operations_; }

 private:
  static std::uint64_t now_ns() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::uint64_t>(time.tv_sec) * 1000000000u +
           static_cast<std::uint64_t>(time.tv_nsec);
  }

  const std::uint64_t limit_;
  std::uint64_t end_ = 0;
  std::atomic<std::uint64_t> begun_ = 0, operations_ = 0;
  std::atomic<std::size_t> active_ = 0;
  std::binary_semaphore over_{0};
};

}  // namespace bench
