// Sessions that wait for decisions, on the wire: against plain OpenSSL at the other end.
#include "lib/raw_peer.h"
#include "lib/tls_pair.h"

#include <future>
#include <gtest/gtest.h>
#include <string>
#include <thread>

#include <sallyport/decision.h>

namespace sally::test {
namespace {

using tls::Answer;

Ref<tls::Context> asking_server(std::int32_t version, std::uint32_t questions) {
  auto config = server_config({.version = version});
  config->set_questions(questions);
  return config->freeze();
}

Ref<tls::Context> asking_client(std::int32_t version, std::uint32_t questions) {
  auto config = client_config({.version = version});
  config->set_questions(questions);
  return config->freeze();
}

RawPeer::Configure raw_client(int version) {
  return [=](SSL_CTX* context) {
    use_version(context, version);
    use_certificate(context, zoo("client-good"));
  };
}

class DecisionOnTheWire : public testing::TestWithParam<std::int32_t> {
 protected:
  static Ref<tls::Decision> asked(MixedPair& pair) { return pair.ours().session().take_question(); }
};

INSTANTIATE_TEST_SUITE_P(Versions, DecisionOnTheWire, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         [](const auto& version) {
                           return version.param == SALLY_TLS_1_2 ? "Tls12" : "Tls13";
                         });

TEST_P(DecisionOnTheWire, AboutAClientLetsNothingLeaveBefore) {
  MixedPair pair(asking_server(GetParam(), SALLY_QUESTION_PEER), raw_client(GetParam()));
  const bool client_is_done = pair.shake_hands();
  EXPECT_EQ(client_is_done, GetParam() == SALLY_TLS_1_3) << "it speaks last there";
  const Ref<tls::Decision> decision = asked(pair);
  ASSERT_TRUE(decision);
  EXPECT_TRUE(pair.ours().session().is_undecided());

  const std::uint64_t sent = pair.ours().transport().sent();
  if (client_is_done) {
    EXPECT_TRUE(pair.peer().write("am I in?"));
  }
  for (int i = 0; i < 5; ++i) {
    pair.ours().shake();
    EXPECT_EQ(name_of(pair.ours().status()), "SALLY_WOULD_BLOCK");
  }
  EXPECT_EQ(pair.ours().transport().sent(), sent) << "no ticket, no byte of data, no Finished";
  EXPECT_FALSE(asked(pair)) << "asked once";

  decision->answer({.kind = Answer::Kind::accept});
  ASSERT_TRUE(pair.shake_hands());
  EXPECT_EQ(name_of(pair.ours().status()), "SALLY_OK");
  EXPECT_FALSE(pair.ours().session().is_undecided());
  if (client_is_done) {
    EXPECT_EQ(pair.ours().read(), "am I in?");
  }
  EXPECT_EQ(name_of(pair.ours().write_status("yes")), "SALLY_OK");
  EXPECT_EQ(pair.peer().read_all(), "yes");
}

TEST_P(DecisionOnTheWire, ToDenyAClientSendsAnAlertAndNothingElse) {
  MixedPair pair(asking_server(GetParam(), SALLY_QUESTION_PEER), raw_client(GetParam()));
  pair.shake_hands();
  const Ref<tls::Decision> decision = asked(pair);
  ASSERT_TRUE(decision);
  decision->answer({.kind = Answer::Kind::deny, .why = SALLY_CERTIFICATE_REVOKED});
  pair.shake_hands();
  EXPECT_EQ(name_of(pair.ours().status()), "SALLY_DECISION_DENIED");
  EXPECT_EQ(pair.ours().error()->detail().alert, SSL_AD_CERTIFICATE_REVOKED);
  EXPECT_EQ(pair.ours().error()->detail().alert_direction, SALLY_ALERT_SENT);
  if (GetParam() == SALLY_TLS_1_3) {
    EXPECT_EQ(pair.peer().read(), "");
  }
  EXPECT_EQ(pair.peer().alert(), SSL_AD_CERTIFICATE_REVOKED);
}

TEST_P(DecisionOnTheWire, AboutAClientGoesOnOnlyOnTheThreadThatBeganIt) {
  MixedPair pair(asking_server(GetParam(), SALLY_QUESTION_PEER), raw_client(GetParam()));
  pair.shake_hands();
  const Ref<tls::Decision> decision = asked(pair);
  ASSERT_TRUE(decision);
  std::async(std::launch::async, [&] {
    decision->answer({.kind = Answer::Kind::accept});
    pair.ours().shake();
  }).get();
  EXPECT_EQ(name_of(pair.ours().status()), "SALLY_WOULD_BLOCK");
  EXPECT_TRUE(pair.shake_hands());
  EXPECT_EQ(name_of(pair.ours().status()), "SALLY_OK");
}

TEST_P(DecisionOnTheWire, IsADenialWhereTheSessionGoes) {
  for (const bool answered : {false, true}) {
    auto pair = std::make_unique<MixedPair>(asking_server(GetParam(), SALLY_QUESTION_PEER),
                                            raw_client(GetParam()));
    pair->shake_hands();
    const Ref<tls::Decision> decision = asked(*pair);
    ASSERT_TRUE(decision);
    if (answered) decision->answer({.kind = Answer::Kind::accept});
    pair->ours().take_session().reset();
    if (GetParam() == SALLY_TLS_1_3)
      pair->peer().read();
    else
      pair->peer().shake();
    EXPECT_EQ(pair->peer().alert(), SSL_AD_HANDSHAKE_FAILURE) << "not accepted by its going";
    pair.reset();
    EXPECT_THROW(decision->answer({.kind = Answer::Kind::accept}), Failure);
  }
}

TEST_P(DecisionOnTheWire, OfAServerIsNotAskedAgainForASecondHello) {
  if (GetParam() == SALLY_TLS_1_2) return;
  const auto client = [](SSL_CTX* context) {
    raw_client(TLS1_3_VERSION)(context);
    SSL_CTX_set1_groups_list(context, "P-521:X25519");  // a share for the first only
  };
  for (const bool changes : {false, true}) {
    MixedPair pair(asking_server(GetParam(), SALLY_QUESTION_CLIENT_HELLO), client);
    pair.shake_hands();
    const Ref<tls::Decision> decision = asked(pair);
    ASSERT_TRUE(decision);
    Answer answer{.kind = Answer::Kind::accept};
    if (changes) {
      answer = {.kind = Answer::Kind::config,
                .context = asking_server(GetParam(), SALLY_QUESTION_CLIENT_HELLO)};
    }
    decision->answer(answer);
    EXPECT_TRUE(pair.shake_hands());
    EXPECT_EQ(name_of(pair.ours().status()), "SALLY_OK");
    EXPECT_FALSE(asked(pair));
  }
}

// The hello is read again by the session that another config begins, however it has come.
TEST_P(DecisionOnTheWire, ChangesTheConfigAfterAHelloInPieces) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{0}}) {
    MixedPair pair(asking_server(GetParam(), SALLY_QUESTION_CLIENT_HELLO), raw_client(GetParam()));
    pair.peer().transport().set_faults({.receive_limit = piece});
    pair.shake_hands();
    const Ref<tls::Decision> decision = asked(pair);
    ASSERT_TRUE(decision);
    EXPECT_EQ(pair.ours().transport().sent(), 0u);
    auto other = make_ref<tls::Config>(SALLY_ROLE_SERVER);
    other->add_credential(credential("server-good-rsa"));
    decision->answer({.kind = Answer::Kind::config, .context = other->freeze()});
    EXPECT_TRUE(pair.shake_hands());
    EXPECT_EQ(name_of(pair.ours().status()), "SALLY_OK");
    EXPECT_TRUE(pair.ours().session().facts().peer_chain.empty()) << "none was asked for";
    const X509* shown = SSL_get0_peer_certificate(pair.peer().ssl());
    EXPECT_EQ(EVP_PKEY_get_base_id(X509_get0_pubkey(shown)), EVP_PKEY_RSA);
    EXPECT_TRUE(pair.peer().write("hello"));
    EXPECT_EQ(pair.ours().read_all(), "hello");
    EXPECT_EQ(pair.ours().session().traffic().wire_received, pair.peer().transport().sent())
        << "nothing was counted twice";
  }
}

