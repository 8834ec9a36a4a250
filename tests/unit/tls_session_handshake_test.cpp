// Handshakes between two sessions of ours, whole and damaged at every byte.
#include "lib/tls_pair.h"

#include <gtest/gtest.h>
#include <set>
#include <string>
#include <tuple>

namespace sally::test {
namespace {

using transport::Faults;

constexpr bool from_client = true;
constexpr bool from_server = false;

std::string fingerprints(const tls::SessionFacts& facts) {
  std::string all;
  for (const auto& certificate : facts.peer_chain) all += certificate->data.fingerprint + " ";
  return all;
}

// All that both sides must agree upon, and that an attacker must not change.
auto agreed(const tls::SessionFacts& facts) {
  return std::tuple(facts.version, facts.suite, facts.group, facts.alpn, facts.server_name,
                    facts.resumed, facts.peer_verified, facts.certificate_requested,
                    facts.certificate_sent, fingerprints(facts));
}

class Handshake : public testing::TestWithParam<std::int32_t> {
 protected:
  Parties parties() const {
    return {.version = GetParam(), .client_alpn = {"one", "two"}, .server_alpn = {"two", "three"}};
  }
};

std::string label(std::int32_t version) {
  return version == SALLY_TLS_1_2 ? "Tls12" : "Tls13";
}

INSTANTIATE_TEST_SUITE_P(Versions, Handshake, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         [](const auto& row) { return label(row.param); });

TEST_P(Handshake, AgreesOnEverythingAndKnowsThePeer) {
  TlsPair pair(parties());
  pair.established();

  const tls::SessionFacts client = pair.client().session().facts();
  const tls::SessionFacts server = pair.server().session().facts();
  EXPECT_EQ(client.version, GetParam());
  EXPECT_EQ(server.version, GetParam());
  EXPECT_EQ(client.suite, server.suite);
  EXPECT_EQ(client.group, server.group);
  EXPECT_EQ(client.alpn, "two");
  EXPECT_EQ(server.alpn, "two");
  EXPECT_EQ(server.server_name, "localhost");
  EXPECT_TRUE(client.peer_verified);
  EXPECT_TRUE(server.peer_verified);
  EXPECT_TRUE(client.certificate_requested);
  EXPECT_TRUE(client.certificate_sent);
  EXPECT_FALSE(client.resumed);
  EXPECT_EQ(client.correlation_id, server.correlation_id);
  EXPECT_EQ(client.correlation_id.size(), 16u);
  ASSERT_EQ(client.peer_chain.size(), 2u);
  ASSERT_EQ(server.peer_chain.size(), 2u);
  EXPECT_EQ(client.peer_chain[0]->data.der,
            tls::describe(credential("server-good")->certificate())->data.der);
  EXPECT_EQ(server.peer_chain[0]->data.der,
            tls::describe(credential("client-good")->certificate())->data.der);
}

TEST_P(Handshake, GetsAlongWithoutClientCertificates) {
  Parties without = parties();
  without.client = "";
  without.client_auth = SALLY_CLIENT_AUTH_NONE;
  TlsPair pair(without);
  pair.established();

  EXPECT_FALSE(pair.client().session().facts().certificate_requested);
  EXPECT_FALSE(pair.server().session().facts().peer_verified);
  EXPECT_TRUE(pair.server().session().facts().peer_chain.empty());
}

TEST_P(Handshake, LetsAClientWithoutCertificateInWhereItIsOnlyRequested) {
  Parties requested = parties();
  requested.client = "";
  requested.client_auth = SALLY_CLIENT_AUTH_REQUEST;
  TlsPair pair(requested);
  pair.established();

  EXPECT_TRUE(pair.client().session().facts().certificate_requested);
  EXPECT_FALSE(pair.client().session().facts().certificate_sent);
  EXPECT_FALSE(pair.server().session().facts().peer_verified);
}

TEST_P(Handshake, SurvivesRecordsThatArriveByteByByte) {
  Parties without_tickets = parties();  // which the client would have to read
  without_tickets.resumption = false;
  TlsPair pair(without_tickets);
  for (TlsEnd* end : {&pair.client(), &pair.server()}) {
    end->transport().set_faults({.receive_limit = 1, .send_limit = 1});
  }
  pair.established();

  pair.client().write("hello");
  EXPECT_EQ(pair.server().read_all(), "hello");
}

TEST_P(Handshake, SurvivesATransportThatHoldsOneByte) {
  Parties without_tickets = parties();  // which the client would have to read
  without_tickets.resumption = false;
  TlsPair pair(without_tickets);
  for (TlsEnd* end : {&pair.client(), &pair.server()}) end->transport().set_faults({.capacity = 1});
  pair.established();
}

TEST_P(Handshake, SurvivesSendsOfEverySize) {
  const Ref<tls::Context> client = client_config(parties())->freeze();
  const Ref<tls::Context> server = server_config(parties())->freeze();
  for (std::size_t size = 2; size < 64; ++size) {
    TlsPair pair(client, server);
    pair.client().transport().set_faults({.receive_limit = size, .send_limit = size + 1});
    pair.server().transport().set_faults({.receive_limit = size + 1, .send_limit = size});
    pair.established();
  }
}

// Damages one byte of what one side sends, at every position of its handshake in turn.
class DamagedHandshake : public testing::TestWithParam<std::tuple<std::int32_t, bool>> {
 protected:
  static std::int32_t version() { return std::get<0>(GetParam()); }
  static bool by_client() { return std::get<1>(GetParam()); }

