// The memory of good chains: what it spares, and all that it must not.
#include "lib/made_chain.h"
#include "lib/raw_peer.h"
#include "lib/tls_pair.h"
#include "tls/verification_cache.h"

#include <array>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

namespace sally::test {
namespace {

using tls::VerificationCache;

VerificationCache::Entry entry() {
  return std::make_shared<const tls::GoodChain>();
}

TEST(VerificationCache, KnowsWhatItWasTold) {
  VerificationCache cache(2);
  EXPECT_EQ(cache.find("a", 5), nullptr);
  cache.remember("a", {0, 10}, entry());
  EXPECT_NE(cache.find("a", 5), nullptr);
  EXPECT_EQ(cache.hits(), 1u);
}

TEST(VerificationCache, ForgetsWhatWasUsedLongestAgo) {
  VerificationCache cache(2);
  cache.remember("a", {0, 10}, entry());
  cache.remember("b", {0, 10}, entry());
  EXPECT_NE(cache.find("a", 5), nullptr);
  cache.remember("c", {0, 10}, entry());
  EXPECT_EQ(cache.find("b", 5), nullptr);
  EXPECT_NE(cache.find("a", 5), nullptr);
  EXPECT_NE(cache.find("c", 5), nullptr);
  EXPECT_EQ(cache.size(), 2u);
}

TEST(VerificationCache, HoldsAVerdictForNoOtherTime) {
  for (const std::int64_t time : {-1, 10, 11}) {
    VerificationCache cache(2);
    cache.remember("a", {0, 10}, entry());
    EXPECT_EQ(cache.find("a", time), nullptr) << time;
    EXPECT_EQ(cache.size(), 0u);
  }
}

TEST(VerificationCache, OfNoEntriesRemembersNothing) {
  VerificationCache cache(0);
  EXPECT_FALSE(cache.enabled());
  cache.remember("a", {0, 10}, entry());
  EXPECT_EQ(cache.find("a", 5), nullptr);
}

TEST(VerificationCache, TakesTheSameKeyTwice) {
  VerificationCache cache(2);
  cache.remember("a", {0, 10}, entry());
  cache.remember("a", {0, 20}, entry());
  EXPECT_EQ(cache.size(), 1u);
  EXPECT_NE(cache.find("a", 15), nullptr);
}

// --- How long a verdict holds

struct Family {
  Made root = make({.name = "root", .until = 300, .ca = true});
  Made leaf = make({.name = "leaf", .issuer = &root, .from = -100, .until = 200});
  std::int64_t now = std::time(nullptr);

