// Sessions that resume, and above all those that must not.
#include "lib/folder.h"
#include "lib/secure.h"
#include "lib/threads.h"
#include "lib/zoo.h"

#include <gtest/gtest.h>

using namespace sally::test;

namespace {

bool resumed(const Stream& stream) {
  return sally_stream_info_resumed(stream.info().get()) == 1;
}

// Connects, lets a ticket arrive, and says whether the session was resumed, on both ends alike.
bool resumes(Listener& listener, sally_tls_config* client) {
  Pair pair = connect_pair(listener, client);
  EXPECT_EQ(pair.server.write("!"), SALLY_OK);
  EXPECT_EQ(pair.client.read_text(1), "!");
  EXPECT_EQ(resumed(pair.client), resumed(pair.server));
  const bool answer = resumed(pair.client);
  return answer;
}

std::string key_bytes(char fill, std::size_t count = 1) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) {
    bytes += std::string(80, static_cast<char>(fill + static_cast<char>(i)));
  }
  return bytes;
}

Owned<sally_ticket_keys> keys_of(const std::string& bytes) {
  Owned<sally_ticket_keys> keys;
  EXPECT_EQ(sally_ticket_keys_from_memory(bytes.data(), bytes.size(), Out(keys), nullptr),
            SALLY_OK);
  return keys;
}

TlsSetup serving(std::int32_t version) {
  return {.credential = "server-good",
          .client_auth = SALLY_CLIENT_AUTH_REQUIRE,
          .min_version = version,
          .max_version = version};
}

Owned<sally_tls_config> server_with(const Owned<sally_ticket_keys>& keys, const TlsSetup& setup) {
  auto config = server_config(setup);
  EXPECT_EQ(sally_tls_config_set_ticket_keys(config.get(), keys.get(), nullptr), SALLY_OK);
  return config;
}

// The parameter is the version of TLS.
class Resumption : public testing::TestWithParam<std::int32_t> {
 protected:
  // What a server that shares `keys` says to a client whose session was made by another one.
  void expect_refusal_by(Listener& other, sally_status status) {
    Stream late = other.stream(client.get());
    if (late.connect().ok()) {
      EXPECT_FALSE(late.read_status().ok());
    }
    EXPECT_EQ(other.next_refusal().status(), status);
    EXPECT_EQ(other.accept_status(SALLY_TIMEOUT_ATTEMPT), SALLY_WOULD_BLOCK);
  }

  const TlsSetup setup = serving(GetParam());
  const Owned<sally_tls_config> client = client_config();
  const Owned<sally_ticket_keys> keys = keys_of(key_bytes('k'));
};
INSTANTIATE_TEST_SUITE_P(OnEachVersion, Resumption, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         [](const auto& each) {
                           return each.param == SALLY_TLS_1_2 ? "Tls12" : "Tls13";
                         });

TEST_P(Resumption, HappensByItself) {
  const auto config = server_config(setup);
  Listener listener(config);
  EXPECT_FALSE(resumes(listener, client.get()));
  EXPECT_GE(sally_tls_config_cached_sessions(config.get()), 1u);
  EXPECT_GE(sally_tls_config_cached_sessions(client.get()), 1u);
  EXPECT_TRUE(resumes(listener, client.get()));
  EXPECT_TRUE(resumes(listener, client.get()));
}

TEST_P(Resumption, KeepsThePeersCertificatesAndVerdict) {
  Listener listener(server_config(setup));
  EXPECT_FALSE(resumes(listener, client.get()));
  Pair pair = connect_pair(listener, client.get());
  ASSERT_TRUE(resumed(pair.client));
  for (const Stream* end : {&pair.client, &pair.server}) {
    const auto info = end->info();
    EXPECT_EQ(sally_stream_info_peer_verified(info.get()), 1);
    EXPECT_EQ(sally_stream_info_peer_certificate_count(info.get()), 2u);
    EXPECT_EQ(sally_stream_info_verified_count(info.get()), 3u);
  }
}

TEST_P(Resumption, CanBeTurnedOffOnEitherSide) {
  for (const bool on_the_server : {true, false}) {
    const auto server = server_config(setup);
    const auto own_client = client_config();
    ASSERT_EQ(sally_tls_config_set_resumption(on_the_server ? server.get() : own_client.get(),
                                              SALLY_RESUMPTION_OFF, 0, nullptr),
              SALLY_OK);
    Listener listener(server);
    EXPECT_FALSE(resumes(listener, own_client.get()));
    EXPECT_FALSE(resumes(listener, own_client.get()));
    EXPECT_EQ(sally_tls_config_cached_sessions(own_client.get()), 0u);
  }
}

