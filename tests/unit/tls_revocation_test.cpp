// CRLs: what is refused in every mode, and what is demanded in each.
#include "lib/made_chain.h"
#include "lib/tls_pair.h"
#include "tls/pem.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <unistd.h>

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

// Of the middle, revoking the leaf, with one more extension, in DER.
std::string with_extension(const char* name, const char* value) {
  const Family& f = family();
  const tls::CrlOwner crl = make_crl(f.middle, {&f.leaf});
  if (value != nullptr) {
    X509_EXTENSION* extension = X509V3_EXT_nconf(nullptr, nullptr, name, value);
    X509_CRL_add_ext(crl.get(), tls::checked(extension), -1);
    X509_EXTENSION_free(extension);
  } else {
    const std::unique_ptr<ASN1_INTEGER, void (*)(ASN1_INTEGER*)> base(ASN1_INTEGER_new(),
                                                                      &ASN1_INTEGER_free);
    EXPECT_EQ(X509_CRL_add1_ext_i2d(crl.get(), OBJ_sn2nid(name), base.get(), 1, 0), 1);
  }
  EXPECT_GT(X509_CRL_sign(crl.get(), f.middle.key.get(), EVP_sha256()), 0);
  unsigned char* der = nullptr;
  const int size = i2d_X509_CRL(crl.get(), &der);
  const std::unique_ptr<unsigned char, tls::CryptoDeleter> owner(der);
  return {reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)};
}

std::string why_not_read(const std::function<void()>& read) {
  try {
    read();
  } catch (const Failure& failure) {
    EXPECT_EQ(name_of(failure.error()->status()), "SALLY_CRL_BAD_FORMAT");
    return failure.error()->detail().found;
  }
  return "";
}

std::string why_not_read(const char* name, const char* value) {
  const std::string der = with_extension(name, value);
  return why_not_read([&] { tls::read_crls(tls::PemSource::from_memory(der, "a.crl")); });
}

// OpenSSL would put a delta in the place of the whole list, leave the others out, and be content.
TEST(Revocation, ByAListThatWouldBeMisreadIsRefusedWhenItIsLoaded) {
  constexpr const char* scope = "issuingDistributionPoint";
  EXPECT_EQ(why_not_read("deltaCRL", nullptr), "a delta CRL");
  EXPECT_EQ(why_not_read(scope, "critical,indirectCRL:TRUE"), "an indirect CRL");
  EXPECT_EQ(why_not_read(scope, "critical,onlysomereasons:keyCompromise"),
            "a CRL of some reasons only");
  EXPECT_NE(why_not_read(scope, "critical,onlyuser:TRUE,onlyCA:TRUE"), "");
  EXPECT_EQ(why_not_read(scope, "critical,onlyuser:TRUE"), "") << "of leaves: looked into";
}

TEST(Revocation, ByAListThatWouldBeMisreadIsRefusedInAFolderToo) {
  const std::string folder = testing::TempDir() + "sallyport-misread-" + std::to_string(::getpid());
  std::filesystem::create_directory(folder);
  std::ofstream(folder + "/a.crl", std::ios::binary) << with_extension("deltaCRL", nullptr);
  EXPECT_EQ(why_not_read([&] {
              make_ref<tls::TrustStore>(
                  tls::TrustInput{.anchors = {tls::MaterialSource::at(zoo_path("ca-root.pem"))},
                                  .crls = {tls::MaterialSource::at("dir:" + folder)}});
            }),
            "a delta CRL");
  std::filesystem::remove_all(folder);
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

// --- On connections

// One of the zoo's authorities, with its key.
Made authority(const std::string& name) {
  const auto pem = tls::PemSource::from_uri(zoo_path("ca-" + name + ".pem"));
  const auto key = tls::PemSource::from_uri(zoo_path("ca-" + name + ".key"));
  auto certificates = tls::read_certificates(pem, SALLY_TRUST_STORE_BAD_FORMAT);
  return {.certificate = std::move(certificates.front()),
          .key = tls::read_private_key(key, nullptr)};
}

Made leaf_of(const std::string& entry) {
  const auto pem = tls::PemSource::from_uri(zoo_path(zoo(entry).chain));
  auto certificates = tls::read_certificates(pem, SALLY_CREDENTIAL_BAD_FORMAT);
  return {.certificate = std::move(certificates.front()), .key = nullptr};
}

Ref<tls::TrustStore> root_revoking(const std::vector<const Made*>& revoked) {
  const Made root = authority("root");
  return trusting({&root}, crls(make_crl(authority("intermediate"), revoked)));
}

TEST(RevocationOnAConnection, RefusesTheServerWithItsAlert) {
  const Made leaf = leaf_of("server-good");
  const auto client = client_config({});
  client->set_trust(root_revoking({&leaf}));
  for (int i = 0; i < 2; ++i) {
    TlsPair pair(client->freeze(), server_config({})->freeze());
    pair.shake_hands();
    EXPECT_EQ(name_of(pair.client().status()), "SALLY_CERTIFICATE_REVOKED");
    EXPECT_EQ(pair.client().error()->detail().alert, SSL_AD_CERTIFICATE_REVOKED);
  }
}

TEST(RevocationOnAConnection, RefusesTheClientWithItsAlert) {
  const Made leaf = leaf_of("client-good");
  const auto server = server_config({});
  server->set_trust(root_revoking({&leaf}));
  TlsPair pair(client_config({})->freeze(), server->freeze());
  pair.shake_hands();
  EXPECT_EQ(name_of(pair.server().status()), "SALLY_CERTIFICATE_REVOKED");
  EXPECT_EQ(pair.server().error()->detail().alert, SSL_AD_CERTIFICATE_REVOKED);
}

TEST(RevocationOnAConnection, LetsInWhomTheListDoesNotName) {
  const Made other = leaf_of("server-good-rsa");
  const auto client = client_config({});
  client->set_trust(root_revoking({&other}));
  TlsPair pair(client->freeze(), server_config({})->freeze());
  const tls::SessionFacts facts = pair.established().client().session().facts();
  EXPECT_TRUE(facts.peer_verified);
  ASSERT_TRUE(facts.findings) << "the root's list is missing";
  EXPECT_EQ(facts.findings->detail().faults.size(), 1u);
  EXPECT_EQ(facts.findings->detail().faults[0].depth, 1);
}

}  // namespace
}  // namespace sally::test
