#include "transport/loop_call.h"

#include "transport/loop_state.h"

namespace sally::transport {

void LoopCall::post() noexcept {
  loop_.state().post(*this);
}

}  // namespace sally::transport
