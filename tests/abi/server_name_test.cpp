// What a server does with the names that clients ask for.
#include "abi/decision_support.h"

using namespace sally::test;

namespace {

class ServerName : public OnBothVersions {
 protected:
  static Owned<sally_tls_config> server_with(const std::vector<std::string>& credentials) {
    auto config = server_config(of_version(GetParam(), {.credential = credentials.front()}));
    for (std::size_t i = 1; i < credentials.size(); ++i) {
      EXPECT_EQ(sally_tls_config_add_credential(config.get(), Zoo::credential(credentials[i]).get(),
                                                nullptr),
                SALLY_OK);
    }
    return config;
  }
  // Whose certificate a client gets that asks for the name, and takes no other.
  static std::string shown(Listener& listener, const std::string& name) {
    const auto config = client_config({});
    Stream client(config.get(), "127.0.0.1", listener.service(), name);
    EXPECT_EQ(client.connect(), SALLY_OK) << name;
    listener.accept();
    const std::string subject = peer_subject(client);
    return subject.substr(0, subject.find(','));
  }
};
INSTANTIATE_TEST_SUITE_P(Versions, ServerName, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         name_of);

}  // namespace

TEST_P(ServerName, PicksTheCertificate) {
  Listener listener(server_with({"server-wildcard", "server-good"}));
  EXPECT_EQ(shown(listener, "localhost"), "CN=server-good");
  EXPECT_EQ(shown(listener, "a.example.test"), "CN=server-wildcard");
  EXPECT_EQ(shown(listener, "server.example.test"), "CN=server-good")
      << "the name before a wildcard";
}

TEST_P(ServerName, ThatIsUnknownIsServedOrRefused) {
  for (const std::int32_t mode : {SALLY_UNKNOWN_NAME_SERVE, SALLY_UNKNOWN_NAME_REFUSE}) {
    const auto config = server_with({"server-good"});
    ASSERT_EQ(sally_tls_config_set_unknown_name(config.get(), mode, nullptr), SALLY_OK);
    Listener listener(config);
    EXPECT_EQ(shown(listener, "localhost"), "CN=server-good");
    const auto of_anybody = client_config({});
    ASSERT_EQ(sally_tls_config_insecure_skip_verification(of_anybody.get(), nullptr), SALLY_OK);
    Stream client(of_anybody.get(), "127.0.0.1", listener.service(), "unknown.test");
    if (mode == SALLY_UNKNOWN_NAME_SERVE) {
      EXPECT_EQ(client.connect(), SALLY_OK);
      continue;
    }
    EXPECT_EQ(client.connect(), SALLY_ALERT_UNRECOGNIZED_NAME);
    const Refusal refusal = listener.next_refusal();
    EXPECT_EQ(refusal.status(), SALLY_SERVER_NAME_UNKNOWN);
    EXPECT_STREQ(sally_error_text(refusal.why.get(), SALLY_ERROR_FIELD_FOUND), "unknown.test");
  }
}
