#include "transport_support.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <sys/socket.h>
#include <thread>

namespace sally::transport::test {
namespace {

// The descriptor behind a transport.
int descriptor_of(const Transport& transport) {
  for (const int number : open_descriptors()) {
    if (to_string(local_endpoint(number)) == transport.local_address() &&
        to_string(peer_endpoint(number)) == transport.peer_address()) {
      return number;
    }
  }
  return -1;
}

bool watched_by_some_epoll(int descriptor) {
  for (const int number : open_descriptors()) {
    std::ifstream info("/proc/self/fdinfo/" + std::to_string(number));
    for (std::string word; info >> word;) {
      int watched = -1;
      if (word == "tfd:" && info >> watched && watched == descriptor) return true;
    }
  }
  return false;
}

// Sends until the system takes no more, and still takes none a while later: its buffers grow, and
// acknowledgements make room in them.
std::size_t fill(Transport& transport) {
  const std::string block(64 * 1024, 'x');
  std::size_t total = 0;
  Waker waker;
  for (int refused = 0; refused < 2;) {
    const Transfer transfer = send(transport, block);
    total += transfer.size;
    refused = transfer.state == TransferState::moved ? 0 : refused + 1;
    if (refused == 1) static_cast<void>(transport.wait(Interest::write, deadline_after(50), waker));
  }
  return total;
}

class TcpTransport : public ::testing::Test {
 protected:
  EventLoop loop;
  TcpPair pair = tcp_pair(loop);
  Waker waker;
};

TEST_F(TcpTransport, CarriesBytesBothWays) {
  EXPECT_EQ(send(*pair.client, "question").size, 8U);
  EXPECT_EQ(receive_all(*pair.server, 8), "question");
  EXPECT_EQ(send(*pair.server, "answer").size, 6U);
  EXPECT_EQ(receive_all(*pair.client, 6), "answer");
}

TEST_F(TcpTransport, SendsSeveralBuffersInOrderAndSkipsEmptyOnes) {
  const std::array buffers{bytes_of("one "), bytes_of(""), bytes_of("two "), bytes_of("three")};
  EXPECT_EQ(pair.client->try_send(buffers).size, 13U);
  EXPECT_EQ(receive_all(*pair.server, 13), "one two three");
}

TEST_F(TcpTransport, SendsMoreBuffersThanFitOneCallInSeveral) {
  const std::vector<std::span<const std::byte>> buffers(100, bytes_of("ab"));
  const Transfer first = pair.client->try_send(buffers);
  EXPECT_EQ(first.state, TransferState::moved);
  EXPECT_GT(first.size, 0U);
  EXPECT_LT(first.size, 200U);
  EXPECT_EQ(first.size % 2, 0U);
}

TEST_F(TcpTransport, AnswersWouldBlockWhenNothingIsThere) {
  EXPECT_EQ(receive_state(*pair.client).state, TransferState::would_block);
  EXPECT_GT(fill(*pair.client), 0U);
  EXPECT_EQ(send(*pair.client, "x").state, TransferState::would_block);
}

TEST_F(TcpTransport, DoesNotMistakeAnEmptyBufferForAnEnd) {
  EXPECT_EQ(pair.client->try_receive({}).state, TransferState::moved);
  EXPECT_EQ(pair.client->try_send({}).state, TransferState::moved);
}

TEST_F(TcpTransport, KnowsItsAddressesEvenAfterClose) {
  const std::string address = pair.client->local_address();
  EXPECT_EQ(address.substr(0, 10), "127.0.0.1:");
  EXPECT_EQ(pair.server->peer_address(), address);
  pair.server->close();
  EXPECT_EQ(pair.server->peer_address(), address);
}

TEST_F(TcpTransport, EndsThePeersReadingAfterShutdownSendAndStillReads) {
  send(*pair.client, "last");
  pair.client->shutdown_send();
  EXPECT_EQ(receive_all(*pair.server, 4), "last");
  EXPECT_EQ(awaited_receive(*pair.server).state, TransferState::ended);
  send(*pair.server, "reply");
  EXPECT_EQ(receive_all(*pair.client, 5), "reply");
}

TEST_F(TcpTransport, FailsAttemptsAfterClose) {
  pair.client->close();
  pair.client->close();
  EXPECT_EQ(receive_state(*pair.client).error_number, ENOTCONN);
  EXPECT_EQ(send(*pair.client, "x").error_number, ENOTCONN);
  EXPECT_EQ(pair.client->wait(Interest::read, soon(), waker), WaitResult::woken);
  EXPECT_EQ(awaited_receive(*pair.server).state, TransferState::ended);
}

TEST_F(TcpTransport, ResetsThePeerWhenAborted) {
  pair.client->close(true);
  const Transfer transfer = awaited_receive(*pair.server);
  EXPECT_EQ(transfer.state, TransferState::failed);
  EXPECT_EQ(transfer.error_number, ECONNRESET);
}

TEST_F(TcpTransport, ResetsThePeerWhenAbortedWhileTheLoopWatchesIt) {
  Told told(loop);
  run_on(loop, [&] { pair.client->wait_async(Interest::read, told); });
  pair.client->close(true);
  EXPECT_EQ(awaited_receive(*pair.server).error_number, ECONNRESET);
  EXPECT_EQ(told.get(), WaitResult::woken);
}

TEST_F(TcpTransport, GivesItsDescriptorBackOnceClosed) {
  const auto before = open_descriptors();
  {
    const TcpPair other = tcp_pair(loop);
    EXPECT_EQ(open_descriptors().size(), before.size() + 2);
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(TcpTransport, GivesItsDescriptorBackWhenTheLoopWatchedItToo) {
  const auto before = open_descriptors();
  TcpPair other = tcp_pair(loop);
  Told told(loop);
  run_on(loop, [&] { other.client->wait_async(Interest::read, told); });
  other = {};
  EXPECT_EQ(told.get(), WaitResult::woken);
  settle(loop);
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(TcpTransport, MeetsTheLoopOnlyAtItsFirstAsynchronousWait) {
  const int descriptor = descriptor_of(*pair.client);
  ASSERT_GE(descriptor, 0);
  send(*pair.server, "x");
  EXPECT_EQ(pair.client->wait(Interest::read, soon(), waker), WaitResult::ready);
  EXPECT_EQ(receive(*pair.client), "x");
  EXPECT_FALSE(watched_by_some_epoll(descriptor));

  Told told(loop);
  run_on(loop, [&] { pair.client->wait_async(Interest::read, told); });
  EXPECT_TRUE(watched_by_some_epoll(descriptor));
  run_on(loop, [&] { pair.client->cancel_waits(); });
  told.get();
}

// Each of these waits but the first finds the registration there, and no edge may be lost whatever
// the attempts between them took in.
TEST_F(TcpTransport, TellsEachArrivalWhateverWasReadBefore) {
  const auto wait_on_loop = [&] {
    Told told(loop);
    run_on(loop, [&] { pair.client->wait_async(Interest::read, told); });
    return told.get();
  };
  for (int round = 0; round < 20; ++round) {
    send(*pair.server, "two");
    send(*pair.server, "parts");
    std::string taken;
    while (taken.size() < 8) {
      EXPECT_EQ(wait_on_loop(), WaitResult::ready);
      taken += receive(*pair.client, 3);  // now with more behind it, now with less
    }
    EXPECT_EQ(taken, "twoparts");
  }
  // Nothing was read since the last of them: it is told again.
  send(*pair.server, "x");
  EXPECT_EQ(wait_on_loop(), WaitResult::ready);
  EXPECT_EQ(wait_on_loop(), WaitResult::ready);
  EXPECT_EQ(awaited_receive(*pair.client).size, 1u);
  pair.server->close();
  EXPECT_EQ(wait_on_loop(), WaitResult::ready);
  EXPECT_EQ(receive_state(*pair.client).state, TransferState::ended);
  EXPECT_EQ(wait_on_loop(), WaitResult::ready) << "the end stays";
}

TEST_F(TcpTransport, AsksTheSystemOnlyForWhatTheLoopHasSeenWhereItMayRelyOnIt) {
  Told told(loop);
  run_on(loop, [&] { pair.client->wait_async(Interest::read, told); });
  send(*pair.server, "x");
  ASSERT_EQ(told.get(), WaitResult::ready);
  run_on(loop, [&] {
    pair.client->rely_on_loop(true);
    EXPECT_FALSE(pair.client->would_receive_nothing());
    EXPECT_EQ(receive(*pair.client), "x");
    EXPECT_TRUE(pair.client->would_receive_nothing());
    // On its way, or there already: the loop cannot have seen it, because it is busy here.
    send(*pair.server, "y");
    EXPECT_EQ(receive_state(*pair.client).state, TransferState::would_block);
    pair.client->rely_on_loop(false);
    EXPECT_FALSE(pair.client->would_receive_nothing());
    EXPECT_EQ(awaited_receive(*pair.client).state, TransferState::moved);
  });
}

TEST_F(TcpTransport, IsWatchedNoMoreWhenNobodyClaimsWhatComes) {
  const int descriptor = descriptor_of(*pair.client);
  Told told(loop);
  run_on(loop, [&] { pair.client->wait_async(Interest::read, told); });
  send(*pair.server, "x");
  told.get();
  for (int i = 0; i < 20 && watched_by_some_epoll(descriptor); ++i) {
    EXPECT_EQ(awaited_receive(*pair.client).size, 1u);
    send(*pair.server, "x");
    settle(loop);
  }
  EXPECT_FALSE(watched_by_some_epoll(descriptor));

  EXPECT_EQ(awaited_receive(*pair.client).size, 1u);
  Told again(loop);
  run_on(loop, [&] { pair.client->wait_async(Interest::read, again); });
  EXPECT_TRUE(watched_by_some_epoll(descriptor));
  send(*pair.server, "x");
  EXPECT_EQ(again.get(), WaitResult::ready);
}

TEST_F(TcpTransport, KeepsItsDescriptorFromOtherPrograms) {
  EXPECT_NE(::fcntl(descriptor_of(*pair.client), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_NE(::fcntl(descriptor_of(*pair.server), F_GETFD) & FD_CLOEXEC, 0);
}

using TcpBlockingWait = TcpTransport;

TEST_F(TcpBlockingWait, IsReadyWhenDataComes) {
  std::thread sender([&] { send(*pair.server, "data"); });
  EXPECT_EQ(pair.client->wait(Interest::read, never, waker), WaitResult::ready);
  EXPECT_EQ(receive(*pair.client), "data");
  sender.join();
}

TEST_F(TcpBlockingWait, IsReadyWhenThereIsRoomToSend) {
  EXPECT_EQ(pair.client->wait(Interest::both, never, waker), WaitResult::ready);
  fill(*pair.client);
  EXPECT_EQ(pair.client->wait(Interest::write, Clock::now(), waker), WaitResult::timed_out);
}

TEST_F(TcpBlockingWait, EndsWhenItsWakerIsWoken) {
  std::thread other([&] { waker.wake(); });
  EXPECT_EQ(pair.client->wait(Interest::read, never, waker), WaitResult::woken);
  EXPECT_EQ(pair.client->wait(Interest::read, never, waker), WaitResult::woken) << "sticky";
  other.join();
  waker.reset();
  EXPECT_EQ(pair.client->wait(Interest::read, Clock::now(), waker), WaitResult::timed_out);
}

TEST_F(TcpBlockingWait, EndsAtItsDeadlineAndNotBefore) {
  const Deadline deadline = Clock::now() + std::chrono::microseconds(12345);
  EXPECT_EQ(pair.client->wait(Interest::read, deadline, waker), WaitResult::timed_out);
  EXPECT_GE(Clock::now(), deadline);
}

TEST_F(TcpBlockingWait, LooksOnceEvenAfterItsDeadline) {
  send(*pair.server, "x");
  ASSERT_EQ(pair.client->wait(Interest::read, never, waker), WaitResult::ready);
  EXPECT_EQ(pair.client->wait(Interest::read, Deadline::min(), waker), WaitResult::ready);
}

TEST_F(TcpBlockingWait, WithNoInterestWaitsForTheWakerOnly) {
  send(*pair.server, "x");
  pair.server->close();
  EXPECT_EQ(pair.client->wait(Interest::none, Clock::now(), waker), WaitResult::timed_out);
}

TEST_F(TcpBlockingWait, EndsWhenAnotherThreadClosesAndWakes) {
  const auto before = open_descriptors();
  std::thread closer([&] {
    pair.client->close();
    waker.wake();
  });
  EXPECT_NE(pair.client->wait(Interest::read, never, waker), WaitResult::timed_out);
  closer.join();
  EXPECT_EQ(open_descriptors().size(), before.size() - 1);
}

TEST_F(TcpBlockingWait, MayBeDoneByTwoThreadsAtOnce) {
  fill(*pair.client);
  std::thread writer([&] {
    Waker own;
    EXPECT_EQ(pair.client->wait(Interest::write, soon(), own), WaitResult::ready);
  });
  std::thread peer([&] {
    send(*pair.server, "x");
    while (receive_state(*pair.server).state == TransferState::moved) {
    }
    while (pair.client->wait(Interest::write, Clock::now(), waker) == WaitResult::timed_out) {
      receive_all(*pair.server, 1);
    }
  });
  Waker own;
  EXPECT_EQ(pair.client->wait(Interest::read, soon(), own), WaitResult::ready);
  writer.join();
  peer.join();
}

using TcpAsyncWait = TcpTransport;

TEST_F(TcpAsyncWait, TellsWhenDataComes) {
  Told told(loop);
  run_on(loop, [&] { pair.client->wait_async(Interest::read, told); });
  settle(loop);
  EXPECT_EQ(told.times(), 0U);
  send(*pair.server, "data");
  EXPECT_EQ(told.get(), WaitResult::ready);
  EXPECT_EQ(receive(*pair.client), "data");
  send(*pair.server, "more");
  receive_all(*pair.client, 4);
  settle(loop);
  EXPECT_EQ(told.times(), 1U);
}

TEST_F(TcpAsyncWait, TellsOfWhatWasThereBeforeButNotInsideTheCall) {
  send(*pair.server, "data");
  ASSERT_EQ(pair.client->wait(Interest::read, soon(), waker), WaitResult::ready);
  Told read(loop);
  Told write(loop);
  run_on(loop, [&] {
    pair.client->wait_async(Interest::read, read);
    pair.client->wait_async(Interest::write, write);
    EXPECT_EQ(read.times() + write.times(), 0U);
  });
  EXPECT_EQ(read.get(), WaitResult::ready);
  EXPECT_EQ(write.get(), WaitResult::ready);
}

TEST_F(TcpAsyncWait, CanBeRepeatedWithoutReadingAnything) {
  send(*pair.server, "data");
  for (int turn = 0; turn < 3; ++turn) {
    Told told(loop);
    run_on(loop, [&] { pair.client->wait_async(Interest::read, told); });
    EXPECT_EQ(told.get(), WaitResult::ready);
  }
}

TEST_F(TcpAsyncWait, IsWokenByCancelButNotInsideTheCall) {
  Told told(loop);
  run_on(loop, [&] {
    pair.client->wait_async(Interest::read, told);
    pair.client->cancel_waits();
    EXPECT_EQ(told.times(), 0U);
  });
  EXPECT_EQ(told.get(), WaitResult::woken);
  settle(loop);
  EXPECT_EQ(told.times(), 1U);
}

TEST_F(TcpAsyncWait, IsWokenByCancelEvenIfItBecameReadyMeanwhile) {
  Told told(loop);
  run_on(loop, [&] {
    pair.client->wait_async(Interest::write, told);
    pair.client->cancel_waits();
  });
  EXPECT_EQ(told.get(), WaitResult::woken);
}

TEST_F(TcpAsyncWait, WorksAgainAfterCancel) {
  Told first(loop);
  Told second(loop);
  run_on(loop, [&] {
    pair.client->wait_async(Interest::read, first);
    pair.client->cancel_waits();
  });
  first.get();
  run_on(loop, [&] { pair.client->wait_async(Interest::read, second); });
  send(*pair.server, "data");
  EXPECT_EQ(second.get(), WaitResult::ready);
}

TEST_F(TcpAsyncWait, IsWokenByCloseOnAnotherThread) {
  Told read(loop);
  Told write(loop);
  fill(*pair.client);
  run_on(loop, [&] {
    pair.client->wait_async(Interest::read, read);
    pair.client->wait_async(Interest::write, write);
  });
  pair.client->close();
  EXPECT_EQ(read.get(), WaitResult::woken);
  EXPECT_EQ(write.get(), WaitResult::woken);
}

TEST_F(TcpAsyncWait, IsWokenByCloseOnTheLoopButNotInsideTheCall) {
  Told told(loop);
  run_on(loop, [&] {
    pair.client->wait_async(Interest::read, told);
    pair.client->close();
    EXPECT_EQ(told.times(), 0U);
  });
  EXPECT_EQ(told.get(), WaitResult::woken);
}

TEST_F(TcpAsyncWait, IsWokenWhenBegunAfterClose) {
  Told told(loop);
  run_on(loop, [&] {
    pair.client->close();
    pair.client->wait_async(Interest::read, told);
    EXPECT_EQ(told.times(), 0U);
  });
  EXPECT_EQ(told.get(), WaitResult::woken);
}

TEST_F(TcpAsyncWait, IsWokenWhenItsTransportIsDestroyed) {
  Told told(loop);
  run_on(loop, [&] { pair.client->wait_async(Interest::read, told); });
  pair.client.reset();
  EXPECT_EQ(told.get(), WaitResult::woken);
  settle(loop);
  EXPECT_EQ(told.times(), 1U);
  EXPECT_EQ(awaited_receive(*pair.server).state, TransferState::ended);
}

TEST_F(TcpAsyncWait, IsToldEvenWhenTheLoopEndsRightAfterTheClose) {
  auto own = std::make_unique<EventLoop>();
  TcpPair other = tcp_pair(*own);
  Told told(*own);
  const auto before = open_descriptors();
  run_on(*own, [&] { other.client->wait_async(Interest::read, told); });
  other.client.reset();
  other.server.reset();
  own.reset();
  EXPECT_EQ(told.times(), 1U);
  EXPECT_LT(open_descriptors().size(), before.size());
}

TEST_F(TcpAsyncWait, SurvivesClosesThatRaceWithIt) {
  for (int turn = 0; turn < 50; ++turn) {
    TcpPair other = tcp_pair(loop);
    Told told(loop);
    loop.post([&] { other.client->wait_async(Interest::read, told); });
    std::thread closer([&] { other.client->close(); });
    EXPECT_EQ(told.get(), WaitResult::woken);
    closer.join();
  }
}

}  // namespace
}  // namespace sally::transport::test
