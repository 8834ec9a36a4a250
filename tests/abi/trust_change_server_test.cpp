// Clients whom a server no longer trusts: those of its hosts, those that nobody has verified, those that
// are asked later, and streams that were secured later.
#include "abi/decision_support.h"
#include "abi/trust_change_support.h"
#include "lib/folder.h"
#include "lib/threads.h"
#include "lib/zoo.h"

#include <array>
#include <gtest/gtest.h>
#include <vector>

using namespace sally::test;

namespace {

constexpr std::array both_versions = {SALLY_TLS_1_2, SALLY_TLS_1_3};

Owned<sally_trust_store> store_with_crl(const Folder& folder) {
  auto trust = Zoo::trust("ca-root");
  EXPECT_EQ(sally_trust_store_add_crl(trust.get(), folder.path("crl.pem").c_str(), nullptr),
            SALLY_OK);
  return trust;
}

}  // namespace

TEST(TrustChangeOfServers, DropsWhoWasRevokedAndNobodyElse) {
  for (const std::int32_t version : both_versions) {
    Folder folder;
    folder.replace("crl.pem", read_file(Zoo::crl_path("file-crl-none-revoked")));
    const auto trust = store_with_crl(folder);
    const auto one_loop = make_runtime(0, 1);
    sally_listener_options options{};
    options.runtime = one_loop.get();
    Listener listener(
        trusting(server_config(of_version(version, {.credential = "server-good",
                                                    .trust = "",
                                                    .client_auth = SALLY_CLIENT_AUTH_REQUIRE})),
                 trust.get(), SALLY_TRUST_CHANGE_DROP),
        options);
    const auto revoked = client_config({.credential = "client-good-ed25519"});
    const auto good = client_config();
    Pair before = connect_pair(listener, good.get());
    Pair theirs = connect_pair(listener, revoked.get());
    Pair after = connect_pair(listener, good.get());
    ASSERT_EQ(sally_trust_store_watch(trust.get(), nullptr), SALLY_OK);
    folder.replace("crl.pem", read_file(Zoo::crl_path("file-crl-revoking")));
    expect_no_longer_trusted(theirs.server.read_status(), SALLY_CERTIFICATE_REVOKED, 3);
    EXPECT_EQ(theirs.client.read_status(), SALLY_CONNECTION_RESET);
    Stream late = listener.stream(revoked.get());
    EXPECT_FALSE(refused(late).ok());
    EXPECT_EQ(listener.next_refusal().status(), SALLY_CERTIFICATE_REVOKED);
    for (Pair* pair : {&before, &after}) {
      let_review(pair->server);
      ASSERT_EQ(pair->client.write("ping"), SALLY_OK);
      EXPECT_EQ(pair->server.read_text(4), "ping");
    }
  }
}

TEST(TrustChangeOfServers, GivesTheirPlacesBackAtOnce) {
  const auto trust = Zoo::trust("ca-root");
  Listener listener(trusting(
      server_config(
          {.credential = "server-good", .trust = "", .client_auth = SALLY_CLIENT_AUTH_REQUIRE}),
      trust.get(), SALLY_TRUST_CHANGE_DROP));
  const auto client = client_config();
  std::vector<Pair> pairs;
  for (int i = 0; i < 20; ++i) pairs.push_back(connect_pair(listener, client.get()));
  const auto other = Zoo::trust("ca-other");
  ASSERT_EQ(sally_trust_store_replace(trust.get(), other.get(), nullptr), SALLY_OK);
  EXPECT_EQ(sally_listener_drain(listener.get(), generous_ms, nullptr), SALLY_OK)
      << "none of them is closed, and all have ended";
  for (Pair& pair : pairs) {
    EXPECT_EQ(pair.server.read_status(), SALLY_CERTIFICATE_UNKNOWN_CA);
  }
}

TEST(TrustChangeOfServers, IsNothingToClientsThatShowNoCertificate) {
  const auto trust = Zoo::trust("ca-root");
  Listener listener(trusting(
      server_config(
          {.credential = "server-good", .trust = "", .client_auth = SALLY_CLIENT_AUTH_REQUEST}),
      trust.get(), SALLY_TRUST_CHANGE_DROP));
  const auto stranger = client_config({.credential = ""});
  const auto client = client_config();
  Pair without = connect_pair(listener, stranger.get());
  Pair with = connect_pair(listener, client.get());
  const auto other = Zoo::trust("ca-other");
  ASSERT_EQ(sally_trust_store_replace(trust.get(), other.get(), nullptr), SALLY_OK);
  EXPECT_EQ(with.server.read_status(), SALLY_CERTIFICATE_UNKNOWN_CA);
  let_review(without.server);
  ASSERT_EQ(without.client.write("ping"), SALLY_OK);
  EXPECT_EQ(without.server.read_text(4), "ping");
}

