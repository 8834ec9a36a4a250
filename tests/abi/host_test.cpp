// Virtual hosts: one listener, and for each name a config of its own.
#include "abi/decision_support.h"
#include "lib/folder.h"

#include <sallyport/sallyport.hpp>

using namespace sally::test;

namespace {

constexpr const char* localhost = "localhost";
constexpr const char* other_name = "server.example.test";

class Host : public OnBothVersions {
 protected:
  static TlsSetup serving(TlsSetup setup = {.credential = "server-good"}) {
    return of_version(GetParam(), std::move(setup));
  }
  static TlsSetup mutual(std::string trust = "ca-root") {
    return serving({.credential = "server-good",
                    .trust = std::move(trust),
                    .client_auth = SALLY_CLIENT_AUTH_REQUIRE});
  }
  static Result add(const Owned<sally_tls_config>& config, const char* name,
                    const Owned<sally_tls_config>& host) {
    return called([&](sally_error** error) {
      return sally_tls_config_add_host(config.get(), name, host.get(), error);
    });
  }
  static Stream stream(const Listener& listener, const Owned<sally_tls_config>& client,
                       const std::string& name) {
    return Stream(client.get(), "127.0.0.1", listener.service(), name);
  }
  // The server's end of a connection that must come about.
  static Stream served(Listener& listener, const TlsSetup& client, const std::string& name,
                       std::string* alpn = nullptr) {
    const auto config = client_config(client);
    Stream near = stream(listener, config, name);
    EXPECT_EQ(near.connect(), SALLY_OK) << name;
    Stream far = listener.accept();
    EXPECT_EQ(far.write("x"), SALLY_OK);
    EXPECT_EQ(near.read_text(1), "x");
    if (alpn != nullptr) *alpn = sally_stream_info_alpn(near.info().get());
    return far;
  }
  // Why the server let nobody in.
  static sally_status refusal(Listener& listener, const TlsSetup& client, const std::string& name) {
    const auto config = client_config(client);
    Stream near = stream(listener, config, name);
    EXPECT_FALSE(refused(near).ok());
    return listener.next_refusal().status();
  }
};
INSTANTIATE_TEST_SUITE_P(Versions, Host, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3), name_of);

}  // namespace

TEST_P(Host, HasItsOwnPolicyForClients) {
  const auto config = server_config(serving());
  ASSERT_EQ(add(config, localhost, server_config(mutual())), SALLY_OK);
  Listener listener(config);
  EXPECT_EQ(refusal(listener, {}, localhost), SALLY_CLIENT_CERTIFICATE_REQUIRED);
  const Stream known = served(listener, {.credential = "client-good"}, localhost);
  EXPECT_EQ(sally_stream_info_peer_verified(known.info().get()), 1);
  EXPECT_STREQ(sally_stream_info_server_name(known.info().get()), localhost);
  const Stream anonymous = served(listener, {.credential = "client-good"}, other_name);
  EXPECT_EQ(sally_stream_info_peer_certificate_count(anonymous.info().get()), 0u);
}

TEST_P(Host, CanAskForLessThanTheConfigThatItIsOf) {
  const auto config = server_config(mutual());
  ASSERT_EQ(add(config, localhost, server_config(serving())), SALLY_OK);
  Listener listener(config);
  const Stream anonymous = served(listener, {}, localhost);
  EXPECT_EQ(sally_stream_info_client_certificate_requested(anonymous.info().get()), 0);
  EXPECT_EQ(refusal(listener, {}, other_name), SALLY_CLIENT_CERTIFICATE_REQUIRED);
}

TEST_P(Host, HasItsOwnTrust) {
  const auto config = server_config(mutual());
  ASSERT_EQ(add(config, localhost, server_config(mutual("ca-other"))), SALLY_OK);
  Listener listener(config);
  EXPECT_EQ(refusal(listener, {.credential = "client-other"}, other_name),
            SALLY_CLIENT_CERTIFICATE_REQUIRED)
      << "which shows none, since its CA is not named";
  served(listener, {.credential = "client-other"}, localhost);
  served(listener, {.credential = "client-good"}, other_name);
  EXPECT_EQ(refusal(listener, {.credential = "client-good"}, localhost),
            SALLY_CLIENT_CERTIFICATE_REQUIRED);
}

TEST_P(Host, HasItsOwnCredentialAndProtocols) {
  const auto config = server_config(serving({.credential = "server-good", .alpn = {"base"}}));
  ASSERT_EQ(add(config, localhost,
                server_config(serving({.credential = "server-good-rsa", .alpn = {"host"}}))),
            SALLY_OK);
  Listener listener(config);
  std::string alpn;
  const Stream host = served(listener, {.alpn = {"base", "host"}}, localhost, &alpn);
  EXPECT_EQ(alpn, "host");
  EXPECT_STREQ(sally_certificate_key(sally_stream_info_own_certificate(host.info().get())),
               "RSA 2048");
  served(listener, {.alpn = {"base", "host"}}, other_name, &alpn);
  EXPECT_EQ(alpn, "base");
}

