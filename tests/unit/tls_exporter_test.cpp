// Keys that both sides derive from a session, and what binds a login to it.
#include "lib/minting.h"
#include "lib/raw_peer.h"
#include "lib/tls_pair.h"

#include <gtest/gtest.h>
#include <optional>
#include <string>

namespace sally::test {
namespace {

using Context = std::optional<std::string>;

std::string exported(const tls::Session& session, const std::string& label, const Context& context,
                     std::size_t size = 32) {
  std::string key(size, '\0');
  std::optional<std::span<const std::byte>> given;
  if (context) given = bytes_of(*context);
  session.export_key(label, given, std::as_writable_bytes(std::span(key)));
  return key;
}

std::string exported(SSL* ssl, const std::string& label, const Context& context,
                     std::size_t size = 32) {
  std::string key(size, '\0');
  const auto* data = context ? reinterpret_cast<const unsigned char*>(context->data()) : nullptr;
  EXPECT_EQ(SSL_export_keying_material(ssl, reinterpret_cast<unsigned char*>(key.data()), size,
                                       label.data(), label.size(), data,
                                       context ? context->size() : 0, context ? 1 : 0),
            1);
  return key;
}

template <class Action>
std::string failure_of(Action&& action) {
  try {
    action();
  } catch (const Failure& failure) {
    return name_of(failure.error()->status());
  }
  return "no failure";
}

RawPeer::Configure raw_server(int version, std::uint64_t options = 0) {
  return [=](SSL_CTX* context) {
    use_version(context, version);
    use_certificate(context, zoo("server-good"));
    SSL_CTX_set_options(context, options);
  };
}

class Exporter : public testing::TestWithParam<std::int32_t> {
 protected:
  Ref<tls::Context> client() const { return client_config({.version = GetParam()})->freeze(); }
};

INSTANTIATE_TEST_SUITE_P(Versions, Exporter, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         [](const auto& row) {
                           return row.param == SALLY_TLS_1_2 ? "Tls12" : "Tls13";
                         });

TEST_P(Exporter, GivesBothSidesTheSameAndEachUseItsOwn) {
  TlsPair pair(Parties{.version = GetParam()});
  pair.established();
  const tls::Session& near = pair.client().session();
  const tls::Session& far = pair.server().session();
  const std::string key = exported(near, "EXPERIMENTAL test", "context");
  EXPECT_EQ(exported(far, "EXPERIMENTAL test", "context"), key);
  EXPECT_NE(exported(near, "EXPERIMENTAL other", "context"), key);
  EXPECT_NE(exported(near, "EXPERIMENTAL test", "other"), key);
  EXPECT_EQ(exported(near, "EXPERIMENTAL test", "context", 8160),
            exported(far, "EXPERIMENTAL test", "context", 8160));

  TlsPair other(Parties{.version = GetParam()});
  other.established();
  EXPECT_NE(exported(other.client().session(), "EXPERIMENTAL test", "context"), key);
}

TEST_P(Exporter, TellsNoContextFromAnEmptyOneInTls12Only) {
  TlsPair pair(Parties{.version = GetParam()});
  pair.established();
  const tls::Session& session = pair.client().session();
  const bool same = exported(session, "EXPERIMENTAL test", std::nullopt) ==
                    exported(session, "EXPERIMENTAL test", "");
  EXPECT_EQ(same, GetParam() == SALLY_TLS_1_3);
}

TEST_P(Exporter, AgreesWithOpenSsl) {
  MixedPair pair(client(), raw_server(GetParam()));
  ASSERT_TRUE(pair.shake_hands());
  for (const Context& context : {Context(), Context(""), Context("context")}) {
    EXPECT_EQ(exported(pair.ours().session(), "EXPORTER-test", context, 100),
              exported(pair.peer().ssl(), "EXPORTER-test", context, 100));
  }
}

TEST_P(Exporter, StaysTheSameWhenKeysAreRenewed) {
  MixedPair pair(client(), raw_server(GetParam()));
  ASSERT_TRUE(pair.shake_hands());
  const std::string key = exported(pair.ours().session(), "EXPORTER-test", {});
  if (GetParam() == SALLY_TLS_1_3) pair.ours().session().update_keys(/*request_peer=*/true);
  pair.ours().write("x");
  EXPECT_EQ(pair.peer().read_all(), "x");
  pair.ours().read();
  EXPECT_EQ(exported(pair.ours().session(), "EXPORTER-test", {}), key);
}

TEST_P(Exporter, HasNothingBeforeTheHandshakeIsOver) {
  TlsPair pair(Parties{.version = GetParam()});
  for (TlsEnd* end : {&pair.client(), &pair.server()}) {
    const tls::Session& session = end->session();
    EXPECT_EQ(failure_of([&] { exported(session, "EXPERIMENTAL test", {}); }),
              "SALLY_INVALID_STATE");
    EXPECT_EQ(failure_of([&] { session.channel_binding("tls-exporter"); }), "SALLY_INVALID_STATE");
    EXPECT_EQ(failure_of([&] { session.channel_binding("tls-server-end-point"); }),
              "SALLY_INVALID_STATE");
  }
}

TEST(ExporterOfTls12, RefusesASessionWithoutExtendedMasterSecret) {
  MixedPair pair(client_config({.version = SALLY_TLS_1_2})->freeze(),
                 raw_server(TLS1_2_VERSION, SSL_OP_NO_EXTENDED_MASTER_SECRET));
  ASSERT_TRUE(pair.shake_hands());
  const tls::Session& session = pair.ours().session();
  EXPECT_EQ(failure_of([&] { exported(session, "EXPERIMENTAL test", {}); }),
            "SALLY_EXTENDED_MASTER_SECRET_MISSING");
  EXPECT_EQ(failure_of([&] { session.channel_binding("tls-exporter"); }),
            "SALLY_EXTENDED_MASTER_SECRET_MISSING");
  EXPECT_EQ(session.channel_binding("tls-server-end-point").size(), 32u);
}

// --- Channel bindings.
// -----------------------------------------------------------------------------

TEST_P(Exporter, BindsTheChannelAsRfc9266Says) {
  MixedPair pair(client(), raw_server(GetParam()));
  ASSERT_TRUE(pair.shake_hands());
  const std::string binding = pair.ours().session().channel_binding("tls-exporter");
  EXPECT_EQ(binding, exported(pair.peer().ssl(), "EXPORTER-Channel-Binding", "", 32));
}

std::string digest_of(X509* certificate, const EVP_MD* digest) {
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EXPECT_EQ(X509_digest(certificate, digest, hash, &size), 1);
  return {reinterpret_cast<const char*>(hash), size};
}

TEST_P(Exporter, BindsTheChannelToTheServersCertificate) {
  for (const char* name : {"server-good", "server-good-rsa-issuer", "server-good-ed25519"}) {
    TlsPair pair(Parties{.version = GetParam(), .server = name});
    pair.established();
    const std::string expected = digest_of(zoo_certificate(name).get(), EVP_sha256());
    EXPECT_EQ(pair.client().session().channel_binding("tls-server-end-point"), expected) << name;
    EXPECT_EQ(pair.server().session().channel_binding("tls-server-end-point"), expected) << name;
  }
}

TEST_P(Exporter, BindsTheChannelToTheCertificateThatWasShown) {
  const auto config = server_config({.version = GetParam(), .client_auth = SALLY_CLIENT_AUTH_NONE});
  config->add_credential(credential("server-good-rsa"));
  MixedPair pair(config->freeze(), [](SSL_CTX* context) {
    SSL_CTX_set1_sigalgs_list(context, "rsa_pss_rsae_sha256:RSA+SHA256");
  });
  ASSERT_TRUE(pair.shake_hands());
  EXPECT_EQ(pair.ours().session().channel_binding("tls-server-end-point"),
            digest_of(zoo_certificate("server-good-rsa").get(), EVP_sha256()));
}

// A pair whose server shows a certificate that signed itself.
TlsPair pair_with(const Identity& server) {
  auto config = make_ref<tls::Config>(SALLY_ROLE_SERVER);
  config->add_credential(make_ref<tls::Credential>(tls::PemSource::from_memory(server.pem()),
                                                   tls::PemSource::from_memory(server.key_pem()),
                                                   nullptr));
  auto client = make_ref<tls::Config>(SALLY_ROLE_CLIENT);
  client->set_trust(make_ref<tls::TrustStore>(tls::PemSource::from_memory(server.pem())));
  return {client->freeze(), config->freeze()};
}

TEST(ChannelBinding, TakesTheHashOfTheCertificatesSignature) {
  struct Row {
    const char* digest;
    const EVP_MD* expected;
  };
  for (const Row& row : {Row{"SHA384", EVP_sha384()}, Row{"SHA512", EVP_sha512()},
                         Row{"SHA1", EVP_sha256()}}) {  // RFC 5929 section 4.1
    const Identity server = mint({.digest = row.digest});
    TlsPair pair = pair_with(server);
    pair.established();
    const std::string expected = digest_of(server.certificate.get(), row.expected);
    EXPECT_EQ(pair.client().session().channel_binding("tls-server-end-point"), expected)
        << row.digest;
    EXPECT_EQ(pair.server().session().channel_binding("tls-server-end-point"), expected);
  }
}

TEST(ChannelBinding, IsNotDefinedForASignatureWithoutAHash) {
  TlsPair pair = pair_with(mint({.key = "ED25519", .digest = nullptr}));
  pair.established();
  for (TlsEnd* end : {&pair.client(), &pair.server()}) {
    EXPECT_EQ(failure_of([&] { end->session().channel_binding("tls-server-end-point"); }),
              "SALLY_NOT_SUPPORTED");
    EXPECT_EQ(end->session().channel_binding("tls-exporter").size(), 32u);
  }
}

TEST(ChannelBinding, OfOtherTypesIsNotSupported) {
  TlsPair pair;
  pair.established();
  for (const char* type : {"tls-unique", "TLS-EXPORTER", "tls-exporter "}) {
    EXPECT_EQ(failure_of([&] { pair.client().session().channel_binding(type); }),
              "SALLY_NOT_SUPPORTED")
        << type;
  }
}

}  // namespace
}  // namespace sally::test
