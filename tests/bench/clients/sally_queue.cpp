// Sallyport through its C ABI, completions taken from a queue by the thread that runs the loop.
#include "crowd.h"
#include "sally_peer.h"

#include <array>

namespace bench {

namespace {

class World : public SallyWorld {
 public:
  explicit World(const Options& options) : SallyWorld(options, SALLY_RUNTIME_CALLER_RUN) {
    must("queue", [&](auto error) { return sally_queue_create(&completions.queue, error); });
  }

  void wait(Plan& plan) {
    for (;;) {
      // What was begun may have its result in the queue already.
      take_all();
      if (plan.over()) return;
      must("run", [&](auto error) { return sally_runtime_run(runtime(), 0, error); });
    }
  }

 private:
  void take_all() {
    std::array<sally_event, 256> events;
    std::size_t taken = 0;
    do {
      const sally_status status =
          sally_queue_take(completions.queue, events.data(), sizeof(sally_event), events.size(),
                           &taken, SALLY_TIMEOUT_ATTEMPT, nullptr);
      if (status != SALLY_OK) break;
      for (std::size_t i = 0; i < taken; ++i) {
        auto* peer = reinterpret_cast<SallyPeer*>(static_cast<std::uintptr_t>(events[i].tag));
        SallyPeer::handle(*peer, events[i]);
        sally_event_dispose(&events[i]);
      }
    } while (taken > 0);
  }
};

}  // namespace

}  // namespace bench

int main(int count, char** arguments) {
  const auto options = bench::Options::parse(count, arguments);
  bench::World world(options);
  return bench::Crowd<bench::SallyPeer, bench::World>(world, options).obey_all();
}
