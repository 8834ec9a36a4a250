// The verifier: which path it takes, that it names every fault, and what each rule changes.
#include "lib/made_chain.h"
#include "lib/tls_pair.h"

#include <functional>

namespace sally::test {
namespace {

const Made& root() {
  static const Made made = make({.name = "root", .ca = true});
  return made;
}
const Made& middle() {
  static const Made made = make({.name = "middle", .issuer = &root(), .ca = true});
  return made;
}
const Made& leaf() {
  static const Made made = make(
      {.name = "leaf", .issuer = &middle(), .names = "DNS:a.example.test,email:a@example.test"});
  return made;
}

tls::VerificationRules ignoring(std::vector<sally_status> ignored) {
  tls::VerificationRules rules;
  rules.ignored = std::move(ignored);
  return rules;
}

TEST(Verifier, BuildsTheChainFromTheLeafToTheAnchor) {
  const Answer answer = ask({.trust = trusting({&root()}), .leaf = &leaf(), .sent = {&middle()}});
  EXPECT_EQ(name_of(answer.status()), "SALLY_OK");
  EXPECT_EQ(answer.path(), "CN=leaf < CN=middle < CN=root");
  EXPECT_EQ(answer.faults(), "");
}

TEST(Verifier, NamesEveryFaultOfAChainAndDecidesByTheFirst) {
  const Made old = make({.name = "old CA", .issuer = &root(), .until = -1, .ca = true});
  const Made bad =
      make({.name = "bad", .issuer = &old, .until = -1, .names = "DNS:b.example.test"});
  const Answer answer = ask({.trust = trusting({&root()}),
                             .leaf = &bad,
                             .sent = {&old},
                             .name = {.text = "a.example.test"}});
  EXPECT_EQ(answer.faults(),
            "SALLY_CERTIFICATE_NAME_MISMATCH@0, SALLY_CERTIFICATE_EXPIRED@1, "
            "SALLY_CERTIFICATE_EXPIRED@0");
  EXPECT_EQ(name_of(answer.status()), "SALLY_CERTIFICATE_NAME_MISMATCH");
  EXPECT_EQ(answer.error->detail().depth, 0);
  EXPECT_TRUE(answer.error->message().ends_with("; and 2 faults more")) << answer.error->message();
  EXPECT_NE(answer.error->detail().faults[1].message.find("'CN=old CA' is valid from"),
            std::string::npos);
}

TEST(Verifier, SaysNothingOfFurtherFaultsWhereThereIsOne) {
  const Made old = make({.name = "old", .issuer = &middle(), .until = -1});
  const Answer answer = ask({.trust = trusting({&root()}), .leaf = &old, .sent = {&middle()}});
  EXPECT_EQ(answer.faults(), "SALLY_CERTIFICATE_EXPIRED@0");
  EXPECT_EQ(answer.error->message().find("more"), std::string::npos);
}

TEST(Verifier, NeverAcceptsForHavingGoneOn) {
  // Each of these faults alone, where going on finds nothing else.
  const Made other = make({.name = "root", .ca = true});  // the root's name, another key
  const Made forged = make({.name = "leaf", .issuer = &other});
  const Made no_ca = make({.name = "no CA", .issuer = &root()});
  const Made below = make({.name = "below", .issuer = &no_ca});
  struct Row {
    const Made* leaf;
    std::vector<const Made*> sent;
  };
  for (const Row& row :
       {Row{&forged, {}}, Row{&below, {&no_ca}}, Row{&leaf(), {}}, Row{&other, {}}}) {
    const Answer answer = ask({.trust = trusting({&root()}), .leaf = row.leaf, .sent = row.sent});
    EXPECT_NE(answer.status(), SALLY_OK) << answer.path();
    EXPECT_FALSE(answer.judgement.accepted());
  }
}

// --- Other paths

TEST(OtherPath, LeadsAroundAnExpiredIntermediateInTheTrustStore) {
  const Made old = make(
      {.name = "middle", .issuer = &root(), .until = -1, .ca = true, .key = middle().key.get()});
  for (const auto& sent : {std::vector<const Made*>{&middle()}, {&old, &middle()}}) {
    const Answer answer = ask({.trust = trusting({&old, &root()}), .leaf = &leaf(), .sent = sent});
    EXPECT_EQ(name_of(answer.status()), "SALLY_OK") << answer.faults();
  }
}

TEST(OtherPath, LeadsFromAnExpiredRootToTheCrossSignedOne) {
  // The story of many a web server: the old root has expired, the new one is trusted besides.
  const Made old_root = make({.name = "old root", .until = -1, .ca = true});
  const Made crossed =
      make({.name = "root", .issuer = &old_root, .ca = true, .key = root().key.get()});
  const Answer both = ask(
      {.trust = trusting({&old_root, &root()}), .leaf = &leaf(), .sent = {&middle(), &crossed}});
  EXPECT_EQ(name_of(both.status()), "SALLY_OK") << both.faults();
  const Answer old_only =
      ask({.trust = trusting({&old_root}), .leaf = &leaf(), .sent = {&middle(), &crossed}});
  EXPECT_EQ(old_only.faults(), "SALLY_CERTIFICATE_EXPIRED@3");
}

TEST(OtherPath, LeadsAroundARevokedCrossCertificate) {
  const Made second = make({.name = "second root", .ca = true});
  const Made crossed =
      make({.name = "middle", .issuer = &second, .ca = true, .key = middle().key.get()});
  const auto trust = [&](bool middle_too) {
    std::vector<const Made*> revoked;
    if (middle_too) revoked = {&middle()};
    return trusting({&second, &root()},
                    crls(make_crl(second, {&crossed}), make_crl(root(), revoked)));
  };
  for (const auto& sent : {std::vector<const Made*>{&crossed, &middle()}, {&middle(), &crossed}}) {
    const Answer answer = ask({.trust = trust(false), .leaf = &leaf(), .sent = sent});
    EXPECT_EQ(answer.path(), "CN=leaf < CN=middle < CN=root") << answer.faults();
    EXPECT_EQ(name_of(answer.status()), "SALLY_OK");
    const Answer none = ask({.trust = trust(true), .leaf = &leaf(), .sent = sent});
    EXPECT_EQ(name_of(none.status()), "SALLY_CERTIFICATE_REVOKED");
  }
}

TEST(OtherPath, LeadsAroundACaOfTheSameNameWithAnotherKey) {
  // Without key identifiers only the signature tells the two apart.
  const Made twin = make({.name = "middle", .issuer = &root(), .ca = true});
  const Answer answer =
      ask({.trust = trusting({&root()}), .leaf = &leaf(), .sent = {&twin, &middle()}});
  EXPECT_EQ(name_of(answer.status()), "SALLY_OK") << answer.faults();
}

TEST(OtherPath, IsNotLookedForWhereTheLeafIsAtFault) {
  const Made crl_root = make({.name = "root", .ca = true, .key = root().key.get()});
  const Made gone = make({.name = "gone", .issuer = &middle()});
  const Answer answer =
      ask({.trust = trusting({&root(), &crl_root}, crls(make_crl(middle(), {&gone}))),
           .leaf = &gone,
           .sent = {&middle()}});
  EXPECT_EQ(name_of(answer.status()), "SALLY_CERTIFICATE_REVOKED");
  EXPECT_EQ(answer.error->detail().depth, 0);
}

TEST(OtherPath, EndsWhereAPeerSendsDeadEndsWithoutEnd) {
  const Made stranger = make({.name = "stranger", .ca = true});
  std::vector<Made> ends;
  for (int i = 0; i < 40; ++i) {
    ends.push_back(
        make({.name = "middle", .issuer = &stranger, .ca = true, .key = middle().key.get()}));
  }
  std::vector<const Made*> sent;
  for (const Made& end : ends) sent.push_back(&end);
  const Answer answer = ask({.trust = trusting({&root()}), .leaf = &leaf(), .sent = sent});
  EXPECT_EQ(name_of(answer.status()), "SALLY_CERTIFICATE_UNKNOWN_CA");
  EXPECT_EQ(answer.error->detail().depth, 1) << "the first path is what is told";
}

// --- Rules

TEST(VerificationTime, StandsInForTheClock) {
  tls::VerificationRules rules;
  rules.time = std::time(nullptr) + 365 * day;
  const Ask asked{
      .trust = trusting({&root()}), .leaf = &leaf(), .sent = {&middle()}, .rules = rules};
  const Answer late = ask(asked);
  EXPECT_EQ(name_of(late.status()), "SALLY_CERTIFICATE_EXPIRED");
  EXPECT_NE(late.error->message().find("by the time that is set"), std::string::npos);
  EXPECT_EQ(late.error->detail().expected.find("clock"), std::string::npos);

  rules.time = std::time(nullptr) - 365 * day;
  const Answer early =
      ask({.trust = trusting({&root()}), .leaf = &leaf(), .sent = {&middle()}, .rules = rules});
  EXPECT_EQ(early.faults(),
            "SALLY_CERTIFICATE_NOT_YET_VALID@2, SALLY_CERTIFICATE_NOT_YET_VALID@1, "
            "SALLY_CERTIFICATE_NOT_YET_VALID@0");
}

TEST(MaxDepth, CountsWhatLiesBetweenLeafAndAnchor) {
  const Made lower = make({.name = "lower", .issuer = &middle(), .ca = true});
  const Made deep = make({.name = "deep", .issuer = &lower});
  for (const std::int32_t depth : {0, 1, 2}) {
    tls::VerificationRules rules;
    rules.max_depth = depth;
    const Answer two = ask(
        {.trust = trusting({&root()}), .leaf = &deep, .sent = {&lower, &middle()}, .rules = rules});
    EXPECT_EQ(two.status() == SALLY_OK, depth >= 2) << two.faults();
    if (depth < 2) {
      EXPECT_EQ(name_of(two.status()), "SALLY_CERTIFICATE_PATH_TOO_LONG");
    }
  }
}

TEST(SecurityLevel, RefusesWhatIsBelowIt) {
  const tls::KeyOwner rsa = make_key("RSA");
  const Made small = make({.name = "small", .issuer = &middle(), .key = rsa.get()});
  const auto faults = [&](const Made& one, std::int32_t level) {
    tls::VerificationRules rules;
    rules.security_level = level;
    return ask({.trust = trusting({&root()}), .leaf = &one, .sent = {&middle()}, .rules = rules})
        .faults();
  };
  EXPECT_EQ(faults(small, 2), "");
  EXPECT_EQ(faults(small, 3), "SALLY_CERTIFICATE_WEAK_KEY@0");
  EXPECT_EQ(faults(leaf(), 3), "");
  EXPECT_NE(faults(leaf(), 4), "");
}

TEST(Ignoring, LetsThatOneFaultPassAndTellsIt) {
  const Made old = make({.name = "old CA", .issuer = &root(), .until = -1, .ca = true});
  const Made bad =
      make({.name = "bad", .issuer = &old, .until = -1, .names = "DNS:b.example.test"});
  const auto asked = [&](std::vector<sally_status> ignored) {
    return ask({.trust = trusting({&root()}),
                .leaf = &bad,
                .sent = {&old},
                .rules = ignoring(std::move(ignored)),
                .name = {.text = "a.example.test"}});
  };
  const Answer expired = asked({SALLY_CERTIFICATE_EXPIRED});
  EXPECT_EQ(expired.faults(),
            "SALLY_CERTIFICATE_NAME_MISMATCH@0, (SALLY_CERTIFICATE_EXPIRED@1), "
            "(SALLY_CERTIFICATE_EXPIRED@0)");
  EXPECT_EQ(name_of(expired.status()), "SALLY_CERTIFICATE_NAME_MISMATCH");
  EXPECT_EQ(expired.error->message().find("more"), std::string::npos);

  const Answer both = asked({SALLY_CERTIFICATE_EXPIRED, SALLY_CERTIFICATE_NAME_MISMATCH});
  EXPECT_EQ(name_of(both.status()), "SALLY_OK");
  EXPECT_EQ(both.error->detail().faults.size(), 3u);
}

TEST(Ignoring, HidesNoFaultThatIsFoundLater) {
  // A name constraint is looked at last of all, after times and names.
  const Made narrow = make({.name = "narrow",
                            .issuer = &root(),
                            .ca = true,
                            .more = {{"nameConstraints", "critical,permitted;DNS:good.test"}}});
  const Made bad = make({.name = "bad", .issuer = &narrow, .until = -1, .names = "DNS:evil.test"});
  const Answer answer =
      ask({.trust = trusting({&root()}),
           .leaf = &bad,
           .sent = {&narrow},
           .rules = ignoring({SALLY_CERTIFICATE_EXPIRED, SALLY_CERTIFICATE_NAME_MISMATCH}),
           .name = {.text = "other.test"}});
  EXPECT_EQ(name_of(answer.status()), "SALLY_CERTIFICATE_NAME_CONSTRAINT") << answer.faults();
}

TEST(PartialChain, IsAcceptedOnlyWhereItIsAllowed) {
  const Ask asked{.trust = trusting({&middle()}), .leaf = &leaf()};
  EXPECT_EQ(name_of(ask(asked).status()), "SALLY_CERTIFICATE_UNKNOWN_CA");
  Ask allowed = {.trust = trusting({&middle()}), .leaf = &leaf()};
  allowed.rules.partial_chain = true;
  const Answer answer = ask(allowed);
  EXPECT_EQ(name_of(answer.status()), "SALLY_OK") << answer.faults();
  EXPECT_EQ(answer.path(), "CN=leaf < CN=middle");
  // Trust in one intermediate is no trust in its brother.
  const Made brother = make({.name = "brother", .issuer = &root(), .ca = true});
  const Made nephew = make({.name = "nephew", .issuer = &brother});
  allowed.leaf = &nephew;
  allowed.sent = {&brother};
  EXPECT_EQ(name_of(ask(allowed).status()), "SALLY_CERTIFICATE_UNKNOWN_CA");
}

// --- Beyond OpenSSL

TEST(Strictness, RefusesKeysThatNoSignatureSchemeOfTlsIsFor) {
  const tls::KeyOwner dsa = make_dsa_key();
  const tls::KeyOwner odd = make_key("EC", "brainpoolP256r1");
  for (EVP_PKEY* key : {dsa.get(), odd.get()}) {
    const Made ca = make({.name = "odd CA", .issuer = &root(), .ca = true, .key = key});
    const Made below = make({.name = "below", .issuer = &ca});
    const Answer above = ask({.trust = trusting({&root()}), .leaf = &below, .sent = {&ca}});
    EXPECT_EQ(above.faults(), "SALLY_CERTIFICATE_WEAK_KEY@1");
    const Made own = make({.name = "odd", .issuer = &middle(), .key = key});
    const Answer at = ask({.trust = trusting({&root()}), .leaf = &own, .sent = {&middle()}});
    EXPECT_EQ(at.faults(), "SALLY_CERTIFICATE_WEAK_KEY@0");
    EXPECT_NE(at.error->hint(), "");
  }
}

TEST(Strictness, HoldsACommonNameToTheConstraintsToo) {
  const Made narrow = make({.name = "narrow",
                            .issuer = &root(),
                            .ca = true,
                            .more = {{"nameConstraints", "critical,permitted;DNS:good.test"}}});
  for (const auto& [common_name, good] :
       {std::pair{"www.evil.test", false}, {"www.good.test", true}, {"A Person", true}}) {
    const Made one = make({.name = common_name, .issuer = &narrow});
    const Answer answer = ask({.trust = trusting({&root()}),
                               .leaf = &one,
                               .sent = {&narrow},
                               .purpose = tls::Purpose::client});
    EXPECT_EQ(answer.faults(), good ? "" : "SALLY_CERTIFICATE_NAME_CONSTRAINT@0") << common_name;
  }
}

TEST(Names, OfEmailComeFromTheAlternativeNamesOnly) {
  const auto status = [](const Made& one, const std::string& email) {
    return name_of(ask({.trust = trusting({&root()}),
                        .leaf = &one,
                        .sent = {&middle()},
                        .name = {.text = email, .is_email = true}})
                       .status());
  };
  EXPECT_EQ(status(leaf(), "a@example.test"), "SALLY_OK");
  EXPECT_EQ(status(leaf(), "a@EXAMPLE.test"), "SALLY_OK");
  EXPECT_EQ(status(leaf(), "A@example.test"), "SALLY_CERTIFICATE_NAME_MISMATCH");
  EXPECT_EQ(status(leaf(), "b@example.test"), "SALLY_CERTIFICATE_NAME_MISMATCH");
}

TEST(Purpose, OfAnyAsksForNoUsage) {
  const Made mail = make({.name = "mail", .issuer = &middle(), .usage = "emailProtection"});
  for (const auto& [purpose, good] : {std::pair{tls::Purpose::server, false},
                                      {tls::Purpose::client, false},
                                      {tls::Purpose::any, true}}) {
    const Answer answer =
        ask({.trust = trusting({&root()}), .leaf = &mail, .sent = {&middle()}, .purpose = purpose});
    EXPECT_EQ(name_of(answer.status()), good ? "SALLY_OK" : "SALLY_CERTIFICATE_WRONG_USAGE");
  }
}

TEST(Purpose, OfAServerIsServerAuthAndNothingThatOpensslTakesForIt) {
  for (const char* usage : {"nsSGC", "msSGC", "nsSGC,msSGC,clientAuth"}) {
    const Made old = make({.name = "old", .issuer = &middle(), .usage = usage});
    const Answer answer = ask({.trust = trusting({&root()}),
                               .leaf = &old,
                               .sent = {&middle()},
                               .purpose = tls::Purpose::server});
    EXPECT_EQ(answer.faults(), "SALLY_CERTIFICATE_WRONG_USAGE@0") << usage;
    EXPECT_NE(answer.error->message().find("without serverAuth"), std::string::npos)
        << answer.error->message();
  }
}

TEST(Verifier, TrustsNobodyWithoutATrustStore) {
  EXPECT_EQ(name_of(ask({.leaf = &leaf(), .sent = {&middle(), &root()}}).status()),
            "SALLY_CERTIFICATE_UNKNOWN_CA");
}

}  // namespace
}  // namespace sally::test
