// Which certificate a server shows to whom, by the name that the client asks for.
#include "lib/made_chain.h"
#include "lib/raw_peer.h"
#include "lib/tls_pair.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sally::test {
namespace {

const Made& root() {
  static const Made made = make({.name = "Root of the server names", .ca = true});
  return made;
}

std::string key_pem_of(EVP_PKEY* key) {
  const tls::BioOwner out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

EVP_PKEY* key_of(const char* kind) {
  static const tls::KeyOwner ec = make_key();
  static const tls::KeyOwner rsa = make_key("RSA");
  return std::string_view(kind) == "RSA" ? rsa.get() : ec.get();
}

// Its common name is `name`, which no client looks at; `names` are as openssl.cnf has them.
Ref<tls::Credential> bearing(const std::string& name, const std::string& names,
                             const char* kind = "EC", std::int64_t until = 30 * day) {
  const Made made = make({.name = name,
                          .issuer = &root(),
                          .from = -10 * day,
                          .until = until,
                          .names = names,
                          .key = key_of(kind)});
  return make_ref<tls::Credential>(tls::PemSource::from_memory(pem_of(made.certificate.get())),
                                   tls::PemSource::from_memory(key_pem_of(made.key.get())),
                                   nullptr);
}

std::string common_name(X509* certificate) {
  if (certificate == nullptr) return "none";
  const std::string subject = tls::subject_of(certificate);
  return subject.substr(subject.find("CN=") + 3);
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
    return common_name(SSL_get0_peer_certificate(pair.peer().ssl()));
  }
};

INSTANTIATE_TEST_SUITE_P(Tls, ServerName, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         [](const auto& row) { return row.param == SALLY_TLS_1_2 ? "12" : "13"; });

constexpr const char* rsa_only = "rsa_pss_rsae_sha256:RSA+SHA256";

TEST_P(ServerName, PicksTheCertificateThatBearsItInEitherCase) {
  const auto context =
      server({bearing("first", "DNS:first.example.test"), bearing("a", "DNS:a.example.test"),
              bearing("b", "DNS:other.example.test,DNS:B.example.TEST")});
  EXPECT_EQ(shown(context, "a.example.test"), "a");
  EXPECT_EQ(shown(context, "b.example.test"), "b");
  EXPECT_EQ(shown(context, "B.EXAMPLE.test"), "b");
  EXPECT_EQ(shown(context, "other.example.test"), "b");
}

TEST_P(ServerName, PicksTheNameItselfBeforeAWildcard) {
  const auto wild = bearing("wild", "DNS:*.example.test");
  const auto exact = bearing("exact", "DNS:a.example.test");
  for (const auto& context : {server({wild, exact}), server({exact, wild})}) {
    EXPECT_EQ(shown(context, "a.example.test"), "exact");
    EXPECT_EQ(shown(context, "b.example.test"), "wild");
  }
}

TEST_P(ServerName, IsMatchedByAWildcardForOneWholeLabelOnly) {
  const auto context =
      server({bearing("first", "DNS:first.test"), bearing("wild", "DNS:*.example.test"),
              bearing("partial", "DNS:f*.partial.test"), bearing("inner", "DNS:a.*.inner.test"),
              bearing("top", "DNS:*.top")});
  EXPECT_EQ(shown(context, "a.example.test"), "wild");
  for (const char* name :
       {"example.test", "b.a.example.test", "foo.partial.test", "f*.partial.test", "a.b.inner.test",
        "a.top", "*.example.test", ".example.test"}) {
    EXPECT_EQ(shown(context, name), "first") << name;
  }
}

TEST_P(ServerName, IsNoCommonName) {
  const auto context =
      server({bearing("first", "DNS:first.test"), bearing("a.example.test", "DNS:b.example.test")});
  EXPECT_EQ(shown(context, "a.example.test"), "first");
}

TEST_P(ServerName, LeavesTheChoiceOfAKeyTypeToTheSignaturesOfTheClient) {
  const auto context =
      server({bearing("first", "DNS:first.test", "RSA"), bearing("a-ec", "DNS:a.example.test"),
              bearing("a-rsa", "DNS:a.example.test", "RSA")});
  EXPECT_EQ(shown(context, "a.example.test", rsa_only), "a-rsa");
  EXPECT_EQ(shown(context, "a.example.test", "ECDSA+SHA256"), "a-ec");
}

TEST_P(ServerName, IsMatchedByAWildcardWhereTheCertificateOfTheNameDoesNotFit) {
  const auto ec = bearing("exact", "DNS:a.example.test");
  const auto rsa = bearing("wild", "DNS:*.example.test", "RSA");
  EXPECT_EQ(shown(server({ec, rsa}), "a.example.test", rsa_only), "wild");
  const auto expired = bearing("exact", "DNS:a.example.test", "EC", -day);
  EXPECT_EQ(shown(server({expired, rsa}), "a.example.test"), "wild");
}

TEST_P(ServerName, KeepsToTheNameItselfWhateverTheKeyOfTheWildcard) {
  const std::string both = std::string("ECDSA+SHA256:") + rsa_only;
  for (const bool exact_is_rsa : {true, false}) {
    const auto exact = bearing("exact", "DNS:a.example.test", exact_is_rsa ? "RSA" : "EC");
    const auto wild = bearing("wild", "DNS:*.example.test", exact_is_rsa ? "EC" : "RSA");
    EXPECT_EQ(shown(server({wild, exact}), "a.example.test", both.c_str()), "exact");
  }
}

TEST_P(ServerName, ThatNothingFitsShowsItsOwnSoThatTheClientCanSayWhatIsWrong) {
  const auto expired = bearing("exact", "DNS:a.example.test", "EC", -day);
  EXPECT_EQ(shown(server({bearing("first", "DNS:first.test"), expired}), "a.example.test"),
            "exact");
}

TEST_P(ServerName, ThatIsMissingOrUnknownIsServedWhatWasAddedFirst) {
  const auto context =
      server({bearing("first", "DNS:first.test"), bearing("second", "DNS:second.test")});
  EXPECT_EQ(shown(context, ""), "first");
  EXPECT_EQ(shown(context, "third.test"), "first");
  EXPECT_EQ(shown(context, "127.0.0.1"), "first");
}

TEST_P(ServerName, ThatIsUnknownCanBeRefused) {
  for (const bool several : {true, false}) {
    auto strict = config({bearing("first", "DNS:first.test,DNS:*.example.test")});
    if (several) strict->add_credential(bearing("second", "DNS:second.test"));
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
    many.push_back(bearing(name, "DNS:" + name + ".example.test"));
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
  config->add_credential(bearing("a", "DNS:a.example.test"));
  config->add_credential(bearing("b", "DNS:b.example.test"));
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
