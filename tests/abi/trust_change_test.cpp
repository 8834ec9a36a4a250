// Established connections whose peer is no longer trusted, on either side.
#include "abi/decision_support.h"
#include "abi/trust_change_support.h"
#include "lib/threads.h"
#include "lib/too_much.h"
#include "lib/zoo.h"

#include <array>
#include <gtest/gtest.h>
#include <optional>
#include <tuple>
#include <utility>

using namespace sally::test;

namespace {

// A piece at a time, for which there is room at once.
std::string read_all(Stream& stream, std::size_t size) {
  std::string all;
  std::string piece;
  while (all.size() < size && stream.read_some(piece, 64 << 10).ok()) all += piece;
  return all;
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
  ASSERT_EQ(peer(blocking).read_text(1), much.substr(0, 1)) << "it has begun";
  EXPECT_TRUE(goes_on(writing));
  lose_trust();
  std::size_t taken = 0;
  while (sally_stream_write(judge(blocking).get(), "", 0, 0, &taken, SALLY_TIMEOUT_ATTEMPT,
                            nullptr) != SALLY_CERTIFICATE_UNKNOWN_CA) {
    std::this_thread::yield();
  }
  EXPECT_EQ(read_all(peer(blocking), much.size() - 1), much.substr(1));
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

}  // namespace
