#include "transport/loop_call.h"

#include "transport/asio_loop.h"

namespace sally::transport {

struct LoopCall::State {
  Function function;
  void* context;
  HandlerMemory memory;
};

LoopCall::LoopCall(EventLoop& loop, Function function, void* context)
    : loop_(loop), state_(std::make_unique<State>()) {
  state_->function = function;
  state_->context = context;
}

LoopCall::~LoopCall() = default;

void LoopCall::post() noexcept {
  post_reserved(loop_, state_->memory,
                [function = state_->function, context = state_->context] { function(context); });
}

}  // namespace sally::transport
