// Streams over memory: blocking calls of several threads, deadlines, cancelling and closing, on
// wires with faults.
#include "lib/stream_pair.h"

#include <cstdint>
#include <gtest/gtest.h>
#include <string>
#include <thread>

#include <sallyport/stream.h>

namespace sally::test {
namespace {

using socket::Patience;
using transport::Faults;

constexpr auto moment = std::chrono::milliseconds(1);

TEST(StreamRead, WaitsForWhatTheOtherSideWrites) {
  StreamPair pair;
  auto reading = start([&] { return read(*pair.server); });
  EXPECT_EQ(write(*pair.client, "hello").taken, 5u);
  EXPECT_EQ(awaited(reading).text, "hello");
}

TEST(StreamRead, AttemptedDoesNotWait) {
  StreamPair pair;
  EXPECT_EQ(read(*pair.server, Patience::none()).status(), "SALLY_WOULD_BLOCK");
  ASSERT_TRUE(write(*pair.client, "hello").outcome.ok());
  EXPECT_EQ(read(*pair.server, Patience::none()).text, "hello");
}

TEST(StreamRead, EndsAtItsDeadlineAndLeavesTheStreamUsable) {
  StreamPair pair;
  const auto before = transport::Clock::now();
  EXPECT_EQ(read(*pair.server, within(30)).status(), "SALLY_TIMED_OUT");
  EXPECT_GE(transport::Clock::now() - before, std::chrono::milliseconds(30));
  ASSERT_TRUE(write(*pair.client, "later").outcome.ok());
  EXPECT_EQ(read(*pair.server).text, "later");
}

TEST(StreamRead, TakesSeveralRecordsThatAreThere) {
  StreamPair pair;
  ASSERT_TRUE(write(*pair.client, "one, ").outcome.ok());
  ASSERT_TRUE(write(*pair.client, "two, ").outcome.ok());
  ASSERT_TRUE(write(*pair.client, "three").outcome.ok());
  EXPECT_EQ(read(*pair.server, {}, 7).text, "one, tw");
  EXPECT_EQ(read(*pair.server).text, "o, three");
}

TEST(StreamRead, GivesWhatCameBeforeTheEndAndThenTheEnd) {
  StreamPair pair;
  ASSERT_TRUE(write(*pair.client, "last words").outcome.ok());
  ASSERT_TRUE(pair.client->shutdown({}).ok());
  EXPECT_EQ(read(*pair.server).text, "last words");
  EXPECT_EQ(read(*pair.server).status(), "SALLY_END_OF_STREAM");
}

TEST(StreamRead, OfASecondThreadIsBusy) {
  StreamPair pair;
  auto reading = start([&] { return read(*pair.server); });
  std::string second;
  do {
    second = read(*pair.server, Patience::none()).status();
  } while (second == "SALLY_WOULD_BLOCK" && !is_over(reading, moment));
  // The first may itself have met the second, and then is the busy one.
  ASSERT_TRUE(write(*pair.client, "one").outcome.ok());
  const std::string first = awaited(reading).status();
  EXPECT_TRUE((second == "SALLY_BUSY" && first == "SALLY_OK") || first == "SALLY_BUSY")
      << first << " " << second;
}

TEST(StreamRead, GoesOnWhenAStallEnds) {
  StreamPair pair;
  pair.client.wire->set_faults({.stall_at = pair.client.wire->sent() + 9});
  ASSERT_TRUE(write(*pair.client, "stalled").outcome.ok());
  EXPECT_EQ(read(*pair.server, within(20)).status(), "SALLY_TIMED_OUT");
  auto reading = start([&] { return read(*pair.server); });
  pair.client.wire->resume();
  EXPECT_EQ(awaited(reading).text, "stalled");
}

TEST(StreamRead, ReportsTruncationWhenTheWireIsCutAndSticksToIt) {
  StreamPair pair;
  auto reading = start([&] { return read(*pair.server); });
  pair.client.wire->cut();
  EXPECT_EQ(awaited(reading).status(), "SALLY_TRUNCATED");
  EXPECT_EQ(read(*pair.server).status(), "SALLY_TRUNCATED");
}

TEST(StreamRead, ReportsAReset) {
  StreamPair pair;
  auto reading = start([&] { return read(*pair.server); });
  pair.client.wire->set_faults({.reset_at = 0});
  EXPECT_EQ(awaited(reading).status(), "SALLY_CONNECTION_RESET");
  EXPECT_EQ(write(*pair.client, "x").status(), "SALLY_CONNECTION_RESET");
}

TEST(StreamCancel, EndsAReadAndLeavesTheStreamUsable) {
  StreamPair pair;
  auto reading = start([&] { return read(*pair.server); });
  while (!is_over(reading, moment)) pair.server->cancel(SALLY_DIRECTION_READ);
  EXPECT_EQ(awaited(reading).status(), "SALLY_CANCELED");
  ASSERT_TRUE(write(*pair.client, "after").outcome.ok());
  EXPECT_EQ(read(*pair.server).text, "after");
}

TEST(StreamCancel, OfOneDirectionLeavesTheOtherAlone) {
  StreamPair pair;
  pair.client.wire->set_faults({.capacity = 100});
  const std::string text(200'000, 'x');
  auto writing = start([&] { return write(*pair.client, text); });
  auto reading = start([&] { return read(*pair.client); });
  while (!is_over(reading, moment)) pair.client->cancel(SALLY_DIRECTION_READ);
  EXPECT_EQ(awaited(reading).status(), "SALLY_CANCELED");
  EXPECT_FALSE(is_over(writing));
  EXPECT_EQ(read_exactly(*pair.server, text.size()).text, text);
  EXPECT_EQ(awaited(writing).status(), "SALLY_OK");
}

TEST(StreamWrite, OfMuchArrivesWholeThroughANarrowWire) {
  StreamPair pair;
  pair.client.wire->set_faults({.receive_limit = 700, .send_limit = 1000, .capacity = 2000});
  std::string text(1'000'000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 7 >> 4);
  auto writing = start([&] { return write(*pair.client, text); });
  EXPECT_EQ(read_exactly(*pair.server, text.size()).text, text);
  EXPECT_EQ(awaited(writing).taken, text.size());
}

TEST(StreamWrite, ThatTimedOutHasTakenWhatItSaysAndThatArrives) {
  for (const bool cancel : {false, true}) {
    StreamPair pair;
    pair.client.wire->set_faults({.capacity = 1000});
    const std::string text(300'000, 'x');
    auto writing =
        start([&] { return write(*pair.client, text, cancel ? Patience{} : within(30)); });
    if (cancel) {
      while (pair.client.wire->sent() < 1000 || !is_over(writing, moment))
        pair.client->cancel(SALLY_DIRECTION_WRITE);
    }
    const WriteResult result = awaited(writing);
    EXPECT_EQ(result.status(), cancel ? "SALLY_CANCELED" : "SALLY_TIMED_OUT");
    ASSERT_GT(result.taken, 0u);
    ASSERT_LT(result.taken, text.size());

    // Nobody calls the writer's stream any more: the loop sends the rest.
    EXPECT_EQ(read_exactly(*pair.server, result.taken).text.size(), result.taken);
    EXPECT_EQ(read(*pair.server, within(20)).status(), "SALLY_TIMED_OUT") << "and nothing else";
    pair.client.wire->set_faults({});
    ASSERT_TRUE(write(*pair.client, "y").outcome.ok());
    EXPECT_EQ(read(*pair.server).text, "y");
  }
}

TEST(StreamWrite, AttemptedTakesWhatFitsAndTheLoopSendsIt) {
  StreamPair pair;
  pair.client.wire->set_faults({.capacity = 500});
  const std::string text(1'000'000, 'x');
  const WriteResult result = write(*pair.client, text, Patience::none());
  EXPECT_EQ(result.status(), "SALLY_WOULD_BLOCK");
  EXPECT_GT(result.taken, 0u);
  EXPECT_EQ(read_exactly(*pair.server, result.taken).text.size(), result.taken);
}

TEST(StreamWrite, OfSeveralThreadsComesInOrderWithoutMixing) {
  StreamPair pair;
  pair.client.wire->set_faults({.capacity = 3000});
  constexpr std::size_t block = 100'000;
  std::vector<std::future<WriteResult>> writers;
  for (char letter = 'a'; letter < 'e'; ++letter) {
    writers.push_back(
        start([&, letter] { return write(*pair.client, std::string(block, letter)); }));
  }
  const std::string all = read_exactly(*pair.server, 4 * block).text;
  for (auto& writer : writers) EXPECT_EQ(awaited(writer).taken, block);
  ASSERT_EQ(all.size(), 4 * block);
  for (std::size_t start_of = 0; start_of < all.size(); start_of += block) {
    EXPECT_EQ(all.find_first_not_of(all[start_of], start_of),
              start_of + block < all.size() ? start_of + block : std::string::npos);
  }
}

TEST(StreamWrite, QueuedBehindAnotherEndsAtItsOwnDeadline) {
  StreamPair pair;
  pair.client.wire->set_faults({.capacity = 100});
  const std::uint64_t before = pair.client.wire->sent();  // by the handshake
  auto first = start([&] { return write(*pair.client, std::string(300'000, 'a')); });
  while (pair.client.wire->sent() == before) std::this_thread::yield();
  WriteResult second = write(*pair.client, "b", within(30));
  EXPECT_EQ(second.status(), "SALLY_TIMED_OUT");
  EXPECT_FALSE(is_over(first));
  EXPECT_EQ(read_exactly(*pair.server, 300'000).text.size(), 300'000u);
  EXPECT_EQ(awaited(first).status(), "SALLY_OK");
}

TEST(StreamShutdown, EndsOneDirectionOnly) {
  StreamPair pair;
  EXPECT_EQ(name_of(pair.client->shutdown(within(1000)).status), "SALLY_OK");
  EXPECT_EQ(name_of(pair.client->shutdown(within(1000)).status), "SALLY_OK")
      << "a second time does nothing";
  EXPECT_EQ(read(*pair.server).status(), "SALLY_END_OF_STREAM");
  EXPECT_EQ(write(*pair.client, "x").status(), "SALLY_INVALID_STATE");
  ASSERT_TRUE(write(*pair.server, "answer").outcome.ok());
  EXPECT_EQ(read(*pair.client).text, "answer");
}

TEST(StreamShutdown, ThatIsAttemptedOnAFullWireStillArrives) {
  StreamPair pair;
  pair.client.wire->set_faults({.capacity = 10});
  ASSERT_EQ(write(*pair.client, "last words", Patience::none()).taken, 10u);
  EXPECT_EQ(name_of(pair.client->shutdown(Patience::none()).status), "SALLY_OK");
  EXPECT_EQ(read_exactly(*pair.server, 10).text, "last words");
  EXPECT_EQ(read(*pair.server).status(), "SALLY_END_OF_STREAM");
}

TEST(StreamClose, OfBothSidesIsCleanForBoth) {
  StreamPair pair;
  auto closing = start([&] { return close(*pair.server, within(20'000)); });
  EXPECT_EQ(close(*pair.client, within(20'000)), "SALLY_OK");
  EXPECT_EQ(awaited(closing), "SALLY_OK");
}

TEST(StreamClose, DeliversWhatWasWrittenBefore) {
  StreamPair pair;
  pair.client.wire->set_faults({.capacity = 1000});
  const std::string text(100'000, 'x');
  auto reading = start([&] {
    ReadResult all = read_exactly(*pair.server, text.size());
    const std::string end = read(*pair.server).status();
    close(*pair.server, within(10'000));
    return all.text + end;
  });
  const std::size_t taken = write(*pair.client, text, Patience::none()).taken;
  const std::size_t rest = write(*pair.client, text.substr(taken)).taken;
  EXPECT_EQ(taken + rest, text.size());
  EXPECT_EQ(close(*pair.client, within(20'000)), "SALLY_OK");
  EXPECT_EQ(awaited(reading), text + "SALLY_END_OF_STREAM");
}

TEST(StreamClose, ThrowsAwayWhatThePeerStillSends) {
  StreamPair pair;
  ASSERT_TRUE(write(*pair.server, std::string(50'000, 'x')).outcome.ok());
  auto closing = start([&] { return close(*pair.client, within(20'000)); });
  EXPECT_EQ(read(*pair.server).status(), "SALLY_END_OF_STREAM");
  EXPECT_EQ(close(*pair.server, within(20'000)), "SALLY_OK");
  EXPECT_EQ(awaited(closing), "SALLY_OK");
}

TEST(StreamClose, OfASilentPeerEndsAtTheDeadline) {
  StreamPair pair;
  const auto before = transport::Clock::now();
  EXPECT_EQ(close(*pair.client, within(30)), "SALLY_TIMED_OUT");
  EXPECT_LT(transport::Clock::now() - before, std::chrono::seconds(30));
  EXPECT_EQ(read(*pair.client).status(), "SALLY_CLOSED");
}

TEST(StreamClose, BehindAFullWireEndsAtTheDeadline) {
  StreamPair pair;
  pair.client.wire->set_faults({.capacity = 10});
  write(*pair.client, std::string(100'000, 'x'), Patience::none());
  EXPECT_EQ(close(*pair.client, within(30)), "SALLY_TIMED_OUT");
}

TEST(StreamClose, OfAPeerThatVanishedIsTruncated) {
  StreamPair pair;
  pair.server.wire->cut();
  EXPECT_EQ(close(*pair.client, within(10'000)), "SALLY_TRUNCATED");
  EXPECT_EQ(close(*pair.client, within(10'000)), "SALLY_OK") << "there is nothing left to close";
}

TEST(StreamClose, OfAPeerThatResetSaysSo) {
  StreamPair pair;
  pair.server.wire->set_faults({.reset_at = 0});
  EXPECT_EQ(close(*pair.client, within(10'000)), "SALLY_CONNECTION_RESET");
}

TEST(StreamClose, AttemptedDoesNotWaitForThePeerButTellsIt) {
  StreamPair pair;
  EXPECT_EQ(close(*pair.client, Patience::none()), "SALLY_OK");
  EXPECT_EQ(read(*pair.server).status(), "SALLY_END_OF_STREAM");
}

TEST(StreamClose, EndsWhatIsPending) {
  StreamPair pair;
  pair.client.wire->set_faults({.capacity = 10});
  const std::uint64_t before = pair.client.wire->sent();  // by the handshake
  auto reading = start([&] { return read(*pair.client).status(); });
  auto writing = start([&] { return write(*pair.client, std::string(200'000, 'x')).status(); });
  while (pair.client.wire->sent() == before) std::this_thread::yield();
  EXPECT_EQ(close(*pair.client, within(20)), "SALLY_TIMED_OUT");
  EXPECT_EQ(awaited(reading), "SALLY_CLOSED");
  EXPECT_EQ(awaited(writing), "SALLY_CLOSED");
  EXPECT_EQ(write(*pair.client, "x").status(), "SALLY_CLOSED");
  EXPECT_EQ(name_of(pair.client->shutdown({}).status), "SALLY_CLOSED");
}

TEST(StreamFacts, StayAfterClosing) {
  StreamPair pair;
  close(*pair.client, Patience::none());
  socket::StreamFacts facts;
  ASSERT_TRUE(pair.client->facts(facts).ok());
  EXPECT_EQ(facts.session.version_name, "TLSv1.3");
  EXPECT_EQ(facts.peer_address, "memory");
}

TEST(StreamState, BeforeConnectingIsInvalid) {
  const auto stream = make_ref<socket::Stream>(
      socket::Target{.host = "localhost", .service = "1", .peer_name = {}, .config = {}});
  EXPECT_EQ(read(*stream).status(), "SALLY_INVALID_STATE");
  EXPECT_EQ(write(*stream, "x").status(), "SALLY_INVALID_STATE");
  EXPECT_EQ(name_of(stream->shutdown({}).status), "SALLY_INVALID_STATE");
  socket::StreamFacts facts;
  EXPECT_EQ(name_of(stream->facts(facts).status), "SALLY_INVALID_STATE");
  EXPECT_EQ(close(*stream, {}), "SALLY_OK");
  EXPECT_EQ(name_of(stream->connect({}, 0).status), "SALLY_CLOSED");
}

TEST(StreamDescriptor, IsNoneWhereThereIsNoSocket) {
  StreamPair pair;
  int number = 7;
  EXPECT_EQ(name_of(pair.client->lend_descriptor(number).status), "SALLY_NOT_SUPPORTED");
  EXPECT_EQ(number, 7);
}

}  // namespace
}  // namespace sally::test
