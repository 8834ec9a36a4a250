#include "transport/memory.h"
#include "transport_support.h"

#include <cerrno>
#include <thread>

namespace sally::transport::test {
namespace {

class MemoryTransports : public ::testing::Test {
 protected:
  void faults(const Faults& set) { left->set_faults(set); }

  EventLoop loop;
  std::pair<std::unique_ptr<MemoryTransport>, std::unique_ptr<MemoryTransport>> ends =
      make_memory_transports(loop);
  std::unique_ptr<MemoryTransport>& left = ends.first;  // sends with faults
  std::unique_ptr<MemoryTransport>& right = ends.second;
  Waker waker;
};

TEST_F(MemoryTransports, CarryBytesBothWays) {
  EXPECT_EQ(receive_state(*right).state, TransferState::would_block);
  const std::array buffers{bytes_of("one "), bytes_of(""), bytes_of("two")};
  EXPECT_EQ(left->try_send(buffers).size, 7U);
  EXPECT_EQ(left->sent(), 7U);
  EXPECT_EQ(receive(*right, 3), "one");
  EXPECT_EQ(receive(*right), " two");
  send(*right, "back");
  EXPECT_EQ(receive(*left), "back");
  EXPECT_EQ(left->local_address(), "memory");
  EXPECT_EQ(&left->loop(), &loop);
}

TEST_F(MemoryTransports, ReceiveNoMoreAtOnceThanTheLimit) {
  faults({.receive_limit = 2});
  send(*left, "abc");
  EXPECT_EQ(receive(*right), "ab");
  EXPECT_EQ(receive(*right), "c");
}

TEST_F(MemoryTransports, SendNoMoreAtOnceThanTheLimit) {
  faults({.send_limit = 2});
  EXPECT_EQ(send(*left, "abc").size, 2U);
  EXPECT_EQ(receive(*right), "ab");
}

TEST_F(MemoryTransports, BlockSendsWhenFull) {
  faults({.capacity = 4});
  EXPECT_EQ(send(*left, "abcdef").size, 4U);
  EXPECT_EQ(send(*left, "ef").state, TransferState::would_block);
  EXPECT_EQ(receive(*right, 1), "a");
  EXPECT_EQ(send(*left, "ef").size, 1U);
}

TEST_F(MemoryTransports, HoldBytesBackUntilResumed) {
  faults({.stall_at = 2});
  send(*left, "abcd");
  EXPECT_EQ(receive(*right), "ab");
  EXPECT_EQ(receive_state(*right).state, TransferState::would_block);
  left->resume();
  EXPECT_EQ(receive(*right), "cd");
}

TEST_F(MemoryTransports, HoldTheEndBackTooWhileStalled) {
  faults({.stall_at = 2});
  send(*left, "ab");
  left->close();
  EXPECT_EQ(receive(*right), "ab");
  EXPECT_EQ(receive_state(*right).state, TransferState::would_block);
  left->resume();
  EXPECT_EQ(receive_state(*right).state, TransferState::ended);
}

TEST_F(MemoryTransports, EndInsteadOfTheByteAtTheCut) {
  faults({.cut_at = 2});
  EXPECT_EQ(send(*left, "abcd").size, 4U) << "the sender does not notice";
  EXPECT_EQ(receive(*right), "ab");
  EXPECT_EQ(receive_state(*right).state, TransferState::ended);
  EXPECT_EQ(receive_state(*right).state, TransferState::ended);
}

TEST_F(MemoryTransports, StayCutWhateverIsSetLater) {
  faults({.capacity = 2, .cut_at = 2});
  send(*left, "ab");
  faults({});
  EXPECT_EQ(send(*left, "lost").size, 4U);
  EXPECT_EQ(receive(*right), "ab");
  EXPECT_EQ(receive_state(*right).state, TransferState::ended);
}

TEST_F(MemoryTransports, CanBeCutBeforeAnythingWasSent) {
  faults({.cut_at = 0});
  EXPECT_EQ(receive_state(*right).state, TransferState::ended);
}

TEST_F(MemoryTransports, CanBeCutBehindWhatIsUnderWay) {
  send(*left, "abcd");
  EXPECT_EQ(receive(*right, 1), "a");
  faults({.cut_at = 3});
  EXPECT_EQ(receive(*right), "bc");
  EXPECT_EQ(receive_state(*right).state, TransferState::ended);
}

TEST_F(MemoryTransports, CutNowAfterWhatIsUnderWay) {
  send(*left, "ab");
  left->cut();
  EXPECT_EQ(send(*left, "cd").size, 2U);
  EXPECT_EQ(receive(*right), "ab");
  EXPECT_EQ(receive_state(*right).state, TransferState::ended);
  EXPECT_EQ(left->sent(), 4U);
}

TEST_F(MemoryTransports, ResetBothSidesAtTheByte) {
  faults({.reset_at = 2});
  EXPECT_EQ(send(*left, "abcd").size, 2U);
  EXPECT_EQ(send(*left, "cd").error_number, ECONNRESET);
  EXPECT_EQ(receive(*right), "ab");
  EXPECT_EQ(receive_state(*right).error_number, ECONNRESET);
  faults({});
  EXPECT_EQ(send(*left, "cd").error_number, ECONNRESET) << "there is no way back";
  EXPECT_EQ(receive_state(*right).error_number, ECONNRESET);
}

TEST_F(MemoryTransports, FlipTheLowestBitOfOneByte) {
  faults({.flip_at = 2});
  send(*left, "ab");
  send(*left, "bd");
  EXPECT_EQ(receive(*right, 1), "a");
  EXPECT_EQ(receive(*right, 2), "bc");
  EXPECT_EQ(receive(*right), "d");
}

TEST_F(MemoryTransports, CombineFaults) {
  faults({.receive_limit = 1, .send_limit = 3, .stall_at = 4, .cut_at = 5, .flip_at = 1});
  EXPECT_EQ(send(*left, "acbdef").size, 3U);
  EXPECT_EQ(send(*left, "def").size, 3U);
  std::string text;
  for (int count = 0; count < 6; ++count) text += receive(*right);
  EXPECT_EQ(text, "abbd");
  EXPECT_EQ(receive_state(*right).state, TransferState::would_block);
  left->resume();
  EXPECT_EQ(receive(*right), "e");
  EXPECT_EQ(receive_state(*right).state, TransferState::ended);
}

TEST_F(MemoryTransports, DisturbOneDirectionOnly) {
  faults({.cut_at = 0, .reset_at = 0});
  send(*right, "fine");
  EXPECT_EQ(receive(*left), "fine");
}

TEST_F(MemoryTransports, EndThePeersReadingAfterShutdownSend) {
  send(*left, "last");
  left->shutdown_send();
  EXPECT_EQ(send(*left, "x").error_number, EPIPE);
  EXPECT_EQ(receive(*right), "last");
  EXPECT_EQ(receive_state(*right).state, TransferState::ended);
  send(*right, "reply");
  EXPECT_EQ(receive(*left), "reply");
}

TEST_F(MemoryTransports, DeliverWhatIsUnderWayAfterClose) {
  send(*left, "last");
  left->close();
  left->close(true);
  EXPECT_EQ(send(*left, "x").error_number, ENOTCONN);
  EXPECT_EQ(receive_state(*left).error_number, ENOTCONN);
  EXPECT_EQ(send(*right, "x").error_number, EPIPE);
  EXPECT_EQ(receive(*right), "last");
  EXPECT_EQ(receive_state(*right).state, TransferState::ended);
}

TEST_F(MemoryTransports, ResetThePeerWhenAborted) {
  send(*left, "last");
  left->close(true);
  EXPECT_EQ(send(*right, "x").error_number, ECONNRESET);
  EXPECT_EQ(receive(*right), "last");
  EXPECT_EQ(receive_state(*right).error_number, ECONNRESET);
}

TEST_F(MemoryTransports, CloseWhenDestroyed) {
  left.reset();
  EXPECT_EQ(receive_state(*right).state, TransferState::ended);
}

using MemoryBlockingWait = MemoryTransports;

TEST_F(MemoryBlockingWait, IsReadyWhenDataComesAndLeavesTheWakerAlone) {
  std::thread sender([&] { send(*left, "data"); });
  EXPECT_EQ(right->wait(Interest::read, never, waker), WaitResult::ready);
  sender.join();
  EXPECT_EQ(receive(*right), "data");
  EXPECT_EQ(right->wait(Interest::read, Clock::now(), waker), WaitResult::timed_out);
}

TEST_F(MemoryBlockingWait, IsReadyWhenThereIsRoomAgain) {
  faults({.capacity = 1});
  EXPECT_EQ(left->wait(Interest::both, never, waker), WaitResult::ready);
  send(*left, "x");
  EXPECT_EQ(left->wait(Interest::write, Clock::now(), waker), WaitResult::timed_out);
  std::thread reader([&] { receive(*right); });
  EXPECT_EQ(left->wait(Interest::write, never, waker), WaitResult::ready);
  reader.join();
}

TEST_F(MemoryBlockingWait, EndsByWakerDeadlineCloseAndResume) {
  std::thread other([&] { waker.wake(); });
  EXPECT_EQ(right->wait(Interest::read, never, waker), WaitResult::woken);
  other.join();
  waker.reset();

  const Deadline deadline = Clock::now() + std::chrono::milliseconds(3);
  EXPECT_EQ(right->wait(Interest::read, deadline, waker), WaitResult::timed_out);
  EXPECT_GE(Clock::now(), deadline);

  faults({.stall_at = 0});
  send(*left, "x");
  EXPECT_EQ(right->wait(Interest::read, Clock::now(), waker), WaitResult::timed_out);
  std::thread resumer([&] { left->resume(); });
  EXPECT_EQ(right->wait(Interest::read, never, waker), WaitResult::ready);
  resumer.join();
  receive(*right);

  std::thread closer([&] { right->close(); });
  EXPECT_EQ(right->wait(Interest::read, never, waker), WaitResult::woken);
  closer.join();
}

using MemoryAsyncWait = MemoryTransports;

TEST_F(MemoryAsyncWait, TellsOnceWhenDataComes) {
  Told told(loop);
  run_on(loop, [&] { right->wait_async(Interest::read, told); });
  settle(loop);
  EXPECT_EQ(told.times(), 0U);
  send(*left, "data");
  send(*left, "more");
  EXPECT_EQ(told.get(), WaitResult::ready);
  settle(loop);
  EXPECT_EQ(told.times(), 1U);
}

TEST_F(MemoryAsyncWait, TellsOfWhatWasThereBeforeButNotInsideTheCall) {
  send(*left, "data");
  Told read(loop);
  Told write(loop);
  run_on(loop, [&] {
    right->wait_async(Interest::read, read);
    right->wait_async(Interest::write, write);
    EXPECT_EQ(read.times() + write.times(), 0U);
  });
  EXPECT_EQ(read.get(), WaitResult::ready);
  EXPECT_EQ(write.get(), WaitResult::ready);
}

TEST_F(MemoryAsyncWait, IsWokenByCancelCloseAndDestruction) {
  const auto told_after = [&](auto end) {
    Told told(loop);
    run_on(loop, [&] {
      right->wait_async(Interest::read, told);
      end();
      EXPECT_EQ(told.times(), 0U);
    });
    EXPECT_EQ(told.get(), WaitResult::woken);
    settle(loop);
    EXPECT_EQ(told.times(), 1U);
  };
  told_after([&] { right->cancel_waits(); });
  told_after([&] { right->close(); });
  told_after([&] {});
  std::swap(left, right);
  told_after([&] { right.reset(); });
}

TEST_F(MemoryAsyncWait, TellsOfTheEnd) {
  Told told(loop);
  run_on(loop, [&] { right->wait_async(Interest::read, told); });
  left->close();
  EXPECT_EQ(told.get(), WaitResult::ready);
}

TEST_F(MemoryTransports, CarryAMegabyteBetweenTwoThreads) {
  faults({.receive_limit = 1000, .send_limit = 3000, .capacity = 5000});
  const std::string block(1 << 20, 'x');
  std::thread sender([&] {
    Waker own;
    std::string_view rest = block;
    while (!rest.empty()) {
      const Transfer transfer = send(*left, rest);
      rest.remove_prefix(transfer.size);
      if (transfer.state == TransferState::would_block) left->wait(Interest::write, soon(), own);
    }
    left->shutdown_send();
  });
  EXPECT_EQ(receive_all(*right, block.size()).size(), block.size());
  sender.join();
  EXPECT_EQ(awaited_receive(*right).state, TransferState::ended);
}

}  // namespace
}  // namespace sally::transport::test
