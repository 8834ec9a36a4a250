// runtime.hpp: the event loops that streams and listeners live on, sally_runtime.
#pragma once

#include <cstdint>

#include <sallyport/base.hpp>
#include <sallyport/error.hpp>
#include <sallyport/runtime.h>

namespace sally::inline v0 {

// Given to a stream or listener by its options; without one they live on the default runtime, which
// the whole process shares. Copies are the same runtime, and any thread may use it. Streams and
// listeners keep it alive.
class Runtime : public detail::Shared<sally_runtime, sally_runtime_retain, sally_runtime_release> {
 public:
  // Loops with a thread each; 0: one a processor, up to 8.
  [[nodiscard]] static Runtime threads(std::uint32_t loops = 0) { return create(0, loops); }
  // One loop without a thread: it is served whenever run() is called.
  [[nodiscard]] static Runtime caller_run() { return create(SALLY_RUNTIME_CALLER_RUN, 0); }
  [[nodiscard]] static Runtime adopt(sally_runtime* runtime) noexcept { return Runtime(runtime); }

  // Serves a runtime of caller_run() on this thread: whatever is ready, and where nothing is, it
  // waits until something was served, or wake() was called, or the time is over (default: never).
  // False: nothing was there to do in time. Callbacks are called and coroutines resumed in it.
  // SALLY_BUSY: another thread runs it, or this call comes from within it.
  bool run(Timeout timeout = {}) {
    return detail::check_in_time(
        [&](sally_error** error) { return sally_runtime_run(get(), timeout.get(), error); });
  }
  // Lets the current run(), or the next one, return.
  void wake() {
    detail::check([&](sally_error** error) { return sally_runtime_wake(get(), error); });
  }

  // Of caller_run(): readable while run() has something to do, for pollers of the program's own; run
  // with Timeout::attempt() then. -1 otherwise.
  std::intptr_t descriptor() const noexcept { return sally_runtime_fd(get()); }

  std::uint32_t loops() const noexcept { return sally_runtime_loops(get()); }

 private:
  using Shared::Shared;

  static Runtime create(std::uint32_t flags, std::uint32_t loops) {
    sally_runtime_options options{};
    options.struct_size = sizeof(options);
    options.flags = flags;
    options.loops = loops;
    sally_runtime* runtime = nullptr;
    detail::check(
        [&](sally_error** error) { return sally_runtime_create(&options, &runtime, error); });
    return Runtime(runtime);
  }
};

}  // namespace sally::inline v0
