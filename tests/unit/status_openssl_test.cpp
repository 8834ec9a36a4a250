// What becomes of OpenSSL's error queue and of alerts: the most specific word of it, and for one that
// nobody knows its number, never a wrong cause.
#include "lib/tls_pair.h"
#include "tls/callbacks.h"
#include "tls/error_queue.h"
#include "tls/explain.h"
#include "tls/handshake_record.h"
#include "tls/native_names.h"
#include "tls/openssl.h"
#include "tls/record_bio.h"
#include "transport/event_loop.h"
#include "transport/memory.h"

#include <cerrno>
#include <gtest/gtest.h>
#include <openssl/asn1err.h>
#include <openssl/err.h>
#include <openssl/evperr.h>
#include <openssl/proverr.h>
#include <openssl/ssl.h>
#include <openssl/x509err.h>
#include <string>

namespace sally::test {
namespace {

struct Raised {
  int library;
  int reason;
};

// What is taken from a queue that holds this, the oldest first.
tls::NativeError taken(std::initializer_list<Raised> raised) {
  tls::clear_errors();
  for (const Raised& entry : raised) ERR_raise(entry.library, entry.reason);
  return tls::take_error();
}

sally_status status_of(const tls::NativeError& error) {
  return tls::status_from_code(SALLY_DOMAIN_OPENSSL, static_cast<std::int64_t>(error.code));
}

constexpr int unknown_reason = 998;
constexpr int unknown_alert = 123;

TEST(OpenSslQueue, PrefersAReasonOfLibsslsOwn) {
  const auto error = taken({{ERR_LIB_ASN1, ASN1_R_WRONG_TAG}, {ERR_LIB_SSL, SSL_R_BAD_EXTENSION}});
  EXPECT_EQ(error.name, "SSL_R_BAD_EXTENSION");
  EXPECT_EQ(status_of(error), SALLY_TLS_PROTOCOL_VIOLATION);
}

TEST(OpenSslQueue, FollowsAPointerToTheLibraryThatFailed) {
  EXPECT_EQ(taken({{ERR_LIB_EVP, EVP_R_BAD_DECRYPT}, {ERR_LIB_SSL, ERR_R_EVP_LIB}}).name,
            "EVP_R_BAD_DECRYPT");
  EXPECT_EQ(taken({{ERR_LIB_SSL, ERR_R_X509_LIB}, {ERR_LIB_EVP, EVP_R_BAD_DECRYPT}}).name,
            "EVP_R_BAD_DECRYPT");
  EXPECT_EQ(taken({{ERR_LIB_SSL, ERR_R_EVP_LIB}}).name, "ERR_R_EVP_LIB") << "there is no other";
}

TEST(OpenSslQueue, UnderstandsWhatIsCommonToAllLibraries) {
  for (const int library : {ERR_LIB_SSL, ERR_LIB_EVP, ERR_LIB_X509, ERR_LIB_CRYPTO}) {
    const auto error = taken({{library, ERR_R_MALLOC_FAILURE}});
    EXPECT_EQ(error.name, "ERR_R_MALLOC_FAILURE");
    EXPECT_EQ(status_of(error), SALLY_OUT_OF_MEMORY);
  }
}

TEST(OpenSslQueue, UnderstandsTheErrnoOfASystemCall) {
  const auto error = taken({{ERR_LIB_SYS, EACCES}});
  EXPECT_EQ(error.name, "EACCES");
  EXPECT_EQ(status_of(error), SALLY_ACCESS_DENIED);
}

TEST(OpenSslQueue, ShowsTheNumberOfAReasonThatNobodyKnows) {
  const auto error = taken({{ERR_LIB_SSL, unknown_reason}});
  EXPECT_NE(error.name.find("reason(998)"), std::string::npos) << error.name;
  EXPECT_EQ(status_of(error), SALLY_UNKNOWN);
}

TEST(OpenSslQueue, UsesOpenSslsOwnWordsForALibraryThatTheTableDoesNotHave) {
  const auto error = taken({{ERR_LIB_BN, 103}});  // BN_R_DIV_BY_ZERO
  EXPECT_EQ(error.name, "div by zero");
  EXPECT_EQ(status_of(error), SALLY_UNKNOWN);
}

TEST(OpenSslQueue, UnderstandsTheReasonOfAnAlert) {
  EXPECT_EQ(status_of(taken({{ERR_LIB_SSL, SSL_AD_REASON_OFFSET + SSL_AD_UNKNOWN_CA}})),
            SALLY_ALERT_UNKNOWN_CA);
  EXPECT_EQ(status_of(taken({{ERR_LIB_SSL, SSL_AD_REASON_OFFSET + unknown_alert}})), SALLY_UNKNOWN);
}

TEST(OpenSslNumbers, OutsideOfWhatOpenSslPacksAreUnknown) {
  for (const std::int64_t code : {std::int64_t{-1}, std::int64_t{1} << 32, INT64_MAX, INT64_MIN}) {
    EXPECT_EQ(tls::status_from_code(SALLY_DOMAIN_OPENSSL, code), SALLY_UNKNOWN) << code;
    EXPECT_TRUE(tls::native_name(SALLY_DOMAIN_OPENSSL, code).empty()) << code;
  }
}

// --- In an error.

class Explained : public testing::Test {
 protected:
  Explained() {
    tls::attach(ssl_.get(), record_);
    SSL_set_connect_state(ssl_.get());
  }
  ErrorRef explain(const tls::NativeError& native, bool established) {
    return tls::explain_failure(ssl_.get(), record_, port_, native, established, "handshake");
  }
  tls::HandshakeRecord record_;

