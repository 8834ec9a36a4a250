// A client on epoll, for TLS libraries that are given a descriptor. What they differ in is a Channel:
//
//   Channel(Context&, int descriptor, bool resume);
//   Step shake_hands();
//   Step read(void*, size_t, size_t& size);         // end: the server closed
//   Step write(const void*, size_t, size_t& size);  // the same bytes again after want_...
//   bool has_more();  // a read may give bytes although the socket has none
//   Step close();     // both goodbyes
#pragma once

#include "crowd.h"
#include "step.h"

#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace bench {

template <class Channel, class Context>
class EpollPeer;

template <class Channel, class Context>
class EpollWorld {
 public:
  using Peer = EpollPeer<Channel, Context>;

  EpollWorld(Context& context_of_all, const Options& options)
      : context(context_of_all),
        packs(options.mode == "packed"),
        poller(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
    server.sin_family = AF_INET;
    server.sin_port = htons(options.port);
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  }

  void wait(Plan& plan) {
    while (!plan.over()) {
      epoll_event events[256];
      const int count = ::epoll_wait(poller, events, 256, -1);
      if (count < 0 && errno != EINTR) checked(count, "epoll_wait");
      for (int i = 0; i < count; ++i) static_cast<Peer*>(events[i].data.ptr)->ready();
    }
  }

  Context& context;
  const bool packs;  // several writes that are there together become one
  const int poller;
  sockaddr_in server{};
};

template <class Channel, class Context>
class EpollPeer {
 public:
  using World = EpollWorld<Channel, Context>;

  EpollPeer(World& world, bool strict) : world_(world), talk_(strict) {}
  EpollPeer(const EpollPeer&) = delete;
  EpollPeer& operator=(const EpollPeer&) = delete;
  ~EpollPeer() { disconnect(); }

  void start(Plan& plan) {
    plan_ = &plan;
    disconnect();
    descriptor_ =
        checked(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
    const int on = 1;
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const auto* address = reinterpret_cast<const sockaddr*>(&world_.server);
    if (::connect(descriptor_, address, sizeof world_.server) != 0 && errno != EINPROGRESS)
      checked(-1, "connect");
    channel_.emplace(world_.context, descriptor_, plan.resume);
    now_ = Now::connecting;
    interest_ = EPOLLOUT;
    epoll_event event{.events = interest_, .data = {.ptr = this}};
    checked(::epoll_ctl(world_.poller, EPOLL_CTL_ADD, descriptor_, &event), "epoll_ctl");
  }

  void go_on(Plan& plan) {
    plan_ = &plan;
    begin();
    ready();
  }

  // Does what can be done, and waits for what has to be waited for.
  void ready() {
    Step step;
    do step = advance();
    while (step == Step::done);
    if (step == Step::end) fail(now_ == Now::connecting ? "refused" : "the server has ended");
    const std::uint32_t interest = step == Step::want_write ? EPOLLOUT : EPOLLIN;
    if (interest == interest_) return;
    interest_ = interest;
    epoll_event event{.events = interest, .data = {.ptr = this}};
    checked(::epoll_ctl(world_.poller, EPOLL_CTL_MOD, descriptor_, &event), "epoll_ctl");
  }

 private:
  enum class Now { connecting, writing, reading, closing, idle };

  Step advance() {
    switch (now_) {
      case Now::connecting:
        return shake_hands();
      case Now::writing:
        return write();
      case Now::reading:
        return read();
      case Now::closing:
        return close();
      default:
        return idle();
    }
  }

  Step shake_hands() {
    const Step step = channel_->shake_hands();
    if (step != Step::done) return step;
    if (plan_->kind == Plan::Kind::handshakes)
      now_ = Now::closing;
    else
      begin();
    return Step::done;
  }

  void begin() {
    talk_.begin(plan_->job);
    if (plan_->job.needs_buffer() && buffer_ == nullptr)
      buffer_ = std::make_unique<unsigned char[]>(Command::buffer_size);
    now_ = Now::writing;
    if (plan_->job.at_once && world_.packs) pack();
  }

  // Into the buffer that then takes what comes back.
  void pack() {
    std::size_t size = 0;
    for (Bytes piece; !(piece = talk_.next()).empty(); size += piece.size())
      std::memcpy(buffer_.get() + size, piece.data(), piece.size());
    piece_ = {buffer_.get(), size};
  }

  Step write() {
    for (;;) {
      if (piece_.empty()) piece_ = talk_.next();
      if (piece_.empty()) break;
      std::size_t size = 0;
      const Step step = channel_->write(piece_.data(), piece_.size(), size);
      if (step != Step::done) return step;
      piece_ = piece_.subspan(size);
    }
    now_ = Now::reading;
    // Nothing came since, most likely: epoll will say.
    return channel_->has_more() ? Step::done : Step::want_read;
  }

  Step read() {
    std::size_t size = 0;
    unsigned char* const to = buffer_ ? buffer_.get() : &answer_;
    const Step step = channel_->read(to, buffer_ ? Command::buffer_size : 1, size);
    if (step != Step::done) return step;
    if (!talk_.received(to, size)) return Step::done;
    now_ = Now::idle;
    plan_->done(*this);
    // Whatever this has begun with the connection is where it can be.
    return interest_ == EPOLLOUT ? Step::want_write : Step::want_read;
  }

  Step close() {
    const Step step = channel_->close();
    if (step != Step::done) return step;
    disconnect();
    now_ = Now::idle;
    plan_->done(*this);
    return interest_ == EPOLLOUT ? Step::want_write : Step::want_read;
  }

  // Sessions come, for example.
  Step idle() {
    std::size_t size = 0;
    const Step step = channel_->read(&answer_, 1, size);
    if (step == Step::done) fail("something came that nobody has asked for");
    return step;
  }

  void disconnect() {
    channel_.reset();
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }

  World& world_;
  Plan* plan_ = nullptr;
  Talk talk_;
  int descriptor_ = -1;
  std::optional<Channel> channel_;
  Now now_ = Now::idle;
  std::uint32_t interest_ = 0;
  Bytes piece_;
  unsigned char answer_ = 0;
  std::unique_ptr<unsigned char[]> buffer_;
};

template <class Channel, class Context>
int run_client(Context& context, const Options& options) {
  EpollWorld<Channel, Context> world(context, options);
  return Crowd<EpollPeer<Channel, Context>, EpollWorld<Channel, Context>>(world, options)
      .obey_all();
}

}  // namespace bench
