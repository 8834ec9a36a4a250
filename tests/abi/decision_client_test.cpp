// What a client decides: whom it trusts, and what it shows.
#include "abi/decision_support.h"

using namespace sally::test;

namespace {

constexpr std::uint32_t peer = SALLY_QUESTION_PEER;
constexpr std::uint32_t credential = SALLY_QUESTION_CREDENTIAL;

class ClientDecision : public OnBothVersions {
 protected:
  // A client of a server that shows this certificate and wants a good one.
  void meet(const char* server_name, std::uint32_t questions, const char* own = "client-good") {
    listener_ = std::make_unique<Listener>(server_config(of_version(
        GetParam(), {.credential = server_name, .client_auth = SALLY_CLIENT_AUTH_REQUEST})));
    config_ = asking(client_config(of_version(GetParam(), {.credential = own})), questions);
    client_ = asking_stream(*listener_, config_.get(), desk_.completion());
    connecting_ = connecting(client_);
    decision_ = desk_.next();
    ASSERT_TRUE(decision_);
  }
  Refusal refusal() { return listener_->next_refusal(); }

  Desk desk_;
  std::unique_ptr<Listener> listener_;
  Owned<sally_tls_config> config_;
  Stream client_;
  std::future<Result> connecting_;
  Decision decision_;
};

INSTANTIATE_TEST_SUITE_P(Versions, ClientDecision, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         name_of);

}  // namespace

TEST_P(ClientDecision, AboutThePeerTellsWhoThatIs) {
  meet("server-good", peer);
  EXPECT_EQ(decision_.question(), SALLY_QUESTION_PEER);
  EXPECT_STREQ(sally_decision_server_name(decision_.get()), "localhost");
  EXPECT_EQ(sally_decision_peer_address(decision_.get()), "127.0.0.1:" + listener_->service());
  EXPECT_EQ(sally_decision_peer_certificate_count(decision_.get()), 2u) << "and its issuer";
  EXPECT_EQ(decision_.verdict(), SALLY_OK);
  EXPECT_EQ(sally_decision_verdict_error(decision_.get()), nullptr);
  EXPECT_EQ(sally_decision_alpn_count(decision_.get()), 0u);
  EXPECT_EQ(sally_decision_alpn(decision_.get(), 0), nullptr);
  const std::string subject =
      sally_certificate_subject(sally_decision_peer_certificate(decision_.get(), 0));
  EXPECT_TRUE(goes_on(connecting_)) << "the handshake waits";
  EXPECT_EQ(decision_.accept(), SALLY_OK);
  EXPECT_EQ(connecting_.get(), SALLY_OK);
  EXPECT_EQ(subject, peer_subject(client_));
  EXPECT_EQ(sally_stream_info_peer_verified(client_.info().get()), 1);
  Stream server = listener_->accept();
  ASSERT_EQ(server.write("hello"), SALLY_OK);
  EXPECT_EQ(client_.read_text(5), "hello");
}

TEST_P(ClientDecision, CannotAcceptAPeerThatDidNotPassButInsecurely) {
  meet("server-expired", peer);
  EXPECT_EQ(decision_.verdict(), SALLY_CERTIFICATE_EXPIRED);
  EXPECT_EQ(sally_error_status(sally_decision_verdict_error(decision_.get())),
            SALLY_CERTIFICATE_EXPIRED);
  EXPECT_EQ(decision_.accept(), SALLY_INVALID_STATE);
  EXPECT_TRUE(goes_on(connecting_)) << "that was no answer";
  EXPECT_EQ(decision_.insecure_accept(), SALLY_OK);
  EXPECT_EQ(connecting_.get(), SALLY_OK);
  EXPECT_EQ(sally_stream_info_peer_verified(client_.info().get()), 0);
  EXPECT_EQ(listener_->accept_status(), SALLY_OK);
}

TEST_P(ClientDecision, InsecureAboutAPeerThatPassedIsAnAccept) {
  meet("server-good", peer);
  EXPECT_EQ(decision_.insecure_accept(), SALLY_OK);
  EXPECT_EQ(connecting_.get(), SALLY_OK);
  EXPECT_EQ(sally_stream_info_peer_verified(client_.info().get()), 1);
}

