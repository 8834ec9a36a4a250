// Sessions of ours against a plain OpenSSL peer that does what ours would not, and against bytes
// that are no TLS.
#include "lib/raw_peer.h"
#include "lib/tls_pair.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>
#include <string>

namespace sally::test {
namespace {

using namespace std::string_literals;

RawPeer::Configure raw_server(int version, const std::string& name = "server-good") {
  return [=](SSL_CTX* context) {
    use_version(context, version);
    use_certificate(context, zoo(name));
    SSL_CTX_set_num_tickets(context, 0);
  };
}

RawPeer::Configure raw_client(int version, const std::string& name = "client-good") {
  return [=](SSL_CTX* context) {
    use_version(context, version);
    if (!name.empty()) use_certificate(context, zoo(name));
  };
}

Ref<tls::Context> our_client(std::int32_t version = SALLY_TLS_1_3) {
  return client_config({.version = version})->freeze();
}

Ref<tls::Context> our_server(std::int32_t version = SALLY_TLS_1_3) {
  return server_config({.version = version})->freeze();
}

// --- After the handshake.
// --------------------------------------------------------------------------

bool ask_for_key_update(RawPeer& peer) {
  return peer.call([](SSL* ssl) {
    SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED);
    return SSL_do_handshake(ssl);
  }) == 1;
}

TEST(SessionAgainstOpenSsl, AnswersAKeyUpdate) {
  MixedPair pair(our_client(), raw_server(TLS1_3_VERSION));
  ASSERT_TRUE(pair.shake_hands());
  ASSERT_TRUE(ask_for_key_update(pair.peer()));
  ASSERT_TRUE(pair.peer().write("under new keys"));

  EXPECT_EQ(pair.ours().read(), "under new keys");
  EXPECT_EQ(name_of(pair.ours().write_status("and back")), "SALLY_OK");
  EXPECT_EQ(pair.peer().read_all(), "and back");
}

TEST(SessionAgainstOpenSsl, AnswersAKeyUpdateWhoseAnswerCannotLeaveYet) {
  MixedPair pair(our_client(), raw_server(TLS1_3_VERSION));
  ASSERT_TRUE(pair.shake_hands());
  pair.ours().transport().set_faults({.capacity = 100});
  const std::string text(30'000, 'x');
  ASSERT_EQ(pair.ours().write(text), text.size());
  ASSERT_GT(pair.ours().session().pending_output(), 0u);

  for (int update = 0; update < 5; ++update) {
    ASSERT_TRUE(ask_for_key_update(pair.peer()));
    ASSERT_TRUE(pair.peer().write("new keys"));
    EXPECT_EQ(pair.ours().read(), "new keys");
    EXPECT_EQ(name_of(pair.ours().read_status()), "SALLY_WOULD_BLOCK");
  }

  EXPECT_LE(pair.ours().session().pending_output(), text.size() + 1000);
  std::string arrived;
  while (pair.ours().flush_status() == SALLY_WOULD_BLOCK) arrived += pair.peer().read_all();
  pair.ours().transport().set_faults({});
  EXPECT_EQ(name_of(pair.ours().write_status("y")), "SALLY_OK");
  arrived += pair.peer().read_all();
  EXPECT_EQ(arrived, text + "y");
}

// A server whose tickets, with the client's certificate in them, do not fit into one record.
class HalfATicket : public testing::Test {
 protected:
  HalfATicket() {
    EXPECT_TRUE(pair.shake_hands());
    // Half of the first ticket arrives.
    pair.peer().transport().set_faults({.stall_at = pair.peer().transport().sent() + 600});
    pair.peer().call([](SSL* ssl) {
      SSL_new_session_ticket(ssl);
      return SSL_do_handshake(ssl);
    });
    EXPECT_EQ(name_of(pair.ours().read_status()), "SALLY_WOULD_BLOCK");
  }

  MixedPair pair{
      client_config({.client = "client-good-rsa-issuer"})->freeze(), [](SSL_CTX* context) {
        raw_server(TLS1_3_VERSION)(context);
        SSL_CTX_set_max_send_fragment(context, 512);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
        SSL_CTX_set_session_id_context(context, nullptr, 0);
      }};
};

TEST_F(HalfATicket, IsNoReasonForAWriteToFail) {
  EXPECT_EQ(name_of(pair.ours().write_status("hello")), "SALLY_WOULD_BLOCK");
  EXPECT_TRUE(transport::includes(pair.ours().last().interest, transport::Interest::read));

  pair.peer().transport().resume();
  EXPECT_EQ(name_of(pair.ours().write_status("hello")), "SALLY_OK");
  EXPECT_EQ(pair.peer().read_all(), "hello");
}

TEST_F(HalfATicket, DoesNotSwallowTheCloseNotify) {
  pair.ours().session().end_sending();
  pair.peer().transport().resume();
  pair.peer().write("after the ticket");
  EXPECT_EQ(pair.ours().read(), "after the ticket");
  pair.ours().read();
  pair.ours().flush_status();

  pair.peer().read();
  EXPECT_EQ(pair.peer().error(), SSL_ERROR_ZERO_RETURN);
}

TEST(SessionAgainstOpenSsl, RefusesRenegotiation) {
  MixedPair pair(our_server(SALLY_TLS_1_2), raw_client(TLS1_2_VERSION));
  ASSERT_TRUE(pair.shake_hands());
  pair.peer().call([](SSL* ssl) { return SSL_renegotiate(ssl) == 1 ? SSL_do_handshake(ssl) : -1; });

  EXPECT_EQ(name_of(pair.ours().read_status()), "SALLY_WOULD_BLOCK");
  pair.peer().shake();
  EXPECT_EQ(pair.peer().reason(), SSL_R_NO_RENEGOTIATION);
}

TEST(SessionAgainstOpenSsl, RefusesRenegotiationOfAServer) {
  MixedPair pair(our_client(SALLY_TLS_1_2), raw_server(TLS1_2_VERSION));
  ASSERT_TRUE(pair.shake_hands());
  pair.peer().call([](SSL* ssl) { return SSL_renegotiate(ssl) == 1 ? SSL_do_handshake(ssl) : -1; });
  EXPECT_EQ(name_of(pair.ours().read_status()), "SALLY_WOULD_BLOCK");
  pair.peer().read();
  EXPECT_EQ(pair.peer().reason(), SSL_R_NO_RENEGOTIATION);
}

TEST(SessionAgainstOpenSsl, ReadsPaddedAndEmptyRecordsAsWhatTheyHold) {
  MixedPair pair(our_client(), [](SSL_CTX* context) {
    raw_server(TLS1_3_VERSION)(context);
    SSL_CTX_set_block_padding(context, 512);
  });
  ASSERT_TRUE(pair.shake_hands());
  ASSERT_TRUE(pair.peer().write("padded"));
  EXPECT_EQ(pair.ours().read(), "padded");
}

// --- Alerts.
// ---------------------------------------------------------------------------------------

std::string alert_record(int level, int description) {
  return "\x15\x03\x03\x00\x02"s + static_cast<char>(level) + static_cast<char>(description);
}

// In answer to a ClientHello, not yet encrypted.
tls::Progress answered_with(const std::string& bytes, bool then_end = true) {
  auto [near, far] = transport::make_memory_transports(transport::EventLoop::shared());
  tls::Session session(our_client(), {.text = "localhost"}, *near);
  EXPECT_EQ(session.handshake().state, tls::Progress::State::waiting);
  const std::array buffers{bytes_of(bytes)};
  far->try_send(buffers);
  if (then_end) far->shutdown_send();
  return session.handshake();
}

TEST(PeerAlert, OfEveryNumberIsNamed) {
  for (int description = 1; description < 256; ++description) {
    SCOPED_TRACE(description);
    const tls::Progress progress = answered_with(alert_record(2, description));
    ASSERT_TRUE(progress.error);
    EXPECT_EQ(progress.error->detail().alert, description);
    EXPECT_EQ(progress.error->detail().alert_direction, SALLY_ALERT_RECEIVED);
    const sally_status status = status::from_code(SALLY_DOMAIN_ALERT, description);
    if (status != SALLY_UNKNOWN) {
      EXPECT_EQ(name_of(progress.error->status()), name_of(status));
    } else {
      EXPECT_EQ(name_of(progress.error->status()), "SALLY_HANDSHAKE_FAILED")
          << "with the number of the alert";
    }
  }
}

TEST(PeerAlert, CloseNotifyWithinTheHandshakeIsAnInterruption) {
  EXPECT_EQ(name_of(answered_with(alert_record(1, 0)).error->status()),
            "SALLY_HANDSHAKE_INTERRUPTED");
}

// RFC 8446 section 6.1: it says why the close_notify comes that must follow. Not all peers send that.
TEST(PeerAlert, UserCanceledIsToldWhenTheConnectionEnds) {
  for (const std::string& bytes : {alert_record(1, 90) + alert_record(1, 0), alert_record(1, 90)}) {
    const tls::Progress progress = answered_with(bytes);
    ASSERT_TRUE(progress.error);
    EXPECT_EQ(name_of(progress.error->status()), "SALLY_ALERT_USER_CANCELED");
    EXPECT_EQ(progress.error->detail().alert, 90);
    EXPECT_EQ(progress.error->detail().alert_direction, SALLY_ALERT_RECEIVED);
    EXPECT_THAT(progress.error->hint(), testing::StartsWith("A person or the program"));
  }
}

TEST(PeerAlert, UserCanceledIsNotToldInsteadOfAnErrorThatFollows) {
  const tls::Progress progress = answered_with(alert_record(1, 90) + alert_record(2, 40));
  ASSERT_TRUE(progress.error);
  EXPECT_EQ(name_of(progress.error->status()), "SALLY_ALERT_HANDSHAKE_FAILURE");
  EXPECT_EQ(progress.error->detail().alert, 40);
}

TEST(PeerAlert, UserCanceledEndsNothingByItself) {
  const tls::Progress progress = answered_with(alert_record(1, 90), /*then_end=*/false);
  EXPECT_EQ(progress.state, tls::Progress::State::waiting);
}

// --- Refusals that come after the client believes to be connected.
// ---------------------------------

struct LateRefusal {
  std::string client;
  const char* alert;
  const char* server_status;
};

// The server trusts more CAs than it names: a client cannot know that its certificate is in vain.
class LateRefusals : public testing::TestWithParam<LateRefusal> {
 protected:
  static Parties parties() {
    return {.client = GetParam().client, .client_trust = "file-trust-crowd"};
  }
};

INSTANTIATE_TEST_SUITE_P(Clients, LateRefusals,
                         testing::Values(LateRefusal{"", "SALLY_ALERT_CERTIFICATE_REQUIRED",
                                                     "SALLY_CLIENT_CERTIFICATE_REQUIRED"},
                                         LateRefusal{"client-unknown-ca", "SALLY_ALERT_UNKNOWN_CA",
                                                     "SALLY_CERTIFICATE_UNKNOWN_CA"},
                                         LateRefusal{"client-expired-intermediate",
                                                     "SALLY_ALERT_CERTIFICATE_EXPIRED",
                                                     "SALLY_CERTIFICATE_EXPIRED"}),
                         [](const auto& row) {
                           if (row.param.client.empty()) return "None";
                           return row.param.client == "client-unknown-ca" ? "UnknownCa" : "Expired";
                         });

TEST_P(LateRefusals, AreNamedByReadAndWriteAlike) {
  TlsPair pair(parties());
  pair.shake_hands();

  EXPECT_EQ(name_of(pair.client().status()), "SALLY_OK") << "in TLS 1.3 the client cannot know yet";
  EXPECT_EQ(name_of(pair.server().status()), GetParam().server_status);
  EXPECT_EQ(pair.server().error()->detail().alert_direction, SALLY_ALERT_SENT);
  EXPECT_EQ(name_of(pair.client().read_status()), GetParam().alert);
  EXPECT_EQ(name_of(pair.client().write_status()), GetParam().alert);
  EXPECT_EQ(pair.client().last().error->detail().correlation_id,
            pair.server().error()->detail().correlation_id);
}

TEST_P(LateRefusals, AreNamedByAWriteThatComesFirstAndFails) {
  TlsPair pair(parties());
  pair.shake_hands();
  pair.server().transport().close();  // the client's bytes now meet nobody

  EXPECT_EQ(name_of(pair.client().write_status("GET / HTTP/1.1")), GetParam().alert);
  EXPECT_EQ(name_of(pair.client().write_status()), GetParam().alert);
  EXPECT_EQ(name_of(pair.client().read_status()), GetParam().alert);
}

TEST_P(LateRefusals, AreHandshakeFailuresOfBothInTls12) {
  Parties old = parties();
  old.version = SALLY_TLS_1_2;
  TlsPair pair(old);
  pair.shake_hands();

  const bool none = GetParam().client.empty();  // RFC 5246 has no certificate_required
  EXPECT_EQ(name_of(pair.client().status()),
            none ? "SALLY_ALERT_HANDSHAKE_FAILURE" : GetParam().alert);
  EXPECT_EQ(name_of(pair.server().status()), GetParam().server_status);
}

// --- No TLS, or none that we speak.
// ----------------------------------------------------------------

tls::Progress server_hears(const std::string& bytes, bool then_end = true) {
  auto [near, far] = transport::make_memory_transports(transport::EventLoop::shared());
  tls::Session session(our_server(), {}, *near);
  const std::array buffers{bytes_of(bytes)};
  far->try_send(buffers);
  if (then_end) far->shutdown_send();
  return session.handshake();
}

std::string status_of(const tls::Progress& progress) {
  return progress.error ? name_of(progress.error->status()) : "none";
}

TEST(NoTls, HttpIsRecognisedByAServer) {
  for (const char* request :
       {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "POST /x HTTP/1.1\r\n\r\n",
        "CONNECT a:443 HTTP/1.1\r\n\r\n", "HEAD / HTTP/1.0\r\n\r\n"}) {
    EXPECT_EQ(status_of(server_hears(request)), "SALLY_PEER_SPEAKS_HTTP") << request;
  }
}

TEST(NoTls, HttpIsRecognisedByAClient) {
  const tls::Progress progress = answered_with("HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_EQ(status_of(progress), "SALLY_PEER_SPEAKS_HTTP");
  EXPECT_TRUE(progress.error->detail().found.starts_with("HTTP/1.1"));
}

TEST(NoTls, OtherTextIsNoTls) {
  for (const std::string& text :
       {"220 mail.example.test ESMTP\r\n"s, "SSH-2.0-OpenSSH_9.2\r\n"s, std::string(100, '\0'),
        std::string(100, '\xff'), "\x16\x02\x00\x00\x10"s + std::string(16, 'a')}) {
    EXPECT_EQ(status_of(server_hears(text)), "SALLY_PEER_NOT_TLS") << text;
    EXPECT_EQ(status_of(answered_with(text)), "SALLY_PEER_NOT_TLS") << text;
  }
}

TEST(NoTls, AFewBytesOfTextAndAnEndAreNoTlsEither) {
  EXPECT_EQ(status_of(server_hears("hi\n")), "SALLY_PEER_NOT_TLS");
  EXPECT_EQ(status_of(answered_with("hi\n")), "SALLY_PEER_NOT_TLS");
}

TEST(NoTls, NothingAtAllIsAnInterruption) {
  EXPECT_EQ(status_of(server_hears("")), "SALLY_HANDSHAKE_INTERRUPTED");
  EXPECT_EQ(status_of(answered_with("")), "SALLY_HANDSHAKE_INTERRUPTED");
}

TEST(NoTls, ARecordTooLongForTlsBreaksTheRules) {
  EXPECT_EQ(status_of(server_hears("\x16\x03\x01\xff\xff"s + std::string(100, 'a'))),
            "SALLY_TLS_PROTOCOL_VIOLATION");
}

TEST(NoTls, AHandshakeMessageOfNonsenseBreaksTheRules) {
  for (const std::string& body : {"\x01\x00\x00\x04\x00\x00\x00\x00"s, "\x02\x00\x00\x00"s,
                                  "\x63\x00\x00\x00"s, "\x01\xff\xff\xff"s}) {
    const std::string record = "\x16\x03\x01\x00"s + static_cast<char>(body.size()) + body;
    const std::string status = status_of(server_hears(record, false));
    EXPECT_TRUE(status == "SALLY_TLS_PROTOCOL_VIOLATION" || status == "SALLY_LIMIT_EXCEEDED")
        << status;
  }
}

TEST(OldTls, OfAClientIsAVersionMismatch) {
  MixedPair pair(our_server(), raw_client(TLS1_1_VERSION));
  EXPECT_FALSE(pair.shake_hands());
  EXPECT_EQ(name_of(pair.ours().status()), "SALLY_TLS_VERSION_MISMATCH");
  EXPECT_EQ(pair.peer().alert(), SSL_AD_PROTOCOL_VERSION);
}

TEST(OldTls, OfAServerIsAVersionMismatch) {
  const std::string hello =
      "\x02\x00\x00\x26\x03\x02"s + std::string(32, 'r') + "\x00\xc0\x2f\x00"s;
  const std::string record = "\x16\x03\x02\x00"s + static_cast<char>(hello.size()) + hello;
  EXPECT_EQ(status_of(answered_with(record)), "SALLY_TLS_VERSION_MISMATCH");
}

TEST(OldTls, VersionsThatDoNotOverlapAreAMismatchOnBothSides) {
  TlsPair pair(client_config({.version = SALLY_TLS_1_2})->freeze(),
               server_config({.version = SALLY_TLS_1_3})->freeze());
  pair.shake_hands();
  EXPECT_EQ(name_of(pair.server().status()), "SALLY_TLS_VERSION_MISMATCH");
  EXPECT_EQ(name_of(pair.client().status()), "SALLY_ALERT_PROTOCOL_VERSION");
}

TEST(Negotiation, WithoutACommonSuiteSaysSo) {
  MixedPair pair(our_server(SALLY_TLS_1_2), [](SSL_CTX* context) {
    use_version(context, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(context, "AES128-SHA:@SECLEVEL=0");
  });
  EXPECT_FALSE(pair.shake_hands());
  EXPECT_EQ(name_of(pair.ours().status()), "SALLY_TLS_NO_COMMON_CIPHER");
}

TEST(Negotiation, WithoutACommonGroupSaysSo) {
  MixedPair pair(our_server(), [](SSL_CTX* context) {
    use_version(context, TLS1_3_VERSION);
    SSL_CTX_set1_groups_list(context, "P-521");
  });
  EXPECT_FALSE(pair.shake_hands());
  EXPECT_EQ(name_of(pair.ours().status()), "SALLY_TLS_NO_COMMON_GROUP");
}

TEST(Negotiation, WithoutACommonSignatureSaysSo) {
  MixedPair pair(our_server(), [](SSL_CTX* context) {
    use_version(context, TLS1_3_VERSION);
    SSL_CTX_set1_sigalgs_list(context, "ed25519");
  });
  EXPECT_FALSE(pair.shake_hands());
  EXPECT_EQ(name_of(pair.ours().status()), "SALLY_TLS_NO_COMMON_SIGNATURE");
}

TEST(Alpn, WithoutACommonProtocolIsRefusedOnBothSides) {
  for (const std::int32_t version : {SALLY_TLS_1_2, SALLY_TLS_1_3}) {
    TlsPair pair(Parties{.version = version, .client_alpn = {"h2"}, .server_alpn = {"http/1.1"}});
    pair.shake_hands();
    EXPECT_EQ(name_of(pair.server().status()), "SALLY_TLS_NO_COMMON_ALPN");
    EXPECT_EQ(name_of(pair.client().status()), "SALLY_ALERT_NO_APPLICATION_PROTOCOL");
  }
}

TEST(Alpn, IsChosenByTheServersOrder) {
  TlsPair pair(Parties{.client_alpn = {"a", "b"}, .server_alpn = {"b", "a"}});
  pair.established();
  EXPECT_EQ(pair.client().session().facts().alpn, "b");
}

TEST(Alpn, OfOneSideOnlyIsNoHindrance) {
  TlsPair client_only(Parties{.client_alpn = {"h2"}});
  EXPECT_EQ(client_only.established().client().session().facts().alpn, "");
  TlsPair server_only(Parties{.server_alpn = {"h2"}});
  EXPECT_EQ(server_only.established().server().session().facts().alpn, "");
}

}  // namespace
}  // namespace sally::test
