// Asynchronous operations on streams over memory: what each does when nothing goes wrong.
#include "lib/async_stream.h"

#include <array>
#include <atomic>
#include <functional>
#include <future>
#include <gtest/gtest.h>
#include <string>
#include <utility>

namespace sally::test {
namespace {

using socket::Patience;
using socket::Verb;
using transport::Interest;

std::uint64_t records_of(socket::Stream& stream, std::uint64_t plain_before,
                         std::uint64_t wire_before) {
  constexpr std::uint64_t overhead = 22;  // of a record of TLS 1.3 under AES-GCM
  socket::StreamFacts facts;
  EXPECT_TRUE(stream.facts(facts).ok());
  const auto plain = facts.traffic.sealed - plain_before;
  return (facts.traffic.wire_queued - wire_before - plain) / overhead;
}

transport::Traffic traffic_of(socket::Stream& stream) {
  socket::StreamFacts facts;
  EXPECT_TRUE(stream.facts(facts).ok());
  return facts.traffic;
}

TEST(AsyncRead, CompletesWithWhatTheOtherSideWrites) {
  StreamPair pair;
  auto reading = start_read(*pair.server);
  EXPECT_FALSE(reading.is_over());
  write(*pair.client, "hello");
  EXPECT_EQ(reading.text(), "hello");
  EXPECT_EQ(reading.status(), "SALLY_OK");
}

TEST(AsyncRead, CompletesWithWhatIsThereAlready) {
  StreamPair pair;
  write(*pair.client, "hello");
  EXPECT_EQ(start_read(*pair.server, 2).text(), "he");
  EXPECT_EQ(start_read(*pair.server).text(), "llo");
}

// Reads byte by byte, each read begun by who is told of the one before.
class Nibbler {
 public:
  Nibbler(socket::Stream& stream, int bytes) : stream_(stream), left_(bytes) {}

  void begin() {
    stream_.submit(make_ref<socket::StreamOperation>(
        Ref<socket::Stream>::share(&stream_),
        socket::Request{.verb = Verb::read_some, .into = byte_}, transport::never,
        socket::told([this](socket::AsyncOperation& over) {
          EXPECT_TRUE(over.outcome.ok());
          if (on_first) std::exchange(on_first, nullptr)();
          --left_ == 0 ? done_.set_value() : begin();
        })));
  }
  int left() const { return left_; }
  void wait() { done_.get_future().wait(); }

  std::function<void()> on_first;

