#include "socket/linger.h"

#include "socket/loop_task.h"
#include "transport/event_loop.h"

#include <array>

namespace sally::socket {

namespace {

using transport::Interest;
using transport::TransferState;

constexpr std::int64_t linger_ms = 2000;
// A peer that goes on sending is not listened to for ever.
constexpr int most_receives = 64;

class Linger final : public LoopTask {
 public:
  Linger(std::unique_ptr<transport::Transport> transport, std::unique_ptr<tls::Session> session,
         std::function<void()> done)
      : transport_(std::move(transport)),
        session_(std::move(session)),
        done_(std::move(done)),
        timer_(transport_->loop()) {}

  void start() {
    timer_.start(transport::deadline_after(linger_ms), [this] { finish(); });
    transport_->cancel_waits();  // of whoever had it before
    retain();                    // until finish()
    step();
  }

 private:
  void step() noexcept override {
    if (finished_) return;
    if (session_ && !sent_) {
      const tls::Progress sending = session_->flush();
      // Not for reading: what the peer has sent stays unread until then, and would be ready at once.
      if (sending.state == tls::Progress::State::waiting) return wait(*transport_, Interest::write);
    }
    if (!sent_) transport_->shutdown_send();
    sent_ = true;
    while (receives_++ < most_receives) {
      const transport::Transfer transfer = transport_->try_receive(scratch_);
      if (transfer.state == TransferState::would_block) return wait(*transport_, Interest::read);
      if (transfer.state != TransferState::moved) break;
    }
    finish();
  }

  void finish() noexcept {
    if (finished_) return;
    finished_ = true;
    timer_.cancel();
    transport_->close();
    if (done_) done_();
    release();
  }

  std::unique_ptr<transport::Transport> transport_;
  std::unique_ptr<tls::Session> session_;  // after the transport: it must go first
  std::function<void()> done_;
  transport::Timer timer_;
  std::array<std::byte, 4096> scratch_{};
  int receives_ = 0;
  bool sent_ = false;
  bool finished_ = false;
};

}  // namespace

void linger(std::unique_ptr<transport::Transport> transport, std::unique_ptr<tls::Session> session,
            std::function<void()> done) {
  transport::EventLoop& loop = transport->loop();
  // std::function wants to be copied, which owners cannot be.
  auto transport_box =
      std::make_shared<std::unique_ptr<transport::Transport>>(std::move(transport));
  auto session_box = std::make_shared<std::unique_ptr<tls::Session>>(std::move(session));
  loop.dispatch([transport_box, session_box, done = std::move(done)]() mutable {
    make_ref<Linger>(std::move(*transport_box), std::move(*session_box), std::move(done))->start();
  });
}

}  // namespace sally::socket
