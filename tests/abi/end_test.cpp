// How streams end: properly, cut, refused, shut down, closed.
#include "lib/raw_tcp.h"
#include "lib/secure.h"
#include "lib/threads.h"
#include "lib/zoo.h"

#include <gtest/gtest.h>

using namespace sally::test;

namespace {

// An established pair whose connection goes through a proxy.
struct ProxiedPair {
  explicit ProxiedPair(std::int32_t version = SALLY_TLS_1_3) {
    const auto config = client_config(
        {.credential = "client-good", .min_version = version, .max_version = version});
    pair.client = Stream(config.get(), "127.0.0.1", proxy.service());
    EXPECT_EQ(pair.client.connect(), SALLY_OK);
    pair.server = listener.accept();
    // The proxy has then passed on everything that a handshake leaves behind.
    EXPECT_EQ(pair.client.write("in"), SALLY_OK);
    EXPECT_EQ(pair.server.read_text(2), "in");
    EXPECT_EQ(pair.server.write("out"), SALLY_OK);
    EXPECT_EQ(pair.client.read_text(3), "out");
  }

  Listener listener{server_config()};
  Proxy proxy{listener.port()};
  Pair pair;
};

class EndOfVersion : public testing::TestWithParam<std::int32_t> {};

constexpr std::size_t chunk = 16 * 1024;

// Writes until it fails.
Result write_until_it_fails(Stream& stream) {
  const std::string bytes = pattern(chunk);
  for (;;) {
    Result result = stream.write(bytes);
    if (!result.ok()) return result;
  }
}

// A client whose certificate the server refuses, which it does not yet know.
// It trusts more CAs than it names: a client cannot know that its certificate is in vain.
const TlsSetup unnamed_cas{.credential = "server-good",
                           .trust = "file-trust-crowd",
                           .client_auth = SALLY_CLIENT_AUTH_REQUIRE};

Stream refused_client(Listener& listener, const TlsSetup& setup) {
  const auto config = client_config(setup);
  Stream client = listener.stream(config.get());
  EXPECT_EQ(client.connect(), SALLY_OK) << "TLS 1.3 tells later";
  return client;
}

}  // namespace

TEST_P(EndOfVersion, IsProperAfterCloseNotifyAndStaysSo) {
  Pair pair = tls_pair(GetParam());
  ASSERT_EQ(pair.server.write("bye"), SALLY_OK);
  ASSERT_EQ(pair.server.shutdown(), SALLY_OK);
  EXPECT_EQ(pair.client.read_text(3), "bye");
  EXPECT_EQ(pair.client.read_status(), SALLY_END_OF_STREAM);
  EXPECT_EQ(pair.client.read_status(), SALLY_END_OF_STREAM);
}

TEST_P(EndOfVersion, IsTruncatedWithoutCloseNotifyAndStaysSo) {
  ProxiedPair proxied(GetParam());
  ASSERT_EQ(proxied.pair.server.write("half a mess"), SALLY_OK);
  EXPECT_EQ(proxied.pair.client.read_text(11), "half a mess");
  proxied.proxy.cut();
  const Result cut = proxied.pair.client.read_status();
  EXPECT_EQ(cut, SALLY_TRUNCATED);
  EXPECT_EQ(cut.phase(), "read");
  EXPECT_EQ(proxied.pair.client.read_status(), SALLY_TRUNCATED);
  EXPECT_EQ(proxied.pair.server.read_status(), SALLY_TRUNCATED);
}

TEST_P(EndOfVersion, IsAResetWhereThePeerResets) {
  ProxiedPair proxied(GetParam());
  proxied.proxy.reset();
  const Result reset = proxied.pair.client.read_status();
  EXPECT_EQ(reset, SALLY_CONNECTION_RESET);
  EXPECT_STREQ(sally_error_text(reset.error.get(), SALLY_ERROR_FIELD_NATIVE_NAME), "ECONNRESET");
  EXPECT_EQ(proxied.pair.client.read_status(), SALLY_CONNECTION_RESET);
}

