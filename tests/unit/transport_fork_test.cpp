#include "transport/fork.h"
#include "transport/memory.h"
#include "transport_support.h"

#include <atomic>
#include <poll.h>
#include <thread>

namespace sally::transport::test {
namespace {

bool is_awake(const Waker& waker) {
  pollfd polled{waker.descriptor(), POLLIN, 0};
  return ::poll(&polled, 1, 0) == 1;
}

TEST(Waker, StaysAwakeUntilReset) {
  Waker waker;
  EXPECT_FALSE(is_awake(waker));
  std::thread other([&] {
    waker.wake();
    waker.wake();
  });
  other.join();
  EXPECT_TRUE(is_awake(waker));
  waker.reset();
  EXPECT_FALSE(is_awake(waker));
  waker.reset();
}

TEST(Waker, IsOneForEachThreadAndGoesWithIt) {
  Waker& mine = Waker::of_this_thread();
  EXPECT_EQ(&Waker::of_this_thread(), &mine);
  const auto before = open_descriptors();
  std::thread other([&] { EXPECT_NE(&Waker::of_this_thread(), &mine); });
  other.join();
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Waker, OfAForkedChildIsAnother) {
  Waker& mine = Waker::of_this_thread();
  mine.reset();
  const auto before = open_descriptors();
  EXPECT_EQ(in_child([&] {
              Waker::of_this_thread().wake();
              return open_descriptors().size() == before.size() ? 0 : 1;
            }),
            0);
  EXPECT_FALSE(is_awake(mine)) << "the child must not reach its parent";
}

TEST(ForkGeneration, GrowsInTheChildOnly) {
  const auto mine = fork_generation();
  EXPECT_EQ(in_child([&] {
              if (fork_generation() != mine + 1) return 1;
              return in_child([&] { return fork_generation() == mine + 2 ? 0 : 2; });
            }),
            0);
  EXPECT_EQ(fork_generation(), mine);
}

struct Numbered {
  static inline std::atomic<int> made = 0;
  const int number = ++made;
};
constinit PerProcess<Numbered> numbered;

TEST(PerProcess, IsMadeOnceHoweverManyThreadsAskFirst) {
  std::vector<std::thread> threads;
  for (int count = 0; count < 8; ++count) threads.emplace_back([] { numbered.get(); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(numbered.get().number, 1);
  EXPECT_EQ(in_child([] { return numbered.get().number; }), 2);
  EXPECT_EQ(numbered.get().number, 1);
}

struct Nesting {
  Numbered& inner = numbered.get();
};
constinit PerProcess<Nesting> nesting;

TEST(PerProcess, MayNeedAnotherInItsMaking) {
  EXPECT_EQ(&nesting.get().inner, &numbered.get());
}

struct Reluctant {
  static inline int tries = 0;
  Reluctant() {
    if (++tries == 1) throw std::runtime_error("not yet");
  }
};
constinit PerProcess<Reluctant> reluctant;

TEST(PerProcess, TriesAgainAfterItsMakingFailed) {
  EXPECT_EQ(in_child([] {
              try {
                reluctant.get();
                return 1;
              } catch (const std::runtime_error&) {
                reluctant.get();
              }
              return in_child([] { return numbered.get().number > 0 ? 0 : 2; });
            }),
            0);
}

TEST(PerProcess, CanBeMadeInAChildThatWasForkedWhileOthersMadeTheirs) {
  numbered.get();
  std::atomic<bool> stop = false;
  std::thread maker([&] {
    while (!stop) const MakingLock lock;
  });
  for (int turn = 0; turn < 20; ++turn) {
    EXPECT_EQ(in_child_of_busy_threads([] { return numbered.get().number > 1 ? 0 : 1; }), 0);
  }
  stop = true;
  maker.join();
}

TEST(ForkedChild, HasASharedLoopOfItsOwn) {
  if (!child_may_start_threads) GTEST_SKIP() << "needs a thread in a forked child";
  EventLoop& parents = EventLoop::shared();
  EXPECT_EQ(in_child([&] {
              EventLoop& own = EventLoop::shared();
              if (&own == &parents) return 1;
              const TcpPair pair = tcp_pair(own);
              send(*pair.client, "hello");
              return receive_all(*pair.server, 5) == "hello" ? 0 : 2;
            }),
            0);
  run_on(parents, [&] { EXPECT_TRUE(parents.on_this_thread()); });
}

TEST(ForkedChild, ResolvesWithThreadsOfItsOwn) {
  if (!child_may_start_threads) GTEST_SKIP() << "needs a thread in a forked child";
  const auto ask = [] {
    EventLoop& loop = EventLoop::shared();
    Awaited<bool> answer;
    std::unique_ptr<ResolveQuery> query;
    run_on(loop, [&] {
      query = std::make_unique<ResolveQuery>(
          loop, "127.0.0.1", "1", [&](Resolution resolution) { answer.set(!resolution.error); });
    });
    const bool found = answer.get();
    run_on(loop, [&] { query.reset(); });
    return found;
  };
  EXPECT_TRUE(ask());
  EXPECT_EQ(in_child([&] { return ask() ? 0 : 1; }), 0);
}

TEST(ForkedChild, ClosesItsCopyOfATransportWithoutHarmToItsParent) {
  EventLoop loop;
  const TcpPair pair = tcp_pair(loop);
  Told told(loop);
  run_on(loop, [&] { pair.client->wait_async(Interest::read, told); });
  EXPECT_EQ(in_child([&] {
              const auto before = open_descriptors();
              pair.client->close_in_child();
              pair.client->close_in_child();
              return open_descriptors().size() == before.size() - 1 ? 0 : 1;
            }),
            0);
  EXPECT_EQ(told.times(), 0U);
  send(*pair.server, "still here");
  EXPECT_EQ(told.get(), WaitResult::ready);
  EXPECT_EQ(receive(*pair.client), "still here");
}

TEST(ForkedChild, DoesNotKeepAliveWhatItsParentCloses) {
  EventLoop loop;
  TcpPair pair = tcp_pair(loop);
  std::array<int, 2> gate{};
  ASSERT_EQ(::pipe2(gate.data(), O_CLOEXEC), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(gate[1]);
    char byte = 0;
    ::alarm(static_cast<unsigned>(patience.count()));
    ::_exit(::read(gate[0], &byte, 1) == 0 ? 0 : 1);
  }
  pair.client->close();
  EXPECT_EQ(awaited_receive(*pair.server).state, TransferState::ended);

  ::close(gate[0]);
  ::close(gate[1]);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "the child held the connection open all the time";
}

}  // namespace
}  // namespace sally::transport::test