 private:
  socket::Stream& stream_;
  std::array<std::byte, 1> byte_{};
  std::atomic<int> left_;
  std::promise<void> done_;
};

TEST(AsyncRead, ThatIsBegunByWhoIsToldOfOneGoesOnAtOnceButNotForEver) {
  constexpr int bytes = 5000;
  StreamPair pair;
  write(*pair.client, std::string(bytes, 'x'));
  Nibbler nibbler(*pair.server, bytes);
  std::atomic<int> left = 0;
  nibbler.on_first = [&] { pair.server.wire->loop().post([&] { left = nibbler.left(); }); };
  nibbler.begin();
  nibbler.wait();
  EXPECT_GT(left, bytes - 20) << "whoever else has something to do on the loop had to wait";
}

TEST(AsyncRead, OfASecondIsBusyWhicheverFormItHas) {
  StreamPair pair;
  auto first = start_read(*pair.server);
  EXPECT_EQ(start_read(*pair.server).status(), "SALLY_BUSY");
  EXPECT_EQ(read(*pair.server, Patience::none()).status(), "SALLY_BUSY");
  write(*pair.client, "x");
  EXPECT_EQ(first.text(), "x");
}

TEST(AsyncRead, MeetsTheEndOfTheStream) {
  StreamPair pair;
  auto reading = start_read(*pair.server);
  ASSERT_TRUE(pair.client->shutdown(Patience::none()).ok());
  EXPECT_EQ(reading.status(), "SALLY_END_OF_STREAM");
  EXPECT_EQ(start_read(*pair.server).status(), "SALLY_END_OF_STREAM");
}

TEST(AsyncRead, ExactlyTakesAsManyRecordsAsItNeeds) {
  StreamPair pair;
  Started reading(*pair.server, Verb::read_exactly, 6);
  write(*pair.client, "ab");
  write(*pair.client, "cd");
  EXPECT_FALSE(reading.is_over(std::chrono::milliseconds(5)));
  write(*pair.client, "efgh");
  EXPECT_EQ(reading.text(), "abcdef");
  EXPECT_EQ(read(*pair.server).text, "gh");
}

TEST(AsyncRead, ExactlyToldOfAnEndSaysHowMuchCame) {
  StreamPair pair;
  Started reading(*pair.server, Verb::read_exactly, 6);
  write(*pair.client, "abc");
  ASSERT_TRUE(pair.client->shutdown(Patience::none()).ok());
  EXPECT_EQ(reading.status(), "SALLY_END_OF_STREAM");
  EXPECT_EQ(reading.text(), "abc");
}

TEST(AsyncRead, UntilStopsBehindTheDelimiterAndLeavesTheRest) {
  StreamPair pair;
  write(*pair.client, "one\r\ntwo\r\nthr");
  EXPECT_EQ(Started(*pair.server, Verb::read_until, 100, "\r\n").text(), "one\r\n");
  EXPECT_EQ(Started(*pair.server, Verb::read_until, 100, "\r\n").text(), "two\r\n");
  Started third(*pair.server, Verb::read_until, 100, "\r\n");
  write(*pair.client, "ee\r");
  EXPECT_FALSE(third.is_over(std::chrono::milliseconds(5)));
  write(*pair.client, "\nfour");
  EXPECT_EQ(third.text(), "three\r\n");
  EXPECT_EQ(read(*pair.server).text, "four");
}

TEST(AsyncRead, UntilFindsADelimiterSplitAnywhere) {
  const std::string line = "abcdefgh--END--", rest = "tail";
  for (std::size_t cut = 1; cut < line.size() + rest.size(); ++cut) {
    StreamPair pair;
    Started reading(*pair.server, Verb::read_until, 100, "--END--");
    const std::string all = line + rest;
    write(*pair.client, std::string_view(all).substr(0, cut));
    write(*pair.client, std::string_view(all).substr(cut));
    EXPECT_EQ(reading.text(), line) << cut;
    EXPECT_EQ(read_exactly(*pair.server, rest.size()).text, rest) << cut;
  }
}

TEST(AsyncRead, UntilIsBoundedByItsBuffer) {
  StreamPair pair;
  write(*pair.client, "0123456789");
  Started reading(*pair.server, Verb::read_until, 4, "\n");
  EXPECT_EQ(reading.status(), "SALLY_LIMIT_EXCEEDED");
  EXPECT_EQ(reading.text(), "0123");
  EXPECT_EQ(read(*pair.server).text, "456789");
}

TEST(AsyncWrite, ArrivesAndCompletesWhenItIsSent) {
  StreamPair pair;
  auto writing = start_write(*pair.client, "hello");
  EXPECT_EQ(read(*pair.server).text, "hello");
  EXPECT_EQ(writing.status(), "SALLY_OK");
  EXPECT_EQ(writing.size(), 5u);
}

TEST(AsyncWrite, OfManyArriveInTheOrderOfTheirCalls) {
  StreamPair pair;
  pair.client.wire->set_faults({.send_limit = 777, .capacity = 5000});
  std::vector<std::string> texts;
  for (int i = 0; i < 200; ++i)
    texts.push_back(std::string(static_cast<std::size_t>(i) * 13, static_cast<char>('a' + i % 26)));
  std::vector<Started> writes;
  std::string all;
  for (const std::string& text : texts) {
    writes.push_back(start_write(*pair.client, text));
    all += text;
  }
  EXPECT_EQ(read_exactly(*pair.server, all.size()).text, all);
  int before = 0;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    EXPECT_EQ(writes[i].status(), "SALLY_OK");
    EXPECT_EQ(writes[i].size(), texts[i].size());
    EXPECT_GT(writes[i].place(), before) << "completed out of order";
    before = writes[i].place();
  }
}

// As the loop sees them: all submitted before it gets to run.
TEST(AsyncWrite, OfOneTurnShareTheirRecords) {
  StreamPair pair;
  const auto before = traffic_of(*pair.client);
  std::vector<Started> writes;
  const std::string piece(64, 'x');
  std::promise<void> submitted;
  transport::EventLoop::shared().post([&] {
    for (int i = 0; i < 100; ++i) writes.push_back(start_write(*pair.client, piece));
    submitted.set_value();
  });
  submitted.get_future().get();
  for (Started& each : writes) EXPECT_EQ(each.status(), "SALLY_OK");
  EXPECT_EQ(records_of(*pair.client, before.sealed, before.wire_queued), 1u);
  EXPECT_EQ(read_exactly(*pair.server, 6400).text, std::string(6400, 'x'));
}

TEST(Write, WithMoreWaitsForTheOthersAndSharesARecordWithThem) {
  StreamPair pair;
  const auto before = traffic_of(*pair.client);
  std::size_t taken = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string piece(64, 'x');
    ASSERT_TRUE(
        pair.client->run({.verb = Verb::write, .data = bytes_of(piece), .more = true}, {}, taken)
            .ok());
    ASSERT_EQ(taken, 64u);
  }
  EXPECT_EQ(traffic_of(*pair.client).wire_sent, before.wire_sent) << "nothing was sent yet";
  ASSERT_TRUE(pair.client->run({.verb = Verb::flush}, {}).ok());
  EXPECT_EQ(records_of(*pair.client, before.sealed, before.wire_queued), 1u);
  EXPECT_EQ(read_exactly(*pair.server, 6400).text, std::string(6400, 'x'));
}

