// What becomes of loaded chains and trust: their order, their warnings, folders, and CRLs.
#include "lib/tls_pair.h"
#include "lib/zoo_index.h"
#include "tls/encoding.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace sally::test {
namespace {

using tls::CredentialInput;
using tls::MaterialSource;
using tls::TrustInput;

std::string status_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Failure& failure) {
    return name_of(failure.error()->status());
  }
  return "SALLY_OK";
}

class Folder {
 public:
  Folder() : path_(testing::TempDir() + "sallyport-formats-" + std::to_string(::getpid())) {
    std::filesystem::create_directory(path_);
  }
  ~Folder() {
    ::chmod(path_.c_str(), 0700);
    std::filesystem::remove_all(path_);
  }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }
  void add(const std::string& file, const std::string& name) const {
    std::filesystem::copy_file(zoo_path(file), path_ + "/" + name);
  }

 private:
  std::string path_;
};

std::vector<std::string> subjects(const tls::Credential& credential) {
  std::vector<std::string> all;
  for (const auto& member : credential.chain()) {
    const std::string subject = tls::subject_of(member.get());
    all.push_back(subject.substr(3, subject.find(',') - 3));
  }
  return all;
}

const std::string deep = "server-deep-chain";
const std::string lower = "Sallyport zoo lower intermediate CA";
const std::string upper = "Sallyport zoo upper intermediate CA";
using Texts = std::vector<std::string>;

TEST(OwnChain, OfPkcs12IsSentInOrderAndWithoutAWarning) {
  const auto loaded = credential("file-pkcs12");
  EXPECT_EQ(subjects(*loaded), (Texts{deep, lower, upper}));
  EXPECT_EQ(loaded->warnings(), Texts{});
}

TEST(OwnChain, ThatIsInOrderHasNoWarning) {
  for (const char* name : {"server-good", "server-deep-chain", "server-chain-with-root",
                           "server-chain-crossed-both", "file-der", "file-pkcs12-open"}) {
    EXPECT_EQ(credential(name)->warnings(), Texts{}) << name;
  }
}

TEST(OwnChain, InAnotherOrderIsMendedAndSaysSo) {
  const auto loaded = credential("file-misordered-chain");
  EXPECT_EQ(subjects(*loaded), (Texts{deep, lower, upper}));
  EXPECT_EQ(loaded->warnings(), Texts{"certificate 2 ('CN=" + upper +
                                      ",O=Sallyport') is not the issuer of certificate 1 ('CN=" +
                                      deep + ",O=Sallyport'); they are sent in the order 1, 3, 2"});
}

TEST(OwnChain, BeginsWithTheCertificateOfTheKey) {
  const auto loaded = credential("file-key-of-the-last");
  EXPECT_EQ(subjects(*loaded), (Texts{"server-good", "Sallyport zoo intermediate CA"}));
  EXPECT_EQ(loaded->warnings(),
            Texts{"the private key is that of certificate 2 ('CN=server-good,O=Sallyport'), which "
                  "is not the first; they are sent in the order 2, 1"});
}

TEST(OwnChain, SendsStrangersLastAndNamesThem) {
  const auto loaded = credential("file-stranger-in-chain");
  EXPECT_EQ(subjects(*loaded),
            (Texts{"server-good", "Sallyport zoo intermediate CA", "Sallyport zoo other root CA"}));
  EXPECT_EQ(loaded->linked(), 2u);
  ASSERT_EQ(loaded->warnings().size(), 2u);
  EXPECT_EQ(loaded->warnings()[1],
            "certificate 2 ('CN=Sallyport zoo other root CA,O=Sallyport') is no part of the chain: "
            "it issued none of the others");
}

TEST(OwnChain, WithoutTheIssuerOfItsFirstSaysSo) {
  EXPECT_EQ(credential("server-missing-intermediate")->warnings(),
            Texts{"the issuer of certificate 1 ('CN=server-missing-intermediate,O=Sallyport'), "
                  "'CN=Sallyport zoo intermediate CA,O=Sallyport', is not in the chain, which is "
                  "right only for a root CA"});
  EXPECT_EQ(credential("server-self-signed")->warnings(), Texts{}) << "it is its own issuer";
}

