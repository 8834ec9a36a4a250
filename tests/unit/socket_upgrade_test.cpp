// From plain to secured over memory: upgrades in both forms, and faults at every byte of the
// handshake.
#include "lib/async_stream.h"

#include <gtest/gtest.h>
#include <set>
#include <string>

namespace sally::test {
namespace {

using socket::Patience;
using socket::Verb;
using transport::Faults;

StreamEnd plain_stream(std::unique_ptr<transport::MemoryTransport> transport) {
  transport::MemoryTransport* wire = transport.get();
  return {make_ref<socket::Stream>(std::move(transport), nullptr), wire};
}

class PlainPair {
 public:
  PlainPair() {
    auto [near, far] = transport::make_memory_transports(transport::EventLoop::shared());
    client = plain_stream(std::move(near));
    server = plain_stream(std::move(far));
  }
  ~PlainPair() {
    client->abandon();
    server->abandon();
  }
  PlainPair(const PlainPair&) = delete;
  PlainPair& operator=(const PlainPair&) = delete;

  StreamEnd client, server;
};

class UpgradeTest : public testing::TestWithParam<std::int32_t> {
 protected:
  socket::Request client_upgrade() const {
    return {.verb = Verb::upgrade,
            .config = client_config_,
            .peer_name = tls::PeerName{.text = "localhost"}};
  }
  socket::Request server_upgrade() const {
    return {.verb = Verb::upgrade, .config = server_config_};
  }

