// Connecting, and all that can stand in its way.
#include "abi/fork_support.h"
#include "lib/raw_tcp.h"
#include "lib/secure.h"
#include "lib/threads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <vector>

using namespace sally::test;

namespace {

Result connect_to(const std::string& host, const std::string& service,
                  std::int64_t timeout_ms = generous_ms) {
  const auto config = client_config();
  return Stream(config.get(), host, service).connect(timeout_ms);
}

// What a connect answers whose peer reads the ClientHello, says something and closes.
Result connect_to_peer_that_says(std::string_view text) {
  RawListener listener;
  auto connecting = on_thread([&] { return connect_to("127.0.0.1", listener.service()); });
  RawSocket peer = listener.accept();
  const std::string header = peer.receive(5);
  const auto byte = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(header[i]));
  };
  peer.receive(byte(3) * 256 + byte(4));
  peer.send(text);
  peer.close();
  return connecting.get();
}

// Where IPv6 is switched off, names may have its addresses all the same.
bool has_ip6_loopback() {
  const RawSocket socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  return ::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
}

// Whether a name has an address of the family.
bool resolves_to(const char* name, int family) {
  addrinfo hints{};
  hints.ai_family = family;
  addrinfo* list = nullptr;
  if (::getaddrinfo(name, nullptr, &hints, &list) != 0) return false;
  ::freeaddrinfo(list);
  return true;
}

}  // namespace

TEST(Connect, IsRefusedWhereNobodyListens) {
  const UnusedPort unused;
  const Result refused = connect_to("127.0.0.1", unused.service());
  EXPECT_EQ(refused, SALLY_CONNECTION_REFUSED);
  EXPECT_EQ(refused.phase(), "connect");
  EXPECT_EQ(refused.text(SALLY_ERROR_FIELD_NATIVE_NAME), "ECONNREFUSED");
  EXPECT_EQ(refused.text(SALLY_ERROR_FIELD_ADDRESS), "127.0.0.1:" + unused.service());
}

TEST(Connect, SaysThatTheHostIsNotFound) {
  // Longer than the system asks name servers of which none answers.
  const Result unknown = connect_to("no-such-host.invalid", "443", 4 * generous_ms);
  // Without a name server in reach nobody can know.
  EXPECT_THAT(unknown.status, testing::AnyOf(SALLY_HOST_NOT_FOUND, SALLY_RESOLVER_TRY_AGAIN,
                                             SALLY_RESOLVER_FAILED));
  EXPECT_EQ(unknown.phase(), "resolve");
}

TEST(Connect, SaysThatTheServiceIsNotKnown) {
  for (const char* service : {"no-such-service", "65536", "-1", "12x", " 443"}) {
    const Result unknown = connect_to("127.0.0.1", service);
    EXPECT_EQ(unknown, SALLY_SERVICE_NOT_FOUND) << service;
    EXPECT_EQ(unknown.phase(), "resolve") << service;
  }
}

TEST(Connect, TriesTheAddressesOfANameUntilOneAnswers) {
  const auto config = client_config();
  for (const char* host : {"127.0.0.1", "::1"}) {
    const bool ip6 = host[0] == ':';
    if (!resolves_to("localhost", ip6 ? AF_INET6 : AF_INET)) continue;
    if (ip6 && !has_ip6_loopback()) continue;
    sally_listener_options options{};
    options.host = host;
    Listener listener(server_config(), options);
    Stream client(config.get(), "localhost", listener.service());
    EXPECT_EQ(client.connect(), SALLY_OK) << host;
    EXPECT_EQ(sally_stream_info_peer_address(client.info().get()),
              std::string(sally_listener_address(listener.get())));
  }
}

TEST(Connect, SaysThatThePeerDoesNotSpeakTls) {
  const Result result = connect_to_peer_that_says("220 mail.example.test ready\r\n");
  EXPECT_EQ(result, SALLY_PEER_NOT_TLS);
  EXPECT_EQ(result.phase(), "handshake");
}

