// A stream's wait on its loop for one direction of its transport.
#pragma once

#include "socket/stream.h"

namespace sally::socket {

// Holds a reference to the stream while it is pending.
class Stream::LoopWait final : public transport::WaitHandler {
 public:
  LoopWait(Stream& stream, transport::Interest interest) : stream_(stream), interest_(interest) {}

  // With the stream locked, on the loop.
  void start() noexcept {
    if (pending_) return;
    pending_ = true;
    stream_.retain();
    stream_.transport_->wait_async(interest_, *this);
  }

  void on_wait_over(transport::WaitResult /*result*/) noexcept override {
    const Ref<Stream> stream = Ref<Stream>::adopt(&stream_);
    stream->advance(pending_);
  }

 private:
  Stream& stream_;
  const transport::Interest interest_;
  bool pending_ = false;
};

}  // namespace sally::socket
