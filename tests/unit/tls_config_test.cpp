// Configs: what they refuse, when they freeze, and what is in force whatever the machine says.
#include "lib/raw_peer.h"
#include "lib/tls_pair.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <openssl/conf.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace sally::test {
namespace {

using nlohmann::ordered_json;

std::string failure_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Failure& failure) {
    return name_of(failure.error()->status());
  }
  return "no failure";
}

TEST(Config, OfAServerNeedsACredentialAndCanThenBeMended) {
  const auto config = make_ref<tls::Config>(SALLY_ROLE_SERVER);
  EXPECT_EQ(failure_of([&] { config->freeze(); }), "SALLY_INVALID_STATE");
  config->add_credential(credential("server-good"));
  EXPECT_EQ(failure_of([&] { config->freeze(); }), "no failure");
}

TEST(Config, OfAServerThatAsksForCertificatesNeedsATrustStore) {
  for (const std::int32_t mode : {SALLY_CLIENT_AUTH_REQUEST, SALLY_CLIENT_AUTH_REQUIRE}) {
    const auto config = make_ref<tls::Config>(SALLY_ROLE_SERVER);
    config->add_credential(credential("server-good"));
    config->set_client_auth(mode);
    EXPECT_EQ(failure_of([&] { config->freeze(); }), "SALLY_INVALID_STATE");
    config->set_trust(trust("root"));
    EXPECT_EQ(failure_of([&] { config->freeze(); }), "no failure");
  }
}

TEST(Config, OfAClientDoesNotAskForClientCertificates) {
  const auto config = make_ref<tls::Config>(SALLY_ROLE_CLIENT);
  EXPECT_EQ(failure_of([&] { config->set_client_auth(SALLY_CLIENT_AUTH_REQUIRE); }),
            "SALLY_INVALID_STATE");
}

TEST(Config, TakesAnyNumberOfCredentials) {
  const auto config = make_ref<tls::Config>(SALLY_ROLE_SERVER);
  config->add_credential(credential("server-good"));
  config->add_credential(credential("server-good-rsa"));
  config->add_credential(credential("server-good-ed25519"));
  config->add_credential(credential("server-good-p384"));  // EC, as the first
  EXPECT_EQ(failure_of([&] { config->freeze(); }), "no failure");
}

TEST(Config, ShowsTheCredentialThatThePeerUnderstands) {
  const auto config = make_ref<tls::Config>(SALLY_ROLE_SERVER);
  config->add_credential(credential("server-good"));
  config->add_credential(credential("server-good-rsa"));
  const Ref<tls::Context> context = config->freeze();
  for (const char* scheme : {"rsa_pss_rsae_sha256", "ecdsa_secp256r1_sha256"}) {
    MixedPair pair(context, [&](SSL_CTX* peer) { SSL_CTX_set1_sigalgs_list(peer, scheme); });
    ASSERT_TRUE(pair.shake_hands()) << scheme;
    const bool rsa =
        EVP_PKEY_is_a(X509_get0_pubkey(SSL_get0_peer_certificate(pair.peer().ssl())), "RSA");
    EXPECT_EQ(rsa, std::string(scheme).starts_with("rsa"));
  }
}

TEST(Config, IsFrozenByItsFirstUse) {
  const auto config = client_config({});
  const Ref<tls::Context> context = config->freeze();
  EXPECT_EQ(config->freeze(), context) << "one context for all";
  EXPECT_EQ(failure_of([&] { config->set_trust(trust("other")); }), "SALLY_INVALID_STATE");
  EXPECT_EQ(failure_of([&] { config->add_credential(credential("client-good-rsa")); }),
            "SALLY_INVALID_STATE");
  EXPECT_EQ(failure_of([&] { config->set_versions(SALLY_TLS_1_2, SALLY_TLS_1_2); }),
            "SALLY_INVALID_STATE");
  EXPECT_EQ(failure_of([&] { config->set_alpn({"h2"}); }), "SALLY_INVALID_STATE");
  EXPECT_EQ(failure_of([&] { config->skip_verification(); }), "SALLY_INVALID_STATE");
  EXPECT_EQ(failure_of([&] { config->set_policy(tls::default_policy()); }), "SALLY_INVALID_STATE");
  EXPECT_EQ(failure_of([&] { config->require_post_quantum(); }), "SALLY_INVALID_STATE");
  EXPECT_EQ(failure_of([&] { config->set_provider_query(""); }), "SALLY_INVALID_STATE");
  EXPECT_EQ(failure_of([&] { config->log_keys("/no/such/folder/keys"); }), "SALLY_INVALID_STATE");
  EXPECT_EQ(failure_of([&] { config->set_ocsp(SALLY_OCSP_OFF); }), "SALLY_INVALID_STATE");
  const auto server = server_config({});
  static_cast<void>(server->freeze());
  EXPECT_EQ(failure_of([&] { server->set_client_auth(SALLY_CLIENT_AUTH_NONE); }),
            "SALLY_INVALID_STATE");
}

