// Credentials in a PKCS#11 token: SoftHSM's, made for these tests.
#include "abi/decision_support.h"
#include "abi/fork_support.h"
#include "lib/folder.h"

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <tuple>

using namespace sally::test;

namespace {

Result load(const std::string& chain, const char* key, const char* pin,
            Owned<sally_credential>& credential) {
  return called([&](sally_error** error) {
    return sally_credential_load(chain.c_str(), key, pin, Out(credential), error);
  });
}

#if defined(SALLYPORT_HAS_PKCS11)

constexpr const char* pin = "1234";
constexpr const char* module = "/usr/lib/softhsm/libsofthsm2.so";

// A token called "sally" with these entries of the zoo: keys and chains, each under its own name. A
// module reads its configuration once, so that there is one for the whole program.
class Token {
 public:
  static const Token& get() {
    static const Token token;
    return token;
  }
  const Folder& folder() const { return folder_; }

 private:
  Token() {
    folder_.write("tokens/.keep", "");
    folder_.write("softhsm2.conf",
                  "directories.tokendir = " + folder_.path("tokens") + "\nlog.level = ERROR\n");
    ::setenv("SOFTHSM2_CONF", folder_.path("softhsm2.conf").c_str(), 1);
    run("softhsm2-util --init-token --free --label sally --so-pin 5678 --pin 1234");
    run("softhsm2-util --init-token --free --label empty --so-pin 5678 --pin 1234");
    int id = 10;
    for (const char* name : {"client-good", "client-good-rsa", "server-good", "server-good-rsa"}) {
      const std::string label = std::string(" --label ") + name + " --id ";
      run("softhsm2-util --import " + Zoo::key_path(name) + " --token sally --pin 1234" + label +
          std::to_string(id));
      run("openssl x509 -in " + Zoo::chain_path(name) + " -outform DER -out " +
          folder_.path("certificate"));
      run(std::string("pkcs11-tool --module ") + module +
          " --token-label sally --login --pin 1234 --type cert --write-object " +
          folder_.path("certificate") + label + std::to_string(id));
      ++id;
    }
  }
  void run(const std::string& command) const {
    if (std::system((command + " >" + folder_.path("output") + " 2>&1").c_str()) != 0)
      throw std::runtime_error(command + ": " + read_file(folder_.path("output")));
  }
  Folder folder_;
};

std::string uri_of(const std::string& name, const std::string& query = "") {
  Token::get();
  return "pkcs11:token=sally;object=" + name + query;
}

Owned<sally_tls_config> showing(Owned<sally_tls_config> config, const std::string& name) {
  Owned<sally_credential> credential;
  EXPECT_EQ(load(Zoo::chain_path(name), uri_of(name).c_str(), pin, credential), SALLY_OK);
  EXPECT_EQ(sally_tls_config_add_credential(config.get(), credential.get(), nullptr), SALLY_OK);
  return config;
}

void expect_mutual(Listener& listener, sally_tls_config* client, const char* key) {
  Pair pair = connect_pair(listener, client);
  ASSERT_EQ(pair.client.write("there"), SALLY_OK);
  EXPECT_EQ(pair.server.read_text(5), "there");
  ASSERT_EQ(pair.server.write("and back"), SALLY_OK);
  EXPECT_EQ(pair.client.read_text(8), "and back");
  for (const Stream* end : {&pair.client, &pair.server}) {
    const auto info = end->info();
    EXPECT_EQ(sally_stream_info_peer_verified(info.get()), 1);
    EXPECT_STREQ(sally_certificate_key(sally_stream_info_peer_certificate(info.get(), 0)), key);
  }
}

class TokenKey : public testing::TestWithParam<std::tuple<std::int32_t, bool>> {};

INSTANTIATE_TEST_SUITE_P(
    Versions, TokenKey,
    testing::Combine(testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3), testing::Bool()),
    [](const auto& chosen) {
      return std::string(std::get<0>(chosen.param) == SALLY_TLS_1_2 ? "Tls12" : "Tls13") +
             (std::get<1>(chosen.param) ? "Rsa" : "Ec");
    });