TEST_P(DecisionOnTheWire, AboutAServerSendsNothingBefore) {
  for (const std::uint32_t question : {SALLY_QUESTION_PEER, SALLY_QUESTION_CREDENTIAL}) {
    MixedPair pair(asking_client(GetParam(), question), [&](SSL_CTX* context) {
      use_version(context, GetParam());
      use_certificate(context, zoo("server-good"));
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
    });
    EXPECT_FALSE(pair.shake_hands());
    const Ref<tls::Decision> decision = asked(pair);
    ASSERT_TRUE(decision);
    const std::uint64_t sent = pair.ours().transport().sent();
    for (int i = 0; i < 5; ++i) pair.ours().shake();
    EXPECT_EQ(pair.ours().transport().sent(), sent);
    // No fiber is involved: any thread may go on.
    std::async(std::launch::async, [&] {
      decision->answer({.kind = Answer::Kind::accept});
      pair.ours().shake();
    }).get();
    EXPECT_TRUE(pair.shake_hands());
    EXPECT_EQ(name_of(pair.ours().status()), "SALLY_OK");
  }
}

TEST_P(DecisionOnTheWire, ThatNobodyTakesIsNoAcceptance) {
  for (const std::uint32_t question : {SALLY_QUESTION_PEER, SALLY_QUESTION_CLIENT_HELLO}) {
    MixedPair pair(asking_server(GetParam(), question), raw_client(GetParam()));
    pair.shake_hands();
    EXPECT_EQ(name_of(pair.ours().status()), "SALLY_WOULD_BLOCK");
    EXPECT_TRUE(pair.ours().session().deny_undecided());
    pair.shake_hands();
    EXPECT_EQ(name_of(pair.ours().status()), "SALLY_DECISION_DENIED");
  }
}

TEST(DecisionConfig, RefusesQuestionsThatItsRoleDoesNotAsk) {
  EXPECT_THROW(client_config({})->set_questions(SALLY_QUESTION_CLIENT_HELLO), Failure);
  EXPECT_THROW(server_config({})->set_questions(SALLY_QUESTION_CREDENTIAL), Failure);
  const auto asks_nobody = server_config({.client_auth = SALLY_CLIENT_AUTH_NONE});
  asks_nobody->set_questions(SALLY_QUESTION_PEER);
  EXPECT_THROW(asks_nobody->freeze(), Failure) << "the question would never be asked";
  asks_nobody->set_client_auth(SALLY_CLIENT_AUTH_REQUEST);
  EXPECT_NE(tls::effective_settings(*asks_nobody->freeze()).find("\"questions\""),
            std::string::npos);
}

}  // namespace
}  // namespace sally::test
