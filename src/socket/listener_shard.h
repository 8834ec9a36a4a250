// A listener's part on one event loop: takes connections in and lets them shake hands.
#pragma once

#include "socket/server_handshake.h"
#include "status/ref.h"
#include "transport/event_loop.h"
#include "transport/tcp.h"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace sally::socket {

class Listener;

class ListenerShard final : public RefCounted<ListenerShard>, private transport::WaitHandler {
 public:
  // Throws Failure. The listener outlives it: its connections and its waits hold references.
  ListenerShard(Listener& listener, transport::EventLoop& loop,
                std::unique_ptr<transport::Acceptor> acceptor);

  transport::EventLoop& loop() const noexcept { return loop_; }
  const transport::Endpoint& endpoint() const noexcept { return acceptor_->endpoint(); }

  // Any thread.
  void resume();  // there may be room again
  void stop();    // listens no more; handshakes go on
  void close();   // and ends them
  void close_in_child() noexcept;

 private:
  friend class RefCounted<ListenerShard>;
  ~ListenerShard() = default;

  // On the loop's thread.
  void accept_more() noexcept;
  void yield();
  bool begin(transport::Acceptor::Accepted& accepted);
  void handshake_done(ServerHandshake& handshake, ServerHandshake::Result result) noexcept;
  void on_wait_over(transport::WaitResult result) noexcept override;

  Listener& listener_;
  transport::EventLoop& loop_;
  const std::unique_ptr<transport::Acceptor> acceptor_;
  // The loop's alone.
  bool listens_ = true;
  std::unique_ptr<transport::Timer> pause_;
  std::map<ServerHandshake*, std::string> handshakes_;  // and their sources; owns a reference each
  bool waiting_ = false;
  bool yielding_ = false;
  // Accepted when there was room, which there was no more when it was to be admitted.
  std::optional<transport::Acceptor::Accepted> held_;
};

}  // namespace sally::socket
