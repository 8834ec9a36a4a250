#include "transport_support.h"

#include <atomic>
#include <csignal>
#include <optional>
#include <pthread.h>
#include <thread>

namespace sally::transport::test {
namespace {

TEST(EventLoop, RunsTasksInTheOrderOfPosting) {
  EventLoop loop;
  std::vector<int> order;
  for (int number = 0; number < 100; ++number) loop.post([&, number] { order.push_back(number); });
  settle(loop);
  ASSERT_EQ(order.size(), 100U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(EventLoop, KnowsItsThread) {
  EventLoop loop;
  EventLoop other;
  EXPECT_FALSE(loop.on_this_thread());
  run_on(loop, [&] {
    EXPECT_TRUE(loop.on_this_thread());
    EXPECT_FALSE(other.on_this_thread());
  });
}

TEST(EventLoop, PostsForLaterButDispatchesAtOnceOnItsOwnThread) {
  EventLoop loop;
  std::string order;
  run_on(loop, [&] {
    loop.post([&] { order += "posted "; });
    loop.dispatch([&] { order += "dispatched "; });
    order += "returned ";
  });
  settle(loop);
  EXPECT_EQ(order, "dispatched returned posted ");

  Awaited<bool> elsewhere;
  loop.dispatch([&] { elsewhere.set(loop.on_this_thread()); });
  EXPECT_TRUE(elsewhere.get());
}

TEST(EventLoop, DoesWhatWasPostedBeforeItEnds) {
  bool first = false;
  bool second = false;
  auto loop = std::make_unique<EventLoop>();
  loop->post([&, raw = loop.get()] {
    first = true;
    raw->post([&] { second = true; });
  });
  loop.reset();
  EXPECT_TRUE(first);
  EXPECT_TRUE(second);
}

TEST(EventLoop, BlocksAllSignalsButFaultsOnItsThread) {
  EventLoop loop;
  run_on(loop, [] {
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    for (const int number :
         {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGALRM, SIGUSR1, SIGPIPE, SIGRTMIN}) {
      EXPECT_EQ(sigismember(&blocked, number), 1) << number;
    }
    for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
      EXPECT_EQ(sigismember(&blocked, number), 0) << number;
    }
    char name[16];
    pthread_getname_np(pthread_self(), name, sizeof name);
    EXPECT_STREQ(name, "sallyport");
  });
  sigset_t mine;
  pthread_sigmask(SIG_SETMASK, nullptr, &mine);
  EXPECT_EQ(sigismember(&mine, SIGTERM), 0) << "the maker's own mask must come back";
}

TEST(EventLoop, IsSharedByAll) {
  EventLoop& shared = EventLoop::shared();
  EXPECT_EQ(&EventLoop::shared(), &shared);
  run_on(shared, [&] { EXPECT_TRUE(shared.on_this_thread()); });
}

TEST(EventLoop, GivesItsDescriptorsBack) {
  const auto before = open_descriptors();
  {
    EventLoop loop;
    settle(loop);
    EXPECT_GT(open_descriptors().size(), before.size());
  }
  EXPECT_EQ(open_descriptors(), before);
}

// Handlers that keep posting others do not starve who waits for a descriptor.
TEST(EventLoop, LooksAtDescriptorsAlthoughThereIsAlwaysMoreToDo) {
  EventLoop loop;
  TcpPair pair = tcp_pair(loop);
  Told told(loop);
  std::atomic<bool> over{false};
  std::function<void()> again = [&] {
    if (!over) loop.post(again);
  };
  run_on(loop, [&] { pair.client->wait_async(Interest::read, told); });
  loop.post(again);
  send(*pair.server, "x");
  EXPECT_EQ(told.get(), WaitResult::ready);
  over = true;
  settle(loop);
}

TEST(EventLoop, DropsWhatIsPostedToItAfterItsEnd) {
  auto held = std::make_shared<int>();
  const std::weak_ptr<int> watch = held;
  std::function<void()> endless;
  {
    EventLoop loop(EventLoop::RunBy::caller);
    endless = [&, held = std::move(held)] { loop.post(endless); };
    loop.post(endless);
  }
  endless = nullptr;
  EXPECT_TRUE(watch.expired());
}

// By who serves it, in the midst of it, as a handle's last release in a callback does.
TEST(EventLoop, GoesOnWithAThreadOfItsOwnWhenItsCallerHandsItOver) {
  EventLoop loop(EventLoop::RunBy::caller);
  loop.post([&] { loop.hand_over(); });
  EXPECT_EQ(loop.serve(soon()), 1U);
  EXPECT_TRUE(loop.is_served());
  Awaited<bool> elsewhere;
  loop.post([&] { elsewhere.set(loop.on_this_thread()); });
  EXPECT_TRUE(elsewhere.get());
  EXPECT_THROW(loop.serve(soon()), Failure) << "it is busy from now on";
  loop.hand_over();  // a second time changes nothing
}

class TimerTest : public ::testing::Test {
 protected:
  // Returns when everything that is due has run.
  void pass_time() {
    Awaited<bool> passed;
    std::optional<Timer> mark;
    run_on(loop, [&] {
      mark.emplace(loop);
      mark->start(Clock::now() + std::chrono::milliseconds(5), [&] { passed.set(true); });
    });
    passed.get();
    run_on(loop, [&] { mark.reset(); });
  }
  ~TimerTest() override {
    run_on(loop, [&] { timer.reset(); });
  }

  EventLoop loop;
  std::optional<Timer> timer{std::in_place, loop};
  std::string ran;  // loop's thread only, or when it rests
};

TEST_F(TimerTest, RunsItsTaskOnceAtTheDeadline) {
  Awaited<Deadline> time;
  const Deadline deadline = Clock::now() + std::chrono::milliseconds(3);
  run_on(loop, [&] { timer->start(deadline, [&] { time.set(Clock::now()); }); });
  EXPECT_GE(time.get(), deadline);
  pass_time();
}

TEST_F(TimerTest, RunsLaterEvenWhenTheDeadlineHasPassed) {
  run_on(loop, [&] {
    timer->start(Deadline::min(), [&] { ran += "task "; });
    ran += "start ";
  });
  pass_time();
  EXPECT_EQ(ran, "start task ");
}

TEST_F(TimerTest, DoesNotRunWhenCancelledAfterItsTimeCame) {
  std::optional<Timer> rival;
  run_on(loop, [&] {
    rival.emplace(loop);
    // Due in the same turn of the loop: whichever comes first stops the other.
    const Deadline deadline = Clock::now();
    timer->start(deadline, [&] {
      ran += "timer ";
      rival->cancel();
    });
    rival->start(deadline, [&] {
      ran += "rival ";
      timer->cancel();
    });
  });
  pass_time();
  EXPECT_TRUE(ran == "timer " || ran == "rival ") << ran;
  run_on(loop, [&] { rival.reset(); });
}

TEST_F(TimerTest, DoesNotRunWhenCancelledAtOnce) {
  run_on(loop, [&] {
    timer->start(Deadline::min(), [&] { ran += "task "; });
    timer->cancel();
  });
  pass_time();
  EXPECT_EQ(ran, "");
}

TEST_F(TimerTest, DoesNotRunWhenDestroyed) {
  run_on(loop, [&] {
    timer->start(Deadline::min(), [&] { ran += "task "; });
    timer.reset();
  });
  pass_time();
  EXPECT_EQ(ran, "");
}

TEST_F(TimerTest, ReplacesAPendingStart) {
  run_on(loop, [&] {
    timer->start(Deadline::min(), [&] { ran += "first "; });
    timer->start(Deadline::min(), [&] { ran += "second "; });
  });
  pass_time();
  EXPECT_EQ(ran, "second ");
}

TEST_F(TimerTest, CanBeMovedToAnEarlierTime) {
  run_on(loop, [&] {
    timer->start(Clock::now() + std::chrono::hours(1), [&] { ran += "late "; });
    timer->start(Clock::now(), [&] { ran += "early "; });
  });
  pass_time();
  EXPECT_EQ(ran, "early ");
}

TEST_F(TimerTest, CanBeMovedToALaterTime) {
  Awaited<Deadline> time;
  const Deadline deadline = Clock::now() + std::chrono::milliseconds(10);
  run_on(loop, [&] {
    timer->start(Clock::now() + std::chrono::milliseconds(1), [&] { ran += "early "; });
    timer->start(deadline, [&] { time.set(Clock::now()); });
  });
  EXPECT_GE(time.get(), deadline);
  EXPECT_EQ(ran, "");
}

TEST_F(TimerTest, RunsAgainAfterCancel) {
  run_on(loop, [&] {
    timer->start(Clock::now() + std::chrono::hours(1), [&] { ran += "first "; });
    timer->cancel();
    timer->start(Clock::now(), [&] { ran += "second "; });
  });
  pass_time();
  EXPECT_EQ(ran, "second ");
}

TEST_F(TimerTest, StartedForNeverJustCancels) {
  run_on(loop, [&] {
    timer->start(Deadline::min(), [&] { ran += "first "; });
    timer->start(never, [&] { ran += "never "; });
  });
  pass_time();
  EXPECT_EQ(ran, "");
}

TEST_F(TimerTest, MayRestartOrDestroyItselfInItsTask) {
  Awaited<bool> done;
  run_on(loop, [&] {
    timer->start(Clock::now(), [&] {
      timer->start(Clock::now(), [&] {
        timer.reset();
        done.set(true);
      });
    });
  });
  EXPECT_TRUE(done.get());
}

TEST_F(TimerTest, DropsWhatItsTaskHoldsWhenCancelled) {
  auto held = std::make_shared<int>();
  std::weak_ptr<int> watch = held;
  run_on(loop, [&] {
    timer->start(Clock::now() + std::chrono::hours(1), [held = std::move(held)] {});
    timer->cancel();
  });
  EXPECT_TRUE(watch.expired());
}

TEST(DeadlineAfter, SaturatesWhereNoClockCanHoldIt) {
  EXPECT_EQ(deadline_after(std::numeric_limits<std::int64_t>::max()), never);
  EXPECT_LT(deadline_after(1000), never);
}

}  // namespace
}  // namespace sally::transport::test