TEST(OwnChain, SendsWhatIsThereTwiceOnce) {
  const ZooEntry& good = zoo("server-good");
  const std::string chain = read_text_file(zoo_path(good.chain));
  const auto loaded = make_ref<tls::Credential>(CredentialInput{
      MaterialSource::memory(chain + chain), MaterialSource::at(zoo_path(good.key))});
  EXPECT_EQ(loaded->chain().size(), 2u);
  EXPECT_EQ(loaded->warnings().size(), 2u);
}

TEST(OwnChain, SaysWhatPeersWillRefuse) {
  const auto warned = [](const char* name, const std::string& words) {
    const auto loaded = credential(name);
    for (const std::string& warning : loaded->warnings())
      if (warning.find(words) != std::string::npos) return true;
    return false;
  };
  EXPECT_TRUE(
      warned("server-expired", "certificate 1 ('CN=server-expired,O=Sallyport') has expired"));
  EXPECT_TRUE(warned("server-not-yet-valid", "is not valid yet: it will be from "));
  EXPECT_TRUE(
      warned("server-expired-intermediate",
             "certificate 2 ('CN=Sallyport zoo expired intermediate CA,O=Sallyport') has "));
  EXPECT_TRUE(warned("server-no-signature-usage", "a key usage without digitalSignature"));
}

TEST(CredentialInput, IsReadAnewEachTime) {
  const Folder folder;
  const ZooEntry& first = zoo("server-good");
  const ZooEntry& second = zoo("server-good-rsa");
  std::filesystem::copy_file(zoo_path(first.chain), folder / "chain");
  std::filesystem::copy_file(zoo_path(first.key), folder / "key");
  const CredentialInput input{MaterialSource::at(folder / "chain"),
                              MaterialSource::at("file:" + folder / "key")};
  EXPECT_EQ(make_ref<tls::Credential>(input)->key_type(), "EC");
  const auto replace = std::filesystem::copy_options::overwrite_existing;
  std::filesystem::copy_file(zoo_path(second.chain), folder / "chain", replace);
  std::filesystem::copy_file(zoo_path(second.key), folder / "key", replace);
  EXPECT_EQ(make_ref<tls::Credential>(input)->key_type(), "RSA");
}

// Every format from memory, as the index says of the files.
TEST(CredentialInput, FromMemoryIsAsGoodAsFromFiles) {
  int loaded = 0;
  for (const ZooEntry& entry : zoo()) {
    if (entry.loads != "credential" || entry.role != "file") continue;
    SCOPED_TRACE(entry.name);
    const auto memory = [](const std::string& file) {
      return MaterialSource::memory(read_text_file(zoo_path(file)));
    };
    CredentialInput input{memory(entry.chain)};
    if (!entry.key.empty()) input.key = memory(entry.key);
    if (entry.has_passphrase) input.passphrase = std::make_shared<tls::Secret>(entry.passphrase);
    EXPECT_EQ(status_of([&] { make_ref<tls::Credential>(input); }), entry.loading);
    ++loaded;
  }
  EXPECT_GT(loaded, 50);
}

TEST(CredentialInput, TakesTheKeyOfOneFormatWithTheChainOfAnother) {
  const auto secret = std::make_shared<const tls::Secret>("sallyport");
  const auto at = [](const std::string& file) { return MaterialSource::at(zoo_path(file)); };
  const CredentialInput chain_of_pkcs12{at(zoo("file-pkcs12-triple-des").chain),
                                        at(zoo("file-der-encrypted").key), secret};
  const CredentialInput key_of_pkcs12{at(zoo("server-good").chain),
                                      at(zoo("file-pkcs12-triple-des").chain), secret};
  for (const CredentialInput& input : {chain_of_pkcs12, key_of_pkcs12})
    EXPECT_EQ(make_ref<tls::Credential>(input)->chain().size(), 2u);
  const CredentialInput mismatch{at(zoo("file-pkcs12-triple-des").chain),
                                 at(zoo("server-good-rsa").key), secret};
  EXPECT_EQ(status_of([&] { make_ref<tls::Credential>(mismatch); }),
            "SALLY_CREDENTIAL_KEY_MISMATCH");
}

