// What a server decides: whom it trusts, and by which config it serves whom.
#include "abi/decision_support.h"

using namespace sally::test;

namespace {

constexpr std::uint32_t peer = SALLY_QUESTION_PEER;
constexpr std::uint32_t hello = SALLY_QUESTION_CLIENT_HELLO;

const TlsSetup mutual{.credential = "server-good", .client_auth = SALLY_CLIENT_AUTH_REQUIRE};
const TlsSetup one_sided{.credential = "server-good"};

class ServerDecision : public OnBothVersions {
 protected:
  // A server that asks, and a client that connects to it.
  void meet(std::uint32_t questions, const TlsSetup& server = mutual,
            TlsSetup client = {.credential = "client-good"}) {
    listener_ =
        std::make_unique<Listener>(asking(server_config(server), questions), asked_at(desk_));
    config_ = client_config(of_version(GetParam(), std::move(client)));
    client_ = listener_->stream(config_.get());
    connecting_ = on_thread([this] { return refused(client_); });
    decision_ = desk_.next();
    ASSERT_TRUE(decision_);
  }
  // For a client that is to get in.
  void expect_established() {
    Stream server = listener_->accept();
    ASSERT_EQ(server.write("x"), SALLY_OK);
    EXPECT_EQ(connecting_.get(), SALLY_OK);
    server_ = std::move(server);
  }

  Desk desk_;
  std::unique_ptr<Listener> listener_;
  Owned<sally_tls_config> config_;
  Stream client_;
  Stream server_;
  std::future<Result> connecting_;
  Decision decision_;
};

INSTANTIATE_TEST_SUITE_P(Versions, ServerDecision, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         name_of);

}  // namespace

TEST_P(ServerDecision, AboutThePeerTellsWhoThatIs) {
  meet(peer);
  EXPECT_EQ(decision_.question(), SALLY_QUESTION_PEER);
  EXPECT_STREQ(sally_decision_server_name(decision_.get()), "");
  EXPECT_EQ(std::string(sally_decision_peer_address(decision_.get())).substr(0, 10), "127.0.0.1:");
  EXPECT_EQ(sally_decision_peer_certificate_count(decision_.get()), 2u);
  const std::string subject =
      sally_certificate_subject(sally_decision_peer_certificate(decision_.get(), 0));
  EXPECT_EQ(decision_.verdict(), SALLY_OK);
  EXPECT_EQ(listener_->accept_status(SALLY_TIMEOUT_ATTEMPT), SALLY_WOULD_BLOCK);
  EXPECT_EQ(decision_.accept(), SALLY_OK);
  expect_established();
  EXPECT_EQ(peer_subject(server_), subject);
  EXPECT_EQ(sally_stream_info_peer_verified(server_.info().get()), 1);
  ASSERT_EQ(client_.write("and back"), SALLY_OK);
  EXPECT_EQ(server_.read_text(8), "and back");
}

TEST_P(ServerDecision, CannotAcceptAPeerThatDidNotPassButInsecurely) {
  meet(peer, mutual, {.credential = "client-expired-intermediate"});
  EXPECT_EQ(decision_.verdict(), SALLY_CERTIFICATE_EXPIRED);
  EXPECT_EQ(decision_.accept(), SALLY_INVALID_STATE);
  EXPECT_TRUE(goes_on(connecting_));
  EXPECT_EQ(decision_.insecure_accept(), SALLY_OK);
  expect_established();
  EXPECT_EQ(sally_stream_info_peer_verified(server_.info().get()), 0);
}