TEST(Config, OfAClientTrustsTheSystemUnlessToldOtherwise) {
  ::setenv("SSL_CERT_FILE", zoo_path("ca-root.pem").c_str(), 1);
  const auto config = make_ref<tls::Config>(SALLY_ROLE_CLIENT);
  const Ref<tls::Context> context = config->freeze();
  ::unsetenv("SSL_CERT_FILE");
  ASSERT_TRUE(context->settings().trust);
  EXPECT_GT(context->settings().trust->size(), 0u);
}

// --- What is in force.
// -----------------------------------------------------------------------------

// Nothing that differs between machines: the zoo's root from memory stands for the system's.
Ref<tls::Config> plain_client() {
  auto config = make_ref<tls::Config>(SALLY_ROLE_CLIENT);
  const std::string pem = read_text_file(zoo_path("ca-root.pem"));
  config->set_trust(make_ref<tls::TrustStore>(tls::PemSource::from_memory(pem)));
  return config;
}

Ref<tls::Config> plain_server() {
  auto config = make_ref<tls::Config>(SALLY_ROLE_SERVER);
  config->add_credential(credential("server-good"));
  return config;
}

void expect_snapshot(const std::string& name, const Ref<tls::Config>& config) {
  ordered_json settings = ordered_json::parse(tls::effective_settings(*config->freeze()));
  auto& groups = settings.at("groups");
  while (groups.at(0).get<std::string>().find("MLKEM") != std::string::npos) {
    groups.erase(0);  // OpenSSL 3.5 on
  }
  const std::string path =
      std::string(SALLYPORT_SOURCE_DIR "/tests/unit/snapshots/") + name + ".json";
  EXPECT_EQ(settings, ordered_json::parse(read_text_file(path)))
      << "what is in force by default changed; if that is meant, " << path << " becomes:\n"
      << settings.dump(2);
}

TEST(EffectiveSettings, OfAClientAreTheReviewedDefaults) {
  expect_snapshot("client", plain_client());
}
TEST(EffectiveSettings, OfAServerAreTheReviewedDefaults) {
  expect_snapshot("server", plain_server());
}

TEST(EffectiveSettings, NameTheHostsAndWhatClientsAreTold) {
  const auto config = plain_server();
  config->add_host("b.test", plain_server());
  config->add_host("*.A.test", plain_server());
  config->set_unknown_name(SALLY_UNKNOWN_NAME_REFUSE);
  const std::string pem = read_text_file(zoo_path("ca-root.pem"));
  const auto hinted =
      make_ref<tls::TrustSource>(make_ref<tls::TrustStore>(tls::PemSource::from_memory(pem)));
  config->set_ca_hints(SALLY_CA_HINTS_STORE, hinted);
  const auto settings = ordered_json::parse(tls::effective_settings(*config->freeze()));
  EXPECT_EQ(settings.at("hosts"), ordered_json({"*.a.test", "b.test"}));
  EXPECT_EQ(settings.at("unknown_name"), "refuse");
  EXPECT_EQ(settings.at("ca_hints"), "store");
  EXPECT_EQ(settings.at("named_cas"), 1);
}

TEST(EffectiveSettings, OfEachPolicyAreTheReviewedOnes) {
  for (const char* name : {"modern-2026", "compatible-2026"}) {
    const auto config = plain_client();
    config->set_policy(tls::find_policy(name));
    expect_snapshot(name, config);
  }
  const auto config = plain_client();
  config->set_policy(tls::find_policy("default"));
  expect_snapshot("client", config);
}