// Both are of one kind: what tells them apart is what can be compared with `sally verify` or openssl.
TEST(CredentialInput, OfTwoKeysOfAKindSaysWhichIsWantedAndWhichIsThere) {
  const auto at = [](const std::string& file) { return MaterialSource::at(zoo_path(file)); };
  const auto pin = [](const std::string& name) {
    return tls::describe(credential(name)->certificate())->data.pin;
  };
  try {
    make_ref<tls::Credential>(
        CredentialInput{at(zoo("client-good").chain), at(zoo("client-other").key), nullptr});
    FAIL() << "the key is another's";
  } catch (const Failure& failure) {
    const ErrorDetail& detail = failure.error()->detail();
    EXPECT_EQ(name_of(failure.error()->status()), "SALLY_CREDENTIAL_KEY_MISMATCH");
    EXPECT_THAT(detail.expected, testing::HasSubstr(pin("client-good")));
    EXPECT_THAT(detail.found, testing::HasSubstr(pin("client-other")));
    EXPECT_THAT(detail.found, testing::HasSubstr("(EC P-256)"));
  }
}

TEST(CredentialInput, ThatNoPassphraseOpensSaysHowToConvertIt) {
  try {
    credential("file-pkcs12-rc2");
    FAIL() << "RC2 is not opened";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.error()->detail().found, "RC2-40-CBC");
    EXPECT_NE(failure.error()->hint().find("openssl pkcs12 -legacy"), std::string::npos);
  }
}

TEST(CredentialInput, ThatFailsNeverSaysThePassphrase) {
  for (const ZooEntry& entry : zoo()) {
    if (entry.loads != "credential" || entry.passphrase.empty() || entry.loading == "SALLY_OK")
      continue;
    try {
      load_credential(entry);
      ADD_FAILURE() << entry.name;
    } catch (const Failure& failure) {
      std::string said = failure.error()->json();
      // The zoo's folder may well have the name of the project.
      for (std::size_t at = 0; (at = said.find(SALLYPORT_ZOO_DIR)) != std::string::npos;)
        said.erase(at, sizeof SALLYPORT_ZOO_DIR - 1);
      EXPECT_EQ(said.find("portcullis"), std::string::npos) << said;
    }
  }
}

TEST(Encodings, AreToldFromTheBytes) {
  using tls::Encoding;
  const auto of = [](const std::string& file) {
    return tls::encoding_of(read_text_file(zoo_path(file)));
  };
  EXPECT_EQ(of("server-good.pem"), Encoding::pem);
  EXPECT_EQ(of(zoo("file-der").chain), Encoding::signed_object);
  EXPECT_EQ(of(zoo("file-der").key), Encoding::private_key);
  EXPECT_EQ(of(zoo("file-der-traditional-ec").key), Encoding::private_key);
  EXPECT_EQ(of(zoo("file-der-traditional-rsa").key), Encoding::private_key);
  EXPECT_EQ(of(zoo("file-der-encrypted").key), Encoding::encrypted_key);
  EXPECT_EQ(of(zoo("file-pkcs12").chain), Encoding::pkcs12);
  for (const char* text :
       {"", "0", "00", "0 text that begins with a nought", "\x30\x80", "\x30\x84\xff"})
    EXPECT_EQ(tls::encoding_of(text), Encoding::other) << text;
  EXPECT_EQ(tls::encoding_of("0\n-----BEGIN CERTIFICATE-----"), Encoding::pem);
}

// --- Trust ---------------------------------------------------------------------------------------

Ref<tls::TrustStore> trust_at(const std::string& uri) {
  return make_ref<tls::TrustStore>(TrustInput{.anchors = {MaterialSource::at(uri)}});
}

TEST(TrustFolder, CountsEachCertificateOnceAndPassesOverOtherFiles) {
  const Folder folder;
  folder.add("ca-root.pem", "root.pem");
  folder.add("file-trust-der.der", "both.crt");  // the root again, and another
  folder.add("ca-root.key", "root.key");
  folder.add(zoo("file-pkcs12").chain, "client.p12");
  folder.add(zoo("file-crl-two").crl, "a.crl");
  folder.add(zoo("file-crl-der").crl, "b.crl");
  std::ofstream(folder / "README") << "Certificates.\n";
  std::filesystem::create_symlink("root.pem", folder / "0a1b2c3d.0");
  std::filesystem::create_symlink("nowhere", folder / "dangling");
  std::filesystem::create_directory(folder / "sub");
  for (const std::string& uri : {"dir:" + folder.path(), folder.path(), "file:" + folder.path()}) {
    const auto store = trust_at(uri);
    EXPECT_EQ(store->size(), 2u) << uri;
    EXPECT_EQ(store->crls().size(), 0u);
    EXPECT_EQ(store->source(), folder.path());
  }
}

