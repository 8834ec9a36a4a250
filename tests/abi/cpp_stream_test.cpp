// The wrappers over real streams on loopback.
#include "abi/cpp_support.h"
#include "lib/raw_tcp.h"

#include <array>
#include <future>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <utility>

namespace sally::cpp {
namespace {

TEST(CppStream, CarriesBytesBothWays) {
  Pair pair;
  std::array<char, 64> buffer;

  pair.client.write("hello\n");
  EXPECT_EQ(pair.server.read_some(buffer, soon), 6u);
  EXPECT_EQ(std::string_view(buffer.data(), 6), "hello\n");

  pair.server.write(std::as_bytes(std::span("back again", 10)));
  std::string answer(10, '\0');
  pair.client.read_exactly(answer, soon);
  EXPECT_EQ(answer, "back again");
}

TEST(CppStream, AnswersZeroAtAProperEnd) {
  Pair pair;
  pair.client.write("last words");
  pair.client.shutdown();

  std::array<char, 64> buffer;
  EXPECT_EQ(pair.server.read_some(buffer, soon), 10u);
  EXPECT_EQ(pair.server.read_some(buffer, soon), 0u);
  EXPECT_EQ(pair.server.try_read_some(buffer), 0u);

  pair.server.close();
  EXPECT_NO_THROW(pair.client.close());
}

TEST(CppStream, ThrowsWhereTheConnectionIsCutOff) {
  auto listener = listen();
  test::Proxy proxy(listener.port());
  auto client = connect(proxy.port());
  auto server = listener.accept(soon);
  server.write("half a mess");

  std::string text(11, '\0');
  client.read_exactly(text, soon);
  proxy.cut();
  std::array<char, 1> buffer;
  EXPECT_EQ(status_of([&] { return client.read_some(buffer, soon); }), SALLY_TRUNCATED);
  EXPECT_EQ(status_of([&] { return client.try_read_some(buffer); }), SALLY_TRUNCATED);
}

TEST(CppStream, ThrowsWhereReadExactlyMeetsTheEnd) {
  Pair pair;
  pair.client.write("short");
  pair.client.shutdown();
  std::string buffer(6, '\0');
  EXPECT_EQ(status_of([&] { pair.server.read_exactly(buffer, soon); }), SALLY_END_OF_STREAM);
}

TEST(CppStream, TriesWithoutWaitingAndWithoutThrowing) {
  Pair pair;
  std::array<std::byte, 64> buffer;
  EXPECT_EQ(pair.server.try_read_some(buffer), std::nullopt);
  EXPECT_EQ(pair.server.try_read_some(buffer, 1ms), std::nullopt);
  EXPECT_EQ(status_of([&] { return pair.server.read_some(buffer, 1ms); }), SALLY_TIMED_OUT);
  EXPECT_EQ(status_of([&] { return pair.server.read_some(buffer, sally::Timeout::attempt()); }),
            SALLY_WOULD_BLOCK);

  EXPECT_EQ(pair.client.try_write("now"), 3u);
  EXPECT_EQ(pair.server.try_read_some(buffer, soon), 3u)
      << "a time-out must leave the stream usable";
}

TEST(CppStream, TellsHowMuchWasTakenWhereThePeerDoesNotRead) {
  Pair pair;
  const std::string block(1 << 20, 'x');
  std::size_t taken = 0;
  std::size_t last = 0;
  do {
    last = pair.client.try_write(block);
    taken += last;
    ASSERT_LT(taken, std::size_t{1} << 30) << "nobody buffers that much";
  } while (last == block.size());

  auto ending = std::async(std::launch::async, [&] { pair.client.shutdown(soon); });
  std::vector<char> everything(taken);
  pair.server.read_exactly(everything, soon);
  std::array<char, 1> more;
  EXPECT_EQ(pair.server.read_some(more, soon), 0u) << "more was sent than was said";
  ending.get();
}

TEST(CppStream, LimitsAWholeExactReadByOneTimeout) {
  Pair pair;
  pair.client.write("half");
  EXPECT_EQ(pair.server.wait(SALLY_DIRECTION_READ, soon), unsigned{SALLY_DIRECTION_READ});
  std::string buffer(8, '\0');
  EXPECT_EQ(status_of([&] { pair.server.read_exactly(buffer, 20ms); }), SALLY_TIMED_OUT);
  EXPECT_EQ(buffer.substr(0, 4), "half");
}

TEST(CppStream, MovesWithItsConnection) {
  Pair pair;
  sally::StreamSocket moved = std::move(pair.client);
  EXPECT_EQ(pair.client.get(), nullptr);
  EXPECT_EQ(status_of([&] { pair.client.write("nobody"); }), SALLY_INVALID_ARGUMENT);

  pair.client = std::move(moved);
  pair.client.write("still here");
  std::string text(10, '\0');
  pair.server.read_exactly(text, soon);
  EXPECT_EQ(text, "still here");

  auto& itself = pair.client;
  pair.client = std::move(itself);
  EXPECT_NO_THROW(pair.client.write("even now"));
}

TEST(CppStream, ClosesWhatAnAssignmentReplaces) {
  Pair first;
  Pair second;
  first.client = std::move(second.client);
  std::array<char, 1> buffer;
  EXPECT_EQ(first.server.read_some(buffer, soon), 0u) << "the destructor says goodbye";
}

TEST(CppStream, GivesItsHandleAwayAndTakesItBack) {
  Pair pair;
  sally_stream* raw = pair.client.release();
  EXPECT_EQ(pair.client.get(), nullptr);
  sally::StreamSocket adopted = sally::StreamSocket::adopt(raw);
  EXPECT_EQ(adopted.get(), raw);
  adopted.write("x");
  std::array<char, 1> buffer;
  EXPECT_EQ(pair.server.read_some(buffer, soon), 1u);
}

TEST(CppStream, CancelsAReadOfAnotherThreadAndStaysUsable) {
  Pair pair;
  auto reading = std::async(std::launch::async, [&] {
    std::array<char, 1> buffer;
    return status_of([&] { return pair.server.read_some(buffer); });
  });
  // A cancel before the read has begun ends nothing.
  while (reading.wait_for(1ms) != std::future_status::ready)
    pair.server.cancel(SALLY_DIRECTION_READ);
  EXPECT_EQ(reading.get(), SALLY_CANCELED);

  pair.client.write("y");
  std::array<char, 1> buffer;
  EXPECT_EQ(pair.server.read_some(buffer, soon), 1u);
}

TEST(CppStream, ClosesUnderAReadOfAnotherThread) {
  Pair pair;
  auto reading = std::async(std::launch::async, [&] {
    std::array<char, 1> buffer;
    return status_of([&] { return pair.server.read_some(buffer); });
  });
  pair.server.close(sally::Timeout::attempt());
  EXPECT_EQ(reading.get(), SALLY_CLOSED);
  EXPECT_NE(pair.server.info().correlation_id(), "") << "what was agreed can be read after closing";
}

TEST(CppStream, TellsBothSidesTheSameStory) {
  Pair pair;
  const sally::StreamInfo client = pair.client.info();
  const sally::StreamInfo server = pair.server.info();
  EXPECT_EQ(client.version(), SALLY_TLS_1_3);
  EXPECT_EQ(client.version_name(), "TLSv1.3");
  EXPECT_EQ(client.suite(), server.suite());
  EXPECT_EQ(client.group(), server.group());
  EXPECT_EQ(client.correlation_id(), server.correlation_id());
  EXPECT_EQ(client.local_address(), server.peer_address());
  EXPECT_EQ(client.peer_address(), pair.listener.address());
  EXPECT_EQ(server.server_name(), "localhost");
  EXPECT_EQ(client.alpn(), "");
  EXPECT_FALSE(client.resumed());
  EXPECT_TRUE(client.client_certificate_requested() && client.client_certificate_sent());
  EXPECT_TRUE(client.peer_verified() && server.peer_verified());
}

TEST(CppStream, LendsThePeersCertificateForLongerThanTheInformationLives) {
  Pair pair;
  std::optional<sally::Certificate> peer = pair.server.info().peer_certificate();
  ASSERT_TRUE(peer);
  EXPECT_EQ(peer->fingerprint(), credential("client-good").certificate().fingerprint());
  EXPECT_EQ(pair.server.info().peer_certificate(pair.server.info().peer_certificate_count()),
            std::nullopt);
}

TEST(CppStream, ExplainsWhyTheServersCertificateIsRefused) {
  const auto listener = listen(sally::TlsConfig::server().credential(credential("server-expired")));
  const sally::Error error = error_of([&] { connect(listener); });
  EXPECT_EQ(error.status(), SALLY_CERTIFICATE_EXPIRED);
  EXPECT_EQ(error.layer(), SALLY_LAYER_CERTIFICATE);
  EXPECT_EQ(error.depth(), 0);
  EXPECT_EQ(error.alert(), 45) << "certificate_expired";
  EXPECT_EQ(error.alert_direction(), SALLY_ALERT_SENT);
  EXPECT_TRUE(error.text(SALLY_ERROR_FIELD_SUBJECT));
}

TEST(CppListener, TellsWhoWasRefusedAndWhyOnBothSides) {
  auto listener = listen();
  auto client = connect(listener, anonymous_config());
  std::array<char, 1> buffer;
  const sally::Error seen = error_of([&] { return client.read_some(buffer, soon); });
  EXPECT_EQ(seen.status(), SALLY_ALERT_CERTIFICATE_REQUIRED);
  EXPECT_EQ(seen.alert(), 116);
  EXPECT_EQ(seen.alert_direction(), SALLY_ALERT_RECEIVED);

  const sally::Refusal refusal = listener.next_refusal(soon);
  EXPECT_EQ(refusal.reason.status(), SALLY_CLIENT_CERTIFICATE_REQUIRED);
  EXPECT_EQ(refusal.peer.text(), client.info().local_address());
  EXPECT_EQ(refusal.reason.text(SALLY_ERROR_FIELD_CORRELATION_ID),
            seen.text(SALLY_ERROR_FIELD_CORRELATION_ID));
  EXPECT_EQ(listener.dropped_refusals(), 0u);
}

TEST(CppListener, TriesWithoutWaitingAndWithoutThrowing) {
  auto listener = listen();
  EXPECT_EQ(listener.try_accept(), std::nullopt);
  EXPECT_EQ(listener.try_accept(1ms), std::nullopt);
  EXPECT_FALSE(listener.try_next_refusal());
  EXPECT_EQ(status_of([&] { return listener.accept(1ms); }), SALLY_TIMED_OUT);

  const auto client = connect(listener);
  EXPECT_NE(listener.try_accept(soon), std::nullopt);
}

TEST(CppListener, ClosesUnderThoseThatWait) {
  auto listener = listen();
  auto accepting =
      std::async(std::launch::async, [&] { return status_of([&] { return listener.accept(); }); });
  auto refusing =
      std::async(std::launch::async, [&] { return status_of([&] { listener.next_refusal(); }); });
  listener.close();
  EXPECT_EQ(accepting.get(), SALLY_CLOSED);
  EXPECT_EQ(refusing.get(), SALLY_CLOSED);
}

TEST(CppListener, SaysWhatItsConfigLacks) {
  EXPECT_EQ(status_of([] { listen(sally::TlsConfig::server()); }), SALLY_INVALID_STATE);
  EXPECT_EQ(status_of([] { listen(client_config()); }), SALLY_INVALID_ARGUMENT);
  const auto listener = listen();
  EXPECT_EQ(status_of([&] {
              return sally::StreamListener::bind("127.0.0.1", std::to_string(listener.port()),
                                                 server_config());
            }),
            SALLY_ADDRESS_IN_USE);
}

TEST(CppListener, AgreesOnAnApplicationProtocol) {
  auto listener = listen(server_config().alpn({"echo/2", "echo/1"}));
  const auto client = connect(listener, client_config().alpn({"echo/1", "other"}));
  EXPECT_EQ(client.info().alpn(), "echo/1");
  EXPECT_EQ(listener.accept(soon).info().alpn(), "echo/1");
}

}  // namespace
}  // namespace sally::cpp
