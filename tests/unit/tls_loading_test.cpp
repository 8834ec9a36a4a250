// Loading credentials and trust stores: every file of the zoo, and the ways in which files fail.
#include "lib/tls_pair.h"
#include "lib/zoo_index.h"

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sally::test {
namespace {

ErrorRef error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Failure& failure) {
    return failure.error();
  }
  return {};
}

std::string status_of(const ErrorRef& error) {
  return error ? name_of(error->status()) : "SALLY_OK";
}

class Folder {
 public:
  Folder() : path_(testing::TempDir() + "sallyport-" + std::to_string(::getpid())) {
    std::filesystem::create_directory(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

TEST(Loading, OfEveryFileOfTheZooIsWhatTheIndexExpects) {
  int loaded = 0;
  for (const ZooEntry& entry : zoo()) {
    if (entry.loads.empty() || entry.name.ends_with("malformed-extension")) continue;
    SCOPED_TRACE(entry.name);
    const std::string anchors = entry.ca.empty() ? entry.chain : entry.ca;
    const ErrorRef error = error_of([&] {
      if (entry.loads == "credential")
        load_credential(entry);
      else if (entry.loads == "crls")
        trust("root")->with_crls(tls::MaterialSource::at(zoo_path(entry.crl)));
      else
        trust_file(anchors);
    });
    EXPECT_EQ(status_of(error), entry.loading);
    ++loaded;
    if (!error) continue;
    EXPECT_FALSE(error->hint().empty());
    EXPECT_EQ(error->detail().phase, "load");
    EXPECT_TRUE(error->detail().source.starts_with(SALLYPORT_ZOO_DIR)) << error->detail().source;
  }
  EXPECT_GT(loaded, 100);
}

TEST(Loading, NeverAsksForAPassphraseOnATerminal) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  ASSERT_EQ(::write(pipe[1], "sallyport\nsallyport\n", 20), 20);
  const int before = ::dup(STDIN_FILENO);
  ::dup2(pipe[0], STDIN_FILENO);

  for (const char* name : {"file-encrypted-no-passphrase", "file-legacy-encrypted-no-passphrase"}) {
    EXPECT_EQ(status_of(error_of([&] { load_credential(zoo(name)); })),
              "SALLY_CREDENTIAL_PASSPHRASE_NEEDED");
  }
  // A certificate's file may claim to be encrypted too.
  const std::string pem =
      "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: "
      "AES-128-CBC,00000000000000000000000000000000\n\n"
      "AAAAAAAAAAAAAAAAAAAAAA==\n-----END CERTIFICATE-----\n";
  EXPECT_EQ(
      status_of(error_of([&] { make_ref<tls::TrustStore>(tls::PemSource::from_memory(pem)); })),
      "SALLY_TRUST_STORE_BAD_FORMAT");

  int unread = 0;
  ::ioctl(pipe[0], FIONREAD, &unread);
  ::dup2(before, STDIN_FILENO);
  for (const int descriptor : {before, pipe[0], pipe[1]}) ::close(descriptor);
  EXPECT_EQ(unread, 20) << "nothing was read from the terminal's place";
}

TEST(Loading, FromMemoryIsAsGoodAsFromFiles) {
  const ZooEntry& good = zoo("client-good");
  const std::string chain = read_text_file(zoo_path(good.chain));
  const std::string key = read_text_file(zoo_path(good.key));
  const auto loaded = make_ref<tls::Credential>(tls::PemSource::from_memory(chain),
                                                tls::PemSource::from_memory(key), nullptr);
  EXPECT_EQ(loaded->chain().size(), 2u);
  EXPECT_EQ(loaded->key_type(), "EC");
}

TEST(Loading, TakesFileUris) {
  const std::string path = zoo_path("ca-root.pem");
  EXPECT_EQ(tls::PemSource::from_uri("file:" + path).name(), path);
  EXPECT_EQ(tls::PemSource::from_uri("file://" + path).name(), path);
  EXPECT_FALSE(tls::PemSource::from_uri("file://" + path).bytes().empty());
}

TEST(Loading, RefusesOtherUris) {
  for (const char* uri : {"pkcs11:token=x", "https://example.test/ca.pem", "x-y.z+1:abc"}) {
    EXPECT_EQ(status_of(error_of([&] { tls::PemSource::from_uri(uri); })), "SALLY_NOT_SUPPORTED")
        << uri;
  }
}

TEST(Loading, TakesAColonInAPathForWhatItIs) {
  const Folder folder;
  const std::string path = folder / "a:b.pem";
  std::filesystem::copy_file(zoo_path("ca-root.pem"), path);
  EXPECT_FALSE(tls::PemSource::from_uri(path).bytes().empty());
}

TEST(Loading, SaysWhyAFileCannotBeRead) {
  const Folder folder;
  EXPECT_EQ(status_of(error_of([&] { tls::PemSource::from_uri(folder / "absent"); })),
            "SALLY_FILE_NOT_FOUND");
  EXPECT_EQ(status_of(error_of([&] { tls::PemSource::from_uri(folder / ""); })),
            "SALLY_FILE_UNREADABLE");
  std::ofstream(folder / "large");
  std::filesystem::resize_file(folder / "large", 65u << 20);
  const ErrorRef large = error_of([&] { tls::PemSource::from_uri(folder / "large"); });
  ASSERT_EQ(status_of(large), "SALLY_FILE_UNREADABLE");
  EXPECT_EQ(large->detail().source, folder / "large");
  if (::geteuid() == 0) return;  // root reads everything
  std::ofstream(folder / "secret") << "x";
  ::chmod((folder / "secret").c_str(), 0);
  EXPECT_EQ(status_of(error_of([&] { tls::PemSource::from_uri(folder / "secret"); })),
            "SALLY_ACCESS_DENIED");
}

TEST(Loading, DoesNotWaitForAPipeThatNobodyWrites) {
  const Folder folder;
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  EXPECT_EQ(tls::PemSource::from_uri(folder / "fifo").bytes().size(), 0u);
}

TEST(Loading, ReadsAFileThatIsLargerThanItSaid) {
  EXPECT_GT(tls::PemSource::from_uri("/proc/self/maps").bytes().size(), 4096u)
      << "its size is given as 0";
}

// With nothing in the environment that names certificates.
class SystemTrust : public testing::Test {
 protected:
  SystemTrust() {
    for (const char* name : {"SSL_CERT_FILE", "SSL_CERT_DIR"}) {
      if (const char* value = std::getenv(name)) before_[name] = value;
      ::unsetenv(name);
    }
  }
  ~SystemTrust() override {
    for (const char* name : {"SSL_CERT_FILE", "SSL_CERT_DIR"}) ::unsetenv(name);
    for (const auto& [name, value] : before_) ::setenv(name.c_str(), value.c_str(), 1);
  }

 private:
  std::map<std::string, std::string> before_;
};

TEST_F(SystemTrust, ComesFromTheFileThatTheEnvironmentNames) {
  ::setenv("SSL_CERT_FILE", zoo_path("file-trust-two.pem").c_str(), 1);
  EXPECT_EQ(tls::TrustStore::system()->size(), 2u);
}

TEST_F(SystemTrust, ComesFromTheFolderThatTheEnvironmentNames) {
  const Folder folder;
  std::filesystem::copy_file(zoo_path("ca-root.pem"), folder / "a.pem");
  std::filesystem::copy_file(zoo_path("ca-other.pem"), folder / "b.pem");
  std::filesystem::copy_file(zoo_path("file-trust-broken-second.pem"), folder / "broken.pem");
  std::filesystem::create_directory(folder / "sub");
  ::setenv("SSL_CERT_DIR", (folder / "").c_str(), 1);
  EXPECT_EQ(tls::TrustStore::system()->size(), 2u);
}

TEST_F(SystemTrust, ThatIsEmptySaysSo) {
  const Folder folder;
  ::setenv("SSL_CERT_DIR", (folder / "").c_str(), 1);
  EXPECT_EQ(status_of(error_of([] { tls::TrustStore::system(); })), "SALLY_TRUST_STORE_EMPTY");
}

TEST(CertificateData, SaysWhatTheCertificateSays) {
  const Ref<sally_certificate> described =
      tls::describe(credential("server-good-rsa")->certificate());
  const tls::CertificateData& data = described->data;
  EXPECT_EQ(data.key, "RSA 2048");
  EXPECT_EQ(data.fingerprint.size(), 64u);
  EXPECT_LT(data.not_before, data.not_after);
  ASSERT_EQ(data.names.size(), 4u);
  EXPECT_EQ(data.names[0].kind, SALLY_NAME_DNS);
  EXPECT_EQ(data.names[0].text, "localhost");
  EXPECT_EQ(data.names[2].kind, SALLY_NAME_IP);
  EXPECT_EQ(data.names[2].text, "127.0.0.1");
  EXPECT_EQ(data.names[3].text, "::1");
  EXPECT_TRUE(read_text_file(zoo_path("server-good-rsa.pem")).starts_with(tls::to_pem(data)));
}

TEST(CertificateData, NamesEveryKindOfKey) {
  EXPECT_EQ(tls::key_of(credential("server-good")->certificate()), "EC P-256");
  EXPECT_EQ(tls::key_of(credential("server-good-p384")->certificate()), "EC P-384");
  EXPECT_EQ(tls::key_of(credential("server-good-ed25519")->certificate()), "ED25519");
}

}  // namespace
}  // namespace sally::test
