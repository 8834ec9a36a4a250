#include "transport/patient_call.h"
#include "transport_support.h"

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace sally::transport::test {
namespace {

// Notes its number when it is called; keeps the loop for longer than a turn may, where it is to.
struct Noted {
  Noted(EventLoop& loop, std::string& where, char what, bool takes_long)
      : order(where), number(what), slow(takes_long), call(loop, &Noted::note, this) {}

  static void note(void* context) noexcept {
    auto& self = *static_cast<Noted*>(context);
    const Deadline end = Clock::now() + std::chrono::milliseconds(self.slow ? 5 : 0);
    while (Clock::now() < end) {
    }
    self.order += self.number;
  }

  std::string& order;
  const char number;
  const bool slow;
  PatientCall call;
};

TEST(PatientCall, LetsOthersInBetween) {
  EventLoop loop;
  std::string order;
  Noted first(loop, order, '1', true);
  Noted second(loop, order, '2', true);
  Noted third(loop, order, '3', false);
  run_on(loop, [&] {
    for (Noted* each : {&first, &second, &third}) each->call.post();
    loop.post([&] { order += 'a'; });
  });
  for (int turn = 0; turn < 4; ++turn) settle(loop);
  EXPECT_EQ(order, "1a23");
}

TEST(PatientCall, MayBePostedAgainFromWithin) {
  EventLoop loop;
  struct Again {
    explicit Again(EventLoop& where) : call(where, &Again::count, this) {}
    static void count(void* context) noexcept {
      auto& self = *static_cast<Again*>(context);
      if (++self.calls < 1000) return self.call.post();
      self.done.set(true);
    }
    int calls = 0;
    Awaited<bool> done{};
    PatientCall call;
  } again(loop);
  again.call.post();
  EXPECT_TRUE(again.done.get());
  settle(loop);
  EXPECT_EQ(again.calls, 1000);
}

TEST(PatientCall, IsMadeOnceForEachPostOfManyThreads) {
  EventLoop loop;
  constexpr std::size_t each = 500;
  std::string order;
  std::vector<std::unique_ptr<Noted>> calls;
  for (std::size_t i = 0; i < 4 * each; ++i) {
    calls.push_back(std::make_unique<Noted>(loop, order, static_cast<char>('0' + i / each), false));
  }
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (std::size_t k = 0; k < each; ++k) calls[i * each + k]->call.post();
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::size_t made = 0;
  while (made < 4 * each) run_on(loop, [&] { made = order.size(); });
  for (const char number : {'0', '1', '2', '3'}) {
    EXPECT_EQ(std::count(order.begin(), order.end(), number), static_cast<std::ptrdiff_t>(each));
  }
}

}  // namespace
}  // namespace sally::transport::test
