// Credentials and trust that change while they are used.
#include "lib/folder.h"
#include "lib/secure.h"
#include "lib/threads.h"
#include "lib/zoo.h"

#include <ctime>
#include <gtest/gtest.h>
#include <optional>

#include <sallyport/trust_store.hpp>

using namespace sally::test;

namespace {

// A server's credential in files of the test's own, and whom its clients then see.
class Rotation : public testing::Test {
 protected:
  Rotation() {
    put("server-good");
    EXPECT_EQ(load(), SALLY_OK);
  }

  void put_chain(const std::string& name) {
    folder.replace("tls.crt", read_file(Zoo::chain_path(name)));
  }
  void put_key(const std::string& name) {
    folder.replace("tls.key", read_file(Zoo::key_path(name)));
  }
  void put(const std::string& name) {
    put_chain(name);
    put_key(name);
  }
  Result load() {
    return called([&](sally_error** error) {
      return sally_credential_load(folder.path("tls.crt").c_str(), folder.path("tls.key").c_str(),
                                   nullptr, Out(credential), error);
    });
  }
  Result reload() {
    return called(
        [&](sally_error** error) { return sally_credential_reload(credential.get(), error); });
  }
  Result watch() {
    return called(
        [&](sally_error** error) { return sally_credential_watch(credential.get(), error); });
  }
  Result reload_status() {
    return called([&](sally_error** error) {
      return sally_credential_reload_status(credential.get(), error);
    });
  }
  // Waits for what the watching thread does.
  template <class Condition>
  testing::AssertionResult comes(Condition&& condition) {
    for (const StopWatch watch; !condition(); std::this_thread::yield()) {
      if (watch.milliseconds() > generous_ms) return testing::AssertionFailure() << "never came";
    }
    return testing::AssertionSuccess();
  }
  testing::AssertionResult generation_comes(std::uint64_t generation) {
    return comes([&] { return sally_credential_generation(credential.get()) >= generation; });
  }

  Owned<sally_tls_config> serving() {
    auto config = server_config({.credential = "", .client_auth = SALLY_CLIENT_AUTH_REQUIRE});
    EXPECT_EQ(sally_tls_config_add_credential(config.get(), credential.get(), nullptr), SALLY_OK);
    return config;
  }
  static std::string key_of_server(const Stream& client) {
    const auto info = client.info();
    return sally_certificate_key(sally_stream_info_peer_certificate(info.get(), 0));
  }

