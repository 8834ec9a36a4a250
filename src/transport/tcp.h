// TCP: connections, attempts to connect, and listening sockets.
#pragma once

#include "transport/endpoint.h"
#include "transport/transport.h"

#include <functional>
#include <memory>

namespace sally::transport {

// Takes over a connected, non-blocking descriptor. TCP_NODELAY is set: records are packed above, so
// Nagle only delays. `peer` as accept or connect told it: a connection that the peer has reset
// since knows it no more.
std::unique_ptr<Transport> make_tcp_transport(EventLoop& loop, int descriptor,
                                              const Endpoint& peer);

// One attempt to connect, to one endpoint. Loop's thread only, all of it; destroying it gives the
// attempt up.
class ConnectAttempt {
 public:
  // Exactly one of the two is set. Never called inside the constructor.
  using Done = std::function<void(std::unique_ptr<Transport> transport, ErrorRef error)>;
  ConnectAttempt(EventLoop& loop, const Endpoint& endpoint, Done done);
  ~ConnectAttempt();
  ConnectAttempt(const ConnectAttempt&) = delete;
  ConnectAttempt& operator=(const ConnectAttempt&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// A listening socket.
class Acceptor {
 public:
  // How several of them share one endpoint (SO_REUSEPORT), each taking a part of the connections.
  enum class Sharing {
    none,
    first,  // others may join; fails where the endpoint is in use, even by one that shares
    joins
  };
  // Binds and listens; SO_REUSEADDR set, IPV6_V6ONLY clear. backlog 0: SOMAXCONN. Throws Failure.
  Acceptor(EventLoop& loop, const Endpoint& endpoint, int backlog, Sharing sharing = Sharing::none);
  ~Acceptor();  // closes
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  const Endpoint& endpoint() const noexcept;  // the real one, port 0 filled in

  // Loop's thread only. `state` moved: `transport` is a connection. failed: see `error_number`
  // (EMFILE and its like among them).
  struct Accepted {
    TransferState state = TransferState::would_block;
    std::unique_ptr<Transport> transport;
    int error_number = 0;
    std::string source{};  // as by source_of
  };
  Accepted try_accept() noexcept;
  // Loop's thread only. One at a time; told ready or woken, never inside this call.
  void wait_async(WaitHandler& handler) noexcept;
  // Any thread: new connections are refused from now on, and the address is free for others.
  void stop_listening() noexcept;
  // Loop's thread only. A pending wait ends as woken, told later.
  void close() noexcept;
  // In a forked child: closes the child's copy of the descriptor and nothing else.
  void close_in_child() noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sally::transport
