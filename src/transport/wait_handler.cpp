#include "transport/loop_state.h"
#include "transport/transport.h"

#include <utility>

namespace sally::transport {

void WaitHandler::tell_later(EventLoop& loop, std::shared_ptr<const WaitSource> source,
                             bool woken) noexcept {
  source_ = std::move(source);
  woken_ = woken;
  loop.state().post(*this);
}

void WaitHandler::call() noexcept {
  const auto source = std::exchange(source_, nullptr);
  on_wait_over(woken_ || source->is_closed() ? WaitResult::woken : WaitResult::ready);
}

}  // namespace sally::transport