  tls::TimeWindow window(std::vector<tls::CrlOwner> lists, std::int64_t time = 0) const {
    const Ref<tls::TrustStore> trust = trusting({&root}, std::move(lists));
    Ask asked{.trust = trust, .leaf = &leaf};
    asked.rules.time = time;
    return tls::window_of(ask(asked).judgement, trust.get());
  }
};

TEST(VerdictWindow, IsThatOfTheShortestCertificate) {
  const Family f;
  const tls::TimeWindow window = f.window({});
  EXPECT_NEAR(static_cast<double>(window.from - f.now), -100, 2);
  EXPECT_NEAR(static_cast<double>(window.until - f.now), 201, 2);
}

TEST(VerdictWindow, EndsWithACrl) {
  const Family f;
  const tls::TimeWindow window = f.window(crls(make_crl(f.root, {}, -50, 100)));
  EXPECT_NEAR(static_cast<double>(window.from - f.now), -50, 2);
  EXPECT_NEAR(static_cast<double>(window.until - f.now), 100, 2);
}

TEST(VerdictWindow, EndsWhereANewCrlBegins) {
  const Family f;
  const tls::TimeWindow window = f.window(crls(make_crl(f.root, {&f.leaf}, 60, 1000)));
  EXPECT_NEAR(static_cast<double>(window.until - f.now), 60, 2);
}

// --- On connections

std::uint64_t connect(const Ref<tls::Config>& client, const Parties& parties = {},
                      const std::string& name = "localhost") {
  TlsPair pair(client->freeze(), server_config(parties)->freeze(), name);
  pair.shake_hands();
  return client->verification_cache_hits();
}

TEST(RememberedChain, IsFoundByTheSecondConnection) {
  const auto client = client_config({});
  EXPECT_EQ(connect(client), 0u);
  EXPECT_EQ(connect(client), 1u);
  TlsPair pair(client->freeze(), server_config({})->freeze());
  const tls::SessionFacts facts = pair.established().client().session().facts();
  EXPECT_EQ(client->verification_cache_hits(), 2u);
  EXPECT_TRUE(facts.peer_verified);
  EXPECT_EQ(facts.verified_chain.size(), 3u) << "as after a verification";
}

TEST(RememberedChain, IsNotAnotherNamesOrAnotherPeers) {
  const auto client = client_config({});
  connect(client);
  EXPECT_EQ(connect(client, {}, "server.example.test"), 0u);
  EXPECT_EQ(connect(client, {.server = "server-good-p384"}), 0u);
  TlsPair pair(client->freeze(), server_config({})->freeze(), "elsewhere.example.test");
  pair.shake_hands();
  EXPECT_EQ(name_of(pair.client().status()), "SALLY_CERTIFICATE_NAME_MISMATCH");
  EXPECT_EQ(client->verification_cache_hits(), 0u);
}

TEST(RememberedChain, IsNotAnotherConfigs) {
  const auto first = client_config({});
  connect(first);
  EXPECT_EQ(connect(first), 1u);
  const auto stranger = client_config({.trust = "other"});
  TlsPair pair(stranger->freeze(), server_config({})->freeze());
  pair.shake_hands();
  EXPECT_EQ(name_of(pair.client().status()), "SALLY_CERTIFICATE_UNKNOWN_CA");
  EXPECT_EQ(stranger->verification_cache_hits(), 0u);
}

TEST(RememberedChain, IsNotARefusedOne) {
  const auto client = client_config({});
  for (int i = 0; i < 3; ++i) {
    MixedPair pair(client->freeze(),
                   [](SSL_CTX* peer) { use_certificate(peer, zoo("server-expired")); });
    pair.shake_hands();
    EXPECT_EQ(name_of(pair.ours().status()), "SALLY_CERTIFICATE_EXPIRED");
  }
  EXPECT_EQ(client->verification_cache_hits(), 0u);
}

// The public key of a certificate with a private one that is not its own: what somebody has who saw
// the certificate and no more.
tls::KeyOwner counterfeit_key(X509* certificate) {
  EVP_PKEY* real = X509_get0_pubkey(certificate);
  const tls::KeyOwner other = make_key();
  std::array<unsigned char, 65> point{};
  std::size_t size = 0;
  EVP_PKEY_get_octet_string_param(real, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size(), &size);
  BIGNUM* secret = nullptr;
  EVP_PKEY_get_bn_param(other.get(), OSSL_PKEY_PARAM_PRIV_KEY, &secret);
  const tls::BignumOwner owner(secret);
  OSSL_PARAM_BLD* builder = OSSL_PARAM_BLD_new();
  OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
  OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.data(), size);
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, secret);
  OSSL_PARAM* params = OSSL_PARAM_BLD_to_param(builder);
  OSSL_PARAM_BLD_free(builder);
  const std::unique_ptr<EVP_PKEY_CTX, void (*)(EVP_PKEY_CTX*)> context(
      EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr), &EVP_PKEY_CTX_free);
  EVP_PKEY* key = nullptr;
  EXPECT_EQ(EVP_PKEY_fromdata_init(context.get()), 1);
  EXPECT_EQ(EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_KEYPAIR, params), 1);
  OSSL_PARAM_free(params);
  return tls::KeyOwner(key);
}

TEST(RememberedChain, MustStillBeProvedByItsKey) {
  const auto client = client_config({});
  connect(client);
  MixedPair pair(client->freeze(), [](SSL_CTX* peer) {
    use_certificate(peer, zoo("server-good"));
    const tls::KeyOwner key = counterfeit_key(SSL_CTX_get0_certificate(peer));
    EXPECT_EQ(SSL_CTX_use_PrivateKey(peer, key.get()), 1);
  });
  pair.shake_hands();
  EXPECT_EQ(client->verification_cache_hits(), 1u) << "the certificates are the same";
  EXPECT_TRUE(pair.ours().failed());
  EXPECT_NE(pair.ours().status(), SALLY_OK);
}

TEST(RememberedChain, CanBeTurnedOff) {
  const auto client = client_config({});
  client->change_rules([](tls::VerificationRules& rules) { rules.cache_entries = 0; });
  connect(client);
  EXPECT_EQ(connect(client), 0u);
}

TEST(RememberedChain, OfAClientSparesTheServer) {
  const auto server = server_config({});
  for (int i = 0; i < 3; ++i) {
    TlsPair pair(client_config({})->freeze(), server->freeze());
    pair.established();
  }
  EXPECT_EQ(server->verification_cache_hits(), 2u);
}

TEST(RememberedChain, KeepsWhatWasIgnored) {
  const auto client = client_config({});
  client->change_rules([](tls::VerificationRules& rules) {
    rules.revocation = SALLY_REVOCATION_LEAF;
    rules.ignored = {SALLY_CERTIFICATE_REVOCATION_UNKNOWN};
  });
  for (std::uint64_t hits = 0; hits < 2; ++hits) {
    TlsPair pair(client->freeze(), server_config({})->freeze());
    const tls::SessionFacts facts = pair.established().client().session().facts();
    EXPECT_EQ(client->verification_cache_hits(), hits);
    ASSERT_TRUE(facts.findings);
    EXPECT_EQ(facts.findings->detail().faults.size(), 2u);
    EXPECT_EQ(name_of(facts.findings->status()), "SALLY_OK");
  }
}

}  // namespace
}  // namespace sally::test