TEST_P(ClientDecision, ToDenyThePeerSendsTheAlertOfItsReason) {
  const std::vector<std::pair<sally_status, sally_status>> reasons = {
      {SALLY_OK, SALLY_ALERT_HANDSHAKE_FAILURE},
      {SALLY_ACCESS_DENIED, SALLY_ALERT_HANDSHAKE_FAILURE},
      {SALLY_CERTIFICATE_EXPIRED, SALLY_ALERT_CERTIFICATE_EXPIRED},
      {SALLY_CERTIFICATE_NOT_YET_VALID, SALLY_ALERT_CERTIFICATE_EXPIRED},
      {SALLY_CERTIFICATE_REVOKED, SALLY_ALERT_CERTIFICATE_REVOKED},
      {SALLY_CERTIFICATE_UNKNOWN_CA, SALLY_ALERT_UNKNOWN_CA},
      {SALLY_CERTIFICATE_WRONG_USAGE, SALLY_ALERT_UNSUPPORTED_CERTIFICATE},
      {SALLY_CERTIFICATE_REVOCATION_UNKNOWN, SALLY_ALERT_CERTIFICATE_UNKNOWN},
      {SALLY_CERTIFICATE_NAME_MISMATCH, SALLY_ALERT_BAD_CERTIFICATE},
      {SALLY_CERTIFICATE_REJECTED, SALLY_ALERT_BAD_CERTIFICATE}};
  for (const auto& [why, alert] : reasons) {
    SCOPED_TRACE(sally_status_name(why));
    meet("server-good", peer);
    EXPECT_EQ(decision_.deny(why), SALLY_OK);
    const Result denied = connecting_.get();
    EXPECT_EQ(denied, SALLY_DECISION_DENIED);
    EXPECT_EQ(denied.phase(), "handshake");
    EXPECT_EQ(sally_error_status(sally_error_cause(denied.error.get())), why);
    EXPECT_EQ(refusal().status(), alert);
  }
}

TEST_P(ClientDecision, ToDenyAPeerThatDidNotPassTellsWhyItDidNot) {
  meet("server-expired", peer);
  EXPECT_EQ(decision_.deny(), SALLY_OK);
  EXPECT_EQ(connecting_.get(), SALLY_CERTIFICATE_EXPIRED);
  EXPECT_EQ(refusal().status(), SALLY_ALERT_CERTIFICATE_EXPIRED);

  meet("server-expired", peer);
  EXPECT_EQ(decision_.deny(SALLY_CERTIFICATE_REVOKED), SALLY_OK);
  EXPECT_EQ(connecting_.get(), SALLY_DECISION_DENIED);
  EXPECT_EQ(refusal().status(), SALLY_ALERT_CERTIFICATE_REVOKED);
}

TEST_P(ClientDecision, CountsWithoutVerificationToo) {
  listener_ = std::make_unique<Listener>(
      server_config(of_version(GetParam(), {.credential = "server-expired"})));
  config_ = asking(client_config(of_version(GetParam(), {})), peer);
  ASSERT_EQ(sally_tls_config_insecure_skip_verification(config_.get(), nullptr), SALLY_OK);
  for (const bool accepts : {true, false}) {
    client_ = asking_stream(*listener_, config_.get(), desk_.completion());
    connecting_ = connecting(client_);
    decision_ = desk_.next();
    ASSERT_TRUE(decision_);
    EXPECT_EQ(decision_.verdict(), SALLY_OK);
    EXPECT_EQ(accepts ? decision_.accept() : decision_.deny(), SALLY_OK);
    EXPECT_EQ(connecting_.get(), accepts ? SALLY_OK : SALLY_DECISION_DENIED);
    if (accepts) {
      EXPECT_EQ(sally_stream_info_peer_verified(client_.info().get()), 0);
    }
  }
}

TEST_P(ClientDecision, AboutACredentialTellsWhatTheServerAccepts) {
  meet("server-good", credential);
  EXPECT_EQ(decision_.question(), SALLY_QUESTION_CREDENTIAL);
  ASSERT_EQ(sally_decision_acceptable_ca_count(decision_.get()), 1u);
  EXPECT_NE(
      std::string(sally_decision_acceptable_ca(decision_.get(), 0)).find("Sallyport zoo root CA"),
      std::string::npos);
  EXPECT_EQ(sally_decision_acceptable_ca(decision_.get(), 1), nullptr);
  EXPECT_TRUE(accepts_scheme(decision_, "ecdsa_secp256r1_sha256"));
  EXPECT_TRUE(accepts_scheme(decision_, "ed25519"));
  EXPECT_FALSE(accepts_scheme(decision_, "ecdsa_sha1"));
  EXPECT_STREQ(sally_decision_server_name(decision_.get()), "localhost");
  EXPECT_EQ(sally_decision_peer_certificate_count(decision_.get()), 2u);
  EXPECT_EQ(decision_.accept(), SALLY_OK);
  EXPECT_EQ(connecting_.get(), SALLY_OK);
  EXPECT_EQ(sally_stream_info_client_certificate_sent(client_.info().get()), 1);
  const Stream server = listener_->accept();
  EXPECT_EQ(sally_stream_info_peer_verified(server.info().get()), 1);
}

TEST_P(ClientDecision, ShowsTheCredentialThatWasChosen) {
  meet("server-good", credential);
  const auto chosen = Zoo::credential("client-good-rsa-issuer");
  EXPECT_EQ(decision_.use_credential(chosen.get()), SALLY_OK);
  EXPECT_EQ(connecting_.get(), SALLY_OK);
  const Stream server = listener_->accept();
  Owned<sally_certificate> shown;
  ASSERT_EQ(sally_credential_copy_certificate(chosen.get(), Out(shown), nullptr), SALLY_OK);
  EXPECT_EQ(
      sally_certificate_fingerprint(sally_stream_info_peer_certificate(server.info().get(), 0)),
      std::string(sally_certificate_fingerprint(shown.get())));
}