TEST_P(TokenKey, SignsForBothSidesOfMutualTls) {
  const auto [version, rsa] = GetParam();
  const std::string suffix = rsa ? "-rsa" : "";
  Listener listener(
      showing(server_config({.credential = "", .client_auth = SALLY_CLIENT_AUTH_REQUIRE}),
              "server-good" + suffix));
  const auto client =
      showing(client_config(of_version(version, {.credential = ""})), "client-good" + suffix);
  expect_mutual(listener, client.get(), rsa ? "RSA 2048" : "EC P-256");
}

TEST(TokenKeys, SignForManyHandshakesAtOnce) {
  Listener listener(showing(server_config({.credential = ""}), "server-good-rsa"));
  const auto config = client_config({});
  std::vector<Stream> clients;
  std::vector<std::future<Result>> connecting;
  constexpr std::size_t many = 16;
  clients.reserve(many);
  for (std::size_t i = 0; i < many; ++i) clients.push_back(listener.stream(config.get()));
  for (Stream& client : clients)
    connecting.push_back(on_thread([&client] { return client.connect(); }));
  for (auto& each : connecting) EXPECT_EQ(each.get(), SALLY_OK);
}

TEST(TokenKeys, ComeWithACertificateThatIsThereToo) {
  Owned<sally_credential> credential;
  ASSERT_EQ(load(uri_of("server-good"), nullptr, pin, credential), SALLY_OK);
  Owned<sally_certificate> certificate;
  ASSERT_EQ(sally_credential_copy_certificate(credential.get(), Out(certificate), nullptr),
            SALLY_OK);
  EXPECT_STREQ(sally_certificate_key(certificate.get()), "EC P-256");
  EXPECT_EQ(sally_credential_reload(credential.get(), nullptr), SALLY_OK);
  EXPECT_EQ(sally_credential_generation(credential.get()), 2u);
}

TEST(TokenKeys, CanBeWhatAQuestionForACredentialIsAnsweredWith) {
  Desk desk;
  Listener listener(server_config());
  const auto config = asking(client_config({}), SALLY_QUESTION_CREDENTIAL);
  Stream client = asking_stream(listener, config.get(), desk.completion());
  auto connecting = on_thread([&] { return refused(client); });
  const Decision which = desk.next();
  Owned<sally_credential> credential;
  ASSERT_EQ(load(Zoo::chain_path("client-good"), uri_of("client-good").c_str(), pin, credential),
            SALLY_OK);
  EXPECT_EQ(which.use_credential(credential.get()), SALLY_OK);
  Stream server = listener.accept();
  ASSERT_EQ(server.write("x"), SALLY_OK);
  EXPECT_EQ(connecting.get(), SALLY_OK);
}

TEST(TokenKeys, AreFoundThroughTheModuleThatTheUriNames) {
  Owned<sally_credential> credential;
  const std::string named = uri_of("client-good", std::string("?module-path=") + module);
  EXPECT_EQ(load(Zoo::chain_path("client-good"), named.c_str(), pin, credential), SALLY_OK);
  const std::string missing = uri_of("client-good", "?module-path=/no/such/module.so");
  const Result result = load(Zoo::chain_path("client-good"), missing.c_str(), pin, credential);
  EXPECT_EQ(result, SALLY_TOKEN_MODULE_UNAVAILABLE);
}

TEST(TokenKeys, TakeThePinFromTheUri) {
  Owned<sally_credential> credential;
  const std::string chain = Zoo::chain_path("client-good");
  EXPECT_EQ(load(chain, uri_of("client-good", "?pin-value=1234").c_str(), nullptr, credential),
            SALLY_OK);
  Token::get().folder().write("pin", "1234\n");
  const std::string source = "?pin-source=file:" + Token::get().folder().path("pin");
  EXPECT_EQ(load(chain, uri_of("client-good", source).c_str(), nullptr, credential), SALLY_OK);
  EXPECT_EQ(load(chain, uri_of("client-good", "?pin-source=file:/no/such/pin").c_str(), nullptr,
                 credential),
            SALLY_FILE_NOT_FOUND);
}