TEST(TrustFolder, ThatHoldsNoCertificateIsEmpty) {
  const Folder folder;
  EXPECT_EQ(status_of([&] { trust_at(folder.path()); }), "SALLY_TRUST_STORE_EMPTY");
  folder.add("ca-root.key", "root.key");
  EXPECT_EQ(status_of([&] { trust_at(folder.path()); }), "SALLY_TRUST_STORE_EMPTY");
}

TEST(TrustFolder, WithADamagedCertificateIsRefusedByName) {
  const Folder folder;
  folder.add("ca-root.pem", "a.pem");
  folder.add("file-trust-broken-second.pem", "b.pem");
  try {
    trust_at(folder.path());
    FAIL() << "one would be missing";
  } catch (const Failure& failure) {
    EXPECT_EQ(name_of(failure.error()->status()), "SALLY_TRUST_STORE_BAD_FORMAT");
    EXPECT_EQ(failure.error()->detail().source, folder / "b.pem");
  }
}

TEST(TrustFolder, ThatCannotBeReadIsAnError) {
  const Folder folder;
  EXPECT_EQ(status_of([&] { trust_at("dir:" + folder / "absent"); }), "SALLY_FILE_NOT_FOUND");
  folder.add("ca-root.pem", "a.pem");
  EXPECT_EQ(status_of([&] { trust_at("dir:" + folder / "a.pem"); }), "SALLY_FILE_UNREADABLE");
  if (::geteuid() == 0) return;  // root reads everything
  ::chmod(folder.path().c_str(), 0);
  EXPECT_EQ(status_of([&] { trust_at("dir:" + folder.path()); }), "SALLY_ACCESS_DENIED");
}

TEST(TrustInput, JoinsItsSources) {
  const std::string other = read_text_file(zoo_path("ca-other.pem"));
  const TrustInput input{
      .anchors = {MaterialSource::at(zoo_path("ca-root.pem")), MaterialSource::memory(other),
                  MaterialSource::at(zoo_path("file-trust-two.pem"))},
      .crls = {MaterialSource::at(zoo_path(zoo("file-crl-two").crl))}};
  const auto store = make_ref<tls::TrustStore>(input);
  EXPECT_EQ(store->size(), 2u);
  EXPECT_EQ(store->crls().size(), 2u);
}

TEST(TrustInput, OfWhichOneSourceIsEmptyIsRefused) {
  const TrustInput input{
      .anchors = {MaterialSource::at(zoo_path("ca-root.pem")), MaterialSource::at("/dev/null")}};
  EXPECT_EQ(status_of([&] { make_ref<tls::TrustStore>(input); }), "SALLY_TRUST_STORE_EMPTY");
  EXPECT_EQ(status_of([&] { make_ref<tls::TrustStore>(TrustInput{}); }), "SALLY_TRUST_STORE_EMPTY");
}

TEST(TrustStore, IsNotChangedByWhatIsAddedToIt) {
  const auto root = trust("root");
  const auto joined = tls::TrustStore::joined(*root, *trust("other"));
  const auto listed = joined->with_crls(MaterialSource::at(zoo_path(zoo("file-crl-der").crl)));
  EXPECT_EQ(root->size(), 1u);
  EXPECT_EQ(joined->size(), 2u);
  EXPECT_EQ(joined->crls().size(), 0u);
  EXPECT_EQ(listed->size(), 2u);
  EXPECT_EQ(listed->crls().size(), 1u);
  EXPECT_EQ(tls::TrustStore::joined(*root, *listed)->crls().size(), 1u);
  EXPECT_EQ(tls::TrustStore::joined(*listed, *listed)->crls().size(), 1u) << "each once";
}

TEST(TrustStore, TakesTheListsOfAFolder) {
  const Folder folder;
  folder.add(zoo("file-crl-two").crl, "0a1b2c3d.r0");
  folder.add("ca-root.pem", "0a1b2c3d.0");
  EXPECT_EQ(trust("root")->with_crls(MaterialSource::at("dir:" + folder.path()))->crls().size(),
            2u);
}

}  // namespace
}  // namespace sally::test