TEST_P(ServerDecision, ToDenyThePeerSendsTheAlertOfItsReason) {
  const std::vector<std::pair<sally_status, sally_status>> reasons = {
      {SALLY_OK, SALLY_ALERT_HANDSHAKE_FAILURE},
      {SALLY_CERTIFICATE_EXPIRED, SALLY_ALERT_CERTIFICATE_EXPIRED},
      {SALLY_CERTIFICATE_REVOKED, SALLY_ALERT_CERTIFICATE_REVOKED},
      {SALLY_CERTIFICATE_UNKNOWN_CA, SALLY_ALERT_UNKNOWN_CA},
      {SALLY_CERTIFICATE_WRONG_USAGE, SALLY_ALERT_UNSUPPORTED_CERTIFICATE},
      {SALLY_CERTIFICATE_REJECTED, SALLY_ALERT_BAD_CERTIFICATE}};
  for (const auto& [why, alert] : reasons) {
    SCOPED_TRACE(sally_status_name(why));
    meet(peer);
    EXPECT_EQ(decision_.deny(why), SALLY_OK);
    EXPECT_EQ(connecting_.get(), alert);
    const Refusal refusal = listener_->next_refusal();
    EXPECT_EQ(refusal.status(), SALLY_DECISION_DENIED);
    EXPECT_EQ(sally_error_status(sally_error_cause(refusal.why.get())), why);
  }
}

TEST_P(ServerDecision, ToDenyAPeerThatDidNotPassTellsWhyItDidNot) {
  TlsSetup crowded = mutual;
  crowded.trust = "file-trust-crowd";  // whose CAs it does not name: the client shows what it has
  meet(peer, crowded, {.credential = "client-unknown-ca"});
  EXPECT_EQ(decision_.deny(), SALLY_OK);
  EXPECT_EQ(connecting_.get(), SALLY_ALERT_UNKNOWN_CA);
  EXPECT_EQ(listener_->next_refusal().status(), SALLY_CERTIFICATE_UNKNOWN_CA);
}

TEST_P(ServerDecision, IsNotAskedForAboutAClientWithoutACertificate) {
  Listener listener(
      asking(server_config({.credential = "server-good", .client_auth = SALLY_CLIENT_AUTH_REQUEST}),
             peer),
      asked_at(desk_));
  const auto config = client_config(of_version(GetParam(), {}));
  const Pair pair = connect_pair(listener, config.get());
  EXPECT_EQ(desk_.queue().take_status(), SALLY_WOULD_BLOCK);
  EXPECT_EQ(sally_queue_pending(desk_.queue().get()), 0u);
}

TEST_P(ServerDecision, AboutAHelloTellsWhatTheClientWants) {
  meet(hello, one_sided, {.alpn = {"h2", "sally/1"}});
  EXPECT_EQ(decision_.question(), SALLY_QUESTION_CLIENT_HELLO);
  EXPECT_STREQ(sally_decision_server_name(decision_.get()), "localhost");
  ASSERT_EQ(sally_decision_alpn_count(decision_.get()), 2u);
  EXPECT_STREQ(sally_decision_alpn(decision_.get(), 0), "h2");
  EXPECT_STREQ(sally_decision_alpn(decision_.get(), 1), "sally/1");
  EXPECT_EQ(sally_decision_alpn(decision_.get(), 2), nullptr);
  EXPECT_TRUE(accepts_scheme(decision_, "ecdsa_secp256r1_sha256"));
  EXPECT_FALSE(accepts_scheme(decision_, "ecdsa_sha1"));
  EXPECT_EQ(sally_decision_peer_certificate_count(decision_.get()), 0u);
  EXPECT_EQ(decision_.verdict(), SALLY_OK);
  EXPECT_EQ(decision_.accept(), SALLY_OK);
  expect_established();
  EXPECT_STREQ(sally_stream_info_server_name(server_.info().get()), "localhost");
}

TEST_P(ServerDecision, ToDenyAHelloSendsTheAlertOfItsReason) {
  const std::vector<std::pair<sally_status, sally_status>> reasons = {
      {SALLY_OK, SALLY_ALERT_HANDSHAKE_FAILURE},
      {SALLY_ALERT_UNRECOGNIZED_NAME, SALLY_ALERT_UNRECOGNIZED_NAME},
      {SALLY_ALERT_ACCESS_DENIED, SALLY_ALERT_ACCESS_DENIED},
      {SALLY_ALERT_CLOSE_NOTIFY, SALLY_ALERT_HANDSHAKE_FAILURE}};
  for (const auto& [why, alert] : reasons) {
    SCOPED_TRACE(sally_status_name(why));
    meet(hello, one_sided, {});
    EXPECT_EQ(decision_.deny(why), SALLY_OK);
    EXPECT_EQ(connecting_.get(), alert);
    EXPECT_EQ(listener_->next_refusal().status(), SALLY_DECISION_DENIED);
  }
}

