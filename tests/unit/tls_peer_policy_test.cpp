// Who the peer may be: names that are allowed, keys that are pinned.
#include "lib/made_chain.h"
#include "lib/raw_peer.h"
#include "lib/tls_pair.h"
#include "tls/peer_policy.h"

#include <functional>

namespace sally::test {
namespace {

const Made& root() {
  static const Made made = make({.name = "root", .ca = true});
  return made;
}

bool refuses(const std::function<void()>& action) {
  try {
    action();
  } catch (const Failure& failure) {
    EXPECT_EQ(name_of(failure.error()->status()), "SALLY_INVALID_ARGUMENT");
    return true;
  }
  return false;
}

struct NameRow {
  std::int32_t kind;
  const char* pattern;
  const char* names;
  bool allowed;
};

TEST(AllowedPeer, IsWhoBearsOneOfTheNames) {
  constexpr std::int32_t dns = SALLY_NAME_DNS;
  constexpr std::int32_t uri = SALLY_NAME_URI;
  constexpr std::int32_t email = SALLY_NAME_EMAIL;
  constexpr std::int32_t ip = SALLY_NAME_IP;
  const NameRow rows[] = {
      {dns, "a.example.test", "DNS:a.example.test", true},
      {dns, "A.Example.Test.", "DNS:a.EXAMPLE.test", true},
      {dns, "a.example.test", "DNS:b.example.test,DNS:a.example.test", true},
      {dns, "a.example.test", "DNS:xa.example.test", false},
      {dns, "a.example.test", "DNS:*.example.test", true},
      {dns, "b.a.example.test", "DNS:*.example.test", false},
      {dns, "ab.example.test", "DNS:a*.example.test", false},
      {dns, "example.test", "DNS:*.test", false},
      {dns, "a.example.test", "DNS:*.*.test", false},
      {dns, "*.example.test", "DNS:a.example.test", true},
      {dns, "*.example.test", "DNS:*.example.test", true},
      {dns, "*.example.test", "DNS:b.a.example.test", false},
      {dns, "*.example.test", "DNS:example.test", false},
      {dns, "*.example.test", "DNS:.example.test", false},
      {dns, "a.example.test", "URI:a.example.test", false},
      {dns, "a.example.test", "", false},
      {ip, "192.0.2.1", "IP:192.0.2.1", true},
      {ip, "192.0.2.1", "DNS:192.0.2.1", false},
      {ip, "2001:DB8:0::1", "IP:2001:db8::1", true},
      {ip, "192.0.2.1", "IP:192.0.2.2", false},
      {email, "a@example.test", "email:a@EXAMPLE.test", true},
      {email, "a@example.test", "email:A@example.test", false},
      {uri, "spiffe://td/a", "URI:spiffe://td/a", true},
      {uri, "spiffe://td/a", "URI:spiffe://td/A", false},
      {uri, "spiffe://td/a", "URI:spiffe://td/a/b", false},
      {uri, "spiffe://td/a", "URI:spiffe://td/a,URI:spiffe://td/b", false},
      {uri, "https://td/a", "URI:https://td/a,URI:spiffe://td/b", true},
      {uri, "spiffe://td/*", "URI:spiffe://td/a/b", true},
      {uri, "spiffe://td/a/*", "URI:spiffe://td/a/b", true},
      {uri, "spiffe://td/a/*", "URI:spiffe://td/a", false},
      {uri, "spiffe://td/a/*", "URI:spiffe://td/a/", false},
      {uri, "spiffe://td/a/*", "URI:spiffe://td/ab/c", false},
      {uri, "spiffe://td/a/*", "URI:spiffe://td/a/../b", false},
      {uri, "spiffe://td/a/*", "URI:spiffe://td/a/./b", false},
      {uri, "spiffe://td/a/*", "URI:spiffe://td/a//b", false},
      {uri, "spiffe://td/a/*", "URI:spiffe://td/a/%2e%2e/b", false},
      {uri, "spiffe://td/a/*", "URI:spiffe://td/a/b?c", false},
      {uri, "spiffe://td/*", "URI:spiffe://td.evil/a", false},
  };
  for (const NameRow& row : rows) {
    const Made leaf = make({.name = "a.example.test", .issuer = &root(), .names = row.names});
    Ask asked{.trust = trusting({&root()}), .leaf = &leaf};
    asked.rules.policy.allowed = {tls::to_allowed_peer(row.kind, row.pattern)};
    const Answer answer = ask(asked);
    EXPECT_EQ(name_of(answer.status()), row.allowed ? "SALLY_OK" : "SALLY_PEER_NOT_ALLOWED")
        << row.pattern << " and " << row.names;
  }
}

TEST(AllowedPeer, MayBeEitherOfSeveral) {
  const Made leaf = make({.name = "leaf", .issuer = &root(), .names = "URI:spiffe://td/a"});
  Ask asked{.trust = trusting({&root()}), .leaf = &leaf};
  asked.rules.policy.allowed = {tls::to_allowed_peer(SALLY_NAME_DNS, "a.example.test"),
                                tls::to_allowed_peer(SALLY_NAME_URI, "spiffe://td/a")};
  EXPECT_EQ(name_of(ask(asked).status()), "SALLY_OK");
  asked.rules.policy.allowed.pop_back();
  const Answer refused = ask(asked);
  EXPECT_EQ(name_of(refused.status()), "SALLY_PEER_NOT_ALLOWED");
  EXPECT_EQ(refused.error->detail().expected, "one of DNS:a.example.test");
  EXPECT_EQ(refused.error->detail().found, "URI:spiffe://td/a");
}

TEST(AllowedPeer, DoesNotSaveABadChain) {
  const Made leaf =
      make({.name = "leaf", .issuer = &root(), .until = -1, .names = "DNS:a.example.test"});
  Ask asked{.trust = trusting({&root()}), .leaf = &leaf};
  asked.rules.policy.allowed = {tls::to_allowed_peer(SALLY_NAME_DNS, "a.example.test")};
  EXPECT_EQ(ask(asked).faults(), "SALLY_CERTIFICATE_EXPIRED@0");
}

TEST(AllowedPeer, TakesNoPatternThatCouldNotMatchOrWouldMatchTooMuch) {
  const std::pair<std::int32_t, const char*> rows[] = {{SALLY_NAME_DNS, ""},
                                                       {SALLY_NAME_DNS, "*"},
                                                       {SALLY_NAME_DNS, "*.test"},
                                                       {SALLY_NAME_DNS, "*."},
                                                       {SALLY_NAME_DNS, "a*.b.test"},
                                                       {SALLY_NAME_DNS, "a..b"},
                                                       {SALLY_NAME_DNS, "a.*.test"},
                                                       {SALLY_NAME_DNS, "b\xc3\xbc.test"},
                                                       {SALLY_NAME_IP, "localhost"},
                                                       {SALLY_NAME_IP, "10.0.0.0/8"},
                                                       {SALLY_NAME_EMAIL, "a"},
                                                       {SALLY_NAME_EMAIL, "@example.test"},
                                                       {SALLY_NAME_EMAIL, "*@a.b"},
                                                       {SALLY_NAME_URI, "spiffe:a"},
                                                       {SALLY_NAME_URI, "spiffe:///*"},
                                                       {SALLY_NAME_URI, "spiffe://*"},
                                                       {SALLY_NAME_URI, "spiffe://td/a*"},
                                                       {SALLY_NAME_URI, "spiffe://td/*/b"},
                                                       {SALLY_NAME_URI, "://a"},
                                                       {SALLY_NAME_OTHER, "a"},
                                                       {0, "a"}};
  for (const auto& [kind, pattern] : rows)
    EXPECT_TRUE(refuses([&, k = kind, p = pattern] { tls::to_allowed_peer(k, p); })) << pattern;
}

// --- Pins

struct Pinned {
  Made middle = make({.name = "middle", .issuer = &root(), .ca = true});
  Made leaf = make({.name = "leaf", .issuer = &middle});
  Made stranger = make({.name = "stranger", .ca = true});