TEST(Connect, SaysThatThePeerSpeaksHttp) {
  EXPECT_EQ(connect_to_peer_that_says("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
            SALLY_PEER_SPEAKS_HTTP);
}

TEST(Connect, SaysThatThePeerWentAwayInTheHandshake) {
  const Result result = connect_to_peer_that_says("");
  EXPECT_EQ(result, SALLY_HANDSHAKE_INTERRUPTED);
  EXPECT_EQ(result.phase(), "handshake");
}

TEST(Connect, SaysThatThePeerWentAwayInTheMiddleOfARecord) {
  EXPECT_EQ(connect_to_peer_that_says(std::string_view("\x16\x03\x03\x00\x50\x02\x00", 7)),
            SALLY_HANDSHAKE_INTERRUPTED);
}

TEST(Connect, TimesOutWithASilentPeer) {
  RawListener silent;
  const auto config = client_config();
  Stream patient(config.get(), "127.0.0.1", silent.service());
  auto waiting = on_thread([&] { return patient.connect(2 * generous_ms); });
  const RawSocket peer = silent.accept();
  constexpr std::int64_t enough_for_tcp_ms = 1000;
  const StopWatch watch;
  const Result late = connect_to("127.0.0.1", silent.service(), enough_for_tcp_ms);
  EXPECT_EQ(late, SALLY_TIMED_OUT);
  EXPECT_EQ(late.phase(), "handshake");
  EXPECT_GE(watch.milliseconds(), enough_for_tcp_ms);
  EXPECT_LT(watch.milliseconds(), 30'000);
  EXPECT_TRUE(goes_on(waiting)) << "each has its own time";
  EXPECT_EQ(patient.close(), SALLY_OK);
  EXPECT_EQ(waiting.get(), SALLY_CLOSED);
}

TEST(Connect, ThatFailsEndsTheStream) {
  RawListener silent;
  const auto config = client_config();
  Stream stream(config.get(), "127.0.0.1", silent.service());
  ASSERT_EQ(stream.connect(short_ms), SALLY_TIMED_OUT);
  EXPECT_EQ(stream.connect(), SALLY_CLOSED);
  EXPECT_EQ(stream.read_status(), SALLY_CLOSED);
  EXPECT_EQ(stream.write("x"), SALLY_CLOSED);
  EXPECT_EQ(stream.close(), SALLY_OK);
  Result no_info;
  EXPECT_FALSE(stream.info(&no_info));
  EXPECT_EQ(no_info, SALLY_INVALID_STATE);
}

TEST(Connect, ASecondTimeIsAnInvalidState) {
  Pair pair = tls_pair();
  EXPECT_EQ(pair.client.connect(), SALLY_INVALID_STATE);
  EXPECT_EQ(pair.server.connect(), SALLY_INVALID_STATE)
      << "a listener's stream was connected before, too";
  ASSERT_EQ(pair.client.write("x"), SALLY_OK) << "it harms nothing";
  EXPECT_EQ(pair.server.read_text(1), "x");
}

TEST(Connect, WhileItIsUnderWayLeavesOtherCallsWithoutAStream) {
  RawListener silent;
  const auto config = client_config();
  Stream stream(config.get(), "127.0.0.1", silent.service());
  auto connecting = on_thread([&] { return stream.connect(); });
  const RawSocket peer = silent.accept();
  EXPECT_EQ(stream.connect(), SALLY_INVALID_STATE);
  EXPECT_EQ(stream.read_status(), SALLY_INVALID_STATE);
  EXPECT_EQ(stream.write("x"), SALLY_INVALID_STATE);
  EXPECT_EQ(stream.shutdown(), SALLY_INVALID_STATE);
  EXPECT_TRUE(goes_on(connecting));
  EXPECT_EQ(stream.close(), SALLY_OK);
  EXPECT_EQ(connecting.get(), SALLY_CLOSED);
}

TEST(Connect, VerifiesTheNameThatWasAskedFor) {
  Listener listener(server_config());
  const auto config = client_config();
  const Result wrong =
      Stream(config.get(), "127.0.0.1", listener.service(), "other.example.test").connect();
  EXPECT_EQ(wrong, SALLY_CERTIFICATE_NAME_MISMATCH);
  EXPECT_EQ(wrong.text(SALLY_ERROR_FIELD_EXPECTED), "other.example.test");
  EXPECT_EQ(sally_error_depth(wrong.error.get()), 0);
}

TEST(Connect, SharesOneConfigAmongManyThreads) {
  Listener listener(server_config());
  const auto config = client_config();
  std::vector<std::future<Result>> connecting;
  for (int i = 0; i < 16; ++i) {
    connecting.push_back(on_thread([&] {
      Stream client = listener.stream(config.get());
      Result result = client.connect();
      return result.ok() ? client.close(SALLY_TIMEOUT_ATTEMPT) : std::move(result);
    }));
  }
  for (auto& result : connecting) EXPECT_EQ(result.get(), SALLY_OK);
}

TEST(Connect, FailsWhereTheSystemGivesNoThreadToLookUpTheName) {
  if (!child_may_start_threads) GTEST_SKIP() << "ThreadSanitizer knows no threads after fork";
  const UnusedPort unused;
  const std::string service = unused.service();
  // In a child that has looked up nothing yet, and so has no thread for it.
  EXPECT_TRUE(in_child([&] {
    REQUIRE(connect_to("127.0.0.1", service) == SALLY_CONNECTION_REFUSED);  // its loops run
    pthread_attr_t attributes;
    REQUIRE(::pthread_getattr_default_np(&attributes) == 0);
    std::size_t before = 0;
    REQUIRE(::pthread_attr_getstacksize(&attributes, &before) == 0);
    REQUIRE(::pthread_attr_setstacksize(&attributes, std::size_t{1} << 47) == 0);
    REQUIRE(::pthread_setattr_default_np(&attributes) == 0);
    REQUIRE(connect_to("localhost", service) == SALLY_OUT_OF_MEMORY);
    REQUIRE(::pthread_attr_setstacksize(&attributes, before) == 0);
    REQUIRE(::pthread_setattr_default_np(&attributes) == 0);
    REQUIRE(connect_to("localhost", service) == SALLY_CONNECTION_REFUSED);
    return true;
  }));
}
