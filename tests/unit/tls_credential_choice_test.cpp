// Which of several credentials is shown, and what is said about the others.
#include "lib/raw_peer.h"
#include "lib/tls_pair.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace sally::test {
namespace {

using Names = std::vector<std::string>;

Ref<tls::Context> client_with(const Names& credentials, std::int32_t version = SALLY_TLS_1_3) {
  const auto config = client_config({.version = version, .client = ""});
  for (const std::string& name : credentials) config->add_credential(credential(name));
  return config->freeze();
}

Ref<tls::Context> server_with(const Names& credentials, std::int32_t version = SALLY_TLS_1_3) {
  auto config = make_ref<tls::Config>(SALLY_ROLE_SERVER);
  config->set_versions(version, version);
  for (const std::string& name : credentials) config->add_credential(credential(name));
  return config->freeze();
}

std::string common_name(const std::string& subject) {
  const std::string start = subject.substr(subject.find("CN=") + 3);
  return start.substr(0, start.find(','));
}

std::string shown(tls::Session& session) {
  const auto own = session.facts().own_certificate;
  return own ? common_name(own->data.subject) : "none";
}

// What the peer of a MixedPair got.
std::string received(RawPeer& peer) {
  const X509* certificate = SSL_get0_peer_certificate(peer.ssl());
  return certificate != nullptr ? common_name(tls::subject_of(certificate)) : "none";
}

class ClientChoice : public testing::TestWithParam<std::int32_t> {
 protected:
  static Ref<tls::Context> client(const Names& credentials) {
    return client_with(credentials, GetParam());
  }
  static Ref<tls::Context> server(const Parties& parties = {}) {
    Parties versioned = parties;
    versioned.version = GetParam();
    return server_config(versioned)->freeze();
  }
  // With a server that takes these signatures only, and names no CA.
  static MixedPair with_peer_of(const Ref<tls::Context>& context, const char* schemes) {
    return MixedPair(context, [schemes](SSL_CTX* peer) {
      use_certificate(peer, zoo("server-good"));
      SSL_CTX_set_verify(peer, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
      SSL_CTX_set1_client_sigalgs_list(peer, schemes);
    });
  }
};

INSTANTIATE_TEST_SUITE_P(Tls, ClientChoice, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         [](const auto& row) { return row.param == SALLY_TLS_1_2 ? "12" : "13"; });

TEST_P(ClientChoice, TakesTheOneOfACaThatTheServerNames) {
  TlsPair pair(client({"client-other", "client-good", "client-good-rsa"}), server());
  pair.established();
  EXPECT_EQ(shown(pair.client().session()), "client-good");
  const auto facts = pair.client().session().facts();
  ASSERT_EQ(facts.passed_over.size(), 1u) << "what comes after the one that fits is not looked at";
  EXPECT_TRUE(
      facts.passed_over[0].starts_with("'CN=client-other,O=Sallyport': it was issued by "
                                       "'CN=Sallyport zoo other root CA,O=Sallyport'"))
      << facts.passed_over[0];
}

TEST_P(ClientChoice, CountsTheIssuersOfItsChain) {
  // The server names the root, which issued the intermediate and not the certificate itself.
  TlsPair pair(client({"client-missing-intermediate", "client-good"}), server());
  pair.established();
  EXPECT_EQ(shown(pair.client().session()), "client-good");
}

TEST_P(ClientChoice, TakesTheFirstWhereTheServerNamesNobody) {
  TlsPair pair(client({"client-good-rsa", "client-good"}),
               server({.client_trust = "file-trust-crowd"}));
  pair.established();
  EXPECT_EQ(shown(pair.client().session()), "client-good-rsa");
  EXPECT_TRUE(pair.client().session().facts().passed_over.empty());
}

TEST_P(ClientChoice, TakesTheOneWhoseSignaturesTheServerTakes) {
  const auto context = client({"client-good", "client-good-rsa", "client-good-ed25519"});
  for (const auto& [schemes, name] :
       {std::pair("rsa_pss_rsae_sha256", "client-good-rsa"),
        std::pair("ed25519", "client-good-ed25519"), std::pair("ECDSA+SHA256", "client-good")}) {
    MixedPair pair = with_peer_of(context, schemes);
    ASSERT_TRUE(pair.shake_hands()) << schemes;
    EXPECT_EQ(received(pair.peer()), name) << schemes;
    EXPECT_EQ(shown(pair.ours().session()), name) << schemes;
  }
}

TEST(ClientChoice, MindsTheCurveInTls13) {
  const auto context = client_with({"client-good", "client-good-p384"});
  MixedPair pair(context, [](SSL_CTX* peer) {
    use_certificate(peer, zoo("server-good"));
    SSL_CTX_set_verify(peer, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
    SSL_CTX_set1_client_sigalgs_list(peer, "ecdsa_secp384r1_sha384");
  });
  ASSERT_TRUE(pair.shake_hands());
  EXPECT_EQ(received(pair.peer()), "client-good-p384") << "the second of one key type";
}

TEST(ClientChoice, MindsTheCertificateTypesOfTls12) {
  const auto context = client_with({"client-good", "client-good-rsa"}, SALLY_TLS_1_2);
  MixedPair pair(context, [](SSL_CTX* peer) {
    use_certificate(peer, zoo("server-good"));
    SSL_CTX_set_verify(peer, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
    const unsigned char rsa_only = TLS_CT_RSA_SIGN;
    SSL_CTX_set1_client_certificate_types(peer, &rsa_only, 1);
  });
  ASSERT_TRUE(pair.shake_hands());
  EXPECT_EQ(received(pair.peer()), "client-good-rsa");
}

struct Misfit {
  const char* credential;
  const char* reason;
};

TEST_P(ClientChoice, PassesOverWhatTheServerMustRefuse) {
  const Misfit misfits[] = {
      {"client-expired", "it has expired: it was valid until "},
      {"client-not-yet-valid", "it is not valid yet: it will be from "},
      {"client-wrong-usage", "its extended key usage does not allow clientAuth"},
      {"client-no-signature-usage", "its key usage does not allow signatures"}};
  for (const Misfit& misfit : misfits) {
    SCOPED_TRACE(misfit.credential);
    TlsPair pair(client({misfit.credential, "client-good"}), server());
    pair.established();
    EXPECT_EQ(shown(pair.client().session()), "client-good");
    const auto facts = pair.client().session().facts();
    ASSERT_EQ(facts.passed_over.size(), 1u);
    EXPECT_NE(facts.passed_over[0].find(misfit.reason), std::string::npos) << facts.passed_over[0];
  }
}

TEST_P(ClientChoice, ThatFindsNoneShowsNoneAndTheRefusalSaysWhy) {
  TlsPair pair(client({"client-other", "client-expired"}), server());
  pair.shake_hands();
  EXPECT_EQ(name_of(pair.server().status()), "SALLY_CLIENT_CERTIFICATE_REQUIRED");
  const bool tls13 = GetParam() == SALLY_TLS_1_3;
  if (tls13) {
    EXPECT_EQ(name_of(pair.client().read_status()), "SALLY_ALERT_CERTIFICATE_REQUIRED");
  }
  const ErrorRef error = tls13 ? pair.client().last().error : pair.client().error();
  ASSERT_TRUE(error);
  for (const char* said : {"'CN=client-other,O=Sallyport': it was issued by",
                           "'CN=client-expired,O=Sallyport': ", "it has expired",
                           "'CN=Sallyport zoo root CA,O=Sallyport'"}) {
    EXPECT_NE(error->hint().find(said), std::string::npos) << said << " in " << error->hint();
  }
  EXPECT_EQ(error->detail().found, "no certificate");
}

TEST_P(ClientChoice, ThatFindsNoneIsNoFailureWhereNoneIsDemanded) {
  TlsPair pair(client({"client-other"}), server({.client_auth = SALLY_CLIENT_AUTH_REQUEST}));
  pair.established();
  EXPECT_EQ(shown(pair.client().session()), "none");
  const auto facts = pair.client().session().facts();
  EXPECT_FALSE(facts.certificate_sent);
  EXPECT_EQ(facts.passed_over.size(), 1u);
}

TEST_P(ClientChoice, IsNotMadeWhereTheServerDoesNotAsk) {
  TlsPair pair(client({"client-other", "client-good"}),
               server({.client_auth = SALLY_CLIENT_AUTH_NONE}));
  pair.established();
  EXPECT_EQ(shown(pair.client().session()), "none");
  EXPECT_TRUE(pair.client().session().facts().passed_over.empty());
}

TEST_P(ClientChoice, SendsTheChainOfTheOneThatItTakes) {
  TlsPair pair(client({"client-other", "client-deep-chain"}), server());
  pair.established();
  EXPECT_EQ(pair.server().session().facts().peer_chain.size(), 3u);
}

class ServerChoice : public ClientChoice {};

INSTANTIATE_TEST_SUITE_P(Tls, ServerChoice, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         [](const auto& row) { return row.param == SALLY_TLS_1_2 ? "12" : "13"; });

TEST_P(ServerChoice, TellsWhatItShowed) {
  TlsPair pair(client_config({.version = GetParam()})->freeze(),
               server_with({"server-good", "server-good-rsa"}, GetParam()));
  pair.established();
  const auto peer = pair.client().session().facts().peer_chain.front();
  EXPECT_EQ(shown(pair.server().session()), common_name(peer->data.subject));
}

TEST_P(ServerChoice, TakesTheNextOfAKeyTypeWhereTheFirstHasExpired) {
  TlsPair pair(client_config({.version = GetParam()})->freeze(),
               server_with({"server-expired", "server-good"}, GetParam()));
  pair.established();
  EXPECT_EQ(shown(pair.server().session()), "server-good");
  ASSERT_EQ(pair.server().session().facts().passed_over.size(), 1u);
  EXPECT_TRUE(pair.server().session().facts().passed_over[0].starts_with("'CN=server-expired"));
}

TEST(ServerChoice, TakesTheCurveThatTheClientTakes) {
  const auto context = server_with({"server-good", "server-good-p384"});
  for (const auto& [scheme, name] : {std::pair("ecdsa_secp256r1_sha256", "server-good"),
                                     std::pair("ecdsa_secp384r1_sha384", "server-good-p384")}) {
    MixedPair pair(context, [&](SSL_CTX* peer) { SSL_CTX_set1_sigalgs_list(peer, scheme); });
    ASSERT_TRUE(pair.shake_hands()) << scheme;
    EXPECT_EQ(received(pair.peer()), name);
  }
}

TEST_P(ServerChoice, ThatFindsNoneShowsTheFirstSoThatTheClientCanSayWhatIsWrong) {
  TlsPair pair(client_config({.version = GetParam()})->freeze(),
               server_with({"server-expired", "server-not-yet-valid"}, GetParam()));
  pair.shake_hands();
  EXPECT_EQ(name_of(pair.client().status()), "SALLY_CERTIFICATE_EXPIRED");
}

}  // namespace
}  // namespace sally::test