TEST(TrustChangeOfServers, IsSeenByAHandshakeThatHadBegunBefore) {
  for (const std::int32_t version : both_versions) {
    const auto trust = Zoo::trust("ca-root");
    Desk desk;
    Listener listener(
        asking(
            trusting(server_config(of_version(version, {.credential = "server-good",
                                                        .trust = "",
                                                        .client_auth = SALLY_CLIENT_AUTH_REQUIRE})),
                     trust.get(), SALLY_TRUST_CHANGE_DROP),
            SALLY_QUESTION_PEER),
        asked_at(desk));
    const auto config = client_config();
    Stream client = listener.stream(config.get());
    auto connected = connecting(client);
    const Decision decision = desk.next();
    ASSERT_TRUE(decision);
    const auto other = Zoo::trust("ca-other");
    ASSERT_EQ(sally_trust_store_replace(trust.get(), other.get(), nullptr), SALLY_OK);
    EXPECT_EQ(decision.accept(), SALLY_OK);
    Stream server = listener.accept();
    expect_no_longer_trusted(server.read_status(), SALLY_CERTIFICATE_UNKNOWN_CA, 2);
    static_cast<void>(connected.get());
  }
}

TEST(TrustChangeOfServers, IsNothingToWhomTheProgramAloneTrusts) {
  const auto trust = Zoo::trust("ca-other");
  auto asks = asking(trusting(server_config({.credential = "server-good",
                                             .trust = "",
                                             .client_auth = SALLY_CLIENT_AUTH_REQUIRE}),
                              trust.get(), SALLY_TRUST_CHANGE_DROP),
                     SALLY_QUESTION_PEER);
  // Otherwise the client has none to show.
  ASSERT_EQ(sally_tls_config_set_ca_hints(asks.get(), SALLY_CA_HINTS_NONE, nullptr, nullptr),
            SALLY_OK);
  Desk desk;
  const auto one_loop = make_runtime(0, 1);
  sally_listener_options options = asked_at(desk);
  options.runtime = one_loop.get();
  Listener listener(asks, options);
  const auto strange = client_config({.credential = "client-good"});
  const auto known = client_config({.credential = "client-other"});
  std::vector<Pair> pairs;
  for (sally_tls_config* config : {strange.get(), known.get()}) {
    Stream client = listener.stream(config);
    auto connected = connecting(client);
    const Decision decision = desk.next();
    ASSERT_TRUE(decision);
    EXPECT_EQ(decision.verdict(),
              config == strange.get() ? SALLY_CERTIFICATE_UNKNOWN_CA : SALLY_OK);
    EXPECT_EQ(decision.insecure_accept(), SALLY_OK);
    EXPECT_EQ(connected.get(), SALLY_OK);
    pairs.push_back({std::move(client), listener.accept()});
  }
  ASSERT_EQ(sally_trust_store_replace(trust.get(), Zoo::trust("ca-root").get(), nullptr), SALLY_OK);
  EXPECT_EQ(pairs[1].server.read_status(), SALLY_CERTIFICATE_UNKNOWN_CA);
  let_review(pairs[0].server);
  ASSERT_EQ(pairs[0].client.write("ping"), SALLY_OK);
  EXPECT_EQ(pairs[0].server.read_text(4), "ping");
}

TEST(TrustChangeOfServers, GoesByTheModeOfTheHost) {
  const auto trust = Zoo::trust("ca-root");
  const TlsSetup serving{
      .credential = "server-good", .trust = "", .client_auth = SALLY_CLIENT_AUTH_REQUIRE};
  const auto host = trusting(server_config(serving), trust.get(), SALLY_TRUST_CHANGE_DROP);
  auto config = trusting(server_config(serving), trust.get(), SALLY_TRUST_CHANGE_KEEP);
  ASSERT_EQ(sally_tls_config_add_host(config.get(), "localhost", host.get(), nullptr), SALLY_OK);
  Listener listener(config);
  const auto client = client_config();
  Pair of_host = connect_pair(listener, client.get());
  Stream by_address(client.get(), "127.0.0.1", listener.service(), "127.0.0.1");
  ASSERT_EQ(by_address.connect(), SALLY_OK);
  Stream of_default = listener.accept();
  const auto other = Zoo::trust("ca-other");
  ASSERT_EQ(sally_trust_store_replace(trust.get(), other.get(), nullptr), SALLY_OK);
  expect_no_longer_trusted(of_host.server.read_status(), SALLY_CERTIFICATE_UNKNOWN_CA, 2);
  let_review(of_default);
  ASSERT_EQ(by_address.write("ping"), SALLY_OK);
  EXPECT_EQ(of_default.read_text(4), "ping");
}

