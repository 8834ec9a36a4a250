// The translator through the C ABI and its C++ wrappers: codes, names and the words of Windows.
#include "lib/raw_tcp.h"
#include "lib/secure.h"
#include "lib/threads.h"

#include <cerrno>
#include <gtest/gtest.h>
#include <netdb.h>
#include <string>
#include <vector>

#include <sallyport/status.hpp>

using namespace sally::test;

namespace {

// Every number of the table: they are below the last alert.
std::vector<sally_status> statuses() {
  constexpr sally_status last = 1255;
  std::vector<sally_status> all;
  for (sally_status status = 0; status <= last; ++status)
    if (sally_status_name(status) != nullptr) all.push_back(status);
  return all;
}

// What a client answers whose server sends this alert in the place of its hello.
Result connect_to_peer_that_alerts(char description) {
  RawListener listener;
  const auto config = client_config();
  Stream stream(config.get(), "127.0.0.1", listener.service());
  auto connecting = on_thread([&] { return stream.connect(); });
  RawSocket peer = listener.accept();
  const std::string header = peer.receive(5);
  const auto byte = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(header[i]));
  };
  peer.receive(byte(3) * 256 + byte(4));
  std::string alert("\x15\x03\x03\x00\x02\x02", 6);
  peer.send(alert + description);
  Result result = connecting.get();
  peer.close();
  return result;
}

}  // namespace

TEST(NativeCodes, HaveTheNamesThatTheirSystemGivesThem) {
  EXPECT_EQ(sally::native_name(SALLY_DOMAIN_ERRNO, ECONNREFUSED), "ECONNREFUSED");
  EXPECT_EQ(sally::native_name(SALLY_DOMAIN_ERRNO, ENOLINK), "ENOLINK") << "meant to be unknown";
  EXPECT_EQ(sally::native_name(SALLY_DOMAIN_GETADDRINFO, EAI_NONAME), "EAI_NONAME");
  EXPECT_EQ(sally::native_name(SALLY_DOMAIN_WINSOCK, 10054), "WSAECONNRESET");
  EXPECT_EQ(sally::native_name(SALLY_DOMAIN_HRESULT, 0x80072746), "WSAECONNRESET");
  EXPECT_EQ(sally::native_name(SALLY_DOMAIN_X509, 10), "X509_V_ERR_CERT_HAS_EXPIRED");
  EXPECT_EQ(sally::native_name(SALLY_DOMAIN_OPENSSL, 0x0A000086),
            "SSL_R_CERTIFICATE_VERIFY_FAILED");
  EXPECT_EQ(sally::native_name(SALLY_DOMAIN_ALERT, 48), "unknown_ca");
  EXPECT_EQ(sally::native_name(SALLY_DOMAIN_ALERT, 123), "");
}

TEST(NativeCodes, ComeBackToTheStatusThatTheyStandFor) {
  std::size_t checked = 0;
  for (const sally_status status : statuses()) {
    for (std::int32_t domain = SALLY_DOMAIN_ERRNO; domain <= SALLY_DOMAIN_ALERT; ++domain) {
      const auto name = sally::status_to_native_name(status, domain);
      if (name.empty()) continue;
      EXPECT_EQ(sally::status_from_native(domain, std::string(name)), status) << name;
      const auto code = sally::status_to_native(status, domain);
      if (!code) continue;  // a name of a newer OpenSSL
      EXPECT_EQ(sally::status_from_native(domain, *code), status) << name;
      EXPECT_EQ(sally::native_name(domain, *code), name);
      ++checked;
    }
  }
  EXPECT_GT(checked, 150U);
}

TEST(NativeCodes, StandForNoStatusThatSaysNothing) {
  for (const sally_status status : {SALLY_UNKNOWN, SALLY_HANDSHAKE_FAILED, SALLY_INTERNAL}) {
    for (std::int32_t domain = SALLY_DOMAIN_ERRNO; domain <= SALLY_DOMAIN_ALERT; ++domain)
      EXPECT_EQ(sally::status_to_native(status, domain), std::nullopt) << status << ' ' << domain;
  }
}

