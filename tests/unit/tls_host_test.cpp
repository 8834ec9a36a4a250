// Virtual hosts on the wire: against plain OpenSSL, which offers any session to anybody.
#include "lib/raw_peer.h"
#include "lib/tls_pair.h"
#include "tls/ticket_keys.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <utility>

namespace sally::test {
namespace {

using SessionOwner = std::unique_ptr<SSL_SESSION, void (*)(SSL_SESSION*)>;

Ref<tls::TicketKeySource> shared_keys() {
  static const auto keys = make_ref<tls::TicketKeySource>(
      make_ref<tls::TicketKeys>(tls::MaterialSource::memory(std::string(80, 'k'))));
  return keys;
}

// The parameters: the version, and whether all hosts share ticket keys.
class HostOnTheWire : public testing::TestWithParam<std::pair<std::int32_t, bool>> {
 protected:
  static std::int32_t version() { return GetParam().first; }
  static Ref<tls::Config> config(std::int32_t client_auth) {
    auto config = server_config({.version = version(), .client_auth = client_auth});
    if (GetParam().second) config->set_ticket_keys(shared_keys());
    return config;
  }
  static MixedPair pair_for(const Ref<tls::Config>& server, const std::string& name,
                            bool shows_certificate, SSL_SESSION* offered = nullptr) {
    MixedPair pair(server->freeze(), [&](SSL_CTX* peer) {
      use_version(peer, version());
      if (shows_certificate) use_certificate(peer, zoo("client-good"));
      SSL_CTX_set_session_cache_mode(peer, SSL_SESS_CACHE_CLIENT);
    });
    if (!name.empty()) SSL_set_tlsext_host_name(pair.peer().ssl(), name.c_str());
    if (offered != nullptr) SSL_set_session(pair.peer().ssl(), offered);
    return pair;
  }
  // Of a connection that ended well.
  static SessionOwner session_of(MixedPair& pair) {
    EXPECT_TRUE(pair.shake_hands());
    EXPECT_EQ(name_of(pair.ours().status()), "SALLY_OK");
    pair.peer().read();  // a ticket
    SSL_set_shutdown(pair.peer().ssl(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    return {SSL_get1_session(pair.peer().ssl()), &SSL_SESSION_free};
  }
  static bool resumed(MixedPair& pair) { return SSL_session_reused(pair.peer().ssl()) == 1; }
};

INSTANTIATE_TEST_SUITE_P(Tls, HostOnTheWire,
                         testing::Values(std::pair(SALLY_TLS_1_2, false),
                                         std::pair(SALLY_TLS_1_2, true),
                                         std::pair(SALLY_TLS_1_3, false),
                                         std::pair(SALLY_TLS_1_3, true)),
                         [](const auto& row) {
                           return std::string(row.param.first == SALLY_TLS_1_2 ? "12" : "13") +
                                  (row.param.second ? "SharedKeys" : "OwnKeys");
                         });

TEST_P(HostOnTheWire, ResumesItsOwnSessions) {
  const auto server = config(SALLY_CLIENT_AUTH_NONE);
  server->add_host("a.example.test", config(SALLY_CLIENT_AUTH_REQUIRE));
  MixedPair first = pair_for(server, "a.example.test", true);
  const SessionOwner session = session_of(first);
  EXPECT_FALSE(resumed(first));
  MixedPair second = pair_for(server, "A.example.test", true, session.get());
  ASSERT_TRUE(second.shake_hands());
  EXPECT_TRUE(resumed(second));
  EXPECT_TRUE(second.ours().session().facts().peer_verified);
}

TEST_P(HostOnTheWire, NeverResumesASessionOfAnother) {
  // All of them alike, so that nothing but the name tells them apart.
  const auto server = config(SALLY_CLIENT_AUTH_REQUIRE);
  const auto shared = config(SALLY_CLIENT_AUTH_REQUIRE);
  server->add_host("a.example.test", config(SALLY_CLIENT_AUTH_REQUIRE));
  server->add_host("b.example.test", shared);
  server->add_host("c.example.test", shared);
  server->add_host("*.wild.test", shared);
  const std::string names[] = {"a.example.test",
                               "b.example.test",
                               "c.example.test",
                               "d.wild.test",
                               "e.wild.test",
                               "unknown.test",
                               ""};
  for (const std::string& from : names) {
    MixedPair first = pair_for(server, from, true);
    const SessionOwner session = session_of(first);
    for (const std::string& to : names) {
      MixedPair second = pair_for(server, to, true, session.get());
      EXPECT_TRUE(second.shake_hands()) << from << " to " << to;
      EXPECT_EQ(resumed(second), from == to) << from << " to " << to;
    }
  }
}

TEST_P(HostOnTheWire, LetsNobodyInByASessionOfOneThatAsksForLess) {
  const auto server = config(SALLY_CLIENT_AUTH_NONE);
  server->add_host("open.example.test", config(SALLY_CLIENT_AUTH_NONE));
  server->add_host("closed.example.test", config(SALLY_CLIENT_AUTH_REQUIRE));
  for (const char* from : {"open.example.test", ""}) {
    MixedPair first = pair_for(server, from, false);
    const SessionOwner session = session_of(first);
    MixedPair second = pair_for(server, "closed.example.test", false, session.get());
    second.shake_hands();
    EXPECT_EQ(name_of(second.ours().status()), "SALLY_CLIENT_CERTIFICATE_REQUIRED");
  }
}

TEST_P(HostOnTheWire, HasItsOwnSessionsOnly) {
  const auto server = config(SALLY_CLIENT_AUTH_NONE);
  const auto host = config(SALLY_CLIENT_AUTH_NONE);
  server->add_host("a.example.test", host);
  MixedPair pair = pair_for(server, "a.example.test", false);
  session_of(pair);
  EXPECT_EQ(server->cached_sessions(), 0u);
  EXPECT_EQ(host->cached_sessions(), GetParam().second ? 0u : 1u);
}

TEST(Host, IsFoundForAHelloThatComesInPiecesOrMustBeSaidAgain) {
  for (const char* groups : {"X25519", "P-521:P-256"}) {
    const auto server = server_config({.client_auth = SALLY_CLIENT_AUTH_NONE});
    server->add_host("a.example.test", server_config({}));
    MixedPair pair(server->freeze(), [&](SSL_CTX* peer) {
      SSL_CTX_set1_groups_list(peer, groups);
      use_certificate(peer, zoo("client-good"));
    });
    SSL_set_tlsext_host_name(pair.peer().ssl(), "a.example.test");
    pair.peer().transport().set_faults({.receive_limit = 7});
    EXPECT_TRUE(pair.shake_hands()) << groups;
    EXPECT_EQ(name_of(pair.ours().status()), "SALLY_OK");
    EXPECT_TRUE(pair.ours().session().facts().peer_verified);
  }
}

TEST(Host, ServesWithTheNewestGenerationOfItsOwnMaterial) {
  const auto source = make_ref<tls::CredentialSource>(credential("server-good"));
  auto host = make_ref<tls::Config>(SALLY_ROLE_SERVER);
  host->add_credential(source);
  const auto server = server_config({});
  server->add_host("a.example.test", host);
  const auto context = server->freeze();
  const auto subject = [&] {
    MixedPair pair(server->freeze(), {});
    SSL_set_tlsext_host_name(pair.peer().ssl(), "a.example.test");
    EXPECT_TRUE(pair.shake_hands());
    return tls::key_of(SSL_get0_peer_certificate(pair.peer().ssl()));
  };
  const std::string before = subject();
  source->replace(*make_ref<tls::CredentialSource>(credential("server-good-rsa")));
  EXPECT_NE(subject(), before);
  EXPECT_EQ(subject(), "RSA 2048");
  EXPECT_EQ(server->freeze().get(), context.get()) << "nothing of its own has changed";
}

}  // namespace
}  // namespace sally::test