TEST(TrustChangeOfServers, CountsForCertificatesThatAreShownLater) {
  const auto trust = Zoo::trust("ca-root");
  Listener listener(trusting(server_config({.credential = "server-good", .trust = ""}), trust.get(),
                             SALLY_TRUST_CHANGE_DROP));
  const auto config = client_config();
  ASSERT_EQ(sally_tls_config_allow_post_handshake_auth(config.get(), nullptr), SALLY_OK);
  const auto authenticate = [](Pair& pair) {
    auto reading = on_thread([&] { return pair.client.read_status(); });
    Result result = called([&](sally_error** error) {
      return sally_stream_authenticate(pair.server.get(), generous_ms, error);
    });
    if (result.ok()) {
      EXPECT_EQ(pair.server.write("!"), SALLY_OK);
    }
    static_cast<void>(reading.get());
    return result;
  };
  Pair early = connect_pair(listener, config.get());
  Pair late = connect_pair(listener, config.get());
  EXPECT_EQ(authenticate(early), SALLY_OK);
  const auto other = Zoo::trust("ca-other");
  ASSERT_EQ(sally_trust_store_replace(trust.get(), other.get(), nullptr), SALLY_OK);
  expect_no_longer_trusted(early.server.read_status(), SALLY_CERTIFICATE_UNKNOWN_CA, 2);
  expect_no_longer_trusted(authenticate(late), SALLY_CERTIFICATE_UNKNOWN_CA, 2);
  expect_no_longer_trusted(late.server.read_status(), SALLY_CERTIFICATE_UNKNOWN_CA, 2);
}

TEST(TrustChangeOfServers, CountsForCertificatesThatComeWithOtherData) {
  const auto trust = Zoo::trust("ca-root");
  Listener listener(trusting(server_config({.credential = "server-good", .trust = ""}), trust.get(),
                             SALLY_TRUST_CHANGE_DROP));
  const auto config = client_config();
  ASSERT_EQ(sally_tls_config_allow_post_handshake_auth(config.get(), nullptr), SALLY_OK);
  Pair pair = connect_pair(listener, config.get());
  const auto other = Zoo::trust("ca-other");
  ASSERT_EQ(sally_trust_store_replace(trust.get(), other.get(), nullptr), SALLY_OK);
  ASSERT_EQ(sally_stream_authenticate(pair.server.get(), SALLY_TIMEOUT_ATTEMPT, nullptr),
            SALLY_WOULD_BLOCK);
  auto answering = on_thread([&] { return pair.client.read_status(); });
  expect_no_longer_trusted(pair.server.read_status(), SALLY_CERTIFICATE_UNKNOWN_CA, 2);
  EXPECT_EQ(answering.get(), SALLY_CONNECTION_RESET);
}

TEST(TrustChangeOfUpgrades, DropsAStreamThatWasSecuredLater) {
  for (const bool by_client : {true, false}) {
    const auto trust = Zoo::trust("ca-root");
    const auto mode = [&](bool follows) {
      return follows ? SALLY_TRUST_CHANGE_DROP : SALLY_TRUST_CHANGE_KEEP;
    };
    const auto client = trusting(client_config({.credential = "client-good", .trust = ""}),
                                 trust.get(), mode(by_client));
    const auto server = trusting(
        server_config(
            {.credential = "server-good", .trust = "", .client_auth = SALLY_CLIENT_AUTH_REQUIRE}),
        trust.get(), mode(!by_client));
    Pair pair = plain_pair();
    auto upgrading = on_thread([&] {
      return sally_stream_upgrade(pair.server.get(), server.get(), nullptr, generous_ms, nullptr);
    });
    ASSERT_EQ(
        sally_stream_upgrade(pair.client.get(), client.get(), "localhost", generous_ms, nullptr),
        SALLY_OK);
    ASSERT_EQ(upgrading.get(), SALLY_OK);
    const auto other = Zoo::trust("ca-other");
    ASSERT_EQ(sally_trust_store_replace(trust.get(), other.get(), nullptr), SALLY_OK);
    Stream& judge = by_client ? pair.client : pair.server;
    Stream& peer = by_client ? pair.server : pair.client;
    expect_no_longer_trusted(judge.read_status(), SALLY_CERTIFICATE_UNKNOWN_CA, 2);
    EXPECT_EQ(peer.read_status(), SALLY_CONNECTION_RESET);
  }
}