TEST_P(Host, IsFoundByNameBeforeByWildcard) {
  const auto config = server_config(serving({.credential = "server-wildcard", .alpn = {"none"}}));
  const auto offering = [](const char* protocol) {
    return server_config(serving({.credential = "server-wildcard", .alpn = {protocol}}));
  };
  ASSERT_EQ(add(config, "*.EXAMPLE.test", offering("wild")), SALLY_OK);
  ASSERT_EQ(add(config, "a.example.TEST.", offering("exact")), SALLY_OK);
  Listener listener(config);
  const std::vector<const char*> all = {"none", "wild", "exact"};
  std::string alpn;
  served(listener, {.alpn = all}, "a.example.test", &alpn);
  EXPECT_EQ(alpn, "exact");
  served(listener, {.alpn = all}, "b.example.test", &alpn);
  EXPECT_EQ(alpn, "wild");
}

TEST_P(Host, CountsAsAKnownName) {
  const auto config = server_config(serving());
  ASSERT_EQ(
      add(config, "a.example.test", server_config(serving({.credential = "server-wildcard"}))),
      SALLY_OK);
  ASSERT_EQ(sally_tls_config_set_unknown_name(config.get(), SALLY_UNKNOWN_NAME_REFUSE, nullptr),
            SALLY_OK);
  Listener listener(config);
  served(listener, {}, "a.example.test");
  EXPECT_EQ(refusal(listener, {}, "b.example.test"), SALLY_SERVER_NAME_UNKNOWN);
}

TEST_P(Host, ReloadsItsOwnSources) {
  Folder folder;
  folder.replace("ca.pem", read_file(Zoo::ca_path("ca-root")));
  Owned<sally_trust_store> trust;
  ASSERT_EQ(sally_trust_store_load(folder.path("ca.pem").c_str(), Out(trust), nullptr), SALLY_OK);
  const auto host = server_config(mutual(""));
  ASSERT_EQ(sally_tls_config_set_trust(host.get(), trust.get(), nullptr), SALLY_OK);
  const auto config = server_config(serving());
  ASSERT_EQ(add(config, localhost, host), SALLY_OK);
  Listener listener(config);
  served(listener, {.credential = "client-good"}, localhost);
  folder.replace("ca.pem", read_file(Zoo::ca_path("ca-other")));
  ASSERT_EQ(sally_trust_store_reload(trust.get(), nullptr), SALLY_OK);
  served(listener, {.credential = "client-other"}, localhost);
  EXPECT_EQ(refusal(listener, {.credential = "client-good"}, localhost),
            SALLY_CLIENT_CERTIFICATE_REQUIRED);
}

TEST_P(Host, AsksItsOwnQuestionAboutThePeer) {
  Desk desk;
  const auto config = server_config(serving());
  ASSERT_EQ(add(config, localhost, asking(server_config(mutual()), SALLY_QUESTION_PEER)), SALLY_OK);
  Listener listener(config, asked_at(desk));
  const auto client = client_config({.credential = "client-good"});
  Stream near = stream(listener, client, localhost);
  auto connecting = on_thread([&] { return refused(near); });
  const Decision decision = desk.next();
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision.question(), SALLY_QUESTION_PEER);
  EXPECT_EQ(decision.deny(SALLY_CERTIFICATE_REVOKED), SALLY_OK);
  EXPECT_EQ(connecting.get(), SALLY_ALERT_CERTIFICATE_REVOKED);
  served(listener, {.credential = "client-good"}, other_name);
  EXPECT_EQ(sally_queue_pending(desk.queue().get()), 0u) << "the other config asks nothing";
}

TEST_P(Host, ComesBeforeTheQuestionAboutTheHello) {
  Desk desk;
  const auto config = asking(server_config(serving()), SALLY_QUESTION_CLIENT_HELLO);
  ASSERT_EQ(add(config, localhost, asking(server_config(mutual()), SALLY_QUESTION_CLIENT_HELLO)),
            SALLY_OK);
  Listener listener(config, asked_at(desk));
  served(listener, {.credential = "client-good"}, localhost);
  EXPECT_EQ(sally_queue_pending(desk.queue().get()), 0u);
  const auto client = client_config({});
  Stream near = stream(listener, client, other_name);
  auto connecting = on_thread([&] { return near.connect(); });
  const Decision decision = desk.next();
  ASSERT_TRUE(decision);
  EXPECT_EQ(decision.question(), SALLY_QUESTION_CLIENT_HELLO);
  EXPECT_EQ(decision.accept(), SALLY_OK);
  EXPECT_EQ(connecting.get(), SALLY_OK);
}