TEST(EffectiveSettings, SayWhatWasAskedFor) {
  const auto settings = ordered_json::parse(tls::effective_settings(
      *server_config({.version = SALLY_TLS_1_2, .server_alpn = {"h2"}})->freeze()));
  EXPECT_EQ(settings.at("min_version"), "TLSv1.2");
  EXPECT_EQ(settings.at("max_version"), "TLSv1.2");
  EXPECT_EQ(settings.at("alpn"), ordered_json::array({"h2"}));
  EXPECT_EQ(settings.at("verification").at("client_auth"), "require");
  EXPECT_EQ(settings.at("verification").at("trust_anchors"), 1);
}

TEST(EffectiveSettings, AdmitThatVerificationIsSkipped) {
  const auto config = make_ref<tls::Config>(SALLY_ROLE_CLIENT);
  config->skip_verification();
  const auto settings = ordered_json::parse(tls::effective_settings(*config->freeze()));
  EXPECT_EQ(settings.at("verification").at("peer_verified"), false);
  EXPECT_TRUE(settings.at("verification").at("trust_source").is_null());
}

// --- A machine whose openssl.cnf wants otherwise.
// --------------------------------------------------

// All that configures a connection without naming a certificate's file.
constexpr const char* hostile_configuration = R"(openssl_conf = main
[main]
ssl_conf = ssl
[ssl]
system_default = tls
[tls]
MinProtocol = TLSv1
MaxProtocol = TLSv1.2
CipherString = AES128-SHA:AES256-SHA:@SECLEVEL=0
Ciphersuites = TLS_AES_128_CCM_8_SHA256
Options = UnsafeLegacyRenegotiation,-MiddleboxCompat,ServerPreference,Compression
VerifyMode = Request
Groups = P-521
SignatureAlgorithms = RSA+SHA512
ClientSignatureAlgorithms = RSA+SHA512
RecordPadding = 4096
NumTickets = 7
)";

// Everything that can be observed: what is in force, and what two sides agree on.
std::string observe() {
  std::string seen = tls::effective_settings(*plain_client()->freeze()) +
                     tls::effective_settings(*plain_server()->freeze());
  for (const std::int32_t version : {SALLY_TLS_1_2, SALLY_TLS_1_3}) {
    TlsPair pair(Parties{.version = version});
    pair.established();
    const tls::SessionFacts facts = pair.client().session().facts();
    pair.client().write("as long as ever");
    seen += "\n" + facts.version_name + " " + facts.suite + " " + facts.group + " " +
            std::to_string(pair.client().session().facts().peer_verified);
    const std::uint64_t before = pair.client().transport().sent();
    pair.client().write("one record");
    seen += " " + std::to_string(pair.client().transport().sent() - before);
    const std::uint64_t answered = pair.server().transport().sent();
    pair.server().write("one record");
    seen += " " + std::to_string(pair.server().transport().sent() - answered);
  }
  return seen;
}

// The host program: initialises OpenSSL, from the machine's configuration, before we come.
void observe_as_child(const std::string& output) {
  ASSERT_EQ(OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, nullptr), 1);
  SSL_CTX* host = SSL_CTX_new(TLS_method());
  ASSERT_EQ(SSL_CTX_get_max_proto_version(host), TLS1_2_VERSION)
      << "the configuration has no effect";
  ASSERT_EQ(SSL_CTX_get_security_level(host), 0);
  SSL_CTX_free(host);
  std::ofstream(output) << observe();
}

TEST(EffectiveSettings, AreTheSameUnderAHostileConfigurationOfTheMachine) {
  if (const char* output = std::getenv("SALLYPORT_TEST_OBSERVE")) return observe_as_child(output);

  const std::string folder = testing::TempDir() + "sallyport-" + std::to_string(::getpid());
  std::filesystem::create_directory(folder);
  const std::string configuration = folder + "/openssl.cnf";
  const std::string output = folder + "/observed";
  std::ofstream(configuration) << hostile_configuration;
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("OPENSSL_CONF", configuration.c_str(), 1);
    ::setenv("SALLYPORT_TEST_OBSERVE", output.c_str(), 1);
    ::alarm(50);
    ::execl("/proc/self/exe", "sallyport_unit",
            "--gtest_filter=EffectiveSettings.AreTheSameUnderAHostileConfigurationOfTheMachine",
            nullptr);
    ::_exit(99);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  const std::string observed = read_text_file(output);
  std::filesystem::remove_all(folder);
  EXPECT_EQ(observed, observe());
}

}  // namespace
}  // namespace sally::test
