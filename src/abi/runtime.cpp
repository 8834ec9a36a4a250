#include "abi/boundary.h"
#include "abi/handles.h"
#include "abi/patience.h"

#include <sallyport/runtime.h>

using sally::Ref;
using sally::abi::copy_options;
using sally::abi::guarded;
using sally::abi::Outcome;
using sally::abi::require;
using sally::abi::to_patience;
using sally::abi::usable;
using sally::transport::Runtime;

namespace {

static_assert(sizeof(sally_runtime_options) == 4 * sizeof(std::uint32_t), "no padding");

constexpr std::uint32_t most_loops = 1024;

void require_caller_run(const Runtime& runtime) {
  if (runtime.is_run_by_caller()) return;
  throw sally::Failure(SALLY_INVALID_STATE, {.message = "the runtime has threads of its own"});
}

}  // namespace

sally_status sally_runtime_create(const sally_runtime_options* options, sally_runtime** runtime,
                                  sally_error** error) {
  return guarded(error, [&] {
    const sally_runtime_options given = copy_options(options);
    require((given.flags & ~std::uint32_t{SALLY_RUNTIME_CALLER_RUN}) == 0, "a flag is not known");
    require(given.reserved == 0, "reserved is not 0");
    require(given.loops <= most_loops, "there are too many loops");
    require(runtime != nullptr, "runtime is NULL");
    const bool by_caller = (given.flags & SALLY_RUNTIME_CALLER_RUN) != 0;
    require(!by_caller || given.loops <= 1, "a runtime that the caller runs has one loop");
    *runtime = new sally_runtime(by_caller ? Runtime::run_by_caller()
                                           : Runtime::with_threads(given.loops));
    return SALLY_OK;
  });
}

sally_status sally_runtime_run(sally_runtime* runtime, int64_t timeout_ms, sally_error** error) {
  return guarded(error, [&]() -> Outcome {
    const Ref<Runtime> object = usable(runtime).object;
    require_caller_run(*object);
    const auto patience = to_patience(timeout_ms, SALLY_TIMEOUT_NEVER);
    const auto now = sally::transport::Clock::now();
    if (object->loop(0).serve(patience.attempt ? now : patience.deadline) != 0) return SALLY_OK;
    return patience.attempt ? SALLY_WOULD_BLOCK : SALLY_TIMED_OUT;
  });
}

sally_status sally_runtime_wake(sally_runtime* runtime, sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(runtime);
    require_caller_run(*handle.object);
    handle.object->loop(0).post([] {});
    return SALLY_OK;
  });
}

intptr_t sally_runtime_fd(const sally_runtime* runtime) {
  if (runtime == nullptr || runtime->inherited() || !runtime->object->is_run_by_caller()) return -1;
  return runtime->object->loop(0).descriptor();
}

uint32_t sally_runtime_loops(const sally_runtime* runtime) {
  return runtime != nullptr ? static_cast<std::uint32_t>(runtime->object->size()) : 0;
}

sally_runtime* sally_runtime_retain(sally_runtime* runtime) {
  if (runtime != nullptr) runtime->retain();
  return runtime;
}

void sally_runtime_release(sally_runtime* runtime) {
  if (runtime != nullptr) runtime->release();
}