  // Without resumption, or every handshake but the first would be another one.
  const Parties parties_{.version = GetParam(), .resumption = false};
  const Ref<tls::Config> client_config_ = client_config(parties_);
  const Ref<tls::Config> server_config_ = server_config(parties_);
};

INSTANTIATE_TEST_SUITE_P(Version, UpgradeTest, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         [](const auto& row) {
                           return row.param == SALLY_TLS_1_2 ? "Tls12" : "Tls13";
                         });

TEST(PlainStream, CarriesBytesAndEndsProperly) {
  PlainPair pair;
  ASSERT_TRUE(write(*pair.client, "hello").outcome.ok());
  EXPECT_EQ(read(*pair.server).text, "hello");
  EXPECT_EQ(start_write(*pair.server, "back").status(), "SALLY_OK");
  EXPECT_EQ(start_read(*pair.client).text(), "back");
  ASSERT_TRUE(pair.client->shutdown({}).ok());
  EXPECT_EQ(read(*pair.server).status(), "SALLY_END_OF_STREAM");
  socket::StreamFacts facts;
  ASSERT_TRUE(pair.client->facts(facts).ok());
  EXPECT_FALSE(facts.secured);
}

TEST(PlainStream, ReadsUntilADelimiterAndIsWaitedFor) {
  PlainPair pair;
  auto waiting = start_wait(*pair.server, transport::Interest::read);
  write(*pair.client, "220 ready\r\nmore");
  EXPECT_EQ(waiting.status(), "SALLY_OK");
  EXPECT_EQ(Started(*pair.server, Verb::read_until, 100, "\r\n").text(), "220 ready\r\n");
  EXPECT_EQ(read(*pair.server).text, "more");
}

TEST_P(UpgradeTest, SecuresBothSidesWhateverTheForm) {
  PlainPair pair;
  write(*pair.client, "STARTTLS\n");
  EXPECT_EQ(read(*pair.server).text, "STARTTLS\n");
  write(*pair.server, "go ahead\n");
  EXPECT_EQ(read(*pair.client).text, "go ahead\n");

  Started server(*pair.server, server_upgrade());
  EXPECT_EQ(name_of(pair.client->run(client_upgrade(), within(20'000)).status), "SALLY_OK");
  EXPECT_EQ(server.status(), "SALLY_OK");
  write(*pair.client, "secret");
  EXPECT_EQ(read(*pair.server).text, "secret");
  socket::StreamFacts facts;
  ASSERT_TRUE(pair.server->facts(facts).ok());
  EXPECT_TRUE(facts.secured);
  EXPECT_TRUE(facts.session.peer_verified);
  EXPECT_GT(facts.establishment.handshake_us, 0);
}

TEST_P(UpgradeTest, ThatIsRequiredMustComeBeforeBytes) {
  PlainPair pair;
  EXPECT_EQ(pair.client->protection(), 0);
  pair.client->require_protection(SALLY_TLS_1_2);
  EXPECT_EQ(write(*pair.client, "password").status(), "SALLY_PROTECTION_TOO_LOW");
  EXPECT_EQ(start_read(*pair.client).status(), "SALLY_PROTECTION_TOO_LOW");
  Started server(*pair.server, server_upgrade());
  EXPECT_EQ(name_of(pair.client->run(client_upgrade(), within(20'000)).status), "SALLY_OK");
  EXPECT_EQ(server.status(), "SALLY_OK");
  EXPECT_EQ(pair.client->protection(), GetParam());
  EXPECT_EQ(write(*pair.client, "password").status(), "SALLY_OK");
  pair.client->require_protection(SALLY_TLS_1_3);
  EXPECT_EQ(write(*pair.client, "more").status(),
            GetParam() == SALLY_TLS_1_3 ? "SALLY_OK" : "SALLY_PROTECTION_TOO_LOW");
}

TEST_P(UpgradeTest, RefusesPlaintextThatIsLeftOnAServer) {
  PlainPair pair;
  write(*pair.client, "STARTTLS\nINJECTED\n");
  EXPECT_EQ(Started(*pair.server, Verb::read_until, 100, "\n").text(), "STARTTLS\n");
  Started server(*pair.server, server_upgrade());
  EXPECT_EQ(server.status(), "SALLY_PLAINTEXT_BEFORE_TLS");
  EXPECT_EQ(read(*pair.server).status(), "SALLY_CLOSED");
}

TEST_P(UpgradeTest, RefusesPlaintextThatFollowsTheAnswerOnAClient) {
  PlainPair pair;
  write(*pair.server, "go ahead\n");
  EXPECT_EQ(read(*pair.client).text, "go ahead\n");
  write(*pair.server, "INJECTED\n");
  EXPECT_EQ(name_of(pair.client->run(client_upgrade(), within(20'000)).status),
            "SALLY_PLAINTEXT_BEFORE_TLS");
}

TEST_P(UpgradeTest, OfAPeerThatGoesOnInPlainIsNotTls) {
  PlainPair pair;
  Started server(*pair.server, server_upgrade());
  write(*pair.client, "MAIL FROM: somebody\r\n");
  EXPECT_EQ(server.status(), "SALLY_PEER_NOT_TLS");
}

TEST_P(UpgradeTest, WhileAnOperationIsPendingIsBusy) {
  PlainPair pair;
  auto reading = start_read(*pair.client);
  EXPECT_EQ(name_of(pair.client->run(client_upgrade(), within(20'000)).status), "SALLY_BUSY");
  write(*pair.server, "x");
  EXPECT_EQ(reading.text(), "x");
}

TEST_P(UpgradeTest, OfWhatIsSecuredAlreadyIsRefused) {
  StreamPair pair;
  EXPECT_EQ(name_of(pair.client->run(client_upgrade(), within(20'000)).status),
            "SALLY_INVALID_STATE");
}

TEST_P(UpgradeTest, KeepsOthersOutWhileItShakesHands) {
  PlainPair pair;
  Started client(*pair.client, client_upgrade());
  settle(*pair.client);
  EXPECT_EQ(read(*pair.client, Patience::none()).status(), "SALLY_BUSY");
  EXPECT_EQ(start_write(*pair.client, "plain").status(), "SALLY_BUSY");
  Started server(*pair.server, server_upgrade());
  EXPECT_EQ(client.status(), "SALLY_OK");
  EXPECT_EQ(server.status(), "SALLY_OK");
}

TEST_P(UpgradeTest, EndsByCancelCloseDeadlineAndReleaseAlike) {
  for (const char* const how : {"cancel", "close", "deadline", "abandon"}) {
    PlainPair pair;
    const std::string by = how;
    Started client(*pair.client, client_upgrade(), by == "deadline" ? after(20) : transport::never);
    settle(*pair.client);
    if (by == "cancel") client.cancel();
    if (by == "close") {
      EXPECT_EQ(close(*pair.client, within(20'000)), "SALLY_OK");
    }
    if (by == "abandon") pair.client->abandon();
    const std::string expected = by == "close"      ? "SALLY_CLOSED"
                                 : by == "deadline" ? "SALLY_TIMED_OUT"
                                                    : "SALLY_CANCELED";
    EXPECT_EQ(client.status(), expected) << by;
    EXPECT_EQ(read(*pair.client).status(), "SALLY_CLOSED") << by;
    EXPECT_NE(read(*pair.server).status(), "SALLY_WOULD_BLOCK") << by;
  }
}

// --- Faults at every byte, both sides driven by the loop.
// ----------------------------------------

enum class Fault { cut, reset, stall, flip };

Faults at(Fault fault, std::uint64_t position) {
  switch (fault) {
    case Fault::cut:
      return {.cut_at = position};
    case Fault::reset:
      return {.reset_at = position};
    case Fault::stall:
      return {.stall_at = position};
    case Fault::flip:
      break;
  }
  return {.flip_at = position};
}

class UpgradeFaultTest : public UpgradeTest {
 protected:
  void at_every_byte(Fault fault) const;
};

INSTANTIATE_TEST_SUITE_P(Version, UpgradeFaultTest, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         [](const auto& row) {
                           return row.param == SALLY_TLS_1_2 ? "Tls12" : "Tls13";
                         });

// Both sides end, once each.
void UpgradeFaultTest::at_every_byte(Fault fault) const {
  constexpr std::uint64_t most_shorter = 16;  // signatures differ in size from one to the next
  std::uint64_t sent[2] = {};
  {
    PlainPair pair;
    Started client(*pair.client, client_upgrade()), server(*pair.server, server_upgrade());
    ASSERT_EQ(client.status(), "SALLY_OK");
    ASSERT_EQ(server.status(), "SALLY_OK");
    sent[0] = pair.client.wire->sent();
    sent[1] = pair.server.wire->sent();
  }
  for (const bool from_client : {true, false}) {
    // What only a deadline can end (nothing comes, or a flipped length asks for more) takes its
    // time.
    const bool may_wait = fault == Fault::stall || fault == Fault::flip;
    const std::int64_t patience_ms = fault == Fault::stall ? 2 : may_wait ? 100 : 20'000;
    for (std::uint64_t position = 0; position < sent[from_client ? 0 : 1] - most_shorter;
         position += byte_step) {
      PlainPair pair;
      (from_client ? pair.client : pair.server).wire->set_faults(at(fault, position));
      Started client(*pair.client, client_upgrade(), after(patience_ms));
      Started server(*pair.server, server_upgrade(), after(patience_ms));
      const std::string first = client.status(), second = server.status();
      EXPECT_NE(first, "SALLY_INTERNAL");
      EXPECT_NE(second, "SALLY_INTERNAL");
      // In TLS 1.3 a server's tickets follow when both sides are done; and nobody minds the version
      // in the header of a record (RFC 8446 section 5.1), which a flip may change.
      const bool may_be_behind =
          (GetParam() == SALLY_TLS_1_3 && !from_client) || fault == Fault::flip;
      EXPECT_TRUE(may_be_behind || first != "SALLY_OK" || second != "SALLY_OK")
          << "position " << position << " from client " << from_client;
      const bool timed_out = first == "SALLY_TIMED_OUT" || second == "SALLY_TIMED_OUT";
      EXPECT_TRUE(may_wait || !timed_out)
          << first << " " << second << " position " << position << " from client " << from_client;
    }
  }
}

TEST_P(UpgradeFaultTest, CutAtAnyByteEndsBothSidesOnce) {
  at_every_byte(Fault::cut);
}
TEST_P(UpgradeFaultTest, ResetAtAnyByteEndsBothSidesOnce) {
  at_every_byte(Fault::reset);
}
TEST_P(UpgradeFaultTest, StalledAtAnyByteEndsBothSidesOnce) {
  at_every_byte(Fault::stall);
}
TEST_P(UpgradeFaultTest, FlippedAtAnyByteEndsBothSidesOnce) {
  at_every_byte(Fault::flip);
}

}  // namespace
}  // namespace sally::test
