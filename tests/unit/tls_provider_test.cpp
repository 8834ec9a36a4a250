// The choice of OpenSSL's providers.
#include "lib/tls_pair.h"
#include "tls/provider.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <string>
#include <unistd.h>

namespace sally::test {
namespace {

ErrorRef failure_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Failure& failure) {
    return failure.error();
  }
  return make_error(SALLY_OK);
}

std::string choosing(const std::string& query) {
  const auto config = make_ref<tls::Config>(SALLY_ROLE_CLIENT);
  return name_of(failure_of([&] { config->set_provider_query(query); })->status());
}

TEST(Provider, ThatIsThereDoesTheHandshake) {
  for (const std::int32_t version : {SALLY_TLS_1_2, SALLY_TLS_1_3}) {
    const Parties parties{.version = version};
    const auto client = client_config(parties);
    const auto server = server_config(parties);
    client->set_provider_query("provider=default");
    server->set_provider_query("provider=default");
    const auto settings = nlohmann::json::parse(tls::effective_settings(*client->freeze()));
    EXPECT_EQ(settings.at("provider"), "provider=default");
    TlsPair pair(client->freeze(), server->freeze());
    pair.established();
    pair.client().write("hello");
    EXPECT_EQ(pair.server().read(), "hello");
  }
}

TEST(Provider, ThatIsNotThereIsRefusedAtTheCall) {
  const auto config = make_ref<tls::Config>(SALLY_ROLE_CLIENT);
  for (const char* query : {"provider=no-such-provider", "fips=yes,provider=no-such-provider"}) {
    const ErrorRef error = failure_of([&] { config->set_provider_query(query); });
    EXPECT_EQ(name_of(error->status()), "SALLY_PROVIDER_UNAVAILABLE");
    EXPECT_EQ(error->detail().expected, query);
    EXPECT_NE(error->detail().found.find("default"), std::string::npos) << error->detail().found;
  }
  config->skip_verification();
  const auto settings = nlohmann::json::parse(tls::effective_settings(*config->freeze()));
  EXPECT_EQ(settings.at("provider"), "") << "what was refused is not in force";
}

TEST(Provider, ThatIsOnlyPreferredMayBeMissing) {
  EXPECT_EQ(choosing("?provider=no-such-provider"), "SALLY_OK");
  EXPECT_EQ(choosing(""), "SALLY_OK");
}

TEST(Provider, QueryThatIsNoneIsAnInvalidArgument) {
  for (const char* query : {"=yes", "fips=", "fips==yes", "provider='default"}) {
    EXPECT_EQ(choosing(query), "SALLY_INVALID_ARGUMENT") << query;
  }
}

TEST(Provider, OfFipsIsUsedOrClearlyRefused) {
  const auto config = make_ref<tls::Config>(SALLY_ROLE_CLIENT);
  const ErrorRef loading = failure_of([] { tls::load_provider("fips", nullptr); });
  const ErrorRef choice = failure_of([&] { config->set_provider_query("fips=yes"); });
  // With a configuration of its own it may be there; without, it is not to be had in part.
  EXPECT_EQ(loading->status(), choice->status());
  if (loading->status() != SALLY_OK) {
    EXPECT_EQ(name_of(loading->status()), "SALLY_PROVIDER_UNAVAILABLE");
    EXPECT_EQ(loading->detail().expected, "fips");
  }
}

// As a module, or linked in.
bool has_legacy_provider() {
  OSSL_LIB_CTX* scratch = OSSL_LIB_CTX_new();
  OSSL_PROVIDER* legacy = OSSL_PROVIDER_load(scratch, "legacy");
  const bool found = legacy != nullptr;
  if (found) OSSL_PROVIDER_unload(legacy);
  OSSL_LIB_CTX_free(scratch);
  ERR_clear_error();
  return found;
}

TEST(Provider, CanBeLoadedByName) {
  if (!has_legacy_provider()) GTEST_SKIP() << "no provider to load";
  EXPECT_EQ(choosing("provider=legacy"), "SALLY_PROVIDER_UNAVAILABLE");
  tls::load_provider("legacy", nullptr);
  tls::load_provider("legacy", nullptr);
  const auto config = make_ref<tls::Config>(SALLY_ROLE_CLIENT);
  const ErrorRef error = failure_of([&] { config->set_provider_query("provider=legacy"); });
  EXPECT_EQ(name_of(error->status()), "SALLY_PROVIDER_UNAVAILABLE") << "it has nothing for TLS";
  EXPECT_NE(error->detail().found.find("legacy"), std::string::npos) << error->detail().found;
  TlsPair pair;
  pair.established();
}

TEST(Provider, OfOldCiphersOpensOldFiles) {
  if (!has_legacy_provider()) GTEST_SKIP() << "no provider to load";
  tls::load_provider("legacy", nullptr);
  TlsPair pair(Parties{.server = "file-pkcs12-rc2"});
  pair.established();
}

TEST(Provider, CanBeToldItsConfiguration) {
  const std::string modules = OPENSSL_info(OPENSSL_INFO_MODULES_DIR);
  if (!std::filesystem::exists(modules + "/legacy.so")) GTEST_SKIP() << "no module to load";
  const std::string path = testing::TempDir() + "sallyport-" + std::to_string(::getpid()) + ".cnf";
  std::ofstream(path) << "openssl_conf = main\n[main]\nproviders = all\n[all]\nmine = section\n"
                         "[section]\nactivate = 1\nmodule = "
                      << modules << "/legacy.so\n";
  tls::load_provider("mine", path.c_str());
  const auto config = make_ref<tls::Config>(SALLY_ROLE_CLIENT);
  const ErrorRef error = failure_of([&] { config->set_provider_query("provider=none"); });
  EXPECT_NE(error->detail().found.find("mine"), std::string::npos) << error->detail().found;
  EXPECT_EQ(choosing("provider=default"), "SALLY_OK") << "what was there stays";
  std::filesystem::remove(path);
}

TEST(Provider, ThatCannotBeLoadedIsRefused) {
  const auto loading = [](const char* name, const char* configuration) {
    return name_of(failure_of([&] { tls::load_provider(name, configuration); })->status());
  };
  EXPECT_EQ(loading("no-such-provider", nullptr), "SALLY_PROVIDER_UNAVAILABLE");
  EXPECT_EQ(loading("default", "/no/such/file.cnf"), "SALLY_PROVIDER_UNAVAILABLE");
  EXPECT_EQ(loading("default", nullptr), "SALLY_OK") << "it is there already";
}

}  // namespace
}  // namespace sally::test
