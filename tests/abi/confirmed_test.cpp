// A client that is connected only when the server has accepted its certificate.
#include "lib/secure.h"
#include "lib/threads.h"

#include <gtest/gtest.h>

using namespace sally::test;

namespace {

Stream confirmed(const Listener& listener, const Owned<sally_tls_config>& config) {
  const std::string service = listener.service();
  sally_stream_options options{};
  options.struct_size = sizeof options;
  options.flags = SALLY_STREAM_CONFIRMED;
  if (!config) options.flags |= SALLY_STREAM_PLAIN;
  options.host = "127.0.0.1";
  options.verify_name = config ? "localhost" : nullptr;
  options.service = service.c_str();
  options.tls = config.get();
  Owned<sally_stream> stream;
  EXPECT_EQ(sally_stream_create(&options, Out(stream), nullptr), SALLY_OK);
  return Stream(std::move(stream));
}

Owned<sally_tls_config> without_resumption(Owned<sally_tls_config> config) {
  EXPECT_EQ(sally_tls_config_set_resumption(config.get(), SALLY_RESUMPTION_OFF, 0, nullptr),
            SALLY_OK);
  return config;
}

TEST(Confirmed, IsConnectedWhenTheServerHasAccepted) {
  for (const std::int32_t version : {SALLY_TLS_1_2, SALLY_TLS_1_3}) {
    Listener listener(server_config());
    Stream client =
        confirmed(listener, client_config({.credential = "client-good", .max_version = version}));
    EXPECT_EQ(client.connect(), SALLY_OK);
    Stream server = listener.accept();
    ASSERT_EQ(server.write("hello"), SALLY_OK);
    EXPECT_EQ(client.read_text(5), "hello");
  }
}

TEST(Confirmed, IsConnectedAgainByAResumedSession) {
  Listener listener(server_config());
  const auto config = client_config();
  for (int i = 0; i < 2; ++i) {
    Stream client = confirmed(listener, config);
    ASSERT_EQ(client.connect(), SALLY_OK);
    EXPECT_EQ(sally_stream_info_resumed(client.info().get()), i > 0 ? 1 : 0);
  }
}

TEST(Confirmed, IsConnectedAlsoByAClientThatResumesNothing) {
  Listener listener(server_config());
  const auto config = without_resumption(client_config());
  for (int i = 0; i < 2; ++i) {
    Stream client = confirmed(listener, config);
    ASSERT_EQ(client.connect(), SALLY_OK);
    EXPECT_EQ(sally_stream_info_resumed(client.info().get()), 0);
  }
}

TEST(Confirmed, IsToldOfARefusalByConnect) {
  Listener listener(server_config({.credential = "server-good",
                                   .trust = "file-trust-crowd",  // whose CAs it does not name
                                   .client_auth = SALLY_CLIENT_AUTH_REQUIRE}));
  Stream client = confirmed(listener, client_config({.credential = "client-other"}));
  EXPECT_EQ(client.connect(), SALLY_ALERT_UNKNOWN_CA);
  EXPECT_EQ(listener.next_refusal().status(), SALLY_CERTIFICATE_UNKNOWN_CA);
}

TEST(Confirmed, IsToldByConnectThatNoCertificateWasSent) {
  Listener listener(server_config());
  Stream client = confirmed(listener, client_config({.credential = ""}));
  EXPECT_EQ(client.connect(), SALLY_ALERT_CERTIFICATE_REQUIRED);
}

TEST(Confirmed, IsNotByAServerThatSendsNoTickets) {
  Listener listener(without_resumption(server_config()));
  Stream client = confirmed(listener, client_config());
  EXPECT_EQ(client.connect(3'000), SALLY_UNCONFIRMED);
}

TEST(Confirmed, DoesNotTakeDataForAConfirmation) {
  Listener listener(without_resumption(server_config()));
  Stream client = confirmed(listener, client_config());
  auto connecting = on_thread([&] { return client.connect(3'000); });
  Stream server = listener.accept();
  EXPECT_EQ(server.write("welcome"), SALLY_OK);
  EXPECT_EQ(connecting.get(), SALLY_UNCONFIRMED);
}

TEST(Confirmed, IsNotByAServerThatJustCloses) {
  Listener listener(without_resumption(server_config()));
  Stream client = confirmed(listener, client_config());
  auto connecting = on_thread([&] { return client.connect(); });
  Stream server = listener.accept();
  EXPECT_EQ(server.shutdown(), SALLY_OK);
  EXPECT_EQ(connecting.get(), SALLY_HANDSHAKE_INTERRUPTED);
}

TEST(Confirmed, NeedsNothingWhereTheServerAsksForNoCertificate) {
  Listener listener(without_resumption(server_config({.credential = "server-good"})));
  Stream client = confirmed(listener, client_config());
  EXPECT_EQ(client.connect(), SALLY_OK);
}

TEST(Confirmed, IsAnUpgradeToo) {
  sally_listener_options options{};
  options.flags = SALLY_STREAM_PLAIN;
  Listener listener({}, options);
  const auto trusting = server_config({.credential = "server-good",
                                       .trust = "file-trust-crowd",
                                       .client_auth = SALLY_CLIENT_AUTH_REQUIRE});
  const auto upgrade = [&](const Owned<sally_tls_config>& serving, const char* credential) {
    Stream client = confirmed(listener, {});
    EXPECT_EQ(client.connect(), SALLY_OK);
    Stream server = listener.accept();
    auto answering = on_thread([&] {
      return sally_stream_upgrade(server.get(), serving.get(), nullptr, generous_ms, nullptr);
    });
    const auto config = client_config({.credential = credential});
    const sally_status status =
        sally_stream_upgrade(client.get(), config.get(), "localhost", generous_ms, nullptr);
    EXPECT_EQ(answering.get() == SALLY_OK, status == SALLY_OK);
    return status;
  };
  EXPECT_EQ(upgrade(server_config(), "client-good"), SALLY_OK);
  EXPECT_EQ(upgrade(trusting, "client-other"), SALLY_ALERT_UNKNOWN_CA);
}

TEST(Confirmed, IsForClientsOnly) {
  sally_listener_options options{};
  options.struct_size = sizeof options;
  options.flags = SALLY_STREAM_CONFIRMED;
  options.service = "0";
  const auto config = server_config();
  options.tls = config.get();
  Owned<sally_listener> listener;
  EXPECT_EQ(sally_listener_bind(&options, Out(listener), nullptr), SALLY_INVALID_ARGUMENT);
}

}  // namespace
