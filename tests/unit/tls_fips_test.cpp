// Handshakes by OpenSSL's FIPS provider alone. It starts only with a configuration that was made for
// its module (fips_module(7)); tests/column13 makes one, and names it in the environment.
#include "lib/raw_peer.h"
#include "lib/tls_pair.h"
#include "tls/provider.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>

namespace sally::test {
namespace {

constexpr const char* query = "fips=yes";

class Fips : public testing::Test {
 protected:
  void SetUp() override {
    const char* configuration = std::getenv("SALLYPORT_TEST_FIPS_CONFIGURATION");
    if (configuration == nullptr) GTEST_SKIP() << "no FIPS provider is configured";
    tls::load_provider("fips", configuration);
  }
};

// A server that does nothing but what is approved, before a client that can do only this.
sally_status met_by(int version, const RawPeer::Configure& limit) {
  const auto config = make_ref<tls::Config>(SALLY_ROLE_SERVER);
  config->add_credential(credential("server-good"));
  config->set_provider_query(query);
  MixedPair pair(config->freeze(), [&](SSL_CTX* context) {
    use_version(context, version);
    limit(context);
  });
  pair.shake_hands();
  return pair.ours().status();
}

TEST_F(Fips, DoesTheWholeHandshake) {
  for (const std::int32_t version : {SALLY_TLS_1_2, SALLY_TLS_1_3}) {
    for (const char* server_name : {"server-good", "server-good-rsa", "server-good-p384"}) {
      const Parties parties{.version = version, .server = server_name};
      const auto client = client_config(parties);
      const auto server = server_config(parties);
      client->set_provider_query(query);
      server->set_provider_query(query);
      const auto settings = nlohmann::json::parse(tls::effective_settings(*client->freeze()));
      EXPECT_EQ(settings.at("provider"), query);
      TlsPair pair(client->freeze(), server->freeze());
      pair.established();
      EXPECT_NE(pair.client().session().facts().suite.find("AES"), std::string::npos);
      pair.client().write("hello");
      EXPECT_EQ(pair.server().read(), "hello");
      pair.server().write("and back");
      EXPECT_EQ(pair.client().read(), "and back");
    }
  }
}

TEST_F(Fips, MeetsAPeerThatDoesNotAskForIt) {
  const Parties parties;
  const auto client = client_config(parties);
  client->set_provider_query(query);
  TlsPair pair(client->freeze(), server_config(parties)->freeze());
  pair.established();
}

TEST_F(Fips, RefusesWhatIsNotApproved) {
  EXPECT_EQ(name_of(met_by(TLS1_3_VERSION, [](SSL_CTX*) {})), "SALLY_OK");
  EXPECT_EQ(name_of(met_by(TLS1_3_VERSION,
                           [](SSL_CTX* context) {
                             SSL_CTX_set_ciphersuites(context, "TLS_CHACHA20_POLY1305_SHA256");
                           })),
            "SALLY_TLS_NO_COMMON_CIPHER");
  EXPECT_EQ(name_of(met_by(TLS1_2_VERSION,
                           [](SSL_CTX* context) {
                             SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-CHACHA20-POLY1305");
                           })),
            "SALLY_TLS_NO_COMMON_CIPHER");
}

TEST_F(Fips, IsNotForcedOnThoseThatDoNotAskForIt) {
  const auto config = make_ref<tls::Config>(SALLY_ROLE_SERVER);
  config->add_credential(credential("server-good"));
  MixedPair pair(config->freeze(), [](SSL_CTX* context) {
    use_version(context, TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(context, "TLS_CHACHA20_POLY1305_SHA256");
  });
  pair.shake_hands();
  EXPECT_EQ(name_of(pair.ours().status()), "SALLY_OK");
}

}  // namespace
}  // namespace sally::test
