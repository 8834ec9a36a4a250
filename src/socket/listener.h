// Accepts connections, and hands out those whose handshake succeeded.
#pragma once

#include "socket/outcome.h"
#include "socket/patience.h"
#include "socket/server_handshake.h"
#include "socket/stream.h"
#include "status/ref.h"
#include "tls/context.h"
#include "transport/event_loop.h"
#include "transport/tcp.h"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace sally::socket {

struct ListenerLimits {
  std::int64_t handshake_timeout_ms;
  std::size_t pending_handshakes;
  std::size_t unaccepted;
  std::size_t refusals;
  int backlog;
};

struct Refusal {
  std::string peer;
  ErrorRef error;
};

// What users call locks a mutex and waits on a condition; handshakes live on the loop and touch
// what is shared only to deliver.
class Listener final : public RefCounted<Listener>, private transport::WaitHandler {
 public:
  // Resolves, binds and listens. Throws Failure.
  static Ref<Listener> bind(const std::string& host, const std::string& service,
                            Ref<tls::Context> context, const ListenerLimits& limits);

  const std::string& address() const noexcept { return address_; }
  std::uint16_t port() const noexcept { return port_; }
  Outcome accept(const Patience& patience, Ref<Stream>& stream);
  Outcome next_refusal(const Patience& patience, Refusal& refusal);
  std::uint64_t dropped_refusals() const noexcept;
  // Never waits. Must be called before the last reference goes.
  void close() noexcept;
  void close_in_child() noexcept;

 private:
  friend class RefCounted<Listener>;
  Listener(transport::EventLoop& loop, const transport::Endpoint& endpoint,
           Ref<tls::Context> context, const ListenerLimits& limits);
  ~Listener() = default;

  template <class Ready>
  Outcome wait_until(std::unique_lock<std::mutex>& lock, const Patience& patience, Ready&& ready);

  // On the loop's thread.
  void accept_more() noexcept;
  bool has_room() const noexcept;
  void begin_handshake(std::unique_ptr<transport::Transport> transport);
  void handshake_done(ServerHandshake& handshake, ServerHandshake::Result result) noexcept;
  void deliver(std::unique_ptr<transport::Transport> transport,
               std::unique_ptr<tls::Session> session);
  void refuse(ServerHandshake::Result result);
  void on_wait_over(transport::WaitResult result) noexcept override;
  void close_on_loop() noexcept;

  transport::EventLoop& loop_;
  const Ref<tls::Context> context_;
  const ListenerLimits limits_;
  std::string address_;
  std::uint16_t port_ = 0;

  // The loop's alone; gone when close_on_loop has run.
  std::unique_ptr<transport::Acceptor> acceptor_;
  std::unique_ptr<transport::Timer> pause_;
  std::set<ServerHandshake*> handshakes_;  // each holds a reference that this owns
  std::size_t lingering_ = 0;
  bool waiting_ = false;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Ref<Stream>> established_;
  std::deque<Refusal> refusals_;
  std::uint64_t dropped_refusals_ = 0;
  bool closed_ = false;
};

}  // namespace sally::socket
