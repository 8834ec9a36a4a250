// Which CAs a server names when it asks for a certificate.
#include "lib/raw_peer.h"
#include "lib/tls_pair.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sally::test {
namespace {

class CaHints : public testing::TestWithParam<std::int32_t> {
 protected:
  // What a client is told by a server that trusts the root.
  static std::vector<std::string> named(const Ref<tls::Config>& server) {
    MixedPair pair(server->freeze(), [](SSL_CTX* peer) {
      use_version(peer, GetParam());
      use_certificate(peer, zoo("client-good"));
    });
    EXPECT_TRUE(pair.shake_hands());
    EXPECT_TRUE(pair.ours().session().facts().peer_verified) << "whatever was named";
    std::vector<std::string> names;
    const STACK_OF(X509_NAME)* list = SSL_get0_peer_CA_list(pair.peer().ssl());
    for (int i = 0; i < sk_X509_NAME_num(list); ++i) {
      char line[256];
      X509_NAME_oneline(sk_X509_NAME_value(list, i), line, sizeof line);
      names.emplace_back(line);
    }
    return names;
  }
  static Ref<tls::Config> server() { return server_config({.version = GetParam()}); }
};

INSTANTIATE_TEST_SUITE_P(Tls, CaHints, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         [](const auto& row) { return row.param == SALLY_TLS_1_2 ? "12" : "13"; });

TEST_P(CaHints, AreThoseThatItTrusts) {
  const auto names = named(server());
  ASSERT_EQ(names.size(), 1u);
  EXPECT_NE(names[0].find("zoo root CA"), std::string::npos) << names[0];
}

TEST_P(CaHints, CanBeNone) {
  const auto config = server();
  config->set_ca_hints(SALLY_CA_HINTS_NONE, nullptr);
  EXPECT_TRUE(named(config).empty());
}

TEST_P(CaHints, CanBeOthersAndFollowTheirSource) {
  const auto source = make_ref<tls::TrustSource>(trust("other"));
  const auto config = server();
  config->set_ca_hints(SALLY_CA_HINTS_STORE, source);
  auto names = named(config);
  ASSERT_EQ(names.size(), 1u);
  EXPECT_NE(names[0].find("other root CA"), std::string::npos) << names[0];
  source->replace(*make_ref<tls::TrustSource>(trust("root")));
  names = named(config);
  ASSERT_EQ(names.size(), 1u);
  EXPECT_EQ(names[0].find("other root CA"), std::string::npos) << names[0];
}

}  // namespace
}  // namespace sally::test
