// A server that asks its client for a certificate when the handshake is over (RFC 8446 section 4.6.2).
#include "lib/async_stream.h"
#include "lib/raw_peer.h"
#include "lib/stream_pair.h"
#include "lib/tls_pair.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>

#include <sallyport/stream.h>

namespace sally::test {
namespace {

Ref<tls::Config> asked_client(const std::string& name = "client-good") {
  auto config = client_config({.client = name});
  config->allow_post_handshake_auth();
  return config;
}

Ref<tls::Config> open_server(std::int32_t client_auth = SALLY_CLIENT_AUTH_NONE) {
  return server_config({.client_auth = client_auth});
}

struct Attempt {
  tls::Progress progress;
  std::string status;
};

Attempt authenticate(tls::Session& session) {
  Attempt attempt;
  try {
    attempt.progress = session.authenticate();
  } catch (const Failure& failure) {
    attempt.progress = {.state = tls::Progress::State::failed, .error = failure.error()};
  }
  using State = tls::Progress::State;
  attempt.status = attempt.progress.state == State::done ? "SALLY_OK"
                   : attempt.progress.state == State::waiting
                       ? "SALLY_WOULD_BLOCK"
                       : name_of(attempt.progress.error->status());
  return attempt;
}

class Authentication : public testing::Test {
 protected:
  void meet(const std::string& client = "client-good",
            std::int32_t client_auth = SALLY_CLIENT_AUTH_NONE) {
    pair_ = std::make_unique<TlsPair>(asked_client(client)->freeze(),
                                      open_server(client_auth)->freeze());
    pair_->established();
    EXPECT_EQ(name_of(client_end().read_status()), "SALLY_WOULD_BLOCK") << "the ticket";
  }
  std::string authenticate() { return test::authenticate(server()).status; }
  tls::Session& server() { return pair_->server().session(); }
  TlsEnd& server_end() { return pair_->server(); }
  TlsEnd& client_end() { return pair_->client(); }