TEST(TokenKeys, AreNotOpenedWithoutTheRightPinWhichNoErrorTells) {
  Owned<sally_credential> credential;
  const std::string chain = Zoo::chain_path("client-good");
  EXPECT_EQ(load(chain, uri_of("client-good").c_str(), nullptr, credential),
            SALLY_CREDENTIAL_PASSPHRASE_NEEDED);
  EXPECT_EQ(load(chain, uri_of("client-good").c_str(), "4321", credential),
            SALLY_CREDENTIAL_WRONG_PASSPHRASE);
  const Result wrong =
      load(chain, uri_of("client-good", "?pin-value=87654").c_str(), nullptr, credential);
  EXPECT_EQ(wrong, SALLY_CREDENTIAL_WRONG_PASSPHRASE);
  EXPECT_EQ(std::string(sally_error_json(wrong.error.get())).find("87654"), std::string::npos);
  EXPECT_NE(wrong.text(SALLY_ERROR_FIELD_SOURCE).find("object=client-good"), std::string::npos);
}

TEST(TokenKeys, ThatAreNotThereAreToldApart) {
  Token::get();
  Owned<sally_credential> credential;
  const std::string chain = Zoo::chain_path("client-good");
  const auto status = [&](const std::string& uri) {
    return load(chain, uri.c_str(), pin, credential).status;
  };
  EXPECT_EQ(status("pkcs11:token=stranger;object=client-good"), SALLY_TOKEN_NOT_FOUND);
  EXPECT_EQ(status("pkcs11:token=empty;object=client-good"), SALLY_CREDENTIAL_NO_KEY);
  EXPECT_EQ(status("pkcs11:token=sally;object=stranger"), SALLY_CREDENTIAL_NO_KEY);
  EXPECT_EQ(status("pkcs11:token=sally"), SALLY_INVALID_ARGUMENT) << "several keys";
  EXPECT_EQ(status("pkcs11:object=client-good"), SALLY_INVALID_ARGUMENT) << "several tokens";
  EXPECT_EQ(status("pkcs11:token=%zz"), SALLY_INVALID_ARGUMENT);
  EXPECT_EQ(status("pkcs11:no-such-attribute=x"), SALLY_INVALID_ARGUMENT);
  EXPECT_EQ(status("pkcs11:token=sally;object=server-good"), SALLY_CREDENTIAL_KEY_MISMATCH);
  EXPECT_EQ(status("pkcs11:token=sally;object=client-good-rsa"), SALLY_CREDENTIAL_KEY_MISMATCH);
  EXPECT_EQ(load("pkcs11:token=sally;object=stranger", nullptr, pin, credential).status,
            SALLY_CREDENTIAL_NO_CERTIFICATE);
}

TEST(TokenKeys, AreLoadedAnewInAForkedChild) {
  if (!child_may_start_threads) GTEST_SKIP() << "the child starts threads";
  Owned<sally_credential> credential;
  const std::string chain = Zoo::chain_path("server-good");
  ASSERT_EQ(load(chain, uri_of("server-good").c_str(), pin, credential), SALLY_OK);
  EXPECT_TRUE(in_child([&] {
    REQUIRE(sally_credential_reload(credential.get(), nullptr) == SALLY_FORKED);
    REQUIRE(sally_credential_reload_status(credential.get(), nullptr) == SALLY_FORKED);
    credential.reset();
    Listener listener(
        showing(server_config({.credential = "", .client_auth = SALLY_CLIENT_AUTH_REQUIRE}),
                "server-good"));
    expect_mutual(listener, client_config().get(), "EC P-256");
    return !testing::Test::HasFailure();
  }));
  EXPECT_EQ(sally_credential_reload(credential.get(), nullptr), SALLY_OK);
}

#else

TEST(TokenKeys, AreNotSupportedByThisBuild) {
  Owned<sally_credential> credential;
  EXPECT_EQ(load(Zoo::chain_path("client-good"), "pkcs11:token=sally", nullptr, credential),
            SALLY_NOT_SUPPORTED);
}

#endif

}  // namespace
