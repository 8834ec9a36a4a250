// CRLs: what is refused in every mode, and what is demanded in each.
#include "lib/made_chain.h"
#include "lib/tls_pair.h"

namespace sally::test {
namespace {

struct Family {
  Made root = make({.name = "root", .ca = true});
  Made middle = make({.name = "middle", .issuer = &root, .ca = true});
  Made leaf = make({.name = "leaf", .issuer = &middle});

  std::string faults(std::int32_t mode, std::vector<tls::CrlOwner> lists,
                     std::vector<sally_status> ignored = {}) const {
    Ask asked{.trust = trusting({&root}, std::move(lists)), .leaf = &leaf, .sent = {&middle}};
    asked.rules.revocation = mode;
    asked.rules.ignored = std::move(ignored);
    return ask(asked).faults();
  }
};

const Family& family() {
  static const Family made;
  return made;
}

constexpr std::int32_t every_mode[] = {SALLY_REVOCATION_SOFT, SALLY_REVOCATION_LEAF,
                                       SALLY_REVOCATION_CHAIN};

TEST(Revocation, IsNeverPassedOver) {
  const Family& f = family();
  for (const std::int32_t mode : every_mode) {
    EXPECT_EQ(f.faults(mode, crls(make_crl(f.root, {}), make_crl(f.middle, {&f.leaf}))),
              "SALLY_CERTIFICATE_REVOKED@0");
    EXPECT_EQ(f.faults(mode, crls(make_crl(f.root, {&f.middle}), make_crl(f.middle, {}))),
              "SALLY_CERTIFICATE_REVOKED@1");
  }
}

TEST(Revocation, OfAnExpiredListCountsStill) {
  const Family& f = family();
  for (const std::int32_t mode : every_mode) {
    const std::string faults =
        f.faults(mode, crls(make_crl(f.root, {}), make_crl(f.middle, {&f.leaf}, -2 * day, -day)));
    EXPECT_NE(faults.find("SALLY_CERTIFICATE_REVOKED@0"), std::string::npos) << faults;
  }
}

TEST(Revocation, IsNotAskedForWithoutLists) {
  EXPECT_EQ(family().faults(SALLY_REVOCATION_SOFT, {}), "");
}

TEST(Revocation, SoftToleratesWhatIsMissingOrOutOfDate) {
  const Family& f = family();
  EXPECT_EQ(f.faults(SALLY_REVOCATION_SOFT, crls(make_crl(f.root, {}))),
            "(SALLY_CERTIFICATE_REVOCATION_UNKNOWN@0)");
  EXPECT_EQ(f.faults(SALLY_REVOCATION_SOFT,
                     crls(make_crl(f.root, {}), make_crl(f.middle, {}, -2 * day, -day))),
            "(SALLY_CERTIFICATE_REVOCATION_UNKNOWN@0)");
}

TEST(Revocation, SoftToleratesNoForgedList) {
  const Family& f = family();
  const tls::KeyOwner stranger = make_key();
  EXPECT_EQ(
      f.faults(SALLY_REVOCATION_SOFT, crls(make_crl(f.middle, {}, -day, day, stranger.get()))),
      "SALLY_CERTIFICATE_REVOCATION_UNKNOWN@0, (SALLY_CERTIFICATE_REVOCATION_UNKNOWN@1)");
}

TEST(Revocation, SoftToleratesNoForgedListThatHasExpiredEither) {
  const Family& f = family();
  const tls::KeyOwner stranger = make_key();
  const std::string faults =
      f.faults(SALLY_REVOCATION_SOFT,
               crls(make_crl(f.root, {}), make_crl(f.middle, {}, -2 * day, -day, stranger.get())));
  EXPECT_EQ(faults,
            "(SALLY_CERTIFICATE_REVOCATION_UNKNOWN@0), SALLY_CERTIFICATE_REVOCATION_UNKNOWN@0");
}

TEST(Revocation, OfTheLeafDemandsItsListOnly) {
  const Family& f = family();
  EXPECT_EQ(f.faults(SALLY_REVOCATION_LEAF, crls(make_crl(f.middle, {}))),
            "(SALLY_CERTIFICATE_REVOCATION_UNKNOWN@1)");
  EXPECT_EQ(f.faults(SALLY_REVOCATION_LEAF, crls(make_crl(f.root, {}))),
            "SALLY_CERTIFICATE_REVOCATION_UNKNOWN@0");
  EXPECT_EQ(f.faults(SALLY_REVOCATION_LEAF, {}),
            "SALLY_CERTIFICATE_REVOCATION_UNKNOWN@0, (SALLY_CERTIFICATE_REVOCATION_UNKNOWN@1)");
}

TEST(Revocation, OfTheChainDemandsOneForEachButTheAnchor) {
  const Family& f = family();
  EXPECT_EQ(f.faults(SALLY_REVOCATION_CHAIN, crls(make_crl(f.root, {}), make_crl(f.middle, {}))),
            "");
  EXPECT_EQ(f.faults(SALLY_REVOCATION_CHAIN, crls(make_crl(f.middle, {}))),
            "SALLY_CERTIFICATE_REVOCATION_UNKNOWN@1");
  EXPECT_EQ(f.faults(SALLY_REVOCATION_CHAIN,
                     crls(make_crl(f.root, {}, -2 * day, -day), make_crl(f.middle, {}))),
            "SALLY_CERTIFICATE_REVOCATION_UNKNOWN@1");
  EXPECT_EQ(f.faults(SALLY_REVOCATION_CHAIN,
                     crls(make_crl(f.root, {}), make_crl(f.middle, {}, day, 2 * day))),
            "SALLY_CERTIFICATE_REVOCATION_UNKNOWN@0");
}

TEST(Revocation, ThatIsUnknownCanBeIgnoredButNotOneThatIsKnown) {
  const Family& f = family();
  const std::vector<sally_status> ignored = {SALLY_CERTIFICATE_REVOCATION_UNKNOWN};
  EXPECT_EQ(f.faults(SALLY_REVOCATION_CHAIN, {}, ignored),
            "(SALLY_CERTIFICATE_REVOCATION_UNKNOWN@0), (SALLY_CERTIFICATE_REVOCATION_UNKNOWN@1)");
  EXPECT_EQ(f.faults(SALLY_REVOCATION_CHAIN,
                     crls(make_crl(f.root, {}), make_crl(f.middle, {&f.leaf})), ignored),
            "SALLY_CERTIFICATE_REVOKED@0");
}

TEST(Revocation, ByAListOfAnotherCaOfTheSameNameRevokesNothing) {
  const Family& f = family();
  const Made twin = make({.name = "middle", .issuer = &f.root, .ca = true});
  EXPECT_EQ(f.faults(SALLY_REVOCATION_SOFT, crls(make_crl(twin, {&f.leaf}), make_crl(f.root, {}))),
            "(SALLY_CERTIFICATE_REVOCATION_UNKNOWN@0)");
}

}  // namespace
}  // namespace sally::test
