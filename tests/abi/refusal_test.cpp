// Handshakes that fail, as a listener tells of them.
#include "lib/raw_tcp.h"
#include "lib/secure.h"
#include "lib/threads.h"

#include <gtest/gtest.h>
#include <vector>

using namespace sally::test;

namespace {

// A client that says something else than TLS.
RawSocket refused_client(const Listener& listener, std::string_view says) {
  RawSocket client = RawSocket::connect(listener.port());
  client.send(says);
  EXPECT_TRUE(client.ended());
  return client;
}

// A silent client of a listener that gives it a minute. It goes on where another one's time ends:
// that had one of its own.
class PatientlyHeard {
 public:
  PatientlyHeard() : listener_(server_config(), options()) {}
  bool goes_on() const { return !client_.readable(short_ms); }

 private:
  static sally_listener_options options() {
    sally_listener_options options{};
    options.handshake_timeout_ms = 60'000;
    return options;
  }
  Listener listener_;
  RawSocket client_ = RawSocket::connect(listener_.port());
};

}  // namespace

TEST(Refusal, TellsWhoWasRefusedAndWhy) {
  Listener listener(server_config());
  const RawSocket client = refused_client(listener, "hello, is this a mail server?\r\n");
  const Refusal refusal = listener.next_refusal();
  ASSERT_EQ(refusal.result, SALLY_OK);
  EXPECT_EQ(refusal.status(), SALLY_PEER_NOT_TLS);
  EXPECT_EQ(refusal.peer, client.local_address());
  EXPECT_EQ(sally_error_text(refusal.why.get(), SALLY_ERROR_FIELD_ADDRESS), client.local_address());
  EXPECT_STREQ(sally_error_text(refusal.why.get(), SALLY_ERROR_FIELD_PHASE), "handshake");
}

TEST(Refusal, TellsThatTheClientSpeaksHttp) {
  Listener listener(server_config());
  refused_client(listener, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(listener.next_refusal().status(), SALLY_PEER_SPEAKS_HTTP);
}

TEST(Refusal, TellsThatTheClientWentAway) {
  Listener listener(server_config());
  RawSocket::connect(listener.port()).close();
  EXPECT_EQ(listener.next_refusal().status(), SALLY_HANDSHAKE_INTERRUPTED);
  RawSocket in_the_middle = RawSocket::connect(listener.port());
  in_the_middle.send(std::string_view("\x16\x03\x01\x40\x00\x01", 6));
  in_the_middle.close();
  EXPECT_EQ(listener.next_refusal().status(), SALLY_HANDSHAKE_INTERRUPTED);
}

TEST(Refusal, IsNeverAFailedAccept) {
  Listener listener(server_config());
  auto accepting = on_thread([&] { return listener.accept_status(); });
  refused_client(listener, "not TLS\r\n");
  EXPECT_TRUE(goes_on(accepting));
  const auto config = client_config();
  Stream client = listener.stream(config.get());
  EXPECT_EQ(client.connect(), SALLY_OK);
  EXPECT_EQ(accepting.get(), SALLY_OK);
}

TEST(Refusal, QueuesInOrderWithTheOldestDroppedAndCounted) {
  sally_listener_options options{};
  options.max_refusals = 2;
  Listener listener(server_config(), options);
  std::vector<RawSocket> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(refused_client(listener, "not TLS\r\n"));
  EXPECT_EQ(sally_listener_dropped_refusals(listener.get()), 3u);
  EXPECT_EQ(listener.next_refusal().peer, clients[3].local_address());
  EXPECT_EQ(listener.next_refusal().peer, clients[4].local_address());
  EXPECT_EQ(listener.next_refusal(SALLY_TIMEOUT_ATTEMPT).result, SALLY_WOULD_BLOCK);
}

TEST(Refusal, CanBeTakenAfterTheListenerIsClosed) {
  Listener listener(server_config());
  refused_client(listener, "not TLS\r\n");
  ASSERT_EQ(listener.close(), SALLY_OK);
  EXPECT_EQ(listener.next_refusal().status(), SALLY_PEER_NOT_TLS);
  EXPECT_EQ(listener.next_refusal().result, SALLY_CLOSED);
}

TEST(Refusal, OfASilentClientComesAtTheDeadline) {
  sally_listener_options options{};
  options.handshake_timeout_ms = 4 * short_ms;
  Listener listener(server_config(), options);
  const PatientlyHeard other;
  const StopWatch watch;
  RawSocket silent = RawSocket::connect(listener.port());
  EXPECT_TRUE(silent.ended());
  EXPECT_GE(watch.milliseconds(), 3 * short_ms);
  EXPECT_LT(watch.milliseconds(), 30'000);
  EXPECT_TRUE(other.goes_on());
  const Refusal refusal = listener.next_refusal();
  EXPECT_EQ(refusal.status(), SALLY_TIMED_OUT);
  EXPECT_STREQ(sally_error_text(refusal.why.get(), SALLY_ERROR_FIELD_PHASE), "handshake");
  EXPECT_EQ(refusal.peer, silent.local_address());
}

TEST(Refusal, OfADrippingClientComesAtTheDeadlineToo) {
  sally_listener_options options{};
  options.handshake_timeout_ms = 40 * short_ms;
  Listener listener(server_config(), options);
  const PatientlyHeard other;
  const StopWatch watch;
  RawSocket client = RawSocket::connect(listener.port());
  // The beginning of a ClientHello of 16 KiB, and then a byte at a time.
  client.send(std::string_view("\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03", 11));
  int dripped = 0;
  while (!client.readable(short_ms / 5) && watch.milliseconds() < generous_ms) {
    client.send("\x01");
    ++dripped;
  }
  EXPECT_GT(dripped, 5);
  EXPECT_LT(dripped, 16'000);
  EXPECT_TRUE(client.ended());
  EXPECT_LT(watch.milliseconds(), 30'000);
  EXPECT_TRUE(other.goes_on());
  EXPECT_EQ(listener.next_refusal().status(), SALLY_TIMED_OUT);
}