TEST_P(ServerDecision, ServesWithAnotherConfig) {
  meet(hello, one_sided, {.credential = "client-good", .alpn = {"sally/1"}});
  const auto other = server_config({.credential = "server-good-rsa",
                                    .client_auth = SALLY_CLIENT_AUTH_REQUIRE,
                                    .alpn = {"sally/1"}});
  EXPECT_EQ(decision_.use_config(other.get()), SALLY_OK);
  expect_established();
  const auto info = client_.info();
  EXPECT_EQ(std::string(sally_certificate_key(sally_stream_info_peer_certificate(info.get(), 0))),
            "RSA 2048");
  EXPECT_STREQ(sally_stream_info_alpn(info.get()), "sally/1");
  EXPECT_STREQ(sally_stream_info_server_name(server_.info().get()), "localhost");
  EXPECT_EQ(sally_stream_info_client_certificate_requested(server_.info().get()), 1);
  EXPECT_EQ(sally_stream_info_peer_verified(server_.info().get()), 1);
}

TEST_P(ServerDecision, ToUseAnotherConfigBringsItsPolicyForClients) {
  const auto demanding = server_config(mutual);
  meet(hello, one_sided, {});
  EXPECT_EQ(decision_.use_config(demanding.get()), SALLY_OK);
  const Result without = connecting_.get();
  EXPECT_TRUE(without == SALLY_ALERT_CERTIFICATE_REQUIRED ||
              without == SALLY_ALERT_HANDSHAKE_FAILURE)
      << sally_status_name(without.status);
  EXPECT_EQ(listener_->next_refusal().status(), SALLY_CLIENT_CERTIFICATE_REQUIRED);

  const auto lenient = server_config(one_sided);
  meet(hello, mutual, {});
  EXPECT_EQ(decision_.use_config(lenient.get()), SALLY_OK);
  expect_established();
}

TEST_P(ServerDecision, ToUseAnotherConfigBringsItsTrustAndItsNamesOfCas) {
  const auto of_others = server_config(
      {.credential = "server-good", .trust = "ca-other", .client_auth = SALLY_CLIENT_AUTH_REQUIRE});
  meet(hello, mutual, {.credential = "client-good"});
  EXPECT_EQ(decision_.use_config(of_others.get()), SALLY_OK);
  const Result refused_now = connecting_.get();
  EXPECT_EQ(refused_now, GetParam() == SALLY_TLS_1_2 ? SALLY_ALERT_HANDSHAKE_FAILURE
                                                     : SALLY_ALERT_CERTIFICATE_REQUIRED);
  EXPECT_NE(refused_now.text(SALLY_ERROR_FIELD_EXPECTED).find("other root CA"), std::string::npos);
  EXPECT_EQ(listener_->next_refusal().status(), SALLY_CLIENT_CERTIFICATE_REQUIRED);

  meet(hello, mutual, {.credential = "client-other"});
  EXPECT_EQ(decision_.use_config(of_others.get()), SALLY_OK);
  expect_established();
}

TEST_P(ServerDecision, ToUseAnotherConfigBringsItsVersions) {
  const std::int32_t not_the_clients = GetParam() == SALLY_TLS_1_2 ? SALLY_TLS_1_3 : SALLY_TLS_1_2;
  meet(hello, one_sided, {});
  const auto other = server_config(of_version(not_the_clients, one_sided));
  EXPECT_EQ(decision_.use_config(other.get()), SALLY_OK);
  EXPECT_EQ(connecting_.get(), SALLY_ALERT_PROTOCOL_VERSION);
}

