// Established connections whose peer is no longer trusted.
#include "abi/decision_support.h"
#include "lib/async.h"
#include "lib/folder.h"
#include "lib/secure.h"
#include "lib/threads.h"
#include "lib/zoo.h"

#include <array>
#include <gtest/gtest.h>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

using namespace sally::test;

namespace {

// More than the system takes in for a peer that does not read.
constexpr std::size_t too_much = 8 << 20;

// A piece at a time, for which there is room at once.
std::string read_all(Stream& stream, std::size_t size) {
  std::string all;
  std::string piece;
  while (all.size() < size && stream.read_some(piece, 64 << 10).ok()) all += piece;
  return all;
}

Owned<sally_tls_config> trusting(Owned<sally_tls_config> config, sally_trust_store* trust,
                                 std::int32_t mode, std::int64_t drain_ms = 0) {
  EXPECT_EQ(sally_tls_config_set_trust(config.get(), trust, nullptr), SALLY_OK);
  EXPECT_EQ(sally_tls_config_set_trust_change(config.get(), mode, drain_ms, nullptr), SALLY_OK);
  return config;
}

// Until the stream was reviewed that may be about to be: its loop has done what was posted before.
void let_review(const Stream& stream) {
  Queue queue;
  const sally_completion completion = queue.completion(1);
  ASSERT_EQ(sally_stream_flush_async(stream.get(), 0, &completion, nullptr, nullptr), SALLY_OK);
  ASSERT_EQ(queue.next()->tag, 1u);
}

void expect_no_longer_trusted(const Result& result, sally_status status, int generation) {
  EXPECT_EQ(result, status);
  const std::string message = result.error ? sally_error_message(result.error.get()) : "";
  EXPECT_NE(message.find("no longer trusted since generation " + std::to_string(generation)),
            std::string::npos)
      << message;
  EXPECT_EQ(result.phase(), "review");
  EXPECT_FALSE(result.correlation_id().empty());
  EXPECT_FALSE(result.text(SALLY_ERROR_FIELD_ADDRESS).empty());
}

// A connection of which one end follows its trust, the `judge`; the other one is the `peer`. The
// parameters are the version of TLS, and the role of the judge.
class TrustChange : public testing::TestWithParam<std::tuple<std::int32_t, std::int32_t>> {
 protected:
  bool serves() const { return std::get<1>(GetParam()) == SALLY_ROLE_SERVER; }
  TlsSetup setup(const char* credential, bool judges) const {
    return of_version(std::get<0>(GetParam()),
                      {.credential = credential, .trust = judges ? "" : "ca-root"});
  }
  void bind(std::int32_t mode, std::int64_t drain_ms = 0) {
    auto serving = setup("server-good", serves());
    serving.client_auth = SALLY_CLIENT_AUTH_REQUIRE;
    server = server_config(serving);
    client = client_config(setup("client-good", !serves()));
    auto& judging = serves() ? server : client;
    judging = trusting(std::move(judging), trust.get(), mode, drain_ms);
    listener.emplace(server);
  }
  Stream& judge(Pair& pair) const { return serves() ? pair.server : pair.client; }
  Stream& peer(Pair& pair) const { return serves() ? pair.client : pair.server; }
  void lose_trust() {
    ASSERT_EQ(sally_trust_store_replace(trust.get(), other.get(), nullptr), SALLY_OK);
  }