  std::unique_ptr<TlsPair> pair_;
};

TEST_F(Authentication, ShowsWhoTheClientIs) {
  meet();
  EXPECT_TRUE(server().facts().peer_chain.empty());
  EXPECT_FALSE(server().facts().certificate_requested);
  EXPECT_EQ(authenticate(), "SALLY_WOULD_BLOCK");
  EXPECT_EQ(name_of(client_end().read_status()), "SALLY_WOULD_BLOCK") << "it answers";
  EXPECT_EQ(authenticate(), "SALLY_OK");
  const auto facts = server().facts();
  ASSERT_FALSE(facts.peer_chain.empty());
  EXPECT_EQ(facts.peer_chain[0]->data.subject, "CN=client-good,O=Sallyport");
  EXPECT_TRUE(facts.peer_verified);
  EXPECT_TRUE(facts.certificate_requested);
  EXPECT_EQ(facts.verified_chain.size(), 3u);
  const auto shown = client_end().session().facts();
  EXPECT_TRUE(shown.certificate_requested);
  EXPECT_TRUE(shown.certificate_sent);
  ASSERT_TRUE(shown.own_certificate);
  EXPECT_EQ(shown.own_certificate->data.subject, "CN=client-good,O=Sallyport");
  EXPECT_EQ(name_of(server_end().write_status("welcome")), "SALLY_OK");
  EXPECT_EQ(client_end().read(), "welcome");
  EXPECT_EQ(name_of(client_end().write_status("thanks")), "SALLY_OK");
  EXPECT_EQ(server_end().read(), "thanks");
}

TEST_F(Authentication, CanBeAskedForAgain) {
  meet("client-good", SALLY_CLIENT_AUTH_REQUIRE);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(authenticate(), "SALLY_WOULD_BLOCK");
    EXPECT_EQ(authenticate(), "SALLY_WOULD_BLOCK") << "and sends no second request";
    client_end().read();
    EXPECT_EQ(authenticate(), "SALLY_OK");
    EXPECT_TRUE(server().facts().peer_verified);
  }
}

// That it was let in before, by another certificate, says nothing of this one.
TEST_F(Authentication, LetsNobodyInWhoCouldNotBeJudged) {
  static bool fails = false;
  const auto server = open_server(SALLY_CLIENT_AUTH_REQUIRE);
  server->change_rules([](tls::VerificationRules& rules) {
    const auto now = [](void*) -> std::int64_t {
      if (fails) throw std::bad_alloc();
      return std::time(nullptr);
    };
    rules.clock = std::make_shared<tls::ProgramClock>(tls::ProgramClock{.now = now, .user = {}});
  });
  TlsPair pair(asked_client()->freeze(), server->freeze());
  pair.established();
  pair.client().read();
  tls::Session& session = pair.server().session();
  ASSERT_TRUE(session.facts().peer_verified);
  EXPECT_EQ(test::authenticate(session).status, "SALLY_WOULD_BLOCK");
  pair.client().read();
  fails = true;
  EXPECT_EQ(test::authenticate(session).status, "SALLY_OUT_OF_MEMORY");
  fails = false;
  EXPECT_FALSE(session.facts().peer_verified);
}

TEST_F(Authentication, KeepsWhatTheClientSaidBefore) {
  meet();
  EXPECT_EQ(authenticate(), "SALLY_WOULD_BLOCK");
  client_end().write("before ");
  EXPECT_EQ(authenticate(), "SALLY_WOULD_BLOCK");
  client_end().write("the answer");
  client_end().read();
  client_end().write(", after");
  EXPECT_EQ(authenticate(), "SALLY_OK");
  EXPECT_EQ(server_end().read_all(), "before the answer, after");
}

TEST_F(Authentication, KeepsNoMoreThanItsBound) {
  meet();
  EXPECT_EQ(authenticate(), "SALLY_WOULD_BLOCK");
  const std::string text(16 * 1024, 'x');
  std::size_t sent = 0;
  std::string status = "SALLY_WOULD_BLOCK";
  while (status == "SALLY_WOULD_BLOCK" && sent < 1024 * 1024) {
    sent += client_end().write(text);
    status = authenticate();
  }
  EXPECT_EQ(status, "SALLY_LIMIT_EXCEEDED");
  EXPECT_LE(sent, 300u * 1024);
  client_end().read();
  std::size_t received = 0;
  while (received < sent) {
    const std::size_t size = server_end().read().size();
    ASSERT_GT(size, 0u);
    received += size;
  }
  EXPECT_EQ(authenticate(), "SALLY_OK") << "it can be waited for again";
}

TEST_F(Authentication, IsTakenInByReadsToo) {
  meet();
  EXPECT_EQ(authenticate(), "SALLY_WOULD_BLOCK");
  client_end().read();
  EXPECT_EQ(name_of(server_end().read_status()), "SALLY_WOULD_BLOCK");
  EXPECT_TRUE(server().facts().peer_verified);
  EXPECT_EQ(authenticate(), "SALLY_OK");
}

TEST_F(Authentication, SaysNothingBeforeTheKeyIsProved) {
  meet();
  EXPECT_EQ(authenticate(), "SALLY_WOULD_BLOCK");
  auto& wire = client_end().transport();
  const std::uint64_t before = wire.sent();
  wire.set_faults({.stall_at = before});
  client_end().read();
  const std::uint64_t answer = wire.sent() - before;
  bool seen_early = false;
  for (std::uint64_t i = 1; i < answer; ++i) {
    wire.set_faults({.stall_at = before + i});
    const std::string status = authenticate();
    ASSERT_EQ(status, "SALLY_WOULD_BLOCK") << i;
    seen_early =
        seen_early || server().facts().peer_verified || !server().facts().peer_chain.empty();
  }
  EXPECT_FALSE(seen_early);
  wire.resume();
  EXPECT_EQ(authenticate(), "SALLY_OK");
  EXPECT_TRUE(server().facts().peer_verified);
}

TEST_F(Authentication, RefusesAClientWithoutACertificate) {
  for (const std::int32_t client_auth : {SALLY_CLIENT_AUTH_NONE, SALLY_CLIENT_AUTH_REQUEST}) {
    meet("", client_auth);
    EXPECT_EQ(authenticate(), "SALLY_WOULD_BLOCK");
    client_end().read();
    EXPECT_EQ(authenticate(), "SALLY_CLIENT_CERTIFICATE_REQUIRED");
    EXPECT_EQ(name_of(client_end().read_status()), "SALLY_ALERT_CERTIFICATE_REQUIRED");
    EXPECT_EQ(name_of(server_end().read_status()), "SALLY_CLIENT_CERTIFICATE_REQUIRED");
    EXPECT_EQ(authenticate(), "SALLY_CLIENT_CERTIFICATE_REQUIRED");
  }
}

TEST_F(Authentication, RefusesABadCertificate) {
  // A raw client shows it in any case.
  MixedPair pair(open_server()->freeze(), [](SSL_CTX* peer) {
    use_version(peer, TLS1_3_VERSION);
    use_certificate(peer, zoo("client-expired"));
    SSL_CTX_set_post_handshake_auth(peer, 1);
  });
  ASSERT_TRUE(pair.shake_hands());
  tls::Session& session = pair.ours().session();
  EXPECT_EQ(test::authenticate(session).status, "SALLY_WOULD_BLOCK");
  pair.peer().read();
  const Attempt refused = test::authenticate(session);
  EXPECT_EQ(refused.status, "SALLY_CERTIFICATE_EXPIRED");
  EXPECT_EQ(refused.progress.error->detail().alert, SSL_AD_CERTIFICATE_EXPIRED);
  EXPECT_FALSE(session.facts().peer_verified);
  EXPECT_TRUE(session.facts().peer_chain.empty());
  pair.peer().read();
  EXPECT_EQ(pair.peer().alert(), SSL_AD_CERTIFICATE_EXPIRED);
}

TEST_F(Authentication, WorksWithAClientThatIsPlainOpenSsl) {
  MixedPair pair(open_server()->freeze(), [](SSL_CTX* peer) {
    use_certificate(peer, zoo("client-good"));
    SSL_CTX_set_post_handshake_auth(peer, 1);
  });
  ASSERT_TRUE(pair.shake_hands());
  EXPECT_EQ(test::authenticate(pair.ours().session()).status, "SALLY_WOULD_BLOCK");
  pair.peer().read();
  EXPECT_EQ(test::authenticate(pair.ours().session()).status, "SALLY_OK");
  EXPECT_TRUE(pair.ours().session().facts().peer_verified);
}

TEST(AuthenticationOf, AClientIsAnsweredToAServerThatIsPlainOpenSsl) {
  MixedPair pair(asked_client()->freeze(), [](SSL_CTX* peer) {
    use_version(peer, TLS1_3_VERSION);
    use_certificate(peer, zoo("server-good"));
    const std::string ca = zoo_path("ca-root.pem");
    SSL_CTX_load_verify_locations(peer, ca.c_str(), nullptr);
  });
  ASSERT_TRUE(pair.shake_hands());
  pair.peer().call([](SSL* ssl) {
    SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    return SSL_verify_client_post_handshake(ssl) == 1 ? SSL_do_handshake(ssl) : -1;
  });
  pair.ours().read();
  pair.peer().read();
  X509* shown = SSL_get0_peer_certificate(pair.peer().ssl());
  ASSERT_NE(shown, nullptr);
  EXPECT_EQ(tls::subject_of(shown), "CN=client-good,O=Sallyport");
}

TEST(AuthenticationOf, AClientThatDidNotOfferItIsNotSupported) {
  TlsPair pair({.client_auth = SALLY_CLIENT_AUTH_NONE});
  pair.established();
  EXPECT_EQ(authenticate(pair.server().session()).status, "SALLY_NOT_SUPPORTED");
  EXPECT_EQ(name_of(pair.server().write_status("x")), "SALLY_OK") << "nothing has happened";
  EXPECT_EQ(pair.client().read(), "x");
}

TEST(AuthenticationOf, ATls12ClientIsNotSupported) {
  auto client = client_config({.version = SALLY_TLS_1_2});
  client->allow_post_handshake_auth();
  TlsPair pair(
      client->freeze(),
      server_config({.version = SALLY_TLS_1_2, .client_auth = SALLY_CLIENT_AUTH_NONE})->freeze());
  pair.established();
  EXPECT_EQ(authenticate(pair.server().session()).status, "SALLY_NOT_SUPPORTED");
}

TEST(AuthenticationOf, AClientIsTheServersToAskFor) {
  TlsPair pair(asked_client()->freeze(), open_server()->freeze());
  pair.established();
  EXPECT_EQ(authenticate(pair.client().session()).status, "SALLY_INVALID_STATE");
  auto trusting_nobody = make_ref<tls::Config>(SALLY_ROLE_SERVER);
  trusting_nobody->add_credential(credential("server-good"));
  TlsPair second(asked_client()->freeze(), trusting_nobody->freeze());
  second.established();
  EXPECT_EQ(authenticate(second.server().session()).status, "SALLY_INVALID_STATE");
}

// The other way round it would be the session of an anonymous client that is told from one of the
// authenticated by nothing.
TEST(AuthenticationOf, AClientHoldsForTheSessionsThatComeOfIt) {
  const auto client = asked_client();
  const auto server = open_server();
  TlsPair pair(client->freeze(), server->freeze());
  pair.established();
  authenticate(pair.server().session());
  pair.client().read();
  ASSERT_EQ(authenticate(pair.server().session()).status, "SALLY_OK");
  pair.client().read();  // the ticket that knows it
  TlsPair again(client->freeze(), server->freeze());
  again.established();
  const auto facts = again.server().session().facts();
  EXPECT_TRUE(facts.resumed);
  EXPECT_TRUE(facts.peer_verified);
  EXPECT_FALSE(facts.peer_chain.empty());
}

// --- As an operation of a stream

StreamPair stream_pair(const std::string& client = "client-good") {
  return StreamPair(TlsPair(asked_client(client)->freeze(), open_server()->freeze()));
}

TEST(StreamAuthentication, EndsWhenTheClientHasReadAndAnswered) {
  StreamPair pair = stream_pair();
  Started asking = start_verb(*pair.server, socket::Verb::authenticate);
  Started reading = start_read(*pair.client);
  EXPECT_EQ(asking.status(), "SALLY_OK");
  socket::StreamFacts facts;
  EXPECT_TRUE(pair.server->facts(facts).ok());
  EXPECT_TRUE(facts.session.peer_verified);
  EXPECT_EQ(write(*pair.server, "welcome").status(), "SALLY_OK");
  EXPECT_EQ(reading.text(), "welcome");
}

TEST(StreamAuthentication, BlocksItsCaller) {
  StreamPair pair = stream_pair();
  Started reading = start_read(*pair.client);
  EXPECT_EQ(name_of(pair.server->run({.verb = socket::Verb::authenticate}, within(30'000)).status),
            "SALLY_OK");
  pair.client->cancel(3);
  EXPECT_EQ(reading.status(), "SALLY_CANCELED");
}

TEST(StreamAuthentication, TakesTheTurnOfARead) {
  StreamPair pair = stream_pair();
  Started reading = start_read(*pair.server);
  EXPECT_EQ(start_verb(*pair.server, socket::Verb::authenticate).status(), "SALLY_BUSY");
  pair.server->cancel(SALLY_DIRECTION_READ);
  EXPECT_EQ(reading.status(), "SALLY_CANCELED");
  Started asking = start_verb(*pair.server, socket::Verb::authenticate);
  EXPECT_EQ(start_read(*pair.server).status(), "SALLY_BUSY");
  EXPECT_EQ(start_verb(*pair.server, socket::Verb::authenticate).status(), "SALLY_BUSY");
  EXPECT_EQ(write(*pair.server, "writes go on").status(), "SALLY_OK");
  EXPECT_EQ(read(*pair.client).text, "writes go on");
  EXPECT_EQ(write(*pair.client, "said before").status(), "SALLY_OK");
  Started answering = start_read(*pair.client);
  EXPECT_EQ(asking.status(), "SALLY_OK");
  EXPECT_EQ(read(*pair.server).text, "said before");
}

TEST(StreamAuthentication, ThatIsCanceledOrLateLeavesTheStreamUsable) {
  StreamPair pair = stream_pair();
  Started canceled = start_verb(*pair.server, socket::Verb::authenticate);
  settle(*pair.server);
  canceled.cancel();
  EXPECT_EQ(canceled.status(), "SALLY_CANCELED");
  EXPECT_EQ(start_verb(*pair.server, socket::Verb::authenticate, after(20)).status(),
            "SALLY_TIMED_OUT");
  EXPECT_EQ(
      name_of(
          pair.server->run({.verb = socket::Verb::authenticate}, socket::Patience::none()).status),
      "SALLY_WOULD_BLOCK");
  EXPECT_EQ(write(*pair.server, "hello").status(), "SALLY_OK");
  EXPECT_EQ(read(*pair.client).text, "hello") << "and with it the request";
  Started answering = start_read(*pair.client);
  EXPECT_EQ(start_verb(*pair.server, socket::Verb::authenticate).status(), "SALLY_OK");
}

TEST(StreamAuthentication, ThatIsRefusedEndsBothDirections) {
  StreamPair pair = stream_pair("");
  Started reading = start_read(*pair.client);
  EXPECT_EQ(start_verb(*pair.server, socket::Verb::authenticate).status(),
            "SALLY_CLIENT_CERTIFICATE_REQUIRED");
  EXPECT_EQ(reading.status(), "SALLY_ALERT_CERTIFICATE_REQUIRED");
  EXPECT_EQ(read(*pair.server).status(), "SALLY_CLIENT_CERTIFICATE_REQUIRED");
  EXPECT_EQ(write(*pair.server, "x").status(), "SALLY_CLIENT_CERTIFICATE_REQUIRED");
}

TEST(StreamAuthentication, EndsWithTheStream) {
  StreamPair pair = stream_pair();
  Started asking = start_verb(*pair.server, socket::Verb::authenticate);
  pair.server->close(socket::Patience::none());
  EXPECT_EQ(asking.status(), "SALLY_CLOSED");
}

}  // namespace
}  // namespace sally::test
