// Sallyport through its C ABI, completions taken from a queue.
//
//   --mode run      one thread runs the loop and takes (the default)
//   --mode threads  the loops have threads of their own, and the main thread takes
#include "sally_c.h"

#include <array>

namespace bench {

namespace {

constexpr std::uint64_t accept_tag = 0;

void accept_next(sally_listener* listener) {
  must("accept", [&](auto error) {
    return sally_listener_accept_async(listener, 0, &completions, nullptr, error);
  });
}

void handle(sally_event& event, sally_listener* listener) {
  if (event.tag != accept_tag) {
    auto* session = reinterpret_cast<Session<CSocket>*>(static_cast<std::uintptr_t>(event.tag));
    session->completed(event.status, event.size);
  } else {
    if (event.status == SALLY_OK)
      new Session<CSocket>(static_cast<sally_stream*>(std::exchange(event.object, nullptr)));
    accept_next(listener);
  }
  sally_event_dispose(&event);
}

}  // namespace

}  // namespace bench

int main(int count, char** arguments) {
  using namespace bench;
  const auto options = Options::parse(count, arguments);
  const bool threads = options.mode == "threads";
  sally_runtime_options how{};
  how.struct_size = sizeof how;
  if (threads)
    how.loops = options.loops;
  else
    how.flags = SALLY_RUNTIME_CALLER_RUN;
  sally_runtime* runtime = nullptr;
  must("runtime", [&](auto error) { return sally_runtime_create(&how, &runtime, error); });
  completions.struct_size = sizeof completions;
  must("queue", [&](auto error) { return sally_queue_create(&completions.queue, error); });
  sally_listener* listener = make_listener(options, runtime);
  accept_next(listener);
  announce(sally_listener_port(listener));
  std::array<sally_event, 256> events;
  for (;;) {
    if (!threads) must("run", [&](auto error) { return sally_runtime_run(runtime, 0, error); });
    // What is begun here may have its result in the queue at once.
    std::size_t taken = 0;
    do {
      const sally_status status =
          sally_queue_take(completions.queue, events.data(), sizeof(sally_event), events.size(),
                           &taken, threads ? SALLY_TIMEOUT_NEVER : SALLY_TIMEOUT_ATTEMPT, nullptr);
      if (status != SALLY_OK) break;
      for (std::size_t i = 0; i < taken; ++i) handle(events[i], listener);
    } while (taken > 0);
  }
}
