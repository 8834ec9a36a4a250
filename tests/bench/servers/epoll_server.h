// A server on epoll, for TLS libraries that are given a descriptor: one loop a thread, each with a
// socket that listens on the same port. What the libraries differ in is a Channel:
//
//   Channel(Context&, int descriptor);
//   Step shake_hands();
//   Step read(void*, size_t, size_t& size);         // end: the peer closed
//   Step write(const void*, size_t, size_t& size);  // the same bytes again after want_...
//   bool has_more();  // a read may give bytes although the socket has none
//   void say_goodbye();
#pragma once

#include "pattern.h"
#include "program.h"
#include "step.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace bench {

struct Habits {
  bool gathers = false;  // reads all that came before it echoes
  // What is downloaded follows the Pattern, and what is uploaded must, so that either side knows
  // whether all is well.
  bool strict = false;
};

inline int listen_on(std::uint16_t& port) {
  const int listener =
      checked(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  const int on = 1;
  checked(::setsockopt(listener, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), "SO_REUSEPORT");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  checked(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), "bind");
  checked(::listen(listener, 4096), "listen");
  socklen_t size = sizeof address;
  checked(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  port = ntohs(address.sin_port);
  return listener;
}

template <class Channel, class Context>
class Connection {
 public:
  Connection(Context& context, int descriptor, Habits habits)
      : descriptor_(descriptor), habits_(habits), channel_(context, descriptor) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { ::close(descriptor_); }

  int descriptor() const { return descriptor_; }

  // Does what can be done, and says what has to be waited for.
  Step advance() {
    for (;;) {
      const Step step = advance_once();
      if (step == Step::end) channel_.say_goodbye();
      if (step != Step::done) return step;
    }
  }

  std::uint32_t interest = EPOLLIN;

 private:
  Step advance_once() {
    if (shaking_hands_) {
      const Step step = channel_.shake_hands();
      shaking_hands_ = step != Step::done;
      return step;
    }
    if (written_ < to_write_) return write_on();
    switch (command_.work) {
      case Work::echo:
        return echo();
      case Work::upload:
        return upload();
      case Work::download:
      case Work::stream:
      case Work::batches:
        return send();
      default:
        return read_command();
    }
  }

  Step read_command() {
    std::size_t size = 0;
    const Step step =
        channel_.read(header_ + header_size_, Command::size_on_wire - header_size_, size);
    if (step != Step::done) return step;
    header_size_ += size;
    if (header_size_ < Command::size_on_wire) return Step::done;
    header_size_ = 0;
    command_ = Command::parse(header_);
    left_ = command_.count;
    if (command_.work == Work::idle) {
      command_ = {};
      return answer();
    }
    if (buffer_ == nullptr) buffer_ = std::make_unique<unsigned char[]>(Command::buffer_size);
    if (habits_.strict && command_.work != Work::upload)
      std::memcpy(buffer_.get(), Pattern::bytes(), Command::buffer_size);
    return Step::done;
  }

  Step echo() {
    std::size_t size = 0;
    Step step = channel_.read(buffer_.get(), Command::buffer_size, size);
    if (step != Step::done) return step;
    std::size_t filled = size;
    while (habits_.gathers && channel_.has_more() && filled < Command::buffer_size) {
      step = channel_.read(buffer_.get() + filled, Command::buffer_size - filled, size);
      if (step != Step::done) break;
      filled += size;
    }
    start_write(buffer_.get(), filled);
    step = write_on();
    // Nothing came since, most likely: epoll will say.
    if (step == Step::done && !channel_.has_more()) return Step::want_read;
    return step;
  }

  Step upload() {
    std::size_t size = 0;
    const Step step = channel_.read(buffer_.get(), Command::buffer_size, size);
    if (step != Step::done) return step;
    if (habits_.strict &&
        (size > left_ || !Pattern::fits(command_.count - left_, buffer_.get(), size)))
      return Step::end;
    left_ -= std::min<std::uint64_t>(left_, size);
    if (left_ > 0) return Step::done;
    command_ = {};
    return answer();
  }

  Step send() {
    if (left_ == 0) {
      command_ = {};
      return Step::done;
    }
    std::size_t size = command_.size;
    if (command_.work == Work::download) size = std::min<std::uint64_t>(size, left_);
    left_ -= command_.work == Work::download ? size : 1;
    start_write(buffer_.get(), size);
    return write_on();
  }

  Step answer() {
    static const unsigned char yes = 'y';
    start_write(&yes, 1);
    return write_on();
  }

  void start_write(const unsigned char* data, std::size_t size) {
    writing_ = data;
    written_ = 0;
    to_write_ = size;
  }
  Step write_on() {
    while (written_ < to_write_) {
      std::size_t size = 0;
      const Step step = channel_.write(writing_ + written_, to_write_ - written_, size);
      if (step != Step::done) return step;
      written_ += size;
    }
    return Step::done;
  }

  const int descriptor_;
  const Habits habits_;
  bool shaking_hands_ = true;
  Channel channel_;
  Command command_;
  std::uint64_t left_ = 0;
  const unsigned char* writing_ = nullptr;
  std::size_t written_ = 0, to_write_ = 0;
  std::size_t header_size_ = 0;
  unsigned char header_[Command::size_on_wire];
  std::unique_ptr<unsigned char[]> buffer_;
};

template <class Channel, class Context>
void serve(Context& context, int listener, Habits habits) {
  const int poller = checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  checked(::epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event), "epoll_ctl");
  using Peer = Connection<Channel, Context>;
  const auto advance = [&](Peer* peer) {
    const Step step = peer->advance();
    if (step == Step::end) {
      delete peer;
      return;
    }
    const std::uint32_t interest = step == Step::want_write ? EPOLLOUT : EPOLLIN;
    if (interest == peer->interest) return;
    peer->interest = interest;
    epoll_event changed{.events = interest, .data = {.ptr = peer}};
    checked(::epoll_ctl(poller, EPOLL_CTL_MOD, peer->descriptor(), &changed), "epoll_ctl");
  };
  for (;;) {
    epoll_event events[256];
    const int count = ::epoll_wait(poller, events, 256, -1);
    if (count < 0 && errno != EINTR) checked(count, "epoll_wait");
    for (int i = 0; i < count; ++i) {
      if (events[i].data.ptr != nullptr) {
        advance(static_cast<Peer*>(events[i].data.ptr));
        continue;
      }
      for (;;) {
        const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted < 0) break;
        const int on = 1;
        ::setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        auto* peer = new Peer(context, accepted, habits);
        epoll_event added{.events = peer->interest, .data = {.ptr = peer}};
        checked(::epoll_ctl(poller, EPOLL_CTL_ADD, accepted, &added), "epoll_ctl");
      }
    }
  }
}

// Never returns.
template <class Channel, class Context>
void serve_all(Context& context, const Options& options, Habits habits = {}) {
  std::uint16_t port = 0;
  std::vector<int> listeners;
  for (unsigned i = 0; i < options.loops; ++i) listeners.push_back(listen_on(port));
  announce(port);
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < options.loops; ++i)
    threads.emplace_back([&, i] { serve<Channel>(context, listeners[i], habits); });
  serve<Channel>(context, listeners[0], habits);
}

}  // namespace bench
