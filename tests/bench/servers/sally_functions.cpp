// Sallyport through its C ABI, completions told to functions, which the loops call.
#include "sally_c.h"

#include <unistd.h>

namespace bench {

namespace {

void accept_next(sally_listener* listener);

void accepted(void* user, sally_event* event) {
  auto* listener = static_cast<sally_listener*>(user);
  if (event->status == SALLY_OK)
    new Session<CSocket>(static_cast<sally_stream*>(std::exchange(event->object, nullptr)));
  accept_next(listener);
}

void accept_next(sally_listener* listener) {
  sally_completion completion{};
  completion.struct_size = sizeof completion;
  completion.function = &accepted;
  completion.user = listener;
  must("accept", [&](auto error) {
    return sally_listener_accept_async(listener, 0, &completion, nullptr, error);
  });
}

void completed(void* user, sally_event* event) {
  static_cast<Session<CSocket>*>(user)->completed(event->status, event->size);
}

}  // namespace

}  // namespace bench

int main(int count, char** arguments) {
  using namespace bench;
  const auto options = Options::parse(count, arguments);
  completions.struct_size = sizeof completions;
  completions.function = &completed;
  sally_runtime_options how{};
  how.struct_size = sizeof how;
  how.loops = options.loops;
  sally_runtime* runtime = nullptr;
  must("runtime", [&](auto error) { return sally_runtime_create(&how, &runtime, error); });
  sally_listener* listener = make_listener(options, runtime);
  for (unsigned i = 0; i < options.loops; ++i) accept_next(listener);
  announce(sally_listener_port(listener));
  for (;;) ::pause();
}