TEST_P(Host, ServesAnUpgradeToo) {
  sally_listener_options options{};
  options.flags = SALLY_STREAM_PLAIN;
  Listener listener({}, options);
  const std::string service = listener.service();
  sally_stream_options plain{};
  plain.struct_size = sizeof plain;
  plain.flags = SALLY_STREAM_PLAIN;
  plain.host = "127.0.0.1";
  plain.service = service.c_str();
  Owned<sally_stream> raw;
  ASSERT_EQ(sally_stream_create(&plain, Out(raw), nullptr), SALLY_OK);
  Stream client(std::move(raw));
  ASSERT_EQ(client.connect(), SALLY_OK);
  Stream server = listener.accept();
  const auto config = server_config(serving());
  ASSERT_EQ(add(config, localhost, server_config(mutual())), SALLY_OK);
  const auto shows = client_config({.credential = "client-good"});
  auto securing = on_thread(
      [&] { return sally_stream_upgrade(client.get(), shows.get(), localhost, 0, nullptr); });
  EXPECT_EQ(sally_stream_upgrade(server.get(), config.get(), nullptr, 0, nullptr), SALLY_OK);
  EXPECT_EQ(securing.get(), SALLY_OK);
  EXPECT_EQ(sally_stream_info_peer_verified(server.info().get()), 1);
}

TEST(HostConfig, IsRefusedWhereItIsWrong) {
  const auto config = server_config();
  const auto add = [](const Owned<sally_tls_config>& to, const char* name,
                      const Owned<sally_tls_config>& host) {
    return called([&](sally_error** error) {
      return sally_tls_config_add_host(to.get(), name, host.get(), error);
    });
  };
  for (const char* name : {"", "*", "*.", "*.test", "a..b", "a b.test", "f*.test", "a.*.test"}) {
    EXPECT_EQ(add(config, name, server_config()), SALLY_INVALID_ARGUMENT) << name;
  }
  EXPECT_EQ(add(config, "a.test", client_config()), SALLY_INVALID_ARGUMENT);
  EXPECT_EQ(add(client_config(), "a.test", config), SALLY_INVALID_STATE);
  EXPECT_EQ(add(config, "a.test", config), SALLY_INVALID_STATE) << "itself";
  const auto host = server_config();
  EXPECT_EQ(add(config, "a.test", host), SALLY_OK);
  EXPECT_EQ(add(config, "A.test.", server_config()), SALLY_INVALID_ARGUMENT) << "a second time";
  EXPECT_EQ(add(config, "b.test", host), SALLY_OK) << "one config for several names";
  EXPECT_EQ(add(host, "c.test", server_config()), SALLY_INVALID_STATE) << "a host of a host";
  EXPECT_EQ(add(server_config(), "c.test", config), SALLY_INVALID_STATE) << "likewise";
}

TEST(HostConfig, MustBeCompleteWhenTheOtherIsUsed) {
  const auto config = server_config();
  const auto host = server_config({});
  ASSERT_EQ(sally_tls_config_add_host(config.get(), "a.test", host.get(), nullptr), SALLY_OK);
  Owned<sally_bytes> json;
  const Result incomplete = called([&](sally_error** error) {
    return sally_tls_config_to_json(config.get(), Out(json), error);
  });
  EXPECT_EQ(incomplete, SALLY_INVALID_STATE);
  EXPECT_NE(std::string(sally_error_message(incomplete.error.get())).find("a.test"),
            std::string::npos);
  ASSERT_EQ(
      sally_tls_config_add_credential(host.get(), Zoo::credential("server-good").get(), nullptr),
      SALLY_OK);
  EXPECT_EQ(sally_tls_config_to_json(config.get(), Out(json), nullptr), SALLY_OK);
  EXPECT_EQ(
      sally_tls_config_add_credential(host.get(), Zoo::credential("server-good").get(), nullptr),
      SALLY_INVALID_STATE)
      << "both are frozen";
}

TEST(HostConfig, NeedsSomewhereForItsQuestionsToGo) {
  const auto config = server_config();
  const auto host = asking(server_config(), SALLY_QUESTION_PEER);
  ASSERT_EQ(sally_tls_config_add_host(config.get(), "a.test", host.get(), nullptr), SALLY_OK);
  sally_listener_options options{};
  options.struct_size = sizeof options;
  options.host = "127.0.0.1";
  options.service = "0";
  options.tls = config.get();
  Owned<sally_listener> listener;
  EXPECT_EQ(sally_listener_bind(&options, Out(listener), nullptr), SALLY_INVALID_ARGUMENT);
}

TEST(HostConfig, IsSetInCppToo) {
  const auto host = sally::TlsConfig::server().credential(
      sally::Credential::from_files(Zoo::chain_path("server-good"), Zoo::key_path("server-good")));
  const auto config = sally::TlsConfig::server()
                          .credential(sally::Credential::from_files(Zoo::chain_path("server-good"),
                                                                    Zoo::key_path("server-good")))
                          .host("a.test", host)
                          .unknown_name(SALLY_UNKNOWN_NAME_REFUSE);
  EXPECT_GT(config.json().text().size(), 0u);
}