TEST(Write, WithMoreFillsRecordsToTheirLimit) {
  StreamPair pair;
  const auto before = traffic_of(*pair.client);
  const std::string piece(1000, 'x');
  for (int i = 0; i < 40; ++i) start_write(*pair.client, piece, /*more=*/true).status();
  ASSERT_TRUE(pair.client->run({.verb = Verb::flush}, {}).ok());
  EXPECT_EQ(records_of(*pair.client, before.sealed, before.wire_queued), 3u) << "16 KiB each";
  EXPECT_EQ(read_exactly(*pair.server, 40'000).text.size(), 40'000u);
}

TEST(Write, WithMoreIsSentByAReadThatWaits) {
  StreamPair pair;
  std::size_t taken = 0;
  ASSERT_TRUE(
      pair.client->run({.verb = Verb::write, .data = bytes_of("question"), .more = true}, {}, taken)
          .ok());
  EXPECT_EQ(read(*pair.server, Patience::none()).status(), "SALLY_WOULD_BLOCK");
  EXPECT_EQ(read(*pair.client, Patience::none()).status(), "SALLY_WOULD_BLOCK");
  EXPECT_EQ(read(*pair.server, Patience::none()).text, "question");
}

TEST(Write, WithMoreAboveTheHighWatermarkWaitsForThePeer) {
  StreamPair pair;
  pair.client.wire->set_faults({.capacity = 1});
  const std::string much(200'000, 'x');
  std::size_t taken = 0;
  const socket::Outcome outcome = pair.client->run(
      {.verb = Verb::write, .data = bytes_of(much), .more = true}, Patience::none(), taken);
  EXPECT_EQ(name_of(outcome.status), "SALLY_WOULD_BLOCK");
  EXPECT_GE(taken, transport::FlowLimits{}.high_watermark);
  EXPECT_LT(taken, transport::FlowLimits{}.high_watermark + 20'000);
}

TEST(Write, OfSeveralPiecesArrivesAsOne) {
  StreamPair pair;
  const auto before = traffic_of(*pair.client);
  std::vector<std::string> texts;
  std::string all;
  for (int i = 0; i < 50; ++i) {
    texts.push_back(std::string(static_cast<std::size_t>(i), static_cast<char>('a' + i % 26)));
    all += texts.back();
  }
  socket::Request request{.verb = Verb::write};
  for (const std::string& text : texts) {
    if (!text.empty()) request.pieces.push_back(bytes_of(text));
  }
  std::size_t taken = 0;
  ASSERT_TRUE(pair.client->run(std::move(request), {}, taken).ok());
  EXPECT_EQ(taken, all.size());
  EXPECT_EQ(records_of(*pair.client, before.sealed, before.wire_queued), 1u);
  EXPECT_EQ(read_exactly(*pair.server, all.size()).text, all);
}

TEST(Write, OfPiecesLargeAndSmallThroughANarrowWireArrivesWhole) {
  StreamPair pair;
  pair.client.wire->set_faults({.receive_limit = 900, .send_limit = 1000, .capacity = 2000});
  std::vector<std::string> texts;
  std::string all;
  for (int i = 0; i < 30; ++i) {
    texts.push_back(std::string(i % 3 == 0 ? 20'000 : 10, static_cast<char>('a' + i)));
    all += texts.back();
  }
  socket::Request request{.verb = Verb::write};
  for (const std::string& text : texts) request.pieces.push_back(bytes_of(text));
  Started writing(*pair.client, std::move(request));
  EXPECT_EQ(read_exactly(*pair.server, all.size()).text, all);
  EXPECT_EQ(writing.size(), all.size());
}

TEST(AsyncFlush, CompletesBehindTheWritesBeforeIt) {
  StreamPair pair;
  pair.client.wire->set_faults({.capacity = 100});
  const std::string text(3000, 'x');
  auto writing = start_write(*pair.client, text, /*more=*/true);
  auto flushing = start_verb(*pair.client, Verb::flush);
  EXPECT_EQ(writing.status(), "SALLY_OK") << "it is taken";
  EXPECT_FALSE(flushing.is_over(std::chrono::milliseconds(5)));
  EXPECT_EQ(read_exactly(*pair.server, text.size()).text, text);
  EXPECT_EQ(flushing.status(), "SALLY_OK");
}

TEST(AsyncWait, IsReadableWhenAReadWouldNotWait) {
  StreamPair pair;
  auto waiting = start_wait(*pair.server, Interest::read);
  EXPECT_FALSE(waiting.is_over(std::chrono::milliseconds(5)));
  write(*pair.client, "hello");
  EXPECT_EQ(waiting.size(), static_cast<std::size_t>(Interest::read));
  EXPECT_EQ(read(*pair.server, Patience::none()).text, "hello");
}

TEST(AsyncWait, IsReadableAtTheEndToo) {
  StreamPair pair;
  auto waiting = start_wait(*pair.server, Interest::read);
  ASSERT_TRUE(pair.client->shutdown(Patience::none()).ok());
  EXPECT_EQ(waiting.status(), "SALLY_OK");
  EXPECT_EQ(read(*pair.server, Patience::none()).status(), "SALLY_END_OF_STREAM");
}

TEST(AsyncWait, IsReadableForWhatWasLeftInTheSession) {
  StreamPair pair;
  write(*pair.client, "hello");
  EXPECT_EQ(read(*pair.server, {}, 2).text, "he");
  EXPECT_EQ(start_wait(*pair.server, Interest::read).status(), "SALLY_OK");
  EXPECT_EQ(read(*pair.server, Patience::none()).text, "llo");
}

TEST(AsyncWait, TakesNothingAwayFromABlockedReader) {
  for (int round = 0; round < 50; ++round) {
    StreamPair pair;
    auto reading = start([&] { return read(*pair.server).text; });
    auto waiting = start_wait(*pair.server, Interest::read);
    write(*pair.client, "hello");
    EXPECT_EQ(awaited(reading), "hello");
    write(*pair.client, "again");  // the reader may have been quicker than the wait
    EXPECT_EQ(waiting.status(), "SALLY_OK");
  }
}

TEST(AsyncWait, IsWritableUntilThePeerDoesNotRead) {
  StreamPair pair;
  EXPECT_EQ(start_wait(*pair.client, Interest::write).size(),
            static_cast<std::size_t>(Interest::write));
  pair.client.wire->set_faults({.capacity = 1000});
  const std::string much(100'000, 'x');
  const std::size_t taken = write(*pair.client, much, Patience::none()).taken;
  auto waiting = start_wait(*pair.client, Interest::write);
  EXPECT_FALSE(waiting.is_over(std::chrono::milliseconds(5)));
  EXPECT_EQ(read_exactly(*pair.server, taken).text.size(), taken);
  EXPECT_EQ(waiting.status(), "SALLY_OK");
}

TEST(AsyncWait, ForBothIsOverWithTheFirst) {
  StreamPair pair;
  EXPECT_EQ(start_wait(*pair.client, Interest::both).size(),
            static_cast<std::size_t>(Interest::write));
  write(*pair.server, "x");
  settle(*pair.client);
  EXPECT_EQ(start_wait(*pair.client, Interest::both).size(),
            static_cast<std::size_t>(Interest::both));
}

TEST(AsyncShutdown, EndsWhatWasWrittenAndReadingGoesOn) {
  StreamPair pair;
  auto writing = start_write(*pair.client, "last words");
  auto ending = start_verb(*pair.client, Verb::shutdown);
  EXPECT_EQ(ending.status(), "SALLY_OK");
  EXPECT_EQ(writing.status(), "SALLY_OK");
  EXPECT_EQ(read(*pair.server).text, "last words");
  EXPECT_EQ(read(*pair.server).status(), "SALLY_END_OF_STREAM");
  EXPECT_EQ(start_write(*pair.client, "x").status(), "SALLY_INVALID_STATE");
  write(*pair.server, "answer");
  EXPECT_EQ(start_read(*pair.client).text(), "answer");
}

TEST(AsyncClose, OfBothSidesIsClean) {
  StreamPair pair;
  auto first = start_verb(*pair.client, Verb::close, after(20'000));
  auto second = start_verb(*pair.server, Verb::close, after(20'000));
  EXPECT_EQ(first.status(), "SALLY_OK");
  EXPECT_EQ(second.status(), "SALLY_OK");
  EXPECT_EQ(start_read(*pair.client).status(), "SALLY_CLOSED");
  EXPECT_EQ(start_verb(*pair.client, Verb::close).status(), "SALLY_OK") << "nothing to do";
}

TEST(AsyncClose, OfAnIdleStreamIsDoneAtOnce) {
  const auto stream = make_ref<socket::Stream>(socket::Target{.host = "localhost", .service = "1"});
  EXPECT_EQ(start_verb(*stream, Verb::close).status(), "SALLY_OK");
  EXPECT_EQ(start_verb(*stream, Verb::connect).status(), "SALLY_CLOSED");
}

TEST(AsyncClose, WithASilentPeerEndsAtItsDeadline) {
  StreamPair pair;
  EXPECT_EQ(start_verb(*pair.client, Verb::close, after(20)).status(), "SALLY_TIMED_OUT");
}

TEST(AsyncClose, OfATruncatedStreamSaysSo) {
  StreamPair pair;
  auto closing = start_verb(*pair.client, Verb::close, after(20'000));
  pair.server.wire->cut();
  EXPECT_EQ(closing.status(), "SALLY_TRUNCATED");
}

TEST(AsyncClose, OfBothSidesWithMuchToSendLosesNothingThatWasTaken) {
  StreamPair pair;
  pair.client.wire->set_faults({.capacity = 100});
  pair.server.wire->set_faults({.capacity = 100});
  const std::string much(50'000, 'x');
  write(*pair.client, much, Patience::none());
  write(*pair.server, much, Patience::none());
  auto first = start_verb(*pair.client, Verb::close, after(20'000));
  auto second = start_verb(*pair.server, Verb::close, after(20'000));
  EXPECT_EQ(first.status(), "SALLY_OK");
  EXPECT_EQ(second.status(), "SALLY_OK");
}

TEST(AsyncClose, OfAPeerThatNeverStopsSendingLeavesTheLoopToOthers) {
  StreamPair pair, other;
  std::atomic<bool> over = false;
  auto flooding = start([&] {
    const std::string text(16'000, 'x');
    while (!over) write(*pair.server, text, within(10));
  });
  auto closing = start_verb(*pair.client, Verb::close, after(300));
  auto reading = start_read(*other.server);
  write(*other.client, "hello");
  EXPECT_EQ(reading.text(), "hello");
  const std::string status = closing.status();
  EXPECT_TRUE(status == "SALLY_TIMED_OUT" || status == "SALLY_OK") << status;
  over = true;
  flooding.get();
}

// --- Both forms, both directions, on one stream.
// --------------------------------------------------

TEST(FullDuplex, OfBlockingAndAsynchronousCallsCarriesEveryByte) {
  StreamPair pair;
  for (auto* wire : {pair.client.wire, pair.server.wire}) {
    wire->set_faults({.receive_limit = 3000, .send_limit = 5000, .capacity = 20'000});
  }
  std::string out(300'000, '\0'), back(300'000, '\0');
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<char>(i * 7 >> 3);
    back[i] = static_cast<char>(i * 5 >> 2);
  }
  auto client_writes = start([&] { return write(*pair.client, out).status(); });
  Started server_writes = start_write(*pair.server, back);
  Started client_reads(*pair.client, Verb::read_exactly, back.size());
  auto server_reads = start([&] { return read_exactly(*pair.server, out.size()).text; });
  EXPECT_EQ(awaited(client_writes), "SALLY_OK");
  EXPECT_TRUE(awaited(server_reads) == out);
  EXPECT_TRUE(client_reads.text() == back);
  EXPECT_EQ(server_writes.status(), "SALLY_OK");
}

TEST(FullDuplex, OfWritersOfBothFormsKeepsEachCallWhole) {
  StreamPair pair;
  pair.client.wire->set_faults({.send_limit = 3000, .capacity = 9000});
  constexpr int rounds = 40;
  const std::string a(5000, 'a'), b(5000, 'b');
  auto blocking = start([&] {
    for (int i = 0; i < rounds; ++i) EXPECT_EQ(write(*pair.client, a).status(), "SALLY_OK");
  });
  std::vector<Started> writes;
  for (int i = 0; i < rounds; ++i) writes.push_back(start_write(*pair.client, b));
  const std::string all = read_exactly(*pair.server, 2 * rounds * 5000).text;
  blocking.get();
  for (Started& each : writes) EXPECT_EQ(each.status(), "SALLY_OK");
  for (std::size_t i = 0; i < all.size(); i += 5000) {
    EXPECT_EQ(all.substr(i, 5000), std::string(5000, all[i])) << "calls were mixed up";
  }
}

}  // namespace
}  // namespace sally::test