TEST_P(EndOfVersion, LetsTheOtherDirectionGoOnAfterShutdown) {
  Pair pair = tls_pair(GetParam());
  ASSERT_EQ(pair.client.write("question"), SALLY_OK);
  ASSERT_EQ(pair.client.shutdown(), SALLY_OK);
  EXPECT_EQ(pair.server.read_text(8), "question");
  EXPECT_EQ(pair.server.read_status(), SALLY_END_OF_STREAM);
  const std::string answer = pattern(200'000);
  auto writing = on_thread([&] { return pair.server.write(answer); });
  EXPECT_EQ(pair.client.read_text(answer.size()), answer);
  EXPECT_EQ(writing.get(), SALLY_OK);
}

INSTANTIATE_TEST_SUITE_P(Tls, EndOfVersion, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         [](const auto& version) {
                           return version.param == SALLY_TLS_1_2 ? "1_2" : "1_3";
                         });

TEST(Shutdown, EndsWritingOnly) {
  Pair pair = tls_pair();
  ASSERT_EQ(pair.client.shutdown(), SALLY_OK);
  std::size_t taken = 1;
  EXPECT_EQ(pair.client.write("more", generous_ms, &taken), SALLY_INVALID_STATE);
  EXPECT_EQ(taken, 0u);
  EXPECT_EQ(pair.client.shutdown(), SALLY_OK) << "a second time it does nothing";
  ASSERT_EQ(pair.server.write("still"), SALLY_OK);
  EXPECT_EQ(pair.client.read_text(5), "still");
}

TEST(Close, AnswersOkWhereThePeerClosesToo) {
  Pair pair = tls_pair();
  auto closing = on_thread([&] { return pair.server.close(); });
  EXPECT_EQ(pair.client.close(), SALLY_OK);
  EXPECT_EQ(closing.get(), SALLY_OK);
}

TEST(Close, ThrowsAwayWhatThePeerStillSends) {
  Pair pair = tls_pair();
  ASSERT_EQ(pair.server.write(pattern(100'000)), SALLY_OK);
  ASSERT_EQ(pair.server.shutdown(), SALLY_OK);
  EXPECT_EQ(pair.client.close(), SALLY_OK);
  EXPECT_EQ(pair.server.read_status(), SALLY_END_OF_STREAM);
}

TEST(Close, TimesOutWithASilentPeerAndClosesAllTheSame) {
  Pair pair = tls_pair();
  EXPECT_EQ(pair.client.close(short_ms), SALLY_TIMED_OUT);
  EXPECT_EQ(pair.client.read_status(), SALLY_CLOSED);
  EXPECT_EQ(pair.server.read_status(), SALLY_END_OF_STREAM);
}

TEST(Close, DoesNotWaitWhenItIsAnAttempt) {
  Pair pair = tls_pair();
  EXPECT_EQ(pair.client.close(SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
  EXPECT_EQ(pair.server.read_status(), SALLY_END_OF_STREAM);
}

TEST(Close, TellsThatThePeerWasCutOff) {
  ProxiedPair proxied;
  proxied.proxy.cut();
  EXPECT_EQ(proxied.pair.client.close(), SALLY_TRUNCATED);
}

TEST(Close, IsNotRelease) {
  Pair pair = tls_pair();
  ASSERT_EQ(pair.client.close(SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
  std::size_t taken = 1;
  EXPECT_EQ(pair.client.connect(), SALLY_CLOSED);
  EXPECT_EQ(pair.client.read_status(), SALLY_CLOSED);
  EXPECT_EQ(pair.client.write("x", generous_ms, &taken), SALLY_CLOSED);
  EXPECT_EQ(taken, 0u);
  EXPECT_EQ(pair.client.shutdown(), SALLY_CLOSED);
  EXPECT_EQ(pair.client.cancel(SALLY_DIRECTION_READ), SALLY_OK) << "there is nothing to cancel";
  EXPECT_EQ(pair.client.close(), SALLY_OK) << "there is nothing to close";
  EXPECT_TRUE(pair.client.info());
}

TEST(Close, EndsAStreamThatWasNeverConnected) {
  const auto config = client_config();
  Stream stream(config.get(), "127.0.0.1", "9");
  Result no_info;
  EXPECT_FALSE(stream.info(&no_info));
  EXPECT_EQ(no_info, SALLY_INVALID_STATE);
  EXPECT_EQ(stream.close(), SALLY_OK);
  EXPECT_EQ(stream.connect(), SALLY_CLOSED);
  EXPECT_EQ(stream.read_status(), SALLY_CLOSED);
}

TEST(Release, SaysGoodbyeIfThatIsPossibleAtOnce) {
  Pair pair = tls_pair();
  ASSERT_EQ(pair.client.write("last words"), SALLY_OK);
  pair.client.release();
  EXPECT_EQ(pair.server.read_text(10), "last words");
  EXPECT_EQ(pair.server.read_status(), SALLY_END_OF_STREAM);
}

TEST(Release, NeverWaitsForAPeerThatDoesNotRead) {
  Pair pair = tls_pair();
  EXPECT_EQ(pair.client.write(pattern(32 << 20), short_ms), SALLY_TIMED_OUT);
  const StopWatch watch;
  pair.client.release();
  EXPECT_LT(watch.milliseconds(), 20'000);
}

TEST(LateRefusal, IsNamedByTheFailingRead) {
  Listener listener(server_config(unnamed_cas));
  Stream client = refused_client(listener, {.credential = "client-other"});
  const Result refused = client.read_status();
  EXPECT_EQ(refused, SALLY_ALERT_UNKNOWN_CA);
  EXPECT_EQ(sally_error_alert_direction(refused.error.get()), SALLY_ALERT_RECEIVED);
  EXPECT_EQ(refused.text(SALLY_ERROR_FIELD_ALERT_NAME), "unknown_ca");
  EXPECT_EQ(client.read_status(), SALLY_ALERT_UNKNOWN_CA) << "a failure is sticky";

  const Refusal refusal = listener.next_refusal();
  EXPECT_EQ(refusal.status(), SALLY_CERTIFICATE_UNKNOWN_CA);
  EXPECT_EQ(sally_error_alert_direction(refusal.why.get()), SALLY_ALERT_SENT);
  EXPECT_EQ(refused.correlation_id(),
            sally_error_text(refusal.why.get(), SALLY_ERROR_FIELD_CORRELATION_ID));
}

TEST(LateRefusal, IsNamedByTheFailingWrite) {
  Listener listener(server_config());
  Stream client = refused_client(listener, {});
  const Result refused = write_until_it_fails(client);
  EXPECT_EQ(refused, SALLY_ALERT_CERTIFICATE_REQUIRED);
  EXPECT_EQ(sally_error_alert_direction(refused.error.get()), SALLY_ALERT_RECEIVED);
  EXPECT_EQ(refused.phase(), "write");
  EXPECT_EQ(client.write("x"), SALLY_ALERT_CERTIFICATE_REQUIRED) << "a failure is sticky";
  EXPECT_EQ(client.read_status(), SALLY_ALERT_CERTIFICATE_REQUIRED);
  EXPECT_EQ(listener.next_refusal().status(), SALLY_CLIENT_CERTIFICATE_REQUIRED);
}

TEST(LateRefusal, IsNamedByTheFailingWriteAfterAReset) {
  // The peer answers nothing more once it has refused, and what is written meets a closed
  // connection.
  Listener listener(server_config());
  Stream client = refused_client(listener, {.credential = "client-expired-intermediate"});
  EXPECT_EQ(listener.next_refusal().status(), SALLY_CERTIFICATE_EXPIRED);
  EXPECT_EQ(write_until_it_fails(client), SALLY_ALERT_CERTIFICATE_EXPIRED);
}

TEST(LateRefusal, IsNamedByClose) {
  Listener listener(server_config(unnamed_cas));
  Stream client = refused_client(listener, {.credential = "client-other"});
  EXPECT_EQ(client.close(), SALLY_ALERT_UNKNOWN_CA);
  EXPECT_EQ(client.read_status(), SALLY_CLOSED);
}
