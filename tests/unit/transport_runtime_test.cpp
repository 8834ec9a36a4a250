// Runtimes: several loops, loops that the caller runs, and their end.
#include "transport/loop_call.h"
#include "transport/runtime.h"
#include "transport_support.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <gtest/gtest.h>
#include <optional>
#include <poll.h>
#include <set>
#include <thread>

namespace sally::transport::test {
namespace {

TEST(Runtime, SpreadsSocketsOverItsLoopsInTurn) {
  const auto runtime = Runtime::with_threads(3);
  ASSERT_EQ(runtime->size(), 3u);
  std::set<EventLoop*> picked;
  for (int i = 0; i < 3; ++i) picked.insert(&runtime->pick());
  EXPECT_EQ(picked.size(), 3u);
}

TEST(Runtime, OfTheDefaultSizeHasALoopForEachProcessorUpToABound) {
  const auto runtime = Runtime::with_threads(0);
  EXPECT_GE(runtime->size(), 1u);
  EXPECT_LE(runtime->size(), Runtime::most_default_loops);
}

TEST(Runtime, KnowsItsThreads) {
  const auto runtime = Runtime::with_threads(2);
  EXPECT_FALSE(runtime->on_its_thread());
  run_on(runtime->loop(1), [&] { EXPECT_TRUE(runtime->on_its_thread()); });
}

TEST(Runtime, IsSharedByAll) {
  EXPECT_EQ(Runtime::shared().get(), Runtime::shared().get());
  EXPECT_EQ(&EventLoop::shared(), &Runtime::shared()->loop(0));
}

// Waits until a condition holds that another thread brings about.
template <class Condition>
void eventually(Condition condition) {
  const Deadline deadline = deadline_after(20'000);
  while (!condition()) {
    ASSERT_LT(Clock::now(), deadline);
    std::this_thread::yield();
  }
}

TEST(Runtime, EndsByItselfWithItsLastReferenceAndGivesItsDescriptorsBack) {
  const auto before = open_descriptors();
  { const auto runtime = Runtime::with_threads(3); }
  eventually([&] { return open_descriptors().size() <= before.size(); });
}

TEST(Runtime, MayLoseItsLastReferenceOnItsOwnThread) {
  const auto before = open_descriptors();
  {
    auto runtime = Runtime::with_threads(2);
    Awaited<bool> done;
    runtime->loop(0).post([held = std::move(runtime), &done]() mutable {
      held = {};
      done.set(true);
    });
    done.get();
  }
  eventually([&] { return open_descriptors().size() <= before.size(); });
}

// What is registered first runs last, behind the library's own, which gives up after 5 s: from then
// on, so that whoever was held up took as long.
[[noreturn]] void exit_while_a_loop_makes_and_drops_others() {
  using namespace std::chrono_literals;
  static std::atomic<bool> exits = false;
  static Deadline began;
  std::atexit([] {
    if (Clock::now() - began >= 5s) std::_Exit(3);
  });
  const auto runtime = Runtime::with_threads(1);
  runtime->loop(0).post([] {
    while (!exits) std::this_thread::yield();
    while (Clock::now() < began + 100ms) Runtime::with_threads(1);
  });
  std::atexit([] {
    began = Clock::now();
    exits = true;
  });
  std::exit(0);
}

TEST(RuntimeDeathTest, DoesNotHoldUpTheExitWhereAHandlerDropsAnother) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(exit_while_a_loop_makes_and_drops_others(), testing::ExitedWithCode(0), "^$");
}

TEST(Runtime, FinishesWhatStillWaitsOnALoopBeforeItGoes) {
  Awaited<bool> told;
  auto runtime = Runtime::with_threads(1);
  auto timer = std::make_shared<std::unique_ptr<Timer>>();
  run_on(runtime->loop(0), [&] {
    *timer = std::make_unique<Timer>(runtime->loop(0));
    (*timer)->start(deadline_after(30), [timer, &told] {
      timer->reset();
      told.set(true);
    });
  });
  runtime = {};
  EXPECT_TRUE(told.get());
}

TEST(CallerRunLoop, ServesOnTheCallersThreadOnly) {
  const auto runtime = Runtime::run_by_caller();
  EventLoop& loop = runtime->loop(0);
  EXPECT_FALSE(loop.is_served());
  std::thread::id where;
  loop.post([&] {
    where = std::this_thread::get_id();
    EXPECT_TRUE(loop.is_served());
    EXPECT_TRUE(loop.on_this_thread());
  });
  EXPECT_EQ(loop.serve(never), 1u);
  EXPECT_EQ(where, std::this_thread::get_id());
  EXPECT_FALSE(loop.is_served());
  EXPECT_FALSE(loop.on_this_thread());
}

TEST(CallerRunLoop, ServesAllThatIsReadyAtOnce) {
  const auto runtime = Runtime::run_by_caller();
  int count = 0;
  for (int i = 0; i < 10; ++i) runtime->loop(0).post([&] { ++count; });
  EXPECT_EQ(runtime->loop(0).serve(never), 10u);
  EXPECT_EQ(count, 10);
}

TEST(CallerRunLoop, WaitsUntilItsDeadlineForSomethingToDo) {
  const auto runtime = Runtime::run_by_caller();
  const Deadline deadline = deadline_after(20);
  EXPECT_EQ(runtime->loop(0).serve(deadline), 0u);
  EXPECT_GE(Clock::now(), deadline);
  EXPECT_EQ(runtime->loop(0).serve(Clock::now()), 0u);
}

TEST(CallerRunLoop, IsWokenByATaskOfAnotherThread) {
  const auto runtime = Runtime::run_by_caller();
  std::thread other([&] { runtime->loop(0).post([] {}); });
  EXPECT_GE(runtime->loop(0).serve(deadline_after(20'000)), 1u);
  other.join();
}

TEST(CallerRunLoop, IsServedByOneAtATime) {
  const auto runtime = Runtime::run_by_caller();
  EventLoop& loop = runtime->loop(0);
  loop.post([&] { EXPECT_THROW(loop.serve(never), Failure); });
  EXPECT_EQ(loop.serve(never), 1u);
}

TEST(CallerRunLoop, ThatNobodyServesAnyMoreIsBroughtToItsEnd) {
  const auto before = open_descriptors();
  Awaited<bool> served;
  {
    const auto runtime = Runtime::run_by_caller();
    runtime->loop(0).post([&] { served.set(true); });
  }
  EXPECT_TRUE(served.get());
  eventually([&] { return open_descriptors().size() <= before.size(); });
}

// An alarm turns the descriptor readable once. It may come in the midst of a call that ends with it,
// and that has looked at its timers a moment before.
TEST(CallerRunLoop, StaysReadableForATimerWhoseAlarmWasTakenInBeforeItWasDue) {
  const auto runtime = Runtime::run_by_caller();
  EventLoop& loop = runtime->loop(0);
  pollfd polled{loop.descriptor(), POLLIN, 0};
  // A look takes whole milliseconds: those that begin here may end behind the alarm.
  for (int ahead_us = 0; ahead_us < 500; ahead_us += 50) {
    std::optional<Timer> timer;
    bool rang = false;
    const Deadline due = deadline_after(5);
    loop.post([&] {
      timer.emplace(loop);
      timer->start(due, [&] {
        rang = true;
        timer.reset();
      });
    });
    loop.serve(Clock::now());
    loop.serve(due - std::chrono::microseconds(ahead_us));
    while (!rang) {
      ASSERT_EQ(::poll(&polled, 1, 20'000), 1);
      loop.serve(Clock::now());
    }
  }
}

TEST(LoopCall, RunsOnTheLoopAgainAndAgain) {
  EventLoop loop;
  struct Context {
    EventLoop& loop;
    int count = 0;
  } context{loop};
  LoopCall call(
      loop,
      [](void* raw) noexcept {
        auto* counted = static_cast<Context*>(raw);
        counted->count += counted->loop.on_this_thread() ? 1 : 0;
      },
      &context);
  for (int i = 1; i <= 10; ++i) {
    call.post();
    settle(loop);
    EXPECT_EQ(context.count, i);
  }
}

}  // namespace
}  // namespace sally::transport::test
