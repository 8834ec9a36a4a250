// Calls that another thread ends: by cancelling, by closing.
#include "lib/raw_tcp.h"
#include "lib/secure.h"
#include "lib/threads.h"
#include "lib/too_much.h"

#include <gtest/gtest.h>

using namespace sally::test;

namespace {

// A peer that accepts the connection and then says nothing.
struct SilentPeer {
  RawListener listener;
  Owned<sally_tls_config> config = client_config();
  Stream stream{config.get(), "127.0.0.1", listener.service()};
  std::future<Result> connecting = on_thread([this] { return stream.connect(); });
  RawSocket accepted = listener.accept();
};

}  // namespace

TEST(Cancel, EndsAReadAndLeavesTheStreamUsable) {
  Pair pair = tls_pair();
  auto reading = on_thread([&] { return pair.client.read_status(); });
  wait_for_reader(pair.client);
  ASSERT_EQ(pair.client.cancel(SALLY_DIRECTION_READ), SALLY_OK);
  EXPECT_EQ(reading.get(), SALLY_CANCELED);
  ASSERT_EQ(pair.server.write("x"), SALLY_OK);
  EXPECT_EQ(pair.client.read_text(1), "x");
}

TEST(Cancel, ConcernsOnlyWhatIsPending) {
  Pair pair = tls_pair();
  ASSERT_EQ(pair.client.cancel(SALLY_DIRECTION_READ | SALLY_DIRECTION_WRITE), SALLY_OK);
  ASSERT_EQ(pair.client.write("x"), SALLY_OK);
  EXPECT_EQ(pair.server.read_text(1), "x");
  EXPECT_EQ(pair.client.read_status(short_ms), SALLY_TIMED_OUT);
}

TEST(Cancel, OfWritesLeavesAReadPending) {
  Pair pair = tls_pair();
  auto reading = on_thread([&] { return pair.client.read_text(1); });
  wait_for_reader(pair.client);
  ASSERT_EQ(pair.client.cancel(SALLY_DIRECTION_WRITE), SALLY_OK);
  EXPECT_TRUE(goes_on(reading));
  ASSERT_EQ(pair.server.write("x"), SALLY_OK);
  EXPECT_EQ(reading.get(), "x");
}

TEST(Cancel, EndsAWriteWhoseTakenBytesArriveAllTheSame) {
  Pair pair = tls_pair();
  const std::string bytes = pattern(too_much);
  std::size_t taken = 0;
  auto writing = on_thread([&] { return pair.client.write(bytes, generous_ms, &taken); });
  EXPECT_EQ(cancel_until_done(writing, pair.client, SALLY_DIRECTION_WRITE), SALLY_CANCELED);
  ASSERT_LT(taken, bytes.size());
  EXPECT_EQ(pair.server.read_text(taken), bytes.substr(0, taken));
  ASSERT_EQ(pair.client.write("end"), SALLY_OK) << "it passes";
  EXPECT_EQ(pair.server.read_text(3), "end");
}

TEST(Cancel, EndsWritersThatWaitForTheirTurn) {
  Pair pair = tls_pair();
  const std::string bytes = pattern(too_much);
  auto first = on_thread([&] { return pair.client.write(bytes); });
  EXPECT_TRUE(goes_on(first));
  auto second = on_thread([&] { return pair.client.write(bytes); });
  EXPECT_EQ(cancel_until_done(second, pair.client, SALLY_DIRECTION_WRITE), SALLY_CANCELED);
  EXPECT_EQ(first.get(), SALLY_CANCELED);
}

TEST(Cancel, EndsAConnectAndTheStream) {
  SilentPeer peer;
  ASSERT_TRUE(peer.accepted.readable(static_cast<int>(generous_ms))) << "its hello";
  const Result canceled =
      cancel_until_done(peer.connecting, peer.stream, SALLY_DIRECTION_READ | SALLY_DIRECTION_WRITE);
  EXPECT_EQ(canceled, SALLY_CANCELED);
  EXPECT_EQ(canceled.phase(), "handshake");
  EXPECT_EQ(peer.stream.connect(), SALLY_CLOSED);
  EXPECT_TRUE(peer.accepted.ended());
}

TEST(Close, WakesABlockedReader) {
  Pair pair = tls_pair();
  auto reading = on_thread([&] { return pair.client.read_status(); });
  wait_for_reader(pair.client);
  EXPECT_EQ(pair.client.close(SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
  EXPECT_EQ(reading.get(), SALLY_CLOSED);
}

TEST(Close, WakesABlockedWriterAndThoseBehindIt) {
  Pair pair = tls_pair();
  const std::string bytes = pattern(too_much);
  auto first = on_thread([&] { return pair.client.write(bytes); });
  auto second = on_thread([&] { return pair.client.write(bytes); });
  EXPECT_TRUE(goes_on(first));
  EXPECT_TRUE(goes_on(second));
  EXPECT_EQ(pair.client.close(SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
  EXPECT_EQ(first.get(), SALLY_CLOSED);
  EXPECT_EQ(second.get(), SALLY_CLOSED);
  EXPECT_NE(pair.server.read_text(too_much), bytes);
}

TEST(Close, WakesAConnectingThread) {
  SilentPeer peer;
  EXPECT_TRUE(goes_on(peer.connecting));
  EXPECT_EQ(peer.stream.close(), SALLY_OK);
  EXPECT_EQ(peer.connecting.get(), SALLY_CLOSED);
  EXPECT_TRUE(peer.accepted.ended());
}

TEST(Close, OfAListenerWakesWhoWaitsForClientsAndForRefusals) {
  Listener listener(server_config());
  auto accepting = on_thread([&] { return listener.accept_status(); });
  auto accepting_too = on_thread([&] { return listener.accept_status(); });
  auto waiting = on_thread([&] { return listener.next_refusal(); });
  EXPECT_TRUE(goes_on(accepting));
  EXPECT_TRUE(goes_on(waiting));
  EXPECT_EQ(listener.close(), SALLY_OK);
  EXPECT_EQ(accepting.get(), SALLY_CLOSED);
  EXPECT_EQ(accepting_too.get(), SALLY_CLOSED);
  EXPECT_EQ(waiting.get().result, SALLY_CLOSED);
}

TEST(Close, OfOneEndWhileBothAreBusyHangsNobody) {
  for (int i = 0; i < 20; ++i) {
    Pair pair = tls_pair();
    const std::string bytes = pattern(too_much);
    // More than will ever come: it can end only by the closing, however late that is.
    auto client_reads = on_thread([&] { return pair.client.read_text(too_much + 1).size(); });
    auto client_writes = on_thread([&] { return pair.client.write(bytes); });
    auto server_writes = on_thread([&] { return pair.server.write(bytes); });
    EXPECT_EQ(pair.server.read_text(1000).size(), 1000u);
    pair.client.close(SALLY_TIMEOUT_ATTEMPT);
    EXPECT_EQ(client_writes.get(), SALLY_CLOSED);
    EXPECT_LE(client_reads.get(), too_much);
    server_writes.get();  // how much the client had read by then is anybody's guess
  }
}
