// Credentials whose key the program has: it makes the signatures of the handshakes.
#include "abi/decision_support.h"
#include "lib/signing_key.h"

#include <array>
#include <tuple>

using namespace sally::test;

namespace {

constexpr std::uint32_t signature = SALLY_QUESTION_SIGNATURE;

Owned<sally_credential> without_key(const std::string& name) {
  Owned<sally_credential> credential;
  EXPECT_EQ(called([&](sally_error** error) {
              return sally_credential_load_certificates(Zoo::chain_path(name).c_str(),
                                                        Out(credential), error);
            }),
            SALLY_OK);
  return credential;
}

Owned<sally_tls_config> showing(Owned<sally_tls_config> config, const std::string& name) {
  const auto credential = without_key(name);
  EXPECT_EQ(sally_tls_config_add_credential(config.get(), credential.get(), nullptr), SALLY_OK);
  return config;
}

std::string content_of(const Decision& decision) {
  const void* content = sally_decision_signed_content(decision.get());
  return {static_cast<const char*>(content), sally_decision_signed_content_size(decision.get())};
}

Result answer(const Decision& decision, const std::string& bytes) {
  return called([&](sally_error** error) {
    return sally_decision_signature(decision.get(), bytes.data(), bytes.size(), error);
  });
}

Result sign(const Decision& decision, const std::string& name) {
  return answer(decision,
                SigningKey(Zoo::key_path(name))
                    .sign(sally_decision_signature_scheme(decision.get()), content_of(decision)));
}

struct Named {
  const char* name;
  const char* client;
  const char* server;
  const char* key;
  std::int32_t scheme_1_3;
};

constexpr std::array keys = {
    Named{"Ec", "client-good", "server-good", "EC P-256", 0x0403},
    Named{"P384", "client-good-p384", "server-good-p384", "EC P-384", 0x0503},
    Named{"Rsa", "client-good-rsa", "server-good-rsa", "RSA 2048", 0x0804},
    Named{"Ed25519", "client-good-ed25519", "server-good-ed25519", "ED25519", 0x0807}};

// On both versions, of either side, with each type of key.
class ExternalSigner
    : public testing::TestWithParam<std::tuple<std::int32_t, std::int32_t, std::size_t>> {
 protected:
  std::int32_t version() const { return std::get<0>(GetParam()); }
  bool of_client() const { return std::get<1>(GetParam()) == SALLY_ROLE_CLIENT; }
  const Named& key() const { return keys.at(std::get<2>(GetParam())); }
  std::string name() const { return of_client() ? key().client : key().server; }

  void meet(std::int64_t decision_ms = 0) {
    TlsSetup server{.credential = "server-good", .client_auth = SALLY_CLIENT_AUTH_REQUIRE};
    TlsSetup client{.credential = "client-good"};
    (of_client() ? client : server).credential.clear();
    config_ = client_config(of_version(version(), client));
    auto server_side = server_config(server);
    auto& signing = of_client() ? config_ : server_side;
    signing = asking(showing(std::move(signing), name()), signature, decision_ms);
    sally_listener_options options{};
    if (!of_client()) options.decisions = desk_.completion();
    listener_ = std::make_unique<Listener>(server_side, options);
    client_ = asking_stream(*listener_, config_.get(), of_client() ? desk_.completion() : nullptr);
    connecting_ = on_thread([this] { return refused(client_); });
    decision_ = desk_.next();
    ASSERT_TRUE(decision_);
    ASSERT_EQ(decision_.question(), SALLY_QUESTION_SIGNATURE);
  }
  void expect_established() {
    Stream server = listener_->accept();
    ASSERT_EQ(server.write("x"), SALLY_OK);
    ASSERT_EQ(connecting_.get(), SALLY_OK);
    ASSERT_EQ(client_.write("and back"), SALLY_OK);
    EXPECT_EQ(server.read_text(8), "and back");
    const auto info = (of_client() ? server : client_).info();
    EXPECT_EQ(sally_stream_info_peer_verified(info.get()), 1);
    EXPECT_STREQ(sally_certificate_key(sally_stream_info_peer_certificate(info.get(), 0)),
                 key().key);
  }
  // That this side fails like that; what it says.
  Result expect_failed(sally_status status) {
    Result connected = connecting_.get();
    EXPECT_FALSE(connected.ok());
    Result own;
    if (of_client()) {
      own = std::move(connected);
    } else {
      Refusal refusal = listener_->next_refusal();
      own = {refusal.status(), std::move(refusal.why)};
    }
    EXPECT_EQ(own, status);
    return own;
  }

  Desk desk_;
  Owned<sally_tls_config> config_;
  std::unique_ptr<Listener> listener_;
  Stream client_;
  std::future<Result> connecting_;
  Decision decision_;
};

INSTANTIATE_TEST_SUITE_P(
    Sides, ExternalSigner,
    testing::Combine(testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                     testing::Values(SALLY_ROLE_CLIENT, SALLY_ROLE_SERVER),
                     testing::Range(std::size_t{0}, keys.size())),
    [](const auto& chosen) {
      return std::string(std::get<0>(chosen.param) == SALLY_TLS_1_2 ? "Tls12" : "Tls13") +
             (std::get<1>(chosen.param) == SALLY_ROLE_CLIENT ? "Client" : "Server") +
             keys.at(std::get<2>(chosen.param)).name;
    });

TEST_P(ExternalSigner, IsAskedWithAllThatItNeedsAndMakesTheSignature) {
  meet();
  const std::string content = content_of(decision_);
  EXPECT_GT(content.size(), 64u);
  if (version() == SALLY_TLS_1_3) {
    EXPECT_EQ(sally_decision_signature_scheme(decision_.get()), key().scheme_1_3);
    EXPECT_EQ(content.substr(0, 64), std::string(64, ' ')) << "RFC 8446 section 4.4.3";
    const std::string context =
        of_client() ? "TLS 1.3, client CertificateVerify" : "TLS 1.3, server CertificateVerify";
    EXPECT_NE(content.find(context), std::string::npos);
  }
  EXPECT_STRNE(sally_decision_signature_scheme_name(decision_.get()), "");
  EXPECT_STREQ(sally_certificate_key(sally_decision_signing_certificate(decision_.get())),
               key().key);
  EXPECT_EQ(decision_.accept(), SALLY_INVALID_STATE);
  EXPECT_EQ(decision_.insecure_accept(), SALLY_INVALID_STATE);
  EXPECT_EQ(decision_.use_credential(nullptr), SALLY_INVALID_STATE);
  EXPECT_TRUE(goes_on(connecting_));
  EXPECT_EQ(sign(decision_, name()), SALLY_OK);
  EXPECT_EQ(sign(decision_, name()), SALLY_INVALID_STATE);
  expect_established();
}

TEST_P(ExternalSigner, ThatSignsSomethingElseIsFoundOutBeforeItIsSent) {
  meet();
  EXPECT_EQ(answer(decision_,
                   SigningKey(Zoo::key_path(name()))
                       .sign(sally_decision_signature_scheme(decision_.get()), "something else")),
            SALLY_OK);
  const Result own = expect_failed(SALLY_SIGNATURE_INVALID);
  EXPECT_NE(own.text(SALLY_ERROR_FIELD_EXPECTED)
                .find(sally_decision_signature_scheme_name(decision_.get())),
            std::string::npos);
}

TEST_P(ExternalSigner, ThatSaysNoEndsTheHandshake) {
  meet();
  EXPECT_EQ(decision_.deny(SALLY_ACCESS_DENIED), SALLY_OK);
  const Result own = expect_failed(SALLY_DECISION_DENIED);
  EXPECT_EQ(sally_error_status(sally_error_cause(own.error.get())), SALLY_ACCESS_DENIED);
}

TEST_P(ExternalSigner, ThatIsDroppedEndsTheHandshake) {
  meet();
  decision_.drop();
  expect_failed(SALLY_DECISION_DENIED);
}

TEST_P(ExternalSigner, ThatIsTooLateEndsTheHandshake) {
  meet(short_ms);
  expect_failed(SALLY_TIMED_OUT);
  EXPECT_EQ(sign(decision_, name()), SALLY_CLOSED);
}

TEST(ExternalSigners, OfManyHandshakesAtOnceAnswerInAnyOrder) {
  Desk desk;
  Listener listener(
      asking(showing(server_config({.credential = ""}), "server-good-rsa"), signature),
      asked_at(desk));
  const auto config = client_config({});
  std::vector<Stream> clients;
  std::vector<std::future<Result>> connecting;
  constexpr std::size_t many = 12;
  clients.reserve(many);
  for (std::size_t i = 0; i < many; ++i) clients.push_back(listener.stream(config.get()));
  for (Stream& client : clients)
    connecting.push_back(on_thread([&client] { return client.connect(); }));
  std::vector<Decision> decisions;
  for (std::size_t i = 0; i < many; ++i) decisions.push_back(desk.next());
  while (!decisions.empty()) {
    ASSERT_TRUE(decisions.back());
    EXPECT_EQ(sign(decisions.back(), "server-good-rsa"), SALLY_OK);
    decisions.pop_back();
  }
  for (auto& each : connecting) EXPECT_EQ(each.get(), SALLY_OK);
}

TEST(ExternalSigners, MustBeAskedByTheConfig) {
  const auto config = showing(client_config({}), "client-good");
  sally_stream_options options{};
  options.struct_size = sizeof options;
  options.host = "127.0.0.1";
  options.verify_name = "localhost";
  options.service = "1";
  options.tls = config.get();
  Owned<sally_stream> stream;
  const Result made = called(
      [&](sally_error** error) { return sally_stream_create(&options, Out(stream), error); });
  EXPECT_EQ(made, SALLY_INVALID_STATE);
  EXPECT_NE(std::string(sally_error_hint(made.error.get())).find("SALLY_QUESTION_SIGNATURE"),
            std::string::npos);
  EXPECT_EQ(sally_tls_config_set_questions(config.get(), signature, nullptr), SALLY_OK);
  Desk desk;
  options.decisions = desk.completion();
  EXPECT_EQ(called([&](sally_error** error) {
              return sally_stream_create(&options, Out(stream), error);
            }),
            SALLY_OK);
}

TEST(ExternalSigners, CanBeWhatAQuestionForACredentialIsAnsweredWith) {
  for (const std::uint32_t also : {std::uint32_t{0}, signature}) {
    Desk desk;
    Listener listener(server_config());
    const auto config = asking(client_config({}), SALLY_QUESTION_CREDENTIAL | also);
    Stream client = asking_stream(listener, config.get(), desk.completion());
    auto connecting = on_thread([&] { return refused(client); });
    const Decision which = desk.next();
    const auto credential = without_key("client-good");
    EXPECT_EQ(which.use_credential(credential.get()), also != 0 ? SALLY_OK : SALLY_INVALID_STATE);
    if (also == 0) {
      EXPECT_EQ(which.deny(), SALLY_OK);
      EXPECT_EQ(connecting.get(), SALLY_DECISION_DENIED);
      continue;
    }
    const Decision how = desk.next();
    ASSERT_EQ(how.question(), SALLY_QUESTION_SIGNATURE);
    EXPECT_EQ(sign(how, "client-good"), SALLY_OK);
    Stream server = listener.accept();
    ASSERT_EQ(server.write("x"), SALLY_OK);
    EXPECT_EQ(connecting.get(), SALLY_OK);
  }
}

TEST(ExternalSigners, OfAHostSignForItsName) {
  Desk desk;
  const auto config = server_config({.credential = "server-good-rsa"});
  const auto host = asking(showing(server_config({.credential = ""}), "server-good"), signature);
  ASSERT_EQ(sally_tls_config_add_host(config.get(), "localhost", host.get(), nullptr), SALLY_OK);
  Listener listener(config, asked_at(desk));
  const auto plain = client_config({});
  Stream client = listener.stream(plain.get());
  auto connecting = on_thread([&] { return client.connect(); });
  const Decision decision = desk.next();
  ASSERT_EQ(decision.question(), SALLY_QUESTION_SIGNATURE);
  EXPECT_EQ(sign(decision, "server-good"), SALLY_OK);
  EXPECT_EQ(connecting.get(), SALLY_OK);
  EXPECT_STREQ(sally_certificate_key(sally_stream_info_peer_certificate(client.info().get(), 0)),
               "EC P-256");
}

TEST(ExternalSigners, AreNotForCertificatesThatAreAskedForAfterTheHandshake) {
  const auto config = asking(showing(client_config({}), "client-good"), signature);
  ASSERT_EQ(sally_tls_config_allow_post_handshake_auth(config.get(), nullptr), SALLY_OK);
  Owned<sally_bytes> json;
  EXPECT_EQ(sally_tls_config_to_json(config.get(), Out(json), nullptr), SALLY_INVALID_STATE);
}

TEST(ExternalSigners, AreTakenFromMemoryAndDoNotWantAKey) {
  const std::string chain = read_file(Zoo::chain_path("client-good"));
  Owned<sally_credential> credential;
  EXPECT_EQ(called([&](sally_error** error) {
              return sally_credential_from_certificates(chain.data(), chain.size(), Out(credential),
                                                        error);
            }),
            SALLY_OK);
  EXPECT_EQ(sally_credential_reload(credential.get(), nullptr), SALLY_INVALID_STATE);
  EXPECT_EQ(sally_credential_reload(without_key("client-good").get(), nullptr), SALLY_OK);
  const std::string key = read_file(Zoo::key_path("client-good"));
  EXPECT_EQ(called([&](sally_error** error) {
              return sally_credential_from_certificates(key.data(), key.size(), Out(credential),
                                                        error);
            }),
            SALLY_CREDENTIAL_NO_CERTIFICATE);
}

}  // namespace