TEST_P(Resumption, NeverHappensWithoutVerification) {
  const auto careless = client_config();
  ASSERT_EQ(sally_tls_config_insecure_skip_verification(careless.get(), nullptr), SALLY_OK);
  Listener listener(server_config(setup));
  EXPECT_FALSE(resumes(listener, careless.get()));
  EXPECT_FALSE(resumes(listener, careless.get()));
}

TEST_P(Resumption, OfAClientIsOnlyForTheNameThatItVerified) {
  Listener listener(server_config(setup));
  EXPECT_FALSE(resumes(listener, client.get()));
  Stream other(client.get(), "127.0.0.1", listener.service(), "server.example.test");
  ASSERT_EQ(other.connect(), SALLY_OK);
  EXPECT_FALSE(resumed(other));
}

TEST_P(Resumption, IsBoundedByTheCache) {
  const auto config = server_config(setup);
  ASSERT_EQ(sally_tls_config_set_resumption(config.get(), SALLY_RESUMPTION_ON, 2, nullptr),
            SALLY_OK);
  Listener listener(config);
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(resumes(listener, client_config().get()));
  }
  EXPECT_EQ(sally_tls_config_cached_sessions(config.get()), 2u);
}

TEST_P(Resumption, EndsWithTheTrustThatLetThePeerIn) {
  Folder folder;
  folder.replace("ca.pem", read_file(Zoo::ca_path("ca-root")));
  Owned<sally_trust_store> trust;
  ASSERT_EQ(sally_trust_store_load(folder.path("ca.pem").c_str(), Out(trust), nullptr), SALLY_OK);
  TlsSetup without_trust = setup;
  without_trust.trust = "";
  const auto config = server_with(keys, without_trust);
  ASSERT_EQ(sally_tls_config_set_trust(config.get(), trust.get(), nullptr), SALLY_OK);
  Listener listener(config);
  EXPECT_FALSE(resumes(listener, client.get()));
  EXPECT_TRUE(resumes(listener, client.get()));
  folder.replace("ca.pem", read_file(Zoo::ca_path("ca-other")));
  ASSERT_EQ(sally_trust_store_reload(trust.get(), nullptr), SALLY_OK);
  // It has none of a CA that the server now names.
  expect_refusal_by(listener, SALLY_CLIENT_CERTIFICATE_REQUIRED);
}

TEST_P(Resumption, OfAClientEndsWithItsTrust) {
  Folder folder;
  folder.replace("ca.pem", read_file(Zoo::ca_path("ca-root")));
  Owned<sally_trust_store> trust;
  ASSERT_EQ(sally_trust_store_load(folder.path("ca.pem").c_str(), Out(trust), nullptr), SALLY_OK);
  const auto config = client_config({.credential = "client-good", .trust = ""});
  ASSERT_EQ(sally_tls_config_set_trust(config.get(), trust.get(), nullptr), SALLY_OK);
  Listener listener(server_config(setup));
  EXPECT_FALSE(resumes(listener, config.get()));
  EXPECT_TRUE(resumes(listener, config.get()));
  folder.replace("ca.pem", read_file(Zoo::ca_path("ca-other")));
  ASSERT_EQ(sally_trust_store_reload(trust.get(), nullptr), SALLY_OK);
  EXPECT_EQ(listener.stream(config.get()).connect(), SALLY_CERTIFICATE_UNKNOWN_CA);
}

TEST_P(Resumption, WorksAcrossAFleetThatSharesTicketKeys) {
  const auto first_config = server_with(keys, setup);
  Listener first(first_config);
  Listener second(server_with(keys_of(key_bytes('k')), setup));
  Listener stranger(server_with(keys_of(key_bytes('z')), setup));
  EXPECT_FALSE(resumes(first, client.get()));
  EXPECT_TRUE(resumes(second, client.get()));
  EXPECT_FALSE(resumes(stranger, client.get()));
  EXPECT_EQ(sally_tls_config_cached_sessions(first_config.get()), 0u) << "the clients keep them";
}

TEST_P(Resumption, SurvivesTheRotationOfTicketKeysUntilTheKeyIsDropped) {
  Folder folder;
  folder.replace("keys", key_bytes('a'));
  Owned<sally_ticket_keys> ring;
  ASSERT_EQ(sally_ticket_keys_load(folder.path("keys").c_str(), Out(ring), nullptr), SALLY_OK);
  Listener listener(server_with(ring, setup));
  EXPECT_FALSE(resumes(listener, client.get()));
  folder.replace("keys", key_bytes('b') + key_bytes('a'));
  ASSERT_EQ(sally_ticket_keys_reload(ring.get(), nullptr), SALLY_OK);
  EXPECT_EQ(sally_ticket_keys_size(ring.get()), 2u);
  EXPECT_TRUE(resumes(listener, client.get())) << "which renews the ticket under the new key";
  folder.replace("keys", key_bytes('c') + key_bytes('b'));
  ASSERT_EQ(sally_ticket_keys_reload(ring.get(), nullptr), SALLY_OK);
  EXPECT_TRUE(resumes(listener, client.get()));
  folder.replace("keys", key_bytes('d'));
  ASSERT_EQ(sally_ticket_keys_reload(ring.get(), nullptr), SALLY_OK);
  EXPECT_FALSE(resumes(listener, client.get()));
}

