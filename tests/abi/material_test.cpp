// Credentials and trust stores of every format, and the choice among credentials, through the C ABI
// and its C++ wrappers.
#include "lib/secure.h"
#include "lib/zoo.h"

#include <gtest/gtest.h>
#include <string>

#include <sallyport/sallyport.hpp>

namespace sally::test {
namespace {

std::string zoo_file(const std::string& file) {
  return std::string(SALLYPORT_ZOO_DIR "/") + file;
}

Result load(const std::string& name, const char* passphrase, Owned<sally_credential>& credential) {
  const std::string path = Zoo::chain_path(name);
  return called([&](sally_error** error) {
    return sally_credential_load(path.c_str(), nullptr, passphrase, Out(credential), error);
  });
}

TEST(Pkcs12, IsOneFileForAllAndEveryRefusalHasItsStatus) {
  Owned<sally_credential> credential;
  EXPECT_EQ(load("file-pkcs12", "sallyport", credential), SALLY_OK);
  Owned<sally_bytes> warnings;
  ASSERT_EQ(sally_credential_copy_warnings(credential.get(), Out(warnings), nullptr), SALLY_OK);
  EXPECT_EQ(sally_bytes_size(warnings.get()), 0u);
  EXPECT_EQ(load("file-pkcs12-open", nullptr, credential), SALLY_OK);
  EXPECT_EQ(load("file-pkcs12", nullptr, credential), SALLY_CREDENTIAL_PASSPHRASE_NEEDED);
  EXPECT_EQ(load("file-pkcs12", "portcullis", credential), SALLY_CREDENTIAL_WRONG_PASSPHRASE);
  EXPECT_EQ(load("file-pkcs12-keyless", "sallyport", credential), SALLY_CREDENTIAL_NO_KEY);
  EXPECT_EQ(load("file-pkcs12-bare", "sallyport", credential), SALLY_CREDENTIAL_NO_CERTIFICATE);
  const Result old = load("file-pkcs12-rc2", "sallyport", credential);
  EXPECT_EQ(old, SALLY_CREDENTIAL_LEGACY_CIPHER);
  EXPECT_NE(std::string(sally_error_hint(old.error.get())).find("openssl pkcs12 -legacy"),
            std::string::npos);
}

TEST(Pkcs12, OfMemoryServesAConnection) {
  const std::string bytes = read_file(Zoo::chain_path("file-pkcs12"));
  const auto own = sally::Credential::from_memory(bytes, {}, "sallyport");
  EXPECT_EQ(own.warnings(), std::vector<std::string>{});
  const auto config = sally::TlsConfig::server().credential(own);
  Listener listener(Owned<sally_tls_config>(sally_tls_config_retain(config.get())));
  const Pair pair = connect_pair(listener, client_config().get());
  const auto info = pair.server.info();
  EXPECT_EQ(
      std::string(sally_certificate_fingerprint(sally_stream_info_own_certificate(info.get()))),
      own.certificate().fingerprint());
}

TEST(Credential, TellsItsWarnings) {
  const auto own = sally::Credential::from_files(Zoo::chain_path("file-misordered-chain"),
                                                 Zoo::key_path("file-misordered-chain"));
  ASSERT_EQ(own.warnings().size(), 1u);
  EXPECT_NE(own.warnings()[0].find("they are sent in the order 1, 3, 2"), std::string::npos);
}

TEST(TrustStore, IsJoinedFromSeveralSources) {
  auto store = sally::TrustStore::from_file(zoo_file("file-trust-der.der"));
  EXPECT_EQ(store.size(), 2u);
  store.merge(sally::TrustStore::from_file(Zoo::ca_path("file-trust-crowd")));
  EXPECT_EQ(store.size(), 72u) << "the root is in both";
  store.merge(store);
  EXPECT_EQ(store.size(), 72u);
}

TEST(TrustStore, HoldsRevocationLists) {
  auto store = sally::TrustStore::from_file(Zoo::ca_path("ca-root"));
  store.add_crl(zoo_file("file-crl-two.crl"));
  EXPECT_EQ(store.crl_count(), 2u);
  store.add_crl_from_memory(read_file(zoo_file("file-crl-der.der")));
  EXPECT_EQ(store.crl_count(), 3u);
  const Result broken = called([&](sally_error** error) {
    return sally_trust_store_add_crl(store.get(), zoo_file("file-crl-garbage.crl").c_str(), error);
  });
  EXPECT_EQ(broken, SALLY_CRL_BAD_FORMAT);
  EXPECT_EQ(store.crl_count(), 3u) << "a failure changes nothing";
}

TEST(TrustStore, OfAConfigIsAddedToForTheNextHandshake) {
  auto store = sally::TrustStore::from_file(Zoo::ca_path("ca-other"));
  const auto config = sally::TlsConfig::client().trust(store);
  Listener listener(server_config({.credential = "server-good"}));
  EXPECT_EQ(listener.stream(config.get()).connect(), SALLY_CERTIFICATE_UNKNOWN_CA);
  store.merge(sally::TrustStore::from_file(Zoo::ca_path("ca-root")));
  EXPECT_EQ(listener.stream(config.get()).connect(), SALLY_OK);
}

Owned<sally_tls_config> client_of(std::initializer_list<const char*> credentials) {
  auto config = client_config({});
  for (const char* name : credentials) {
    const auto own = Zoo::credential(name);
    EXPECT_EQ(sally_tls_config_add_credential(config.get(), own.get(), nullptr), SALLY_OK);
  }
  return config;
}

TEST(CredentialChoice, IsToldAfterSuccess) {
  Listener listener(server_config());
  const Pair pair = connect_pair(listener, client_of({"client-other", "client-good"}).get());
  const auto info = pair.client.info();
  const auto* own = sally_stream_info_own_certificate(info.get());
  ASSERT_NE(own, nullptr);
  EXPECT_EQ(std::string(sally_certificate_subject(own)), "CN=client-good,O=Sallyport");
  ASSERT_EQ(sally_stream_info_passed_over_count(info.get()), 1u);
  EXPECT_TRUE(std::string(sally_stream_info_passed_over(info.get(), 0))
                  .starts_with("'CN=client-other,O=Sallyport': it was issued by"));
  const auto server = pair.server.info();
  EXPECT_NE(sally_stream_info_own_certificate(server.get()), nullptr);
}

TEST(CredentialChoice, IsToldByTheRefusalWhereNoneFits) {
  Listener listener(server_config());
  const auto config = client_of({"client-other", "client-expired"});
  Stream client = listener.stream(config.get());
  ASSERT_EQ(client.connect(), SALLY_OK) << "TLS 1.3 tells later";
  EXPECT_EQ(sally_stream_info_own_certificate(client.info().get()), nullptr);
  const Result refused = client.read_status();
  EXPECT_EQ(refused, SALLY_ALERT_CERTIFICATE_REQUIRED);
  const std::string hint = sally_error_hint(refused.error.get());
  EXPECT_NE(hint.find("'CN=client-other,O=Sallyport': it was issued by"), std::string::npos)
      << hint;
  EXPECT_NE(hint.find("'CN=client-expired,O=Sallyport': it "), std::string::npos) << hint;
}

}  // namespace
}  // namespace sally::test