  const Owned<sally_trust_store> trust = Zoo::trust("ca-root");
  const Owned<sally_trust_store> other = Zoo::trust("ca-other");
  Owned<sally_tls_config> server, client;
  std::optional<Listener> listener;
};
INSTANTIATE_TEST_SUITE_P(OnEachVersionAndSide, TrustChange,
                         testing::Combine(testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                                          testing::Values(SALLY_ROLE_CLIENT, SALLY_ROLE_SERVER)),
                         [](const auto& each) {
                           return std::string(std::get<0>(each.param) == SALLY_TLS_1_2 ? "Tls12"
                                                                                       : "Tls13") +
                                  (std::get<1>(each.param) == SALLY_ROLE_CLIENT ? "Client"
                                                                                : "Server");
                         });

TEST_P(TrustChange, IsNothingToConnectionsUnlessSaidOtherwise) {
  bind(SALLY_TRUST_CHANGE_KEEP);
  Pair pair = connect_pair(*listener, client.get());
  lose_trust();
  Stream late = listener->stream(client.get());
  EXPECT_FALSE(refused(late).ok()) << "handshakes see it";
  let_review(judge(pair));
  ASSERT_EQ(peer(pair).write("ping"), SALLY_OK);
  EXPECT_EQ(judge(pair).read_text(4), "ping");
  ASSERT_EQ(judge(pair).write("pong"), SALLY_OK);
  EXPECT_EQ(peer(pair).read_text(4), "pong");
}

TEST_P(TrustChange, DropsAConnectionThatIsIdle) {
  bind(SALLY_TRUST_CHANGE_DROP);
  Pair pair = connect_pair(*listener, client.get());
  lose_trust();
  EXPECT_EQ(peer(pair).read_status(), SALLY_CONNECTION_RESET);
  Stream& stream = judge(pair);
  expect_no_longer_trusted(stream.read_status(), SALLY_CERTIFICATE_UNKNOWN_CA, 2);
  expect_no_longer_trusted(stream.write("more"), SALLY_CERTIFICATE_UNKNOWN_CA, 2);
  expect_no_longer_trusted(stream.shutdown(), SALLY_CERTIFICATE_UNKNOWN_CA, 2);
  EXPECT_EQ(sally_stream_flush(stream.get(), generous_ms, nullptr), SALLY_CERTIFICATE_UNKNOWN_CA);
  std::uint32_t ready = 0;
  EXPECT_EQ(sally_stream_wait(stream.get(), SALLY_DIRECTION_READ, &ready, generous_ms, nullptr),
            SALLY_OK)
      << "a read would fail at once";
  EXPECT_NE(stream.info(), nullptr);
  expect_no_longer_trusted(stream.close(), SALLY_CERTIFICATE_UNKNOWN_CA, 2);
  EXPECT_EQ(stream.read_status(), SALLY_CLOSED);
}

TEST_P(TrustChange, DropEndsWhatIsPendingInEveryForm) {
  bind(SALLY_TRUST_CHANGE_DROP);
  Pair blocking = connect_pair(*listener, client.get());
  Pair queued = connect_pair(*listener, client.get());
  Pair told = connect_pair(*listener, client.get());
  auto reading = on_thread([&] { return judge(blocking).read_status(); });
  const std::string much = pattern(too_much);
  auto writing = on_thread([&] { return judge(blocking).write(much); });

  Queue queue;
  char byte = 0;
  const sally_completion reads = queue.completion(1);
  const sally_completion writes = queue.completion(2);
  const sally_completion flushes = queue.completion(3);
  const sally_completion waits = queue.completion(4);
  sally_stream* stream = judge(queued).get();
  ASSERT_EQ(sally_stream_read_exactly_async(stream, &byte, 1, 0, &reads, nullptr, nullptr),
            SALLY_OK);
  ASSERT_EQ(
      sally_stream_write_async(stream, much.data(), much.size(), 0, 0, &writes, nullptr, nullptr),
      SALLY_OK);
  ASSERT_EQ(sally_stream_flush_async(stream, 0, &flushes, nullptr, nullptr), SALLY_OK);
  ASSERT_EQ(sally_stream_wait_async(stream, SALLY_DIRECTION_READ, 0, &waits, nullptr, nullptr),
            SALLY_OK);

  struct Told {
    std::promise<sally_status> status;
    char byte = 0;
  } waited;
  sally_completion function{};
  function.struct_size = sizeof function;
  function.function = [](void* user, sally_event* event) {
    static_cast<Told*>(user)->status.set_value(event->status);
  };
  function.user = &waited;
  ASSERT_EQ(sally_stream_read_some_async(judge(told).get(), &waited.byte, 1, 0, &function, nullptr,
                                         nullptr),
            SALLY_OK);
  EXPECT_TRUE(goes_on(reading));
  EXPECT_TRUE(goes_on(writing));

  lose_trust();
  expect_no_longer_trusted(reading.get(), SALLY_CERTIFICATE_UNKNOWN_CA, 2);
  expect_no_longer_trusted(writing.get(), SALLY_CERTIFICATE_UNKNOWN_CA, 2);
  EXPECT_EQ(waited.status.get_future().get(), SALLY_CERTIFICATE_UNKNOWN_CA);
  std::array<sally_status, 5> ended{};
  for (int i = 0; i < 4; ++i) {
    const Event event = queue.next();
    ASSERT_GE(event->tag, 1u);
    ended[event->tag] = event->status;
  }
  EXPECT_EQ(ended[1], SALLY_CERTIFICATE_UNKNOWN_CA);
  EXPECT_EQ(ended[2], SALLY_CERTIFICATE_UNKNOWN_CA);
  EXPECT_EQ(ended[3], SALLY_CERTIFICATE_UNKNOWN_CA);
  EXPECT_EQ(ended[4], SALLY_OK) << "a read would fail at once";
}

TEST_P(TrustChange, DropThrowsAwayWhatWasReadButNotHandedOut) {
  bind(SALLY_TRUST_CHANGE_DROP);
  Pair pair = connect_pair(*listener, client.get());
  ASSERT_EQ(peer(pair).write("one\ntwo\n"), SALLY_OK);
  std::array<char, 64> line{};
  std::size_t size = 0;
  ASSERT_EQ(sally_stream_read_until(judge(pair).get(), line.data(), line.size(), "\n", 1, &size,
                                    generous_ms, nullptr),
            SALLY_OK);
  lose_trust();
  EXPECT_EQ(peer(pair).read_status(), SALLY_CONNECTION_RESET);
  expect_no_longer_trusted(judge(pair).read_status(), SALLY_CERTIFICATE_UNKNOWN_CA, 2);
}

TEST_P(TrustChange, LeavesAPeerAloneThatIsStillGood) {
  bind(SALLY_TRUST_CHANGE_DROP);
  Pair pair = connect_pair(*listener, client.get());
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(sally_trust_store_merge(trust.get(), other.get(), nullptr), SALLY_OK);
    let_review(judge(pair));
    ASSERT_EQ(peer(pair).write("ping"), SALLY_OK);
    EXPECT_EQ(judge(pair).read_text(4), "ping");
  }
  lose_trust();
  expect_no_longer_trusted(judge(pair).read_status(), SALLY_CERTIFICATE_UNKNOWN_CA, 5);
}

