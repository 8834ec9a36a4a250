// What streams and listeners do where the system has nothing left to give, or a peer wants too
// much.
#include "lib/async_stream.h"
#include "lib/no_descriptors.h"
#include "lib/raw_tcp.h"
#include "socket/listener.h"
#include "socket/questions.h"
#include "unit/transport_support.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <vector>

namespace {

std::atomic<bool> no_watches{false};
std::atomic<int> refused_watches{0};

}  // namespace

// While `no_watches`, the system has no memory to watch one more descriptor.
extern "C" int epoll_ctl(int poll, int what, int descriptor, epoll_event* event) noexcept {
  static const auto real = reinterpret_cast<decltype(&epoll_ctl)>(::dlsym(RTLD_NEXT, "epoll_ctl"));
  if (what != EPOLL_CTL_ADD || !no_watches) return real(poll, what, descriptor, event);
  ++refused_watches;
  errno = ENOSPC;
  return -1;
}

namespace sally::test {
namespace {

using socket::Listener;
using socket::ListenerLimits;
using socket::Patience;
using transport::test::run_on;

Ref<Listener> listen(const Ref<transport::Runtime>& runtime, const ListenerLimits& limits = {},
                     bool secured = true) {
  return Listener::bind({.host = "127.0.0.1",
                         .service = "0",
                         .config = secured ? server_config({}) : Ref<tls::Config>(),
                         .limits = {.handshake_timeout_ms = 20'000,
                                    .pending_handshakes = 1000,
                                    .unaccepted = 1000,
                                    .refusals = 1,
                                    .per_source = limits.per_source},
                         .runtime = runtime});
}

TEST(Shortage, OfDescriptorsEndsABlockingCallAndNotTheStream) {
  if (checks_need_descriptors) GTEST_SKIP() << "UndefinedBehaviorSanitizer opens pipes";
  StreamPair pair;
  auto reading = start([&] {  // on a thread that has never waited before
    const NoDescriptors none;
    return read(*pair.client, within(20'000)).status();
  });
  EXPECT_EQ(awaited(reading), "SALLY_TOO_MANY_OPEN_FILES");
  EXPECT_EQ(read(*pair.client, Patience::none()).status(), "SALLY_WOULD_BLOCK");
  write(*pair.server, "still here");
  EXPECT_EQ(read(*pair.client, within(20'000)).text, "still here");
}

TEST(Shortage, OfWatchesDelaysAListenerAndDoesNotEndIt) {
  const auto runtime = transport::Runtime::with_threads(1);
  refused_watches = 0;
  no_watches = true;
  const auto listener = listen(runtime);
  while (refused_watches == 0) std::this_thread::yield();
  no_watches = false;
  RawSocket client = RawSocket::connect(listener->port());
  client.send("GET / HTTP/1.1\r\n\r\n");
  socket::Refusal refusal;
  EXPECT_EQ(name_of(listener->next_refusal(within(20'000), refusal).status), "SALLY_OK");
  listener->close();
}

// Counts, at each turn of a loop, what a listener has refused since the one before.
class Turns {
 public:
  Turns(transport::EventLoop& loop, const Listener& listener) : loop_(loop), listener_(listener) {}

  // On the loop: until so many were refused.
  void watch(std::uint64_t total) {
    loop_.post([this, total] { turn(total); });
  }
  std::uint64_t most_in_one() { return most_.get(); }

 private:
  void turn(std::uint64_t total) {
    const std::uint64_t refused = listener_.dropped_refusals();
    longest_ = std::max(longest_, refused - before_);
    before_ = refused;
    if (refused >= total) return most_.set(longest_);
    loop_.post([this, total] { turn(total); });
  }

  transport::EventLoop& loop_;
  const Listener& listener_;
  std::uint64_t before_ = 0, longest_ = 0;
  transport::test::Awaited<std::uint64_t> most_;
};

TEST(Flood, OfConnectionsLeavesTheLoopToOthersInBetween) {
  constexpr std::size_t many = 500;
  const auto runtime = transport::Runtime::with_threads(1);
  const auto listener = listen(runtime, {.per_source = 1}, /*secured=*/false);
  RawSocket first = RawSocket::connect(listener->port());
  Ref<socket::Stream> accepted;
  ASSERT_TRUE(listener->accept(within(20'000), accepted).ok());
  std::vector<RawSocket> flood;
  Turns turns(runtime->loop(0), *listener);
  run_on(runtime->loop(0), [&] {  // meanwhile they wait
    for (std::size_t i = 0; i < many; ++i) flood.push_back(RawSocket::connect(listener->port()));
    turns.watch(many - 1);  // one refusal is kept
  });
  EXPECT_LT(turns.most_in_one(), many / 4);
  accepted->abandon();
  listener->close();
}

TEST(Nudge, ThatComesTwiceBeforeItsTurnIsOne) {
  const auto runtime = transport::Runtime::with_threads(1);
  transport::EventLoop& loop = runtime->loop(0);
  int nudges = 0;
  bool others = false;
  const auto nudge = make_ref<socket::Nudge>(runtime, loop, [&] { ++nudges; });
  run_on(loop, [&] {
    nudge->post();
    loop.post([&] { others = true; });
    nudge->post();
  });
  transport::test::settle(loop);
  EXPECT_EQ(nudges, 1);
  EXPECT_TRUE(others);
  nudge->post();
  transport::test::settle(loop);
  EXPECT_EQ(nudges, 2);
}

}  // namespace
}  // namespace sally::test