  Folder folder;
  Owned<sally_credential> credential;
  const Owned<sally_tls_config> client = client_config();
};

TEST_F(Rotation, OfACredentialShowsInTheNextHandshakeAndLeavesConnectionsAlone) {
  Listener listener(serving());
  Pair before = connect_pair(listener, client.get());
  EXPECT_EQ(key_of_server(before.client), "EC P-256");
  put("server-good-ed25519");
  EXPECT_EQ(sally_credential_generation(credential.get()), 1u);
  ASSERT_EQ(reload(), SALLY_OK);
  EXPECT_EQ(sally_credential_generation(credential.get()), 2u);
  Pair after = connect_pair(listener, client.get());
  EXPECT_EQ(key_of_server(after.client), "ED25519");
  ASSERT_EQ(before.client.write("still"), SALLY_OK);
  EXPECT_EQ(before.server.read_text(5), "still");
}

TEST_F(Rotation, KeepsTheOldCredentialWhereTheNewOneIsTornOrMismatched) {
  Listener listener(serving());
  const std::string whole = read_file(Zoo::chain_path("server-good-ed25519"));
  folder.replace("tls.crt", whole.substr(0, whole.size() / 2));
  EXPECT_EQ(reload(), SALLY_CREDENTIAL_BAD_FORMAT);
  EXPECT_EQ(reload_status(), SALLY_CREDENTIAL_BAD_FORMAT);
  put_chain("server-good-ed25519");
  EXPECT_EQ(reload(), SALLY_CREDENTIAL_KEY_MISMATCH);
  EXPECT_EQ(reload_status(), SALLY_CREDENTIAL_KEY_MISMATCH);
  std::filesystem::remove(folder.path("tls.key"));
  EXPECT_EQ(reload(), SALLY_FILE_NOT_FOUND);
  EXPECT_EQ(sally_credential_generation(credential.get()), 1u);
  EXPECT_EQ(key_of_server(connect_pair(listener, client.get()).client), "EC P-256");
  put_key("server-good-ed25519");
  EXPECT_EQ(reload(), SALLY_OK);
  EXPECT_EQ(reload_status(), SALLY_OK);
  EXPECT_EQ(key_of_server(connect_pair(listener, client.get()).client), "ED25519");
}

TEST_F(Rotation, IsWatchedFor) {
  Listener listener(serving());
  ASSERT_EQ(watch(), SALLY_OK);
  ASSERT_EQ(watch(), SALLY_OK) << "a second time it does nothing";
  put("server-good-ed25519");
  ASSERT_TRUE(generation_comes(2));
  EXPECT_TRUE(comes([&] { return reload_status() == SALLY_OK; }));
  EXPECT_EQ(key_of_server(connect_pair(listener, client.get()).client), "ED25519");
}

TEST_F(Rotation, OfMountedSecretsIsWatchedFor) {
  const auto put_version = [&](const std::string& version, const std::string& name) {
    folder.write(version + "/tls.crt", read_file(Zoo::chain_path(name)));
    folder.write(version + "/tls.key", read_file(Zoo::key_path(name)));
  };
  std::filesystem::remove(folder.path("tls.crt"));
  std::filesystem::remove(folder.path("tls.key"));
  put_version("..1", "server-good");
  folder.link("..1", "..data");
  folder.link("..data/tls.crt", "tls.crt");
  folder.link("..data/tls.key", "tls.key");
  ASSERT_EQ(load(), SALLY_OK);
  ASSERT_EQ(watch(), SALLY_OK);
  Listener listener(serving());
  std::uint64_t generation = 1;
  for (const char* name : {"server-good-ed25519", "server-good-rsa", "server-good"}) {
    const std::string version = "..v" + std::to_string(++generation);
    put_version(version, name);
    folder.link(version, "..data_tmp");
    folder.rename("..data_tmp", "..data");
    ASSERT_TRUE(generation_comes(generation));
    const auto own = [&] {
      Owned<sally_certificate> certificate;
      EXPECT_EQ(sally_credential_copy_certificate(credential.get(), Out(certificate), nullptr),
                SALLY_OK);
      return std::string(sally_certificate_fingerprint(certificate.get()));
    }();
    Pair pair = connect_pair(listener, client.get());
    const auto info = pair.client.info();
    EXPECT_EQ(sally_certificate_fingerprint(sally_stream_info_peer_certificate(info.get(), 0)),
              own);
  }
}

TEST_F(Rotation, WatchedForSurvivesTornFiles) {
  ASSERT_EQ(watch(), SALLY_OK);
  folder.write("tls.crt", "-----BEGIN CERTIFICATE-----\nMIIB");
  ASSERT_TRUE(comes([&] { return reload_status() == SALLY_CREDENTIAL_BAD_FORMAT; }));
  EXPECT_EQ(sally_credential_generation(credential.get()), 1u);
  put("server-good-rsa");
  ASSERT_TRUE(generation_comes(2));
  EXPECT_TRUE(comes([&] { return reload_status() == SALLY_OK; }));
}

TEST_F(Rotation, OfWhatCameFromMemoryIsAReplacement) {
  const std::string chain = read_file(Zoo::chain_path("server-good"));
  const std::string key = read_file(Zoo::key_path("server-good"));
  ASSERT_EQ(sally_credential_from_memory(chain.data(), chain.size(), key.data(), key.size(),
                                         nullptr, Out(credential), nullptr),
            SALLY_OK);
  EXPECT_EQ(reload(), SALLY_INVALID_STATE);
  EXPECT_EQ(watch(), SALLY_INVALID_STATE);
  EXPECT_EQ(reload_status(), SALLY_OK) << "nothing was tried";
  Listener listener(serving());
  const auto next = Zoo::credential("server-good-rsa");
  ASSERT_EQ(sally_credential_replace(credential.get(), next.get(), nullptr), SALLY_OK);
  EXPECT_EQ(sally_credential_generation(credential.get()), 2u);
  EXPECT_EQ(key_of_server(connect_pair(listener, client.get()).client), "RSA 2048");
}

TEST_F(Rotation, TellsWhenTheFirstCertificateExpires) {
  Owned<sally_certificate> certificate;
  ASSERT_EQ(sally_credential_copy_certificate(credential.get(), Out(certificate), nullptr),
            SALLY_OK);
  const std::int64_t leaf = sally_certificate_not_after(certificate.get());
  EXPECT_GT(sally_credential_not_after(credential.get()), 0);
  EXPECT_LE(sally_credential_not_after(credential.get()), leaf);
}

TEST_F(Rotation, OfTrustShowsInTheNextHandshake) {
  folder.replace("ca.pem", read_file(Zoo::ca_path("ca-other")));
  Owned<sally_trust_store> trust;
  ASSERT_EQ(sally_trust_store_load(folder.path("ca.pem").c_str(), Out(trust), nullptr), SALLY_OK);
  auto config = server_config(
      {.credential = "server-good", .trust = "", .client_auth = SALLY_CLIENT_AUTH_REQUIRE});
  ASSERT_EQ(sally_tls_config_set_trust(config.get(), trust.get(), nullptr), SALLY_OK);
  Listener listener(config);
  Stream refused = listener.stream(client.get());
  static_cast<void>(refused.connect());
  EXPECT_EQ(listener.next_refusal().status(), SALLY_CLIENT_CERTIFICATE_REQUIRED)
      << "it has none of a CA that the server names";

  folder.replace("ca.pem", "nothing");
  EXPECT_EQ(sally_trust_store_reload(trust.get(), nullptr), SALLY_TRUST_STORE_EMPTY);
  EXPECT_EQ(sally_trust_store_reload_status(trust.get(), nullptr), SALLY_TRUST_STORE_EMPTY);
  EXPECT_EQ(sally_trust_store_size(trust.get()), 1u);

  ASSERT_EQ(sally_trust_store_watch(trust.get(), nullptr), SALLY_OK);
  folder.replace("ca.pem", read_file(Zoo::ca_path("ca-root")));
  ASSERT_TRUE(comes([&] { return sally_trust_store_generation(trust.get()) == 2; }));
  connect_pair(listener, client.get());
}

TEST_F(Rotation, ShowsInTheTimesOfATrustStore) {
  folder.replace("ca.pem", read_file(Zoo::ca_path("ca-root")));
  folder.replace("crl.pem", read_file(Zoo::crl_path("file-crl-two")));
  auto trust = sally::TrustStore::from_file(folder.path("ca.pem"));
  const auto root = sally_trust_store_not_after(trust.get());
  EXPECT_GT(root, std::time(nullptr));
  EXPECT_EQ(trust.not_after()->time_since_epoch().count(), root);
  EXPECT_EQ(sally_trust_store_next_update(trust.get()), 0);
  EXPECT_EQ(trust.next_update(), std::nullopt);
  trust.add_crl(folder.path("crl.pem"));
  const auto update = sally_trust_store_next_update(trust.get());
  EXPECT_GT(update, std::time(nullptr));

  const auto expired = Zoo::trust("ca-expired");
  const auto over = sally_trust_store_not_after(expired.get());
  EXPECT_LT(over, std::time(nullptr));
  ASSERT_EQ(sally_trust_store_merge(trust.get(), expired.get(), nullptr), SALLY_OK);
  EXPECT_EQ(sally_trust_store_not_after(trust.get()), over) << "the first that is over counts";
  EXPECT_EQ(sally_trust_store_next_update(trust.get()), update);
  ASSERT_EQ(sally_trust_store_replace(trust.get(), Zoo::trust("ca-root").get(), nullptr), SALLY_OK);
  EXPECT_EQ(sally_trust_store_not_after(trust.get()), root);
  EXPECT_EQ(sally_trust_store_next_update(trust.get()), 0) << "of the present generation";
}

TEST_F(Rotation, OfCrlsShowsInTheNextHandshake) {
  folder.replace("crl.pem", read_file(Zoo::crl_path("file-crl-none-revoked")));
  const auto trust = Zoo::trust("ca-root");
  ASSERT_EQ(sally_trust_store_add_crl(trust.get(), folder.path("crl.pem").c_str(), nullptr),
            SALLY_OK);
  auto config = server_config(
      {.credential = "server-good", .trust = "", .client_auth = SALLY_CLIENT_AUTH_REQUIRE});
  ASSERT_EQ(sally_tls_config_set_trust(config.get(), trust.get(), nullptr), SALLY_OK);
  Listener listener(config);
  const auto revoked = client_config({.credential = "client-good-ed25519"});
  connect_pair(listener, revoked.get());

  folder.replace("crl.pem", read_file(Zoo::crl_path("file-crl-revoking")));
  ASSERT_EQ(sally_trust_store_reload(trust.get(), nullptr), SALLY_OK);
  Stream refused = listener.stream(revoked.get());
  static_cast<void>(refused.connect());
  EXPECT_EQ(listener.next_refusal().status(), SALLY_CERTIFICATE_REVOKED);
  connect_pair(listener, client.get());
}

TEST_F(Rotation, FromSeveralThreadsWhileOthersShakeHandsIsSound) {
  Listener listener(serving());
  ASSERT_EQ(watch(), SALLY_OK);
  auto rotating = on_thread([&] {
    for (int i = 0; i < 20; ++i) {
      put(i % 2 == 0 ? "server-good-ed25519" : "server-good");
      EXPECT_EQ(reload(), SALLY_OK);
    }
  });
  auto reading = on_thread([&] {
    while (sally_credential_generation(credential.get()) < 20) {
      static_cast<void>(reload_status());
      EXPECT_GT(sally_credential_not_after(credential.get()), 0);
    }
  });
  for (int i = 0; i < 20; ++i) {
    Pair pair = connect_pair(listener, client.get());
    ASSERT_EQ(pair.client.write("ping"), SALLY_OK);
    EXPECT_EQ(pair.server.read_text(4), "ping");
  }
  rotating.get();
  reading.get();
}

}  // namespace