TEST_P(Resumption, LetsNobodyInByATicketOfAServerThatTrustsOthers) {
  TlsSetup trusting = setup;
  trusting.trust = "ca-other";
  Listener first(server_with(keys, setup));
  Listener second(server_with(keys, trusting));
  EXPECT_FALSE(resumes(first, client.get()));
  expect_refusal_by(second, SALLY_CLIENT_CERTIFICATE_REQUIRED);
}

TEST_P(Resumption, LetsNobodyInByATicketOfAServerThatAsksForLess) {
  TlsSetup lenient = setup;
  lenient.client_auth = SALLY_CLIENT_AUTH_REQUEST;
  Listener first(server_with(keys, lenient));
  Listener second(server_with(keys, setup));
  const auto anonymous = client_config({.credential = ""});
  EXPECT_FALSE(resumes(first, anonymous.get()));
  EXPECT_TRUE(resumes(first, anonymous.get()));
  Stream late = second.stream(anonymous.get());
  if (late.connect().ok()) {
    EXPECT_FALSE(late.read_status().ok());
  }
  EXPECT_EQ(second.next_refusal().status(), SALLY_CLIENT_CERTIFICATE_REQUIRED);
}

TEST_P(Resumption, LetsNobodyInWhoseCertificateHasExpiredMeanwhile) {
  const auto later = server_with(keys, setup);
  constexpr std::int64_t in_2050 = 2'524'608'000;
  ASSERT_EQ(sally_tls_config_set_verification_time(later.get(), in_2050, nullptr), SALLY_OK);
  Listener first(server_with(keys, setup));
  Listener second(later);
  EXPECT_FALSE(resumes(first, client.get()));
  expect_refusal_by(second, SALLY_CERTIFICATE_EXPIRED);
}

TEST_P(Resumption, LetsNobodyInWhoseCertificateWasRevokedMeanwhile) {
  const auto trust = Zoo::trust("ca-root");
  TlsSetup without_trust = setup;
  without_trust.trust = "";
  const auto config = server_with(keys, without_trust);
  ASSERT_EQ(sally_tls_config_set_trust(config.get(), trust.get(), nullptr), SALLY_OK);
  Listener listener(config);
  const auto revoked = client_config({.credential = "client-good-ed25519"});
  EXPECT_FALSE(resumes(listener, revoked.get()));
  EXPECT_TRUE(resumes(listener, revoked.get()));
  ASSERT_EQ(
      sally_trust_store_add_crl(trust.get(), Zoo::crl_path("file-crl-revoking").c_str(), nullptr),
      SALLY_OK);
  Stream late = listener.stream(revoked.get());
  if (late.connect().ok()) {
    EXPECT_FALSE(late.read_status().ok());
  }
  EXPECT_EQ(listener.next_refusal().status(), SALLY_CERTIFICATE_REVOKED);
}

TEST_P(Resumption, LetsNobodyInWhomThePolicyNoLongerAllows) {
  const auto strict = server_with(keys, setup);
  ASSERT_EQ(
      sally_tls_config_allow_peer(strict.get(), SALLY_NAME_DNS, "nobody.example.test", nullptr),
      SALLY_OK);
  Listener first(server_with(keys, setup));
  Listener second(strict);
  EXPECT_FALSE(resumes(first, client.get()));
  expect_refusal_by(second, SALLY_PEER_NOT_ALLOWED);
}

TEST(TicketKeys, SayWhatIsWrongWithThem) {
  Owned<sally_ticket_keys> keys;
  const auto load = [&](const std::string& bytes) {
    return sally_ticket_keys_from_memory(bytes.data(), bytes.size(), Out(keys), nullptr);
  };
  EXPECT_EQ(load(""), SALLY_TICKET_KEYS_BAD_FORMAT);
  EXPECT_EQ(load(std::string(79, 'x')), SALLY_TICKET_KEYS_BAD_FORMAT);
  EXPECT_EQ(load(key_bytes('x') + key_bytes('x')), SALLY_TICKET_KEYS_BAD_FORMAT) << "one name";
  EXPECT_EQ(load(key_bytes('A', 17)), SALLY_TICKET_KEYS_BAD_FORMAT);
  EXPECT_EQ(load(key_bytes('A', 16)), SALLY_OK);
  EXPECT_EQ(sally_ticket_keys_size(keys.get()), 16u);
  EXPECT_EQ(sally_ticket_keys_load("/no/such/file", Out(keys), nullptr), SALLY_FILE_NOT_FOUND);
}

}  // namespace