TEST_P(TrustChange, DropsSessionsThatWereResumed) {
  bind(SALLY_TRUST_CHANGE_DROP);
  for (const bool again : {false, true}) {
    Pair pair = connect_pair(*listener, client.get());
    ASSERT_EQ(pair.server.write("!"), SALLY_OK);
    ASSERT_EQ(pair.client.read_text(1), "!");
    ASSERT_EQ(sally_stream_info_resumed(pair.client.info().get()), again ? 1 : 0);
    if (!again) continue;
    lose_trust();
    expect_no_longer_trusted(judge(pair).read_status(), SALLY_CERTIFICATE_UNKNOWN_CA, 2);
  }
}

// In a resumed session the peer sends no certificates, and a ticket brings back but its own.
TEST_P(TrustChange, LeavesResumedSessionsAloneWhosePeerIsStillGood) {
  for (const bool by_tickets : {false, true}) {
    bind(SALLY_TRUST_CHANGE_DROP);
    if (by_tickets) {
      Owned<sally_ticket_keys> keys;
      ASSERT_EQ(sally_ticket_keys_from_memory(std::string(80, 'k').data(), 80, Out(keys), nullptr),
                SALLY_OK);
      auto serving = setup("server-good", serves());
      serving.client_auth = SALLY_CLIENT_AUTH_REQUIRE;
      server = server_config(serving);
      if (serves()) {
        server = trusting(std::move(server), trust.get(), SALLY_TRUST_CHANGE_DROP);
      }
      ASSERT_EQ(sally_tls_config_set_ticket_keys(server.get(), keys.get(), nullptr), SALLY_OK);
      listener.emplace(server);
    }
    for (const bool again : {false, true}) {
      Pair pair = connect_pair(*listener, client.get());
      ASSERT_EQ(pair.server.write("!"), SALLY_OK);
      ASSERT_EQ(pair.client.read_text(1), "!");
      ASSERT_EQ(sally_stream_info_resumed(pair.client.info().get()), again ? 1 : 0);
      if (!again) continue;
      ASSERT_EQ(sally_trust_store_merge(trust.get(), other.get(), nullptr), SALLY_OK);
      let_review(judge(pair));
      ASSERT_EQ(peer(pair).write("ping"), SALLY_OK);
      EXPECT_EQ(judge(pair).read_text(4), "ping");
    }
  }
}

