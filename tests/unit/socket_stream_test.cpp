// Streams over memory: blocking calls of several threads, deadlines, cancelling and closing, on
// wires with faults.
#include "lib/raw_peer.h"
#include "lib/stream_pair.h"

#include <atomic>
#include <cstdint>
#include <gtest/gtest.h>
#include <latch>
#include <map>
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

// --- A peer that is plain OpenSSL.
// -----------------------------------------------------------------

// Another transport, as it is.
class Forwarding : public transport::Transport {
 public:
  explicit Forwarding(std::unique_ptr<transport::Transport> below) : below_(std::move(below)) {}

  transport::Transfer try_receive(std::span<std::byte> buffer) noexcept override {
    return below_->try_receive(buffer);
  }
  transport::Transfer try_send(
      std::span<const std::span<const std::byte>> buffers) noexcept override {
    return below_->try_send(buffers);
  }
  transport::WaitResult wait(transport::Interest interest, transport::Deadline deadline,
                             transport::Waker& waker) noexcept override {
    return below_->wait(interest, deadline, waker);
  }
  void wait_async(transport::Interest interest, transport::WaitHandler& handler) noexcept override {
    below_->wait_async(interest, handler);
  }
  void cancel_waits() noexcept override { below_->cancel_waits(); }
  void shutdown_send() noexcept override { below_->shutdown_send(); }
  void close(bool abort) noexcept override { below_->close(abort); }
  void close_in_child() noexcept override { below_->close_in_child(); }
  transport::EventLoop& loop() const noexcept override { return below_->loop(); }
  std::string local_address() const override { return below_->local_address(); }
  std::string peer_address() const override { return below_->peer_address(); }

 private:
  std::unique_ptr<transport::Transport> below_;
};

thread_local bool always_too_late = false;

// Of two threads that wait for one thing the system may run one so late that the other has taken
// all of it: this thread then sees nothing to be ready.
class Late final : public Forwarding {
 public:
  using Forwarding::Forwarding;
  transport::WaitResult wait(transport::Interest interest, transport::Deadline deadline,
                             transport::Waker& waker) noexcept override {
    if (!always_too_late) return Forwarding::wait(interest, deadline, waker);
    ++waiting;
    return waker.wait(deadline) ? transport::WaitResult::woken : transport::WaitResult::timed_out;
  }
  static inline std::atomic<int> waiting{0};
};

// Established; then the first 600 bytes of a session ticket have come, which is larger than a
// record.
struct HalfATicketPair {
  explicit HalfATicketPair(bool late = false) {
    EXPECT_TRUE(pair.shake_hands());
    pair.peer().transport().set_faults({.stall_at = pair.peer().transport().sent() + 600});
    pair.peer().call([](SSL* ssl) {
      SSL_new_session_ticket(ssl);
      return SSL_do_handshake(ssl);
    });
    EXPECT_EQ(name_of(pair.ours().read_status()), "SALLY_WOULD_BLOCK");  // OpenSSL has the half
    if (!late) {
      ours = make_stream(pair.ours());
      return;
    }
    auto session = pair.ours().take_session();
    auto transport = std::make_unique<Late>(pair.ours().take_transport());
    ours.stream = make_ref<socket::Stream>(std::move(transport), std::move(session));
  }
  ~HalfATicketPair() { ours->abandon(); }

  MixedPair pair{
      client_config({.client = "client-good-rsa-issuer"})->freeze(), [](SSL_CTX* context) {
        use_version(context, TLS1_3_VERSION);
        use_certificate(context, zoo("server-good"));
        SSL_CTX_set_num_tickets(context, 0);
        SSL_CTX_set_max_send_fragment(context, 512);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
      }};
  StreamEnd ours;
};

