// What two sides agree on: versions, client authentication, ALPN, names, and what both tell about
// it afterwards.
#include "lib/secure.h"
#include "lib/zoo.h"

#include <gtest/gtest.h>

using namespace sally::test;

namespace {

std::string own_fingerprint(const std::string& credential_name) {
  const auto credential = Zoo::credential(credential_name);
  Owned<sally_certificate> certificate;
  EXPECT_EQ(called([&](sally_error** error) {
              return sally_credential_copy_certificate(credential.get(), Out(certificate), error);
            }),
            SALLY_OK);
  return sally_certificate_fingerprint(certificate.get());
}

std::string peer_fingerprint(const Owned<sally_stream_info>& info) {
  return sally_certificate_fingerprint(sally_stream_info_peer_certificate(info.get(), 0));
}

class SessionOfVersion : public testing::TestWithParam<std::int32_t> {};

}  // namespace

TEST_P(SessionOfVersion, EchoesUnderMutualTls) {
  Pair pair = tls_pair(GetParam());
  const std::string sent = pattern(100'000);
  ASSERT_EQ(pair.client.write(sent), SALLY_OK);
  const std::string arrived = pair.server.read_text(sent.size());
  ASSERT_EQ(pair.server.write(arrived), SALLY_OK);
  EXPECT_EQ(pair.client.read_text(sent.size()), sent);
}

TEST_P(SessionOfVersion, TellsBothSidesTheSame) {
  Pair pair = tls_pair(GetParam());
  const auto client = pair.client.info();
  const auto server = pair.server.info();

  for (const sally_stream_info* info : {client.get(), server.get()}) {
    EXPECT_EQ(sally_stream_info_version(info), GetParam());
    EXPECT_STREQ(sally_stream_info_version_name(info),
                 GetParam() == SALLY_TLS_1_3 ? "TLSv1.3" : "TLSv1.2");
    EXPECT_EQ(std::string(sally_stream_info_suite(info)).substr(0, 4), "TLS_");
    EXPECT_STREQ(sally_stream_info_group(info), sally_stream_info_group(client.get()));
    EXPECT_STREQ(sally_stream_info_alpn(info), "");
    EXPECT_STREQ(sally_stream_info_server_name(info), "localhost");
    EXPECT_EQ(sally_stream_info_resumed(info), 0);
    EXPECT_EQ(sally_stream_info_peer_verified(info), 1);
    EXPECT_EQ(sally_stream_info_client_certificate_requested(info), 1);
    EXPECT_GE(sally_stream_info_peer_certificate_count(info), 1u);
  }
  EXPECT_STREQ(sally_stream_info_suite(client.get()), sally_stream_info_suite(server.get()));
  EXPECT_STREQ(sally_stream_info_local_address(client.get()),
               sally_stream_info_peer_address(server.get()));
  EXPECT_STREQ(sally_stream_info_peer_address(client.get()),
               sally_stream_info_local_address(server.get()));
  EXPECT_STRNE(sally_stream_info_correlation_id(client.get()), "");
  EXPECT_STREQ(sally_stream_info_correlation_id(client.get()),
               sally_stream_info_correlation_id(server.get()));
  EXPECT_EQ(sally_stream_info_client_certificate_sent(client.get()), 1);
  EXPECT_EQ(peer_fingerprint(client), own_fingerprint("server-good"));
  EXPECT_EQ(peer_fingerprint(server), own_fingerprint("client-good"));
}

INSTANTIATE_TEST_SUITE_P(Tls, SessionOfVersion, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         [](const auto& version) {
                           return version.param == SALLY_TLS_1_2 ? "1_2" : "1_3";
                         });

TEST(Session, KeepsItsInformationAfterCloseAndAfterItsStream) {
  Pair pair = tls_pair();
  ASSERT_EQ(pair.client.close(SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
  const auto info = pair.client.info();
  ASSERT_TRUE(info);
  pair.client.release();
  EXPECT_EQ(sally_stream_info_version(info.get()), SALLY_TLS_1_3);
  EXPECT_STRNE(sally_stream_info_peer_address(info.get()), "");
}

TEST(Session, ABorrowedCertificateLivesOnWithAReferenceOfItsOwn) {
  auto info = tls_pair().client.info();
  const Owned<sally_certificate> certificate(
      sally_certificate_retain(sally_stream_info_peer_certificate(info.get(), 0)));
  info.reset();
  EXPECT_EQ(sally_certificate_fingerprint(certificate.get()), own_fingerprint("server-good"));
}

TEST(Session, NeverAsksForAClientCertificateUnlessTold) {
  Listener listener(server_config({.credential = "server-good"}));
  Pair pair = connect_pair(listener, client_config().get());
  EXPECT_EQ(sally_stream_info_client_certificate_requested(pair.client.info().get()), 0);
  EXPECT_EQ(sally_stream_info_client_certificate_sent(pair.client.info().get()), 0);
  EXPECT_EQ(sally_stream_info_peer_certificate_count(pair.server.info().get()), 0u);
  EXPECT_EQ(sally_stream_info_peer_verified(pair.server.info().get()), 0);
}

TEST(Session, LetsAClientWithoutCertificateInWhereItIsOnlyRequested) {
  Listener listener(
      server_config({.credential = "server-good", .client_auth = SALLY_CLIENT_AUTH_REQUEST}));
  Pair pair = connect_pair(listener, client_config({}).get());
  EXPECT_EQ(sally_stream_info_client_certificate_requested(pair.client.info().get()), 1);
  EXPECT_EQ(sally_stream_info_client_certificate_sent(pair.client.info().get()), 0);
  EXPECT_EQ(sally_stream_info_peer_certificate_count(pair.server.info().get()), 0u);
  EXPECT_EQ(sally_stream_info_peer_verified(pair.server.info().get()), 0);
}

TEST(Session, SeesTheCertificateThatWasOnlyRequested) {
  Listener listener(
      server_config({.credential = "server-good", .client_auth = SALLY_CLIENT_AUTH_REQUEST}));
  Pair pair = connect_pair(listener, client_config().get());
  EXPECT_EQ(peer_fingerprint(pair.server.info()), own_fingerprint("client-good"));
  EXPECT_EQ(sally_stream_info_peer_verified(pair.server.info().get()), 1);
}

TEST(Session, RefusesABadCertificateThatWasOnlyRequested) {
  // More CAs than are named: the client cannot know that its certificate is in vain.
  Listener listener(server_config({.credential = "server-good",
                                   .trust = "file-trust-crowd",
                                   .client_auth = SALLY_CLIENT_AUTH_REQUEST}));
  const auto config = client_config({.credential = "client-other"});
  Stream client = listener.stream(config.get());
  ASSERT_EQ(client.connect(), SALLY_OK) << "TLS 1.3 tells later";
  EXPECT_EQ(client.read_status(), SALLY_ALERT_UNKNOWN_CA);
  EXPECT_EQ(listener.next_refusal().status(), SALLY_CERTIFICATE_UNKNOWN_CA);
}

TEST(Session, RefusesAClientWithoutTheRequiredCertificateWithinTheHandshakeOfTls12) {
  Listener listener(server_config());
  const auto config = client_config({.max_version = SALLY_TLS_1_2});
  Stream client = listener.stream(config.get());
  const Result refused = client.connect();
  EXPECT_EQ(refused, SALLY_ALERT_HANDSHAKE_FAILURE);
  EXPECT_EQ(refused.phase(), "handshake");
  const Refusal refusal = listener.next_refusal();
  EXPECT_EQ(refusal.status(), SALLY_CLIENT_CERTIFICATE_REQUIRED);
  EXPECT_EQ(refused.correlation_id(),
            sally_error_text(refusal.why.get(), SALLY_ERROR_FIELD_CORRELATION_ID));
}

TEST(Session, TakesTheFirstProtocolOfTheServerThatTheClientKnows) {
  Listener listener(server_config({.credential = "server-good", .alpn = {"h2", "http/1.1"}}));
  Pair pair = connect_pair(listener, client_config({.alpn = {"ftp", "http/1.1", "h2"}}).get());
  EXPECT_STREQ(sally_stream_info_alpn(pair.client.info().get()), "h2");
  EXPECT_STREQ(sally_stream_info_alpn(pair.server.info().get()), "h2");
}

TEST(Session, FailsOnBothSidesWithoutACommonProtocol) {
  Listener listener(server_config({.credential = "server-good", .alpn = {"h2"}}));
  const auto config = client_config({.alpn = {"ftp"}});
  EXPECT_EQ(listener.stream(config.get()).connect(), SALLY_ALERT_NO_APPLICATION_PROTOCOL);
  EXPECT_EQ(listener.next_refusal().status(), SALLY_TLS_NO_COMMON_ALPN);
}

TEST(Session, IsConnectedWithoutProtocolWhereTheServerHasNone) {
  Listener listener(server_config({.credential = "server-good"}));
  Pair pair = connect_pair(listener, client_config({.alpn = {"h2"}}).get());
  EXPECT_STREQ(sally_stream_info_alpn(pair.client.info().get()), "");
}

TEST(Session, SendsNoServerNameForALiteralAddress) {
  Listener listener(server_config({.credential = "server-ip"}));
  const auto config = client_config({});
  Stream client(config.get(), "127.0.0.1", listener.service(), "127.0.0.1");
  ASSERT_EQ(client.connect(), SALLY_OK);
  EXPECT_STREQ(sally_stream_info_server_name(listener.accept().info().get()), "");
}

TEST(Session, NamesTheVersionsThatDoNotOverlapOnBothSides) {
  Listener listener(server_config({.credential = "server-good", .min_version = SALLY_TLS_1_3}));
  const auto config = client_config({.max_version = SALLY_TLS_1_2});
  EXPECT_EQ(listener.stream(config.get()).connect(), SALLY_ALERT_PROTOCOL_VERSION);
  EXPECT_EQ(listener.next_refusal().status(), SALLY_TLS_VERSION_MISMATCH);
}

TEST(Session, FailsWhereTheServerIsNotTrusted) {
  Listener listener(server_config());
  const auto config = client_config({.credential = "client-good", .trust = "ca-other"});
  const Result refused = listener.stream(config.get()).connect();
  EXPECT_EQ(refused, SALLY_CERTIFICATE_UNKNOWN_CA);
  EXPECT_EQ(sally_error_alert_direction(refused.error.get()), SALLY_ALERT_SENT);
  EXPECT_EQ(listener.next_refusal().status(), SALLY_ALERT_UNKNOWN_CA);
}

TEST(Session, AcceptsAnyServerWhereVerificationIsSkipped) {
  Listener listener(server_config());
  const auto config = client_config({.credential = "client-good", .trust = "ca-other"});
  ASSERT_EQ(called([&](sally_error** error) {
              return sally_tls_config_insecure_skip_verification(config.get(), error);
            }),
            SALLY_OK);
  Pair pair = connect_pair(listener, config.get());
  EXPECT_EQ(sally_stream_info_peer_verified(pair.client.info().get()), 0);
}