TEST_P(TrustChange, DrainEndsTheSendingAndReadsOn) {
  bind(SALLY_TRUST_CHANGE_DRAIN);
  Pair pair = connect_pair(*listener, client.get());
  std::size_t taken = 0;
  ASSERT_EQ(sally_stream_write(judge(pair).get(), "kept back", 9, SALLY_MORE, &taken, generous_ms,
                               nullptr),
            SALLY_OK);
  lose_trust();
  EXPECT_EQ(peer(pair).read_text(9), "kept back") << "what was written before is sent";
  EXPECT_EQ(peer(pair).read_status(), SALLY_END_OF_STREAM);
  expect_no_longer_trusted(judge(pair).write("new"), SALLY_CERTIFICATE_UNKNOWN_CA, 2);
  ASSERT_EQ(peer(pair).write("last words"), SALLY_OK);
  EXPECT_EQ(judge(pair).read_text(10), "last words");
  EXPECT_EQ(judge(pair).shutdown(), SALLY_OK) << "it is";
  ASSERT_EQ(peer(pair).shutdown(), SALLY_OK);
  EXPECT_EQ(judge(pair).read_status(), SALLY_END_OF_STREAM);
  EXPECT_EQ(judge(pair).close(), SALLY_OK);
}

TEST_P(TrustChange, DrainFinishesWritesThatHadBegun) {
  bind(SALLY_TRUST_CHANGE_DRAIN);
  Pair blocking = connect_pair(*listener, client.get());
  Pair queued = connect_pair(*listener, client.get());
  const std::string much = pattern(too_much);
  auto writing = on_thread([&] { return judge(blocking).write(much); });
  Queue queue;
  for (std::uint64_t tag = 1; tag <= 2; ++tag) {
    const sally_completion writes = queue.completion(tag);
    ASSERT_EQ(sally_stream_write_async(judge(queued).get(), much.data(), much.size(), 0, 0, &writes,
                                       nullptr, nullptr),
              SALLY_OK);
  }
  EXPECT_TRUE(goes_on(writing));
  lose_trust();
  std::size_t taken = 0;
  while (sally_stream_write(judge(blocking).get(), "", 0, 0, &taken, SALLY_TIMEOUT_ATTEMPT,
                            nullptr) != SALLY_CERTIFICATE_UNKNOWN_CA) {
    std::this_thread::yield();
  }
  EXPECT_EQ(read_all(peer(blocking), much.size()), much);
  EXPECT_EQ(peer(blocking).read_status(), SALLY_END_OF_STREAM);
  EXPECT_EQ(writing.get(), SALLY_OK);
  EXPECT_EQ(read_all(peer(queued), 2 * much.size()), much + much);
  EXPECT_EQ(peer(queued).read_status(), SALLY_END_OF_STREAM);
  EXPECT_EQ(queue.next()->status, SALLY_OK);
  EXPECT_EQ(queue.next()->status, SALLY_OK);
}

TEST_P(TrustChange, DrainHasItsLimit) {
  bind(SALLY_TRUST_CHANGE_DRAIN, short_ms);
  Pair pair = connect_pair(*listener, client.get());
  Pair busy = connect_pair(*listener, client.get());
  const std::string much = pattern(too_much);
  auto writing = on_thread([&] { return judge(busy).write(much); });
  EXPECT_TRUE(goes_on(writing));
  lose_trust();
  EXPECT_EQ(peer(pair).read_status(), SALLY_END_OF_STREAM);
  expect_no_longer_trusted(judge(pair).read_status(), SALLY_CERTIFICATE_UNKNOWN_CA, 2);
  expect_no_longer_trusted(writing.get(), SALLY_CERTIFICATE_UNKNOWN_CA, 2);
}

TEST_P(TrustChange, DrainMayGoOnForEver) {
  bind(SALLY_TRUST_CHANGE_DRAIN, SALLY_TIMEOUT_NEVER);
  Pair pair = connect_pair(*listener, client.get());
  lose_trust();
  EXPECT_EQ(peer(pair).read_status(), SALLY_END_OF_STREAM);
  EXPECT_EQ(judge(pair).read_status(short_ms), SALLY_TIMED_OUT);
  peer(pair).release();
  EXPECT_EQ(judge(pair).read_status(), SALLY_END_OF_STREAM);
}

TEST_P(TrustChange, DrainSurvivesCancellingAndClosing) {
  bind(SALLY_TRUST_CHANGE_DRAIN);
  Pair pair = connect_pair(*listener, client.get());
  Pair released = connect_pair(*listener, client.get());
  lose_trust();
  EXPECT_EQ(peer(released).read_status(), SALLY_END_OF_STREAM);
  ASSERT_EQ(judge(pair).cancel(SALLY_DIRECTION_READ | SALLY_DIRECTION_WRITE), SALLY_OK);
  EXPECT_EQ(peer(pair).read_status(), SALLY_END_OF_STREAM);
  judge(released).release();
  auto closing = on_thread([&] { return peer(pair).close(); });
  EXPECT_EQ(judge(pair).close(), SALLY_OK);
  EXPECT_EQ(closing.get(), SALLY_OK);
}

// What only servers have.

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