TEST(WindowsWords, OfASocketGoBothWays) {
  for (std::int32_t value = 0; value <= SALLY_SOCKET_ERROR_STATUS_CERTIFICATE_IS_INVALID; ++value) {
    const sally_status status = sally::status_from_socket_error_status(value);
    EXPECT_EQ(sally::status_to_socket_error_status(status), value)
        << sally::socket_error_status_name(value);
    EXPECT_EQ(status == SALLY_UNKNOWN, value == SALLY_SOCKET_ERROR_STATUS_UNKNOWN);
  }
  EXPECT_EQ(sally::socket_error_status_name(29), "CertificateRevocationServerOffline");
  EXPECT_EQ(sally::status_from_socket_error_status(31), SALLY_INVALID_ARGUMENT);
}

TEST(WindowsWords, OfAChainGoBothWays) {
  for (std::int32_t value = 0; value <= SALLY_CHAIN_VALIDATION_RESULT_OTHER_ERRORS; ++value) {
    if (value == SALLY_CHAIN_VALIDATION_RESULT_INCOMPLETE_CHAIN) continue;
    const sally_status status = sally::status_from_chain_validation_result(value);
    EXPECT_EQ(sally::status_to_chain_validation_result(status), value)
        << sally::chain_validation_result_name(value);
  }
  EXPECT_EQ(
      sally::status_from_chain_validation_result(SALLY_CHAIN_VALIDATION_RESULT_INCOMPLETE_CHAIN),
      SALLY_CERTIFICATE_UNKNOWN_CA);
  EXPECT_EQ(sally::status_to_chain_validation_result(SALLY_CONNECTION_RESET), std::nullopt);
  EXPECT_EQ(sally::chain_validation_result_name(6), "WrongUsage");
}

TEST(WindowsWords, SayHowGraveAFaultIs) {
  EXPECT_EQ(sally::status_to_socket_ssl_error_severity(SALLY_OK),
            SALLY_SOCKET_SSL_ERROR_SEVERITY_NONE);
  EXPECT_EQ(sally::status_to_socket_ssl_error_severity(SALLY_CONNECTION_RESET),
            SALLY_SOCKET_SSL_ERROR_SEVERITY_NONE);
  EXPECT_EQ(sally::status_to_socket_ssl_error_severity(SALLY_CERTIFICATE_EXPIRED),
            SALLY_SOCKET_SSL_ERROR_SEVERITY_IGNORABLE);
  EXPECT_EQ(sally::status_to_socket_ssl_error_severity(SALLY_CERTIFICATE_REVOKED),
            SALLY_SOCKET_SSL_ERROR_SEVERITY_FATAL);
  EXPECT_EQ(sally::socket_ssl_error_severity_name(1), "Ignorable");
}

TEST(WindowsWords, OfTheWebGoToTheNearestStatus) {
  EXPECT_EQ(sally::status_to_web_error_status(SALLY_TIMED_OUT), SALLY_WEB_ERROR_STATUS_TIMEOUT);
  EXPECT_EQ(sally::status_from_web_error_status(SALLY_WEB_ERROR_STATUS_TIMEOUT),
            SALLY_CONNECTION_TIMED_OUT);
  EXPECT_EQ(sally::status_from_web_error_status(SALLY_WEB_ERROR_STATUS_NOT_FOUND), SALLY_UNKNOWN);
  EXPECT_EQ(sally::status_from_web_error_status(306), SALLY_INVALID_ARGUMENT);
  EXPECT_EQ(sally::web_error_status_name(SALLY_WEB_ERROR_STATUS_GONE), "Gone");
}

TEST(Alert, ThatNobodyKnowsIsShownByItsNumber) {
  const Result result = connect_to_peer_that_alerts(123);
  EXPECT_EQ(result, SALLY_HANDSHAKE_FAILED);
  EXPECT_EQ(sally_error_alert(result.error.get()), 123);
  EXPECT_EQ(sally_error_alert_direction(result.error.get()), SALLY_ALERT_RECEIVED);
  EXPECT_EQ(result.text(SALLY_ERROR_FIELD_ALERT_NAME), "alert 123 (unknown)");
  EXPECT_STREQ(sally_error_message(result.error.get()),
               "the TLS handshake failed: the peer sent alert 123 (unknown)");
}

TEST(Alert, ThatIsKnownIsShownByItsName) {
  const Result result = connect_to_peer_that_alerts(SALLY_ALERT_ACCESS_DENIED - 1000);
  EXPECT_EQ(result, SALLY_ALERT_ACCESS_DENIED);
  EXPECT_EQ(result.text(SALLY_ERROR_FIELD_ALERT_NAME), "access_denied");
}
