// Where a listener listens, whom it hands out, and its limits.
#include "lib/async.h"
#include "lib/raw_tcp.h"
#include "lib/secure.h"
#include "lib/threads.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <vector>

using namespace sally::test;

namespace {

Result bind_status(const char* host, const std::string& service) {
  const auto config = server_config();
  sally_listener_options options{};
  options.struct_size = sizeof options;
  options.host = host;
  options.service = service.c_str();
  options.tls = config.get();
  Owned<sally_listener> listener;
  return called(
      [&](sally_error** error) { return sally_listener_bind(&options, Out(listener), error); });
}

}  // namespace

TEST(Listener, TellsWhereItReallyListens) {
  Listener listener(server_config());
  EXPECT_NE(listener.port(), 0);
  EXPECT_EQ(sally_listener_address(listener.get()), "127.0.0.1:" + listener.service());
}

TEST(Listener, WithoutAHostListensOnEveryAddress) {
  sally_listener_options options{};
  options.host = "";
  Listener listener(server_config(), options);
  const auto config = client_config();
  std::vector<std::string> hosts = {"127.0.0.1"};
  if (bind_status("::1", "0").ok()) hosts.insert(hosts.end(), {"::1", "[::1]"});
  for (const std::string& host : hosts) {
    Stream client(config.get(), host, listener.service());
    EXPECT_EQ(client.connect(), SALLY_OK) << host;
    EXPECT_TRUE(listener.accept().get()) << host;
  }
}

TEST(Listener, SaysThatItsPortIsInUse) {
  Listener listener(server_config());
  const Result taken = bind_status("127.0.0.1", listener.service());
  EXPECT_EQ(taken, SALLY_ADDRESS_IN_USE);
  EXPECT_EQ(taken.text(SALLY_ERROR_FIELD_ADDRESS), "127.0.0.1:" + listener.service());
  listener.close();
  listener.release();
}

TEST(Listener, FreesItsPortWhenItCloses) {
  Listener listener(server_config());
  const std::string service = listener.service();
  {
    const auto config = client_config();
    Pair pair = connect_pair(listener, config.get());
  }
  ASSERT_EQ(listener.close(), SALLY_OK);
  // Closing never waits: the port is free when the event loop has come to it.
  Result again = bind_status("127.0.0.1", service);
  for (const StopWatch watch;
       again == SALLY_ADDRESS_IN_USE && watch.milliseconds() < generous_ms;) {
    again = bind_status("127.0.0.1", service);
  }
  EXPECT_EQ(again, SALLY_OK);
}

TEST(Listener, SaysThatAnAddressIsNotOfThisMachine) {
  EXPECT_EQ(bind_status("192.0.2.1", "0"), SALLY_ADDRESS_NOT_AVAILABLE);
}

TEST(Listener, SaysThatItsServiceIsNotKnown) {
  EXPECT_EQ(bind_status("127.0.0.1", "no-such-service"), SALLY_SERVICE_NOT_FOUND);
  EXPECT_EQ(bind_status("127.0.0.1", "65536"), SALLY_SERVICE_NOT_FOUND);
}

