// A transport in front of another one, for tests that change what one of its calls does.
#pragma once

#include "transport/transport.h"

#include <memory>
#include <span>
#include <string>
#include <utility>

namespace sally::test {

class Forwarding : public transport::Transport {
 public:
  explicit Forwarding(std::unique_ptr<transport::Transport> below) : below_(std::move(below)) {}

  transport::Transfer try_receive(std::span<std::byte> buffer) noexcept override {
    return below_->try_receive(buffer);
  }
  transport::Transfer try_send(
      std::span<const std::span<const std::byte>> buffers) noexcept override {
    return below_->try_send(buffers);
  }
  transport::WaitResult wait(transport::Interest interest, transport::Deadline deadline,
                             transport::Waker& waker) noexcept override {
    return below_->wait(interest, deadline, waker);
  }
  void wait_async(transport::Interest interest, transport::WaitHandler& handler) noexcept override {
    below_->wait_async(interest, handler);
  }
  void cancel_waits() noexcept override { below_->cancel_waits(); }
  void shutdown_send() noexcept override { below_->shutdown_send(); }
  void close(bool abort) noexcept override { below_->close(abort); }
  void close_in_child() noexcept override { below_->close_in_child(); }
  transport::EventLoop& loop() const noexcept override { return below_->loop(); }
  std::string local_address() const override { return below_->local_address(); }
  std::string peer_address() const override { return below_->peer_address(); }

 private:
  std::unique_ptr<transport::Transport> below_;
};

}  // namespace sally::test
