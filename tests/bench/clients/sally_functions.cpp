// Sallyport through its C ABI, completions told to functions, which its loop calls.
#include "crowd.h"
#include "sally_peer.h"

namespace bench {

namespace {

class World : public SallyWorld {
 public:
  explicit World(const Options& options) : SallyWorld(options, 0) {
    completions.function = [](void* user, sally_event* event) {
      SallyPeer::handle(*static_cast<SallyPeer*>(user), *event);
    };
  }
  void wait(Plan& plan) { plan.wait(); }
};

}  // namespace

}  // namespace bench

int main(int count, char** arguments) {
  const auto options = bench::Options::parse(count, arguments);
  bench::World world(options);
  return bench::Crowd<bench::SallyPeer, bench::World>(world, options).obey_all();
}