 private:
  std::pair<std::unique_ptr<transport::MemoryTransport>,
            std::unique_ptr<transport::MemoryTransport>>
      ends_ = transport::make_memory_transports(transport::EventLoop::shared());
  Ref<tls::Context> context_ = client_config({})->freeze();
  tls::SslOwner ssl_{SSL_new(context_->handle())};
  tls::RecordPort port_{*ends_.first};
};

TEST_F(Explained, AnUnknownAlertShowsItsNumberAndNoCause) {
  record_.alert_received = unknown_alert;
  const tls::NativeError native = taken({{ERR_LIB_SSL, SSL_AD_REASON_OFFSET + unknown_alert}});
  for (const bool established : {false, true}) {
    const ErrorRef error = explain(native, established);
    EXPECT_EQ(error->status(), established ? SALLY_UNKNOWN : SALLY_HANDSHAKE_FAILED);
    EXPECT_NE(error->message().find("the peer sent alert 123 (unknown)"), std::string::npos);
    EXPECT_STREQ(error->text(SALLY_ERROR_FIELD_ALERT_NAME), "alert 123 (unknown)");
    EXPECT_EQ(error->detail().alert, unknown_alert);
    EXPECT_EQ(error->detail().alert_direction, SALLY_ALERT_RECEIVED);
    EXPECT_NE(std::string(error->json()).find("alert 123 (unknown)"), std::string::npos);
  }
}

TEST_F(Explained, AnUnknownReasonShowsItsNumberAndBlamesNobody) {
  for (const bool established : {false, true}) {
    const ErrorRef error = explain(taken({{ERR_LIB_SSL, unknown_reason}}), established);
    EXPECT_EQ(error->status(), established ? SALLY_UNKNOWN : SALLY_HANDSHAKE_FAILED);
    EXPECT_NE(error->message().find("reason(998)"), std::string::npos) << error->message();
  }
}

TEST_F(Explained, AKnownReasonThatIsMeantForACatchAllShowsItsName) {
  const ErrorRef error = explain(taken({{ERR_LIB_SSL, SSL_R_DIGEST_CHECK_FAILED}}), false);
  EXPECT_EQ(error->status(), SALLY_HANDSHAKE_FAILED);
  EXPECT_EQ(error->message(), "the TLS handshake failed: SSL_R_DIGEST_CHECK_FAILED");
}

TEST_F(Explained, ACertificateThatDoesNotDecodeIsThePeersAndNotOurCredential) {
  const tls::NativeError native =
      taken({{ERR_LIB_ASN1, ASN1_R_WRONG_TAG}, {ERR_LIB_SSL, ERR_R_ASN1_LIB}});
  EXPECT_EQ(explain(native, false)->status(), SALLY_HANDSHAKE_FAILED);
  record_.alert_sent = SSL_AD_BAD_CERTIFICATE;
  EXPECT_EQ(explain(native, false)->status(), SALLY_CERTIFICATE_MALFORMED);
}

TEST_F(Explained, WhatIsSaidOfLoadingIsNotSaidOfAHandshake) {
  for (const Raised& raised :
       {Raised{ERR_LIB_PROV, PROV_R_BAD_DECRYPT}, Raised{ERR_LIB_EVP, EVP_R_UNSUPPORTED_ALGORITHM},
        Raised{ERR_LIB_X509, X509_R_KEY_VALUES_MISMATCH}}) {
    EXPECT_EQ(explain(taken({raised}), false)->status(), SALLY_HANDSHAKE_FAILED);
    EXPECT_EQ(explain(taken({raised}), true)->status(), SALLY_UNKNOWN);
  }
}

TEST_F(Explained, ThePeersKeyOfAStrangeKindIsNotOurs) {
  const ErrorRef error = explain(taken({{ERR_LIB_SSL, SSL_R_UNKNOWN_CERTIFICATE_TYPE}}), false);
  EXPECT_EQ(error->status(), SALLY_CERTIFICATE_INVALID);
}

TEST_F(Explained, ACredentialThatLibsslMissesIsOurs) {
  const ErrorRef error = explain(taken({{ERR_LIB_SSL, SSL_R_NO_CERTIFICATE_SET}}), false);
  EXPECT_EQ(error->status(), SALLY_CREDENTIAL_NO_CERTIFICATE);
}

TEST_F(Explained, AnEmptyQueueIsAFailureWithoutACause) {
  EXPECT_EQ(explain({}, false)->status(), SALLY_HANDSHAKE_FAILED);
  EXPECT_EQ(explain({}, true)->status(), SALLY_UNKNOWN);
}

TEST(UnknownErrno, ShowsItsNumber) {
  const ErrorRef error = errno_error(4095);
  EXPECT_EQ(error->status(), SALLY_UNKNOWN);
  EXPECT_STREQ(error->text(SALLY_ERROR_FIELD_NATIVE_NAME), "errno 4095 (unknown)");
  EXPECT_EQ(error->message(), "an error that the library has no word for: errno 4095 (unknown)");
}

TEST(MeantErrno, ShowsItsName) {
  const ErrorRef error = errno_error(ENOLINK);
  EXPECT_EQ(error->status(), SALLY_UNKNOWN);
  EXPECT_EQ(error->message(), "an error that the library has no word for: ENOLINK");
}

}  // namespace
}  // namespace sally::test
