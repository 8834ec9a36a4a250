// A handshake of a client that a listener accepted, on the loop, under its deadline.
#pragma once

#include "socket/loop_task.h"
#include "socket/questions.h"
#include "status/error.h"
#include "tls/session.h"
#include "transport/event_loop.h"

#include <functional>
#include <memory>

namespace sally::socket {

// Loop's thread only.
class ServerHandshake final : public LoopTask {
 public:
  // Both are set after success. After a failure `error` says why, and the two may be set still, for
  // a last word to the peer.
  struct Result {
    std::unique_ptr<transport::Transport> transport{};
    std::unique_ptr<tls::Session> session{};
    ErrorRef error{};
    std::int64_t took_us = 0;  // from the accept on
    std::int32_t round_trips = 0;
  };
  using Done = std::function<void(ServerHandshake& self, Result result)>;

  ServerHandshake(std::unique_ptr<transport::Transport> transport, Ref<tls::Config> config,
                  Done done);
  ~ServerHandshake() override { forget_questions(); }

  // Who answers what the session may ask; `runtime` is the loop's. Before it is started.
  void set_decider(Decider decider, Ref<transport::Runtime> runtime);
  void start(transport::Deadline deadline);
  // Closes the connection; `done` is not called.
  void abandon() noexcept;

 private:
  void step() noexcept override;
  tls::Progress advance();
  void ask();
  void forget_questions() noexcept;
  void expired() noexcept;
  // `last_word`: the session may have something to tell the peer still.
  void finish(ErrorRef error, bool last_word = true) noexcept;

  std::unique_ptr<transport::Transport> transport_;
  std::unique_ptr<tls::Session> session_;  // after the transport: it must go first
  Ref<tls::Config> config_;
  Done done_;
  Decider decider_;
  Ref<transport::Runtime> runtime_;
  std::unique_ptr<Questions> questions_;  // of a session that may ask
  Ref<Nudge> nudge_;                      // likewise
  transport::Timer timer_;
  const transport::Deadline began_ = transport::Clock::now();
};

}  // namespace sally::socket
