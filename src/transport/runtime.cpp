#include "transport/runtime.h"

#include "transport/fork.h"

#include <algorithm>
#include <thread>

namespace sally::transport {

namespace {

struct SharedRuntime {
  Ref<Runtime> runtime = Runtime::with_threads(0);
};
constinit PerProcess<SharedRuntime> shared_runtime;

}  // namespace

Ref<Runtime> Runtime::with_threads(std::size_t loops) {
  const std::size_t processors = std::max(std::thread::hardware_concurrency(), 1U);
  const std::size_t count = loops != 0 ? loops : std::min(processors, most_default_loops);
  return Ref<Runtime>::adopt(new Runtime(count, EventLoop::RunBy::own_thread));
}

Ref<Runtime> Runtime::run_by_caller() {
  return Ref<Runtime>::adopt(new Runtime(1, EventLoop::RunBy::caller));
}

Ref<Runtime> Runtime::shared() {
  return shared_runtime.get().runtime;
}

EventLoop& EventLoop::shared() {
  return Runtime::shared()->loop(0);
}

Runtime::Runtime(std::size_t loops, EventLoop::RunBy by)
    : by_caller_(by == EventLoop::RunBy::caller) {
  loops_.reserve(loops);
  while (loops_.size() < loops) loops_.push_back(std::make_unique<EventLoop>(by));
}

Runtime::~Runtime() {
  for (auto& loop : loops_) EventLoop::dissolve(std::move(loop));
}

bool Runtime::on_its_thread() const noexcept {
  return std::any_of(loops_.begin(), loops_.end(),
                     [](const auto& loop) { return loop->on_this_thread(); });
}

void Runtime::hand_over() noexcept {
  if (!by_caller_) return;
  for (auto& loop : loops_) loop->hand_over();
}

EventLoop& Runtime::pick() noexcept {
  return *loops_[next_.fetch_add(1, std::memory_order_relaxed) % loops_.size()];
}

}  // namespace sally::transport