  DamagedHandshake() {
    TlsPair whole(client_, server_);
    whole.established();
    size_ = damaged(whole).transport().sent();
    client_facts_ = agreed(whole.client().session().facts());
    server_facts_ = agreed(whole.server().session().facts());
  }

  TlsEnd& damaged(TlsPair& pair) const { return by_client() ? pair.client() : pair.server(); }
  TlsEnd& receiver(TlsPair& pair) const { return by_client() ? pair.server() : pair.client(); }

  // How it ended for one side: of the handshake if that failed, else of the first read.
  static sally_status ending(TlsEnd& end) {
    return end.status() == SALLY_OK ? end.read_status() : end.status();
  }
  static void expect_sticky(TlsEnd& end) {
    if (end.status() == SALLY_OK) {
      EXPECT_EQ(name_of(end.read_status()), name_of(end.read_status()));
      return;
    }
    EXPECT_EQ(name_of(end.session().handshake().error->status()), name_of(end.status()));
    const sally_status reading = end.read_status();
    EXPECT_NE(reading, SALLY_OK);
    EXPECT_EQ(name_of(end.read_status()), name_of(reading));
    EXPECT_NE(end.write_status(), SALLY_OK);
  }

  // Every handshake the same: none shorter, and no tickets behind it.
  const Parties parties_{.version = version(), .resumption = false};
  const Ref<tls::Context> client_ = client_config(parties_)->freeze();
  const Ref<tls::Context> server_ = server_config(parties_)->freeze();
  std::uint64_t size_ = 0;
  decltype(agreed(tls::SessionFacts{})) client_facts_, server_facts_;
};

INSTANTIATE_TEST_SUITE_P(EveryByte, DamagedHandshake,
                         testing::Combine(testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                                          testing::Values(from_client, from_server)),
                         [](const auto& row) {
                           const bool client = std::get<1>(row.param);
                           return label(std::get<0>(row.param)) +
                                  (client ? "FromTheClient" : "FromTheServer");
                         });

TEST_P(DamagedHandshake, CutAnywhereIsAnInterruptionForBoth) {
  for (std::uint64_t at = 0; at < size_; at += byte_step) {
    SCOPED_TRACE("cut at " + std::to_string(at) + " of " + std::to_string(size_));
    TlsPair pair(client_, server_);
    damaged(pair).transport().set_faults({.cut_at = at});
    pair.shake_hands();
    if (damaged(pair).transport().sent() <= at) continue;  // signatures differ in length

    ASSERT_FALSE(pair.client().status() == SALLY_OK && pair.server().status() == SALLY_OK);
    const sally_status seen = ending(receiver(pair));
    const bool established = receiver(pair).status() == SALLY_OK;
    ASSERT_EQ(name_of(seen), established ? "SALLY_TRUNCATED" : "SALLY_HANDSHAKE_INTERRUPTED");
    // The other side is told by an alert, RFC 8446 section 6.2, which breaks OpenSSL's rules where
    // it comes from a client that has not learned the version yet.
    const std::string other = name_of(ending(damaged(pair)));
    ASSERT_TRUE(other == "SALLY_ALERT_DECODE_ERROR" || other == "SALLY_HANDSHAKE_INTERRUPTED" ||
                other == "SALLY_TRUNCATED" ||
                (!by_client() && other == "SALLY_TLS_PROTOCOL_VIOLATION"))
        << other << ": " << (damaged(pair).error() ? damaged(pair).error()->json() : "");
    expect_sticky(pair.client());
    expect_sticky(pair.server());
  }
}

TEST_P(DamagedHandshake, ResetAnywhereIsAFailureOfBoth) {
  for (std::uint64_t at = 0; at < size_; at += byte_step) {
    SCOPED_TRACE("reset at " + std::to_string(at) + " of " + std::to_string(size_));
    TlsPair pair(client_, server_);
    damaged(pair).transport().set_faults({.reset_at = at});
    pair.shake_hands();
    if (damaged(pair).transport().sent() <= at) continue;  // signatures differ in length

    ASSERT_FALSE(pair.client().status() == SALLY_OK && pair.server().status() == SALLY_OK);
    ASSERT_EQ(name_of(ending(receiver(pair))), "SALLY_CONNECTION_RESET");
    const std::string other = name_of(ending(damaged(pair)));
    ASSERT_TRUE(other == "SALLY_CONNECTION_RESET" || other == "SALLY_HANDSHAKE_INTERRUPTED" ||
                other == "SALLY_TRUNCATED")
        << other << ": " << (damaged(pair).error() ? damaged(pair).error()->json() : "");
    expect_sticky(pair.client());
    expect_sticky(pair.server());
  }
}

TEST_P(DamagedHandshake, StalledAnywhereGoesOnWhereItStopped) {
  for (std::uint64_t at = 0; at < size_; at += byte_step * 5) {
    SCOPED_TRACE("stalled at " + std::to_string(at) + " of " + std::to_string(size_));
    TlsPair pair(client_, server_);
    damaged(pair).transport().set_faults({.stall_at = at});
    pair.shake_hands();
    if (damaged(pair).transport().sent() <= at) continue;  // signatures differ in length
    ASSERT_EQ(name_of(receiver(pair).status()), "SALLY_WOULD_BLOCK");

    damaged(pair).transport().resume();
    pair.established();
  }
}

TEST_P(DamagedHandshake, AFlippedBitAnywhereNeverChangesWhatIsAgreed) {
  std::set<std::string> statuses;
  for (std::uint64_t at = 0; at < size_; at += byte_step) {
    SCOPED_TRACE("flipped at " + std::to_string(at) + " of " + std::to_string(size_));
    TlsPair pair(client_, server_);
    damaged(pair).transport().set_faults({.flip_at = at});
    pair.shake_hands();
    if (pair.client().status() == SALLY_OK && pair.server().status() == SALLY_OK) {
      ASSERT_EQ(agreed(pair.client().session().facts()), client_facts_);
      ASSERT_EQ(agreed(pair.server().session().facts()), server_facts_);
      continue;
    }
    // A length that grew makes its reader wait for what never comes: end that.
    pair.client().transport().cut();
    pair.server().transport().cut();
    pair.shake_hands();

    for (TlsEnd* end : {&pair.client(), &pair.server()}) {
      const std::string status = name_of(ending(*end));
      statuses.insert(status);
      ASSERT_TRUE(status != "SALLY_OK" && status != "SALLY_WOULD_BLOCK" &&
                  status != "SALLY_UNKNOWN" && status != "SALLY_INTERNAL")
          << status << ": " << (end->error() ? end->error()->json() : "");
      expect_sticky(*end);
    }
  }
  EXPECT_GT(statuses.size(), 3u) << "flips fail in more than one way";
}

}  // namespace
}  // namespace sally::test
