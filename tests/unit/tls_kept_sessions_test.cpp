// The sessions that a server keeps: packed, without the certificate of the peer, and no less bound to it.
#include "lib/tls_pair.h"
#include "tls/openssl.h"
#include "tls/packed_session.h"
#include "tls/session_cache.h"

namespace sally::test {
namespace {

using tls::SessionCache;

// OpenSSL 3.4 has another function for it, which ends later than 2038.
auto began(const SSL_SESSION& session) {
#if OPENSSL_VERSION_NUMBER >= 0x30400000L
  return SSL_SESSION_get_time_ex(&session);
#else
  return SSL_SESSION_get_time(&session);
#endif
}

class KeptSessions : public testing::TestWithParam<std::int32_t> {
 protected:
  Parties parties(const std::string& client = "client-good",
                  std::int32_t client_auth = SALLY_CLIENT_AUTH_REQUIRE) const {
    return {.version = GetParam(), .client_auth = client_auth, .client = client};
  }
  // Connects, and lets the ticket arrive.
  static TlsPair connect(const Ref<tls::Config>& client, const Ref<tls::Config>& server) {
    TlsPair pair(client->freeze(), server->freeze());
    pair.established();
    pair.client().read_all();
    return pair;
  }
  static std::vector<std::string> sent_by_client(TlsPair& pair) {
    std::vector<std::string> sent;
    for (const auto& certificate : pair.server().session().facts().peer_chain)
      sent.push_back(certificate->data.der);
    return sent;
  }
  static bool resumed(TlsPair& pair) { return pair.server().session().facts().resumed; }
};

INSTANTIATE_TEST_SUITE_P(Versions, KeptSessions, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         [](const auto& row) {
                           return row.param == SALLY_TLS_1_2 ? "Tls12" : "Tls13";
                         });

TEST_P(KeptSessions, TellOfEachClientWhoItIs) {
  const auto server = server_config(parties());
  const auto one = client_config(parties());
  const auto other = client_config(parties("client-good-p384"));
  TlsPair first = connect(one, server);
  TlsPair second = connect(other, server);
  for (int round = 0; round < 2; ++round) {
    TlsPair again = connect(one, server);
    TlsPair other_again = connect(other, server);
    ASSERT_TRUE(resumed(again));
    ASSERT_TRUE(resumed(other_again));
    EXPECT_EQ(sent_by_client(again), sent_by_client(first));
    EXPECT_EQ(sent_by_client(other_again), sent_by_client(second));
    const tls::SessionFacts facts = again.server().session().facts();
    EXPECT_TRUE(facts.peer_verified);
    EXPECT_EQ(facts.verified_chain.size(), 3u);
    EXPECT_EQ(facts.group, first.server().session().facts().group);
  }
}

TEST_P(KeptSessions, OfAClientWithoutACertificateNameNobody) {
  const auto server = server_config(parties("", SALLY_CLIENT_AUTH_REQUEST));
  const auto known = client_config(parties());
  const auto nobody = client_config(parties(""));
  connect(known, server);
  connect(nobody, server);
  for (int round = 0; round < 2; ++round) {
    TlsPair again = connect(nobody, server);
    ASSERT_TRUE(resumed(again));
    const tls::SessionFacts facts = again.server().session().facts();
    EXPECT_FALSE(facts.peer_verified);
    EXPECT_TRUE(facts.peer_chain.empty());
    EXPECT_TRUE(facts.verified_chain.empty());
  }
}

// RFC 5246 section 7.2.2.
TEST_P(KeptSessions, AreForgottenWhereTheirConnectionFailed) {
  const auto client = client_config(parties());
  const auto context = server_config(parties())->freeze();
  {
    TlsPair pair(client->freeze(), context);
    pair.established();
    pair.client().read_all();
    ASSERT_EQ(context->sessions().size(), 1u);
    pair.client().transport().set_faults({.flip_at = pair.client().transport().sent() + 7});
    pair.client().write("damaged");
    ASSERT_EQ(name_of(pair.server().read_status()), "SALLY_TLS_BAD_RECORD");
  }
  EXPECT_EQ(context->sessions().size(), 0u);
  TlsPair again(client->freeze(), context);
  again.established();
  EXPECT_FALSE(resumed(again));
}

TEST_P(KeptSessions, OutliveAConnectionThatJustGoes) {
  const auto client = client_config(parties());
  const auto server = server_config(parties());
  connect(client, server);
  EXPECT_EQ(server->freeze()->sessions().size(), 1u);
  TlsPair again = connect(client, server);
  EXPECT_TRUE(resumed(again));
}

// --- Packing

std::string bytes_of(SSL_SESSION* session,
                     std::size_t (*read)(const SSL_SESSION*, unsigned char*, std::size_t)) {
  std::string bytes(read(session, nullptr, 0), '\0');
  read(session, reinterpret_cast<unsigned char*>(bytes.data()), bytes.size());
  return bytes;
}

std::string id_of(SSL_SESSION* session) {
  unsigned int size = 0;
  const unsigned char* id = SSL_SESSION_get_id(session, &size);
  return {reinterpret_cast<const char*>(id), size};
}

// The session of a server's connection with a client that has shown a certificate.
tls::SessionOwner made_session(std::int32_t version) {
  static tls::SessionOwner taken;
  const auto server = server_config({.version = version, .resumption = false})->freeze();
  SSL_CTX_set_info_callback(server->handle(), [](const SSL* ssl, int where, int) {
    if ((where & SSL_CB_HANDSHAKE_DONE) != 0) taken.reset(SSL_get1_session(const_cast<SSL*>(ssl)));
  });
  TlsPair pair(client_config({.version = version, .resumption = false})->freeze(), server);
  pair.established();
  return std::move(taken);
}

TEST_P(KeptSessions, AreUnpackedAsTheyWereButForThePeer) {
  const tls::SessionOwner session = made_session(GetParam());
  ASSERT_NE(SSL_SESSION_get0_peer(session.get()), nullptr);
  const unsigned char mark[] = "mark";
  SSL_SESSION_set1_ticket_appdata(session.get(), mark, sizeof mark);
  const tls::PackedSession packed(session.get());
  for (int round = 0; round < 2; ++round) {
    const tls::SessionOwner same = packed.unpack();
    EXPECT_EQ(SSL_SESSION_get0_peer(same.get()), nullptr);
    EXPECT_EQ(id_of(same.get()), id_of(session.get()));
    EXPECT_EQ(bytes_of(same.get(), &SSL_SESSION_get_master_key),
              bytes_of(session.get(), &SSL_SESSION_get_master_key));
    EXPECT_EQ(SSL_SESSION_get0_cipher(same.get()), SSL_SESSION_get0_cipher(session.get()));
    EXPECT_EQ(SSL_SESSION_get_protocol_version(same.get()),
              SSL_SESSION_get_protocol_version(session.get()));
    EXPECT_EQ(began(*same), began(*session));
    EXPECT_EQ(SSL_SESSION_get_timeout(same.get()), SSL_SESSION_get_timeout(session.get()));
    void* data = nullptr;
    std::size_t size = 0;
    ASSERT_EQ(SSL_SESSION_get0_ticket_appdata(same.get(), &data, &size), 1);
    EXPECT_EQ(std::string(static_cast<const char*>(data), size), std::string("mark", sizeof mark));
  }
}

TEST_P(KeptSessions, AreForgottenByTheirKeyAlone) {
  const tls::SessionOwner session = made_session(GetParam());
  for (const auto form : {SessionCache::Form::packed, SessionCache::Form::as_they_are}) {
    SessionCache cache(4, form);
    for (const char* key : {"a", "b", "b"})
      cache.add(key, session.get(), std::make_shared<const std::string>(key));
    cache.forget("b");
    cache.forget("c");
    EXPECT_EQ(cache.size(), 1u);
    EXPECT_FALSE(cache.find("b").session);
    const tls::Resumable found = cache.find("a");
    ASSERT_TRUE(found.session);
    EXPECT_EQ(*found.sent, "a");
    EXPECT_EQ(SSL_SESSION_get0_peer(found.session.get()) == nullptr,
              form == SessionCache::Form::packed);
  }
}

}  // namespace
}  // namespace sally::test