TEST_P(ClientDecision, ShowsACredentialThoughTheConfigHasNone) {
  meet("server-good", credential, "");
  EXPECT_EQ(decision_.use_credential(Zoo::credential("client-good").get()), SALLY_OK);
  EXPECT_EQ(connecting_.get(), SALLY_OK);
  const Stream server = listener_->accept();
  EXPECT_EQ(sally_stream_info_peer_verified(server.info().get()), 1);
}

TEST_P(ClientDecision, ShowsNoneWhereNoneWasChosen) {
  meet("server-good", credential);
  EXPECT_EQ(decision_.use_credential(nullptr), SALLY_OK);
  EXPECT_EQ(connecting_.get(), SALLY_OK);
  EXPECT_EQ(sally_stream_info_client_certificate_sent(client_.info().get()), 0);
  const Stream server = listener_->accept();
  EXPECT_EQ(sally_stream_info_peer_certificate_count(server.info().get()), 0u);
}

TEST_P(ClientDecision, ToDenyTheRequestEndsTheHandshake) {
  meet("server-good", credential);
  EXPECT_EQ(decision_.deny(SALLY_CERTIFICATE_REVOKED), SALLY_OK);
  EXPECT_EQ(connecting_.get(), SALLY_DECISION_DENIED);
  EXPECT_EQ(refusal().status(), SALLY_ALERT_INTERNAL_ERROR);
}

TEST_P(ClientDecision, IsMadeOnePerQuestion) {
  meet("server-good", peer | credential);
  EXPECT_EQ(decision_.question(), SALLY_QUESTION_PEER);
  EXPECT_EQ(decision_.use_credential(nullptr), SALLY_INVALID_STATE);
  EXPECT_EQ(decision_.use_config(server_config().get()), SALLY_INVALID_STATE);
  EXPECT_EQ(decision_.accept(), SALLY_OK);
  const Decision second = desk_.next();
  EXPECT_EQ(second.question(), SALLY_QUESTION_CREDENTIAL);
  EXPECT_EQ(second.insecure_accept(), SALLY_INVALID_STATE);
  EXPECT_EQ(second.use_credential(Zoo::credential("client-good").get()), SALLY_OK);
  EXPECT_EQ(connecting_.get(), SALLY_OK);
  EXPECT_EQ(desk_.queue().take_status(), SALLY_WOULD_BLOCK);
  EXPECT_EQ(sally_queue_pending(desk_.queue().get()), 0u) << "the room was given back";
}

TEST_P(ClientDecision, IsNotAskedForWhereTheServerWantsNoCertificate) {
  Listener listener(server_config(of_version(GetParam(), {.credential = "server-good"})));
  const auto config = asking(client_config(), credential);
  Stream client = asking_stream(listener, config.get(), desk_.completion());
  EXPECT_EQ(client.connect(), SALLY_OK);
  EXPECT_EQ(desk_.queue().take_status(), SALLY_WOULD_BLOCK);
  EXPECT_EQ(sally_queue_pending(desk_.queue().get()), 0u);
}

TEST_P(ClientDecision, GoesToAFunctionWhichMayAnswerInside) {
  struct Answering {
    std::atomic<int> calls = 0;
    std::atomic<int> frees = 0;
  } answering;
  Listener listener(server_config(of_version(GetParam(), {.credential = "server-good"})));
  const auto config = asking(client_config(), peer);
  sally_completion completion{};
  completion.struct_size = sizeof completion;
  completion.user = &answering;
  completion.function = [](void* user, sally_event* event) {
    ++static_cast<Answering*>(user)->calls;
    EXPECT_EQ(sally_decision_accept(static_cast<sally_decision*>(event->object), nullptr),
              SALLY_OK);
  };
  completion.free_user = [](void* user) { ++static_cast<Answering*>(user)->frees; };
  Stream client = asking_stream(listener, config.get(), &completion);
  EXPECT_EQ(client.connect(), SALLY_OK);
  EXPECT_EQ(answering.calls, 1);
  EXPECT_EQ(answering.frees, 0);
  client.release();
  for (int i = 0; answering.frees == 0 && i < 10'000; ++i) ::poll(nullptr, 0, 1);
  EXPECT_EQ(answering.frees, 1);
}

TEST_P(ClientDecision, SuspendsAnAsynchronousConnectToo) {
  for (const Desk::Form form : {Desk::Form::queue, Desk::Form::function}) {
    Desk desk(form);
    Listener listener(server_config(of_version(GetParam(), {.credential = "server-good"})));
    const auto config = asking(client_config(), peer);
    Stream client = asking_stream(listener, config.get(), desk.completion());
    Queue results;
    const sally_completion completion = results.completion(1);
    ASSERT_EQ(sally_stream_connect_async(client.get(), generous_ms, &completion, nullptr, nullptr),
              SALLY_OK);
    const Decision decision = desk.next();
    EXPECT_EQ(results.take_status(), SALLY_WOULD_BLOCK);
    EXPECT_EQ(decision.accept(), SALLY_OK);
    EXPECT_EQ(results.next()->status, SALLY_OK);
  }
}
