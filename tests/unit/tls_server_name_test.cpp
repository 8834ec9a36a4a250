// Which certificate a server shows to whom, by the name that the client asks for.
#include "lib/minting.h"
#include "lib/raw_peer.h"
#include "lib/tls_pair.h"

#include <gtest/gtest.h>
#include <map>
#include <string>
#include <vector>

namespace sally::test {
namespace {

constexpr const char* ec = "EC";
constexpr const char* ed25519 = "ED25519";

const Identity& issuer() {
  static const Identity root = zoo_authority("root");
  return root;
}

// What the tests call the certificates that they made, by serial number.
std::map<std::int64_t, std::string>& labels() {
  static std::map<std::int64_t, std::string> all;
  return all;
}

std::string label_of(const X509* certificate) {
  if (certificate == nullptr) return "none";
  std::int64_t serial = 0;
  ASN1_INTEGER_get_int64(&serial, X509_get0_serialNumber(certificate));
  const auto found = labels().find(serial);
  return found != labels().end() ? found->second : tls::subject_of(certificate);
}

// `names`: "a.example.test,DNS:b.example.test"
Ref<tls::Credential> bearing(const std::string& label, const std::string& names,
                             const char* key = ec, int days = 30) {
  const Identity made = mint({.issuer = &issuer(),
                              .key = key,
                              .name = names,
                              .days = days,
                              .extensions = {{NID_ext_key_usage, "serverAuth"}}});
  std::int64_t serial = 0;
  ASN1_INTEGER_get_int64(&serial, X509_get0_serialNumber(made.certificate.get()));
  labels()[serial] = label;
  return make_ref<tls::Credential>(tls::PemSource::from_memory(made.pem()),
                                   tls::PemSource::from_memory(made.key_pem()), nullptr);
}

class ServerName : public testing::TestWithParam<std::int32_t> {
 protected:
  Ref<tls::Config> config(const std::vector<Ref<tls::Credential>>& credentials) {
    auto config = make_ref<tls::Config>(SALLY_ROLE_SERVER);
    config->set_versions(GetParam(), GetParam());
    for (const auto& credential : credentials) config->add_credential(credential);
    return config;
  }
  Ref<tls::Context> server(const std::vector<Ref<tls::Credential>>& credentials) {
    return config(credentials)->freeze();
  }
  static MixedPair pair_for(const Ref<tls::Context>& context, const std::string& name,
                            const char* schemes = nullptr) {
    MixedPair pair(context, [&](SSL_CTX* peer) {
      if (schemes != nullptr) SSL_CTX_set1_sigalgs_list(peer, schemes);
    });
    if (!name.empty()) SSL_set_tlsext_host_name(pair.peer().ssl(), name.c_str());
    return pair;
  }
  // What a client gets that asks for the name; "" for none.
  static std::string shown(const Ref<tls::Context>& context, const std::string& name,
                           const char* schemes = nullptr) {
    MixedPair pair = pair_for(context, name, schemes);
    EXPECT_TRUE(pair.shake_hands()) << name;
    return label_of(SSL_get0_peer_certificate(pair.peer().ssl()));
  }
};

INSTANTIATE_TEST_SUITE_P(Tls, ServerName, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         [](const auto& row) { return row.param == SALLY_TLS_1_2 ? "12" : "13"; });

constexpr const char* ed25519_only = "ed25519";

TEST_P(ServerName, PicksTheCertificateThatBearsItInEitherCase) {
  const auto context =
      server({bearing("first", "first.example.test"), bearing("a", "a.example.test"),
              bearing("b", "other.example.test,DNS:B.example.TEST")});
  EXPECT_EQ(shown(context, "a.example.test"), "a");
  EXPECT_EQ(shown(context, "b.example.test"), "b");
  EXPECT_EQ(shown(context, "B.EXAMPLE.test"), "b");
  EXPECT_EQ(shown(context, "other.example.test"), "b");
}

TEST_P(ServerName, PicksTheNameItselfBeforeAWildcard) {
  const auto wild = bearing("wild", "*.example.test");
  const auto exact = bearing("exact", "a.example.test");
  for (const auto& context : {server({wild, exact}), server({exact, wild})}) {
    EXPECT_EQ(shown(context, "a.example.test"), "exact");
    EXPECT_EQ(shown(context, "b.example.test"), "wild");
  }
}

TEST_P(ServerName, IsMatchedByAWildcardForOneWholeLabelOnly) {
  const auto context = server({bearing("first", "first.test"), bearing("wild", "*.example.test"),
                               bearing("partial", "f*.partial.test"),
                               bearing("inner", "a.*.inner.test"), bearing("top", "*.top")});
  EXPECT_EQ(shown(context, "a.example.test"), "wild");
  for (const char* name :
       {"example.test", "b.a.example.test", "foo.partial.test", "f*.partial.test", "a.b.inner.test",
        "a.top", "*.example.test", ".example.test"}) {
    EXPECT_EQ(shown(context, name), "first") << name;
  }
}

TEST_P(ServerName, IsNoCommonName) {
  const auto context =
      server({bearing("first", "first.test"), credential("server-cn-beside-other-name")});
  EXPECT_EQ(shown(context, "localhost"), "first");
  EXPECT_NE(shown(context, "other.example.test"), "first");
}

TEST_P(ServerName, LeavesTheChoiceOfAKeyTypeToTheSignaturesOfTheClient) {
  const auto context =
      server({bearing("first", "first.test", ed25519), bearing("a-ec", "a.example.test"),
              bearing("a-ed25519", "a.example.test", ed25519)});
  EXPECT_EQ(shown(context, "a.example.test", ed25519_only), "a-ed25519");
  EXPECT_EQ(shown(context, "a.example.test", "ECDSA+SHA256"), "a-ec");
}

TEST_P(ServerName, IsMatchedByAWildcardWhereTheCertificateOfTheNameDoesNotFit) {
  const auto exact = bearing("exact", "a.example.test");
  const auto other = bearing("wild", "*.example.test", ed25519);
  EXPECT_EQ(shown(server({exact, other}), "a.example.test", ed25519_only), "wild");
  const auto expired = bearing("exact", "a.example.test", ec, -1);
  EXPECT_EQ(shown(server({expired, other}), "a.example.test"), "wild");
}

TEST_P(ServerName, KeepsToTheNameItselfWhateverTheKeyOfTheWildcard) {
  const std::string both = std::string("ECDSA+SHA256:") + ed25519_only;
  for (const bool exact_is_ed25519 : {true, false}) {
    const auto exact = bearing("exact", "a.example.test", exact_is_ed25519 ? ed25519 : ec);
    const auto wild = bearing("wild", "*.example.test", exact_is_ed25519 ? ec : ed25519);
    EXPECT_EQ(shown(server({wild, exact}), "a.example.test", both.c_str()), "exact");
  }
}

TEST_P(ServerName, ThatNothingFitsShowsItsOwnSoThatTheClientCanSayWhatIsWrong) {
  const auto expired = bearing("exact", "a.example.test", ec, -1);
  EXPECT_EQ(shown(server({bearing("first", "first.test"), expired}), "a.example.test"), "exact");
}

TEST_P(ServerName, ThatIsMissingOrUnknownIsServedWhatWasAddedFirst) {
  const auto context = server({bearing("first", "first.test"), bearing("second", "second.test")});
  EXPECT_EQ(shown(context, ""), "first");
  EXPECT_EQ(shown(context, "third.test"), "first");
  EXPECT_EQ(shown(context, "127.0.0.1"), "first");
}

TEST_P(ServerName, ThatIsUnknownCanBeRefused) {
  for (const bool several : {true, false}) {
    auto strict = config({bearing("first", "first.test,DNS:*.example.test")});
    if (several) strict->add_credential(bearing("second", "second.test"));
    strict->set_unknown_name(SALLY_UNKNOWN_NAME_REFUSE);
    const auto context = strict->freeze();
    EXPECT_EQ(shown(context, "a.example.test"), "first");
    EXPECT_EQ(shown(context, "FIRST.test"), "first");
    EXPECT_EQ(shown(context, ""), "first") << "it asks for nothing that is not there";

    MixedPair pair = pair_for(context, "third.test");
    EXPECT_FALSE(pair.shake_hands());
    EXPECT_EQ(pair.peer().alert(), SSL_AD_UNRECOGNIZED_NAME);
    EXPECT_EQ(name_of(pair.ours().status()), "SALLY_SERVER_NAME_UNKNOWN");
    ASSERT_TRUE(pair.ours().error());
    EXPECT_EQ(pair.ours().error()->detail().found, "third.test");
    EXPECT_EQ(pair.ours().error()->detail().alert, SSL_AD_UNRECOGNIZED_NAME);
    EXPECT_EQ(pair.ours().error()->detail().alert_direction, SALLY_ALERT_SENT);
  }
}

TEST_P(ServerName, IsFoundAmongThousands) {
  std::vector<Ref<tls::Credential>> many;
  constexpr int count = 1500;
  for (int i = 0; i < count; ++i) {
    const std::string name = "host" + std::to_string(i);
    many.push_back(bearing(name, name + ".example.test"));
  }
  const auto context = server(many);
  for (const int i : {0, 1, 777, count - 1}) {
    const std::string name = "host" + std::to_string(i);
    EXPECT_EQ(shown(context, name + ".example.test"), name);
  }
}

// RFC 8446 section 4.1.2.
TEST(ServerName, CannotChangeWithTheSecondHello) {
  auto config = make_ref<tls::Config>(SALLY_ROLE_SERVER);
  config->add_credential(bearing("a", "a.example.test"));
  config->add_credential(bearing("b", "b.example.test"));
  for (const bool changes : {false, true}) {
    // Its first hello has no key share that we take.
    MixedPair pair(config->freeze(),
                   [](SSL_CTX* peer) { SSL_CTX_set1_groups_list(peer, "P-521:P-256"); });
    SSL_set_tlsext_host_name(pair.peer().ssl(), "a.example.test");
    pair.peer().shake();
    pair.ours().shake();
    if (changes) SSL_set_tlsext_host_name(pair.peer().ssl(), "b.example.test");
    EXPECT_EQ(pair.shake_hands(), !changes);
    if (changes) {
      EXPECT_EQ(pair.peer().alert(), SSL_AD_ILLEGAL_PARAMETER);
      EXPECT_EQ(name_of(pair.ours().status()), "SALLY_TLS_PROTOCOL_VIOLATION");
    }
  }
}

}  // namespace
}  // namespace sally::test