  static tls::Pin pin(const Made& made, std::uint32_t flags = 0) {
    tls::Pin pin = tls::pin_of(made.certificate.get());
    pin.flags = flags;
    return pin;
  }
  Answer with(std::vector<tls::Pin> pins, std::vector<const Made*> sent = {}) const {
    if (sent.empty()) sent = {&middle};
    Ask asked{.trust = trusting({&root()}), .leaf = &leaf, .sent = std::move(sent)};
    asked.rules.policy.pins = std::move(pins);
    return ask(asked);
  }
};

TEST(Pin, MayBeOfAnyKeyOfTheVerifiedChain) {
  const Pinned p;
  for (const Made* each : {&p.leaf, &p.middle, &root()}) {
    const Answer answer = p.with({Pinned::pin(p.stranger), Pinned::pin(*each)});
    EXPECT_EQ(name_of(answer.status()), "SALLY_OK");
    EXPECT_TRUE(answer.judgement.pin_matched);
  }
}

TEST(Pin, IsNotMetByWhatWasSentBesides) {
  const Pinned p;
  const Answer answer = p.with({Pinned::pin(p.stranger)}, {&p.middle, &p.stranger});
  EXPECT_EQ(answer.faults(), "SALLY_PEER_PIN_MISMATCH@0");
  EXPECT_FALSE(answer.judgement.pin_matched);
  EXPECT_EQ(answer.error->detail().expected, "one of " + tls::to_text(Pinned::pin(p.stranger)));
  EXPECT_NE(answer.error->detail().found.find(tls::to_text(Pinned::pin(p.leaf))),
            std::string::npos);
}

TEST(Pin, OfAnIssuerIsNotMetByThePeersOwnKey) {
  const Pinned p;
  EXPECT_EQ(p.with({Pinned::pin(p.leaf, SALLY_PIN_ISSUER)}).faults(), "SALLY_PEER_PIN_MISMATCH@0");
  EXPECT_EQ(p.with({Pinned::pin(p.middle, SALLY_PIN_ISSUER)}).faults(), "");
  // Each kind must be met.
  EXPECT_EQ(p.with({Pinned::pin(p.middle, SALLY_PIN_ISSUER), Pinned::pin(p.stranger)}).faults(),
            "SALLY_PEER_PIN_MISMATCH@0");
}

TEST(Pin, ThatIsOnlyReportedRefusesNobody) {
  const Pinned p;
  const Answer answer = p.with({Pinned::pin(p.stranger, SALLY_PIN_REPORT_ONLY)});
  EXPECT_EQ(name_of(answer.status()), "SALLY_OK");
  EXPECT_EQ(answer.faults(), "(SALLY_PEER_PIN_MISMATCH@0)");
  EXPECT_FALSE(answer.judgement.pin_matched);
  EXPECT_EQ(p.with({Pinned::pin(p.leaf, SALLY_PIN_REPORT_ONLY), Pinned::pin(p.stranger)}).faults(),
            "SALLY_PEER_PIN_MISMATCH@0");
}

TEST(Pin, IsReadInBothForms) {
  const Pinned p;
  const tls::Pin pin = Pinned::pin(p.leaf);
  std::string hex;
  for (const char c : pin.digest) {
    char pair[3];
    std::snprintf(pair, sizeof pair, "%02X", static_cast<unsigned char>(c));
    hex += pair;
  }
  EXPECT_EQ(tls::to_pin(tls::to_text(pin), 0).digest, pin.digest);
  EXPECT_EQ(tls::to_pin(hex, 0).digest, pin.digest);
  for (const std::string& bad :
       {std::string(), std::string("sha256/"), hex.substr(1), hex + "00",
        "sha1/" + tls::to_text(pin).substr(7), tls::to_text(pin) + "A",
        "sha256/" + std::string(44, '='), "sha256/" + std::string(44, '*'), std::string(64, 'g')})
    EXPECT_TRUE(refuses([&] { tls::to_pin(bad, 0); })) << bad;
}

// --- On a connection

void allow(tls::Config& config, const char* name) {
  config.change_rules([&](tls::VerificationRules& rules) {
    rules.policy.allowed.push_back(tls::to_allowed_peer(SALLY_NAME_DNS, name));
  });
}

class PeerPolicy : public testing::TestWithParam<std::int32_t> {};

INSTANTIATE_TEST_SUITE_P(Versions, PeerPolicy, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         [](const auto& row) {
                           return row.param == SALLY_TLS_1_2 ? "Tls12" : "Tls13";
                         });

TEST_P(PeerPolicy, RefusesAClientWithAnAlertAndItsStatus) {
  const Parties parties{.version = GetParam()};
  const auto server = server_config(parties);
  allow(*server, "client.example.test");
  TlsPair pair(client_config(parties)->freeze(), server->freeze());
  pair.shake_hands();
  EXPECT_EQ(name_of(pair.server().status()), "SALLY_PEER_NOT_ALLOWED");
  EXPECT_EQ(pair.server().error()->detail().alert, SSL_AD_HANDSHAKE_FAILURE);
  if (pair.client().status() == SALLY_OK) pair.client().read();
  const ErrorRef told = pair.client().failed() ? pair.client().error() : pair.client().last().error;
  ASSERT_TRUE(told);
  EXPECT_EQ(told->detail().alert, SSL_AD_HANDSHAKE_FAILURE);
}

TEST_P(PeerPolicy, RefusesAServerThoughItsNameIsTheOneAskedFor) {
  const Parties parties{.version = GetParam()};
  const auto client = client_config(parties);
  allow(*client, "other.example.test");
  TlsPair pair(client->freeze(), server_config(parties)->freeze());
  pair.shake_hands();
  EXPECT_EQ(name_of(pair.client().status()), "SALLY_PEER_NOT_ALLOWED");

  const auto lenient = client_config(parties);
  allow(*lenient, "server.example.test");
  TlsPair good(lenient->freeze(), server_config(parties)->freeze());
  good.established();
}

TEST_P(PeerPolicy, DoesNotStandInForTheNameOfTheServer) {
  const Parties parties{.version = GetParam()};
  const auto client = client_config(parties);
  allow(*client, "server.example.test");
  TlsPair pair(client->freeze(), server_config(parties)->freeze(), "elsewhere.example.test");
  pair.shake_hands();
  EXPECT_EQ(name_of(pair.client().status()), "SALLY_CERTIFICATE_NAME_MISMATCH");
}

TEST_P(PeerPolicy, TellsTheVerifiedChainAndThePinThatMatched) {
  const Parties parties{.version = GetParam()};
  const auto client = client_config(parties);
  const Ref<tls::TrustStore> anchors = trust("root");
  tls::Pin pin = tls::pin_of(anchors->anchors().front().get());
  client->change_rules([&](tls::VerificationRules& rules) { rules.policy.pins = {pin}; });
  TlsPair pair(client->freeze(), server_config(parties)->freeze());
  const tls::SessionFacts facts = pair.established().client().session().facts();
  EXPECT_TRUE(facts.pin_matched);
  ASSERT_EQ(facts.verified_chain.size(), 3u);
  EXPECT_EQ(facts.peer_chain.size(), 2u) << "the root is not sent";
  EXPECT_EQ(facts.verified_chain.back()->data.subject, "CN=Sallyport zoo root CA,O=Sallyport");
  EXPECT_EQ(facts.verified_chain.front()->data.fingerprint, facts.peer_chain[0]->data.fingerprint);
  EXPECT_FALSE(pair.server().session().facts().pin_matched);
}

TEST(PeerPolicyOfAServer, NeedsThatItAsksForCertificates) {
  const auto server = server_config({.client_auth = SALLY_CLIENT_AUTH_NONE});
  allow(*server, "client.example.test");
  EXPECT_THROW(server->freeze(), Failure);
}

}  // namespace
}  // namespace sally::test