TEST_P(ServerDecision, ToUseAnotherConfigBringsItsQuestionAboutThePeer) {
  meet(hello, one_sided, {.credential = "client-good"});
  const auto other = asking(server_config(mutual), hello | peer);
  EXPECT_EQ(decision_.use_config(other.get()), SALLY_OK);
  const Decision second = desk_.next();
  EXPECT_EQ(second.question(), SALLY_QUESTION_PEER) << "and not about the hello again";
  EXPECT_EQ(second.deny(SALLY_CERTIFICATE_REVOKED), SALLY_OK);
  EXPECT_EQ(connecting_.get(), SALLY_ALERT_CERTIFICATE_REVOKED);

  meet(hello | peer, mutual, {.credential = "client-good"});
  const auto silent = server_config(mutual);
  EXPECT_EQ(decision_.use_config(silent.get()), SALLY_OK);
  expect_established();
}

TEST_P(ServerDecision, CannotUseAConfigThatIsWrong) {
  meet(hello, one_sided, {});
  EXPECT_EQ(decision_.use_config(client_config().get()), SALLY_INVALID_ARGUMENT);
  EXPECT_EQ(decision_.use_config(server_config({}).get()), SALLY_INVALID_STATE) << "no credential";
  EXPECT_EQ(decision_.use_credential(nullptr), SALLY_INVALID_STATE);
  EXPECT_EQ(decision_.insecure_accept(), SALLY_INVALID_STATE);
  EXPECT_EQ(decision_.accept(), SALLY_OK);
  expect_established();
}

TEST_P(ServerDecision, IsMadeOnePerQuestion) {
  meet(hello | peer);
  EXPECT_EQ(decision_.question(), SALLY_QUESTION_CLIENT_HELLO);
  EXPECT_EQ(decision_.accept(), SALLY_OK);
  const Decision second = desk_.next();
  EXPECT_EQ(second.question(), SALLY_QUESTION_PEER);
  EXPECT_EQ(second.accept(), SALLY_OK);
  expect_established();
  EXPECT_EQ(sally_queue_pending(desk_.queue().get()), 0u);
}

TEST_P(ServerDecision, SuspendsAnUpgrade) {
  for (const bool blocking : {true, false}) {
    Desk desk;
    sally_listener_options options = asked_at(desk);
    options.flags = SALLY_STREAM_PLAIN;
    Listener listener({}, options);
    const std::string service = listener.service();
    sally_stream_options plain{};
    plain.struct_size = sizeof plain;
    plain.flags = SALLY_STREAM_PLAIN;
    plain.host = "127.0.0.1";
    plain.service = service.c_str();
    plain.decisions = desk.completion();
    Owned<sally_stream> raw;
    ASSERT_EQ(sally_stream_create(&plain, Out(raw), nullptr), SALLY_OK);
    Stream client(std::move(raw));
    ASSERT_EQ(client.connect(), SALLY_OK);
    Stream server = listener.accept();
    const auto asks_client =
        asking(client_config(of_version(GetParam(), {.credential = "client-good"})), peer);
    const auto asks_server = asking(server_config(mutual), peer);
    auto securing = on_thread([&] {
      return sally_stream_upgrade(client.get(), asks_client.get(), "localhost", 0, nullptr);
    });
    Queue results;
    const sally_completion completion = results.completion(5);
    std::future<sally_status> serving;
    if (blocking) {
      serving = on_thread([&] {
        return sally_stream_upgrade(server.get(), asks_server.get(), nullptr, 0, nullptr);
      });
    } else {
      ASSERT_EQ(sally_stream_upgrade_async(server.get(), asks_server.get(), nullptr, 0, &completion,
                                           nullptr, nullptr),
                SALLY_OK);
    }
    for (int i = 0; i < 2; ++i) {
      const Decision decision = desk.next();
      EXPECT_EQ(decision.question(), SALLY_QUESTION_PEER);
      EXPECT_EQ(decision.accept(), SALLY_OK);
    }
    EXPECT_EQ(securing.get(), SALLY_OK);
    EXPECT_EQ(blocking ? serving.get() : results.next()->status, SALLY_OK);
    ASSERT_EQ(server.write("hello"), SALLY_OK);
    EXPECT_EQ(client.read_text(5), "hello");
  }
}