TEST(Listener, AcceptsNobodyWhereNobodyIs) {
  Listener listener(server_config());
  EXPECT_EQ(listener.accept_status(SALLY_TIMEOUT_ATTEMPT), SALLY_WOULD_BLOCK);
  EXPECT_EQ(listener.next_refusal(SALLY_TIMEOUT_ATTEMPT).result, SALLY_WOULD_BLOCK);
  const StopWatch watch;
  EXPECT_EQ(listener.accept_status(short_ms), SALLY_TIMED_OUT);
  EXPECT_EQ(listener.next_refusal(short_ms).result, SALLY_TIMED_OUT);
  EXPECT_GE(watch.milliseconds(), 2 * short_ms);
  EXPECT_LT(watch.milliseconds(), 30'000);
}

TEST(Listener, GivesEachWaitingThreadAClientOfItsOwn) {
  Listener listener(server_config());
  std::vector<std::future<std::string>> serving;
  for (int i = 0; i < 4; ++i) {
    serving.push_back(on_thread([&] {
      Stream server = listener.accept();
      std::string text = server.read_text(1);
      server.write(text);
      return text;
    }));
  }
  const auto config = client_config();
  std::string sent, served;
  for (const char letter : {'a', 'b', 'c', 'd'}) {
    Stream client = listener.stream(config.get());
    ASSERT_EQ(client.connect(), SALLY_OK);
    ASSERT_EQ(client.write({&letter, 1}), SALLY_OK);
    EXPECT_EQ(client.read_text(1), std::string(1, letter));
    sent += letter;
  }
  for (auto& server : serving) served += server.get();
  std::ranges::sort(served);
  EXPECT_EQ(served, sent);
}

TEST(Listener, ServesAGoodClientBesideManySilentOnes) {
  sally_listener_options options{};
  options.handshake_timeout_ms = 60'000;
  Listener listener(server_config(), options);
  std::vector<RawSocket> silent;
  for (int i = 0; i < 100; ++i) silent.push_back(RawSocket::connect(listener.port()));
  const auto config = client_config();
  const StopWatch watch;
  Pair pair = connect_pair(listener, config.get());
  EXPECT_LT(watch.milliseconds(), 30'000) << "sooner than any silent one times out";
}

TEST(Listener, ClosesStreamsThatNobodyAccepted) {
  Listener listener(server_config());
  const auto config = client_config();
  Stream client = listener.stream(config.get());
  ASSERT_EQ(client.connect(), SALLY_OK);
  ASSERT_EQ(client.read_status(short_ms), SALLY_TIMED_OUT);
  ASSERT_EQ(listener.close(), SALLY_OK);
  EXPECT_EQ(listener.accept_status(), SALLY_CLOSED);
  EXPECT_NE(client.read_status(), SALLY_TIMED_OUT);
  EXPECT_EQ(listener.close(), SALLY_OK) << "a second time it does nothing";
}

TEST(Listener, EndsHandshakesWhenItCloses) {
  Listener listener(server_config());
  RawSocket silent = RawSocket::connect(listener.port());
  ASSERT_FALSE(silent.readable(short_ms));
  listener.release();
  EXPECT_TRUE(silent.ended());
}

TEST(Listener, LetsItsStreamsGoOnAfterItIsClosedAndReleased) {
  Listener listener(server_config());
  const auto config = client_config();
  Pair pair = connect_pair(listener, config.get());
  listener.close();
  listener.release();
  ASSERT_EQ(pair.client.write("still"), SALLY_OK);
  EXPECT_EQ(pair.server.read_text(5), "still");
}

TEST(Listener, LetsClientsWaitBeyondItsPendingHandshakes) {
  const auto runtime = make_runtime(0, 1);  // several loops may accept in any order
  sally_listener_options options{};
  options.runtime = runtime.get();
  options.max_pending_handshakes = 1;
  Listener listener(server_config(), options);
  const auto config = client_config();
  RawSocket silent = RawSocket::connect(listener.port());
  Stream waiting = listener.stream(config.get());
  auto connecting = on_thread([&] { return waiting.connect(); });
  EXPECT_TRUE(goes_on(connecting));
  silent.close();
  EXPECT_EQ(connecting.get(), SALLY_OK);
  EXPECT_TRUE(listener.accept().get());
}

TEST(Listener, LetsClientsWaitBeyondItsUnacceptedStreams) {
  const auto runtime = make_runtime(0, 1);  // several loops may accept in any order
  sally_listener_options options{};
  options.runtime = runtime.get();
  options.max_unaccepted = 1;
  Listener listener(server_config(), options);
  const auto config = client_config({.credential = "client-good", .max_version = SALLY_TLS_1_2});
  Stream first = listener.stream(config.get());
  ASSERT_EQ(first.connect(), SALLY_OK);
  ASSERT_EQ(first.write("1"), SALLY_OK);
  Stream second = listener.stream(config.get());
  auto connecting = on_thread([&] { return second.connect(); });
  EXPECT_TRUE(goes_on(connecting));
  EXPECT_EQ(listener.accept().read_text(1), "1");
  EXPECT_EQ(connecting.get(), SALLY_OK);
  EXPECT_TRUE(listener.accept().get());
}