TEST(StreamHalfMessage, HoldsAWriterUpOnlyUntilTheReaderHasTakenInTheRest) {
  for (int round = 0; round < 50; ++round) {
    HalfATicketPair half;
    auto reading = start([&] { return read(*half.ours, within(20'000)); });
    auto writing = start([&] { return write(*half.ours, "hello", within(20'000)).status(); });
    if (round % 2 == 0) static_cast<void>(writing.wait_for(std::chrono::milliseconds(2)));
    half.pair.peer().transport().resume();
    EXPECT_EQ(awaited(writing), "SALLY_OK") << "round " << round;
    EXPECT_EQ(half.pair.peer().read_all(), "hello");
    EXPECT_TRUE(half.pair.peer().write("answer"));
    EXPECT_EQ(awaited(reading).text, "answer");
  }
}

TEST(StreamHalfMessage, LeavesAReaderTheDataThatAWriterTookIn) {
  for (int round = 0; round < 50; ++round) {
    HalfATicketPair half;
    half.pair.peer().write("behind the ticket");
    auto writing = start([&] { return write(*half.ours, "hello", within(20'000)).status(); });
    auto reading = start([&] { return read(*half.ours, within(20'000)); });
    if (round % 2 == 0) static_cast<void>(reading.wait_for(std::chrono::milliseconds(2)));
    half.pair.peer().transport().resume();
    EXPECT_EQ(awaited(reading).text, "behind the ticket") << "round " << round;
    EXPECT_EQ(awaited(writing), "SALLY_OK");
  }
}

TEST(StreamHalfMessage, WakesAWriterThatIsTooLateForTheRest) {
  HalfATicketPair half(/*late=*/true);
  Late::waiting = 0;
  auto writing = start([&] {
    always_too_late = true;
    return write(*half.ours, "hello", within(20'000)).status();
  });
  while (Late::waiting == 0) std::this_thread::yield();
  auto reading = start([&] { return read(*half.ours, within(20'000)); });
  half.pair.peer().transport().resume();
  EXPECT_EQ(awaited(writing), "SALLY_OK");
  EXPECT_TRUE(half.pair.peer().write("answer"));
  EXPECT_EQ(awaited(reading).text, "answer");
}

TEST(StreamHalfMessage, WakesAReaderThatIsTooLateForWhatAWriterTookIn) {
  HalfATicketPair half(/*late=*/true);
  half.pair.peer().write("behind the ticket");
  Late::waiting = 0;
  auto reading = start([&] {
    always_too_late = true;
    return read(*half.ours, within(20'000));
  });
  while (Late::waiting == 0) std::this_thread::yield();
  auto writing = start([&] { return write(*half.ours, "hello", within(20'000)).status(); });
  half.pair.peer().transport().resume();
  EXPECT_EQ(awaited(writing), "SALLY_OK");
  const ReadResult got = awaited(reading);
  EXPECT_EQ(got.text, "behind the ticket") << got.status();
}

TEST(StreamHalfMessage, IsWhatAnAttemptToWriteWaitsFor) {
  HalfATicketPair half;
  EXPECT_EQ(write(*half.ours, "hello", Patience::none()).status(), "SALLY_WOULD_BLOCK");
  EXPECT_EQ(half.ours->lent_interest(SALLY_DIRECTION_WRITE), unsigned{SALLY_DIRECTION_READ});
  EXPECT_EQ(half.ours->lent_interest(SALLY_DIRECTION_READ), unsigned{SALLY_DIRECTION_READ});
  half.pair.peer().transport().resume();
  EXPECT_EQ(write(*half.ours, "hello", Patience::none()).status(), "SALLY_OK");
  EXPECT_EQ(half.pair.peer().read_all(), "hello");
}

// Has the peer send more whenever something is received.
class Flood final : public Forwarding {
 public:
  Flood(std::unique_ptr<transport::Transport> below, TlsEnd& peer)
      : Forwarding(std::move(below)), peer_(peer) {}

  transport::Transfer try_receive(std::span<std::byte> buffer) noexcept override {
    if (receives_++ < most) peer_.write(std::string(16'000, 'x'));
    return Forwarding::try_receive(buffer);
  }
  int receives() const { return receives_; }

  static constexpr int most = 10'000;

 private:
  TlsEnd& peer_;
  int receives_ = 0;
};

TEST(StreamAbandon, OfAPeerThatNeverStopsSendingDoesNotListenForLong) {
  auto [near, far] = transport::make_memory_transports(transport::EventLoop::shared());
  TlsEnd server(server_config({})->freeze(), {}, std::move(far));
  auto flood = std::make_unique<Flood>(std::move(near), server);
  Flood& flooding = *flood;
  auto session = std::make_unique<tls::Session>(client_config({})->freeze(),
                                                tls::PeerName{.text = "localhost"}, *flood);
  for (int turn = 0; turn < 4; ++turn) {
    session->handshake();
    server.shake();
  }
  ASSERT_TRUE(session->established());
  ASSERT_EQ(server.status(), SALLY_OK);
  const int before = flooding.receives();
  const auto stream = make_ref<socket::Stream>(std::move(flood), std::move(session));
  stream->abandon();
  EXPECT_LT(flooding.receives() - before, 1000);
}

// --- An end at every point where a call can be suspended.
// ------------------------------------------

enum class End { cancel, close, abandon, cut, reset };

const char* label(End end) {
  constexpr std::array labels = {"Cancel", "Close", "Abandon", "Cut", "Reset"};
  return labels[static_cast<std::size_t>(end)];
}

class StreamEnding : public testing::TestWithParam<End> {};

INSTANTIATE_TEST_SUITE_P(By, StreamEnding,
                         testing::Values(End::cancel, End::close, End::abandon, End::cut,
                                         End::reset),
                         [](const auto& row) { return label(row.param); });

void end_by(End end, StreamPair& pair) {
  switch (end) {
    case End::cancel:
      return pair.client->cancel(SALLY_DIRECTION_READ | SALLY_DIRECTION_WRITE);
    case End::close:
      static_cast<void>(pair.client->close(within(10)));
      return;
    case End::abandon:
      return pair.client->abandon();
    case End::cut:
      pair.server.wire->resume();  // a stall would hide it
      pair.client.wire->cut();
      return pair.server.wire->cut();
    case End::reset:
      pair.client.wire->set_faults({.reset_at = 0});
      return pair.server.wire->set_faults({.reset_at = 0});
  }
}

TEST_P(StreamEnding, AtAnyByteEndsEveryCallOfEveryThread) {
  const Ref<tls::Context> client = client_config({})->freeze();
  const Ref<tls::Context> server = server_config({})->freeze();
  const std::string text(100'000, 'x');
  for (std::uint64_t offset = 0; offset < 120; offset += 3 * byte_step) {
    StreamPair pair{TlsPair(client, server)};
    pair.server.wire->set_faults({.stall_at = pair.server.wire->sent() + offset});
    pair.client.wire->set_faults({.capacity = 1 + offset});
    const std::uint64_t before = pair.client.wire->sent();
    // Each thread holds a reference of its own, as a handle's owner would.
    auto reading = start([stream = pair.client.stream] {
      std::string last;
      while ((last = read(*stream).status()) == "SALLY_OK") continue;
      return last;
    });
    auto writing =
        start([stream = pair.client.stream, &text] { return write(*stream, text).status(); });
    auto queued =
        start([stream = pair.client.stream, &text] { return write(*stream, text).status(); });
    write(*pair.server, "three", Patience::none());
    write(*pair.server, "records", Patience::none());
    if (offset % 2 == 0) {
      while (pair.client.wire->sent() == before) std::this_thread::yield();
    }

    do {
      end_by(GetParam(), pair);
    } while (!is_over(reading, moment) || !is_over(writing, moment) || !is_over(queued, moment));
    EXPECT_NE(awaited(reading), "SALLY_INTERNAL");
    EXPECT_NE(awaited(writing), "SALLY_UNKNOWN");
    EXPECT_NE(awaited(queued), "SALLY_UNKNOWN");
  }
}

TEST(StreamAbandon, WithABackgroundFlushUnderWayEndsIt) {
  for (int round = 0; round < 20; ++round) {
    StreamPair pair;
    pair.client.wire->set_faults({.capacity = 10});
    write(*pair.client, std::string(1000, 'x'), Patience::none());
    if (round % 2 == 0) pair.client.wire->set_faults({});
    pair.client->abandon();
    pair.client.stream = {};
  }
}

TEST(StreamDescriptor, IsNoneWhereThereIsNoSocket) {
  StreamPair pair;
  int number = 7;
  EXPECT_EQ(name_of(pair.client->lend_descriptor(number).status), "SALLY_NOT_SUPPORTED");
  EXPECT_EQ(number, 7);
}

}  // namespace
}  // namespace sally::test
