// What the tests of the transport layer share: waiting for events, connected pairs, and a look at
// the process's descriptors.
#pragma once

#include "lib/fork.h"
#include "transport/event_loop.h"
#include "transport/tcp.h"
#include "transport/transport.h"
#include "transport/waker.h"

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace sally::transport::test {

// Longer than anything here can take; only a failing test waits for it.
inline constexpr std::chrono::seconds patience{20};

inline Deadline soon() {
  return Clock::now() + patience;
}

// A value that another thread sets once.
template <class T>
class Awaited {
 public:
  void set(T value) { promise_.set_value(std::move(value)); }
  T get() {
    if (future_.wait_for(patience) != std::future_status::ready) {
      ADD_FAILURE() << "nothing came";
      throw std::runtime_error("nothing came");
    }
    return future_.get();
  }

 private:
  std::promise<T> promise_;
  std::future<T> future_{promise_.get_future()};
};

// Runs `task` on the loop's thread and waits for it.
inline void run_on(EventLoop& loop, const std::function<void()>& task) {
  Awaited<bool> done;
  loop.post([&] {
    task();
    done.set(true);
  });
  done.get();
}

// Lets the loop do everything that was posted, and what that posted in turn.
inline void settle(EventLoop& loop) {
  for (int turn = 0; turn < 5; ++turn) run_on(loop, [] {});
}

class Told final : public WaitHandler {
 public:
  explicit Told(EventLoop& loop) : loop_(loop) {}

  void on_wait_over(WaitResult result) noexcept override {
    EXPECT_TRUE(loop_.on_this_thread());
    const std::lock_guard lock(mutex_);
    results_.push_back(result);
    changed_.notify_all();
  }
  WaitResult get() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, patience, [this] { return !results_.empty(); }));
    return results_.empty() ? WaitResult::timed_out : results_.front();
  }
  std::size_t times() {
    const std::lock_guard lock(mutex_);
    return results_.size();
  }

 private:
  EventLoop& loop_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<WaitResult> results_;
};

inline Endpoint loopback() {
  return resolve("127.0.0.1", "0", true).endpoints.at(0);
}

struct Connected {
  std::unique_ptr<Transport> transport;
  ErrorRef error;
};

inline Connected connect(EventLoop& loop, const Endpoint& endpoint) {
  Awaited<bool> done;
  Connected result;
  std::unique_ptr<ConnectAttempt> attempt;
  bool constructed = false;
  run_on(loop, [&] {
    attempt = std::make_unique<ConnectAttempt>(loop, endpoint, [&](auto transport, auto error) {
      EXPECT_TRUE(constructed) << "called inside the constructor";
      EXPECT_NE(transport == nullptr, !error);
      result = {std::move(transport), std::move(error)};
      done.set(true);
    });
    constructed = true;
  });
  done.get();
  run_on(loop, [&] { attempt.reset(); });
  return result;
}

inline std::unique_ptr<Transport> accept(EventLoop& loop, Acceptor& acceptor) {
  std::unique_ptr<Transport> transport;
  while (transport == nullptr) {
    Told ready(loop);
    run_on(loop, [&] { acceptor.wait_async(ready); });
    EXPECT_EQ(ready.get(), WaitResult::ready);
    run_on(loop, [&] { transport = acceptor.try_accept().transport; });
  }
  return transport;
}

struct TcpPair {
  std::unique_ptr<Transport> client;
  std::unique_ptr<Transport> server;
};

inline TcpPair tcp_pair(EventLoop& loop) {
  Acceptor acceptor(loop, loopback(), 0);
  TcpPair pair;
  pair.client = connect(loop, acceptor.endpoint()).transport;
  pair.server = accept(loop, acceptor);
  run_on(loop, [&] { acceptor.close(); });
  return pair;
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

inline Transfer send(Channel& channel, std::string_view text) {
  const std::array buffers{bytes_of(text)};
  return channel.try_send(buffers);
}

// One attempt.
inline std::string receive(Channel& channel, std::size_t size = 64) {
  std::string text(size, '\0');
  const Transfer transfer = channel.try_receive(std::as_writable_bytes(std::span(text)));
  text.resize(transfer.size);
  return text;
}

inline Transfer receive_state(Channel& channel) {
  std::array<std::byte, 64> buffer;
  return channel.try_receive(buffer);
}

// Waits until `size` bytes came, or the stream ended or failed.
inline std::string receive_all(Transport& transport, std::size_t size) {
  std::string text;
  Waker waker;
  while (text.size() < size) {
    std::string part(size - text.size(), '\0');
    const Transfer transfer = transport.try_receive(std::as_writable_bytes(std::span(part)));
    if (transfer.state == TransferState::would_block) {
      if (transport.wait(Interest::read, soon(), waker) == WaitResult::timed_out) break;
      continue;
    }
    if (transfer.state != TransferState::moved) break;
    text.append(part, 0, transfer.size);
  }
  return text;
}

// The state that a receive comes to once there is one: moved, ended or failed.
inline Transfer awaited_receive(Transport& transport) {
  Waker waker;
  while (true) {
    const Transfer transfer = receive_state(transport);
    if (transfer.state != TransferState::would_block) return transfer;
    if (transport.wait(Interest::read, soon(), waker) == WaitResult::timed_out) return transfer;
  }
}

inline std::set<int> open_descriptors() {
  std::set<int> numbers;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    numbers.insert(std::stoi(entry.path().filename().string()));
  }
  // The one that listed them is closed again.
  std::erase_if(numbers, [](int number) { return ::fcntl(number, F_GETFD) < 0; });
  return numbers;
}

using sally::test::child_may_start_threads;
using sally::test::prepare_fork;

// Forks; the child answers with `task`'s return value, and is killed if it hangs.
inline int in_child_of_busy_threads(const std::function<int()>& task) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(static_cast<unsigned>(patience.count()));
    int answer = 99;
    try {
      answer = task();
    } catch (...) {
    }
    ::_exit(answer);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// For a task that may allocate.
inline int in_child(const std::function<int()>& task) {
  prepare_fork();
  return in_child_of_busy_threads(task);
}

}  // namespace sally::transport::test
