// The certificates of a peer that connects often: held once for all of its connections.
#include "lib/raw_peer.h"
#include "lib/tls_pair.h"
#include "tls/openssl.h"
#include "tls/verification_cache.h"

#include <algorithm>
#include <map>

namespace sally::test {
namespace {

// What OpenSSL keeps of a connection's peer: its own certificate, then the chain.
using Kept = std::vector<tls::X509Owner>;

std::map<const SSL*, Kept>& kept_by_all() {
  static std::map<const SSL*, Kept> all;
  return all;
}

void add(Kept& kept, X509* certificate) {
  if (certificate == nullptr) return;
  X509_up_ref(certificate);
  kept.emplace_back(certificate);
}

void note_peer(const SSL* ssl, int where, int /*value*/) {
  if ((where & SSL_CB_HANDSHAKE_DONE) == 0) return;
  Kept& kept = kept_by_all()[ssl];
  kept.clear();
  add(kept, SSL_get0_peer_certificate(ssl));
  const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
  for (int i = 0; i < sk_X509_num(chain); ++i) add(kept, sk_X509_value(chain, i));
}

class SharedPeer : public testing::TestWithParam<std::int32_t> {
 protected:
  ~SharedPeer() override { kept_by_all().clear(); }

  static Ref<tls::Context> observed(const Ref<tls::Config>& config) {
    Ref<tls::Context> context = config->freeze();
    SSL_CTX_set_info_callback(context->handle(), &note_peer);
    return context;
  }
  Parties parties(const std::string& client = "client-good") const {
    return {.version = GetParam(), .client = client, .resumption = false};
  }
  TlsPair connect(const Ref<tls::Config>& client, const Ref<tls::Config>& server) const {
    TlsPair pair(observed(client), observed(server));
    pair.established();
    return pair;
  }
  // Of all connections on one side: the certificate at this place, once each.
  static std::size_t different(bool of_servers, std::size_t place) {
    std::vector<const X509*> seen;
    for (const auto& [ssl, kept] : kept_by_all()) {
      if (SSL_is_server(ssl) != (of_servers ? 1 : 0)) continue;
      if (std::ranges::find(seen, kept.at(place).get()) == seen.end())
        seen.push_back(kept.at(place).get());
    }
    return seen.size();
  }
  static std::vector<std::string> sent_by_peer(TlsEnd& end) {
    std::vector<std::string> sent;
    for (const auto& certificate : end.session().facts().peer_chain)
      sent.push_back(certificate->data.der);
    return sent;
  }
};

INSTANTIATE_TEST_SUITE_P(Versions, SharedPeer, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         [](const auto& row) {
                           return row.param == SALLY_TLS_1_2 ? "Tls12" : "Tls13";
                         });

TEST_P(SharedPeer, IsHeldOnceByAllOfItsConnections) {
  const auto client = client_config(parties());
  const auto server = server_config(parties());
  TlsPair first = connect(client, server);
  TlsPair second = connect(client, server);
  TlsPair third = connect(client, server);
  ASSERT_EQ(kept_by_all().size(), 6u);
  for (const bool of_servers : {false, true}) {
    EXPECT_EQ(different(of_servers, 0), 1u) << "its own certificate";
    EXPECT_EQ(different(of_servers, 1), 1u) << "what came with it";
  }
}

TEST_P(SharedPeer, IsNotAnotherPeer) {
  const auto server = server_config(parties());
  TlsPair first = connect(client_config(parties()), server);
  TlsPair other = connect(client_config(parties("client-good-p384")), server);
  TlsPair again = connect(client_config(parties()), server);
  EXPECT_EQ(different(/*of_servers=*/true, 0), 2u);
  EXPECT_NE(sent_by_peer(other.server()), sent_by_peer(first.server()));
  EXPECT_EQ(sent_by_peer(again.server()), sent_by_peer(first.server()));
}

TEST_P(SharedPeer, IsToldAsItWasSentThoughWhoSentItFirstIsGone) {
  const auto client = client_config(parties());
  const auto server = server_config(parties());
  auto first = std::make_unique<TlsPair>(connect(client, server));
  const std::vector<std::string> by_client = sent_by_peer(first->server());
  const std::vector<std::string> by_server = sent_by_peer(first->client());
  ASSERT_EQ(by_client.size(), 2u);
  ASSERT_EQ(by_server.size(), 2u);
  TlsPair second = connect(client, server);
  first.reset();
  kept_by_all().clear();
  EXPECT_EQ(sent_by_peer(second.server()), by_client);
  EXPECT_EQ(sent_by_peer(second.client()), by_server);
  EXPECT_EQ(second.server().session().facts().verified_chain.size(), 3u);
}

TEST_P(SharedPeer, IsHeldByEachWhereNoChainIsRemembered) {
  const auto client = client_config(parties());
  const auto server = server_config(parties());
  server->change_rules([](tls::VerificationRules& rules) { rules.cache_entries = 0; });
  TlsPair first = connect(client, server);
  TlsPair second = connect(client, server);
  EXPECT_EQ(different(/*of_servers=*/true, 0), 2u);
  EXPECT_EQ(sent_by_peer(second.server()), sent_by_peer(first.server()));
}

// A good certificate, and forty kilobytes of others beside it.
TEST_P(SharedPeer, OfMoreCertificatesThanAnyChainHasIsKnownToItsOwnConnectionOnly) {
  auto config = server_config({.version = GetParam()});
  const Ref<tls::Context> context = config->freeze();
  for (int round = 0; round < 2; ++round) {
    MixedPair pair(context, [](SSL_CTX* peer) {
      use_certificate(peer, zoo("client-good"));
      const std::string file = zoo_path("ca-root.pem");
      const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new_file(file.c_str(), "r"),
                                                          &BIO_free);
      const tls::X509Owner other(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
      for (int i = 0; i < 80; ++i) SSL_CTX_add1_chain_cert(peer, other.get());
    });
    ASSERT_TRUE(pair.shake_hands());
    ASSERT_EQ(name_of(pair.ours().status()), "SALLY_OK");
    const tls::SessionFacts facts = pair.ours().session().facts();
    EXPECT_TRUE(facts.peer_verified);
    EXPECT_GT(facts.peer_chain.size(), 80u);
    EXPECT_EQ(facts.verified_chain.size(), 3u);
  }
  EXPECT_EQ(context->verified().size(), 0u);
  EXPECT_EQ(context->sessions().size(), 0u);
}

}  // namespace
}  // namespace sally::test
