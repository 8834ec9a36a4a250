#include "status/native.h"
#include "status/table.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <gtest/gtest.h>
#include <netdb.h>
#include <set>
#include <string>
#include <tuple>

namespace sally::status {
namespace {

// What the table says of native codes, as the generator wrote it.
struct Listed {
  std::int32_t domain;
  std::string_view name;
  sally_status status;
  int place;
};
constexpr Listed listed_names[] = {
#define SALLY_NATIVE(domain, name, status, place) \
  {SALLY_DOMAIN_##domain, name, SALLY_##status, place},
#include "status/status_table.inc"
#undef SALLY_NATIVE
};

bool is_listed(std::int32_t domain, std::string_view name) {
  return std::ranges::any_of(listed_names, [&](const Listed& listed) {
    return listed.domain == domain && listed.name == name;
  });
}

std::string hex(std::int64_t number) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(number));
  return text;
}

TEST(StatusTable, SaysNameMessageLayerAndWindowsStatusInEveryRow) {
  EXPECT_GT(rows().size(), 100U);
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.name);
    EXPECT_TRUE(std::string_view(row.name).starts_with("SALLY_"));
    EXPECT_STRNE(row.message, "");
    EXPECT_NE(row.hint, nullptr);
    EXPECT_GE(row.layer, SALLY_LAYER_GENERAL);
    EXPECT_LE(row.layer, SALLY_LAYER_CREDENTIAL);
    EXPECT_GE(row.socket_error_status, SALLY_SOCKET_ERROR_STATUS_UNKNOWN);
    EXPECT_LE(row.socket_error_status, SALLY_SOCKET_ERROR_STATUS_CERTIFICATE_IS_INVALID);
    EXPECT_EQ(find(row.status), &row);
  }
}

TEST(StatusTable, KeepsEachLayerWithinItsRangeOfNumbers) {
  for (const Row& row : rows()) {
    SCOPED_TRACE(row.name);
    const int hundred = row.status / 100;
    const int expected = row.status >= 1000 ? SALLY_LAYER_TLS : hundred;
    EXPECT_EQ(row.layer, expected);
  }
}

TEST(StatusTable, HasNoRowForANumberThatIsNotAStatus) {
  for (const sally_status status : {-1, 17, 99, 1001, 1256, 2147483647}) {
    EXPECT_EQ(find(status), nullptr) << status;
  }
}

TEST(StatusTable, GivesSomethingToDoForEveryCertificateCredentialAndAlert) {
  for (const Row& row : rows()) {
    const bool about_identity = row.layer >= SALLY_LAYER_CERTIFICATE || row.status > 1000;
    EXPECT_TRUE(!about_identity || row.hint[0] != '\0') << row.name;
  }
}

TEST(StatusTable, FindsEveryListedNameWithinItsDomainOnly) {
  for (const Listed& listed : listed_names) {
    SCOPED_TRACE(listed.name);
    EXPECT_EQ(from_name(listed.domain, listed.name), listed.status);
    EXPECT_EQ(from_name(listed.domain, std::string(listed.name) + "X"), SALLY_UNKNOWN);
  }
  EXPECT_EQ(from_name(SALLY_DOMAIN_ERRNO, "WSAECONNREFUSED"), SALLY_UNKNOWN);
  EXPECT_EQ(from_name(SALLY_DOMAIN_X509, ""), SALLY_UNKNOWN);
}

TEST(StatusTable, TellsTheHandshakeFailuresOfThisSideApart) {
  const std::pair<const char*, sally_status> cases[] = {
      {"SSL_R_HTTP_REQUEST", SALLY_PEER_SPEAKS_HTTP},
      {"SSL_R_WRONG_VERSION_NUMBER", SALLY_PEER_NOT_TLS},
      {"SSL_R_UNSUPPORTED_PROTOCOL", SALLY_TLS_VERSION_MISMATCH},
      {"SSL_R_NO_SHARED_CIPHER", SALLY_TLS_NO_COMMON_CIPHER},
      {"SSL_R_NO_SUITABLE_KEY_SHARE", SALLY_TLS_NO_COMMON_GROUP},
      {"SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM", SALLY_TLS_NO_COMMON_SIGNATURE},
      {"SSL_R_NO_APPLICATION_PROTOCOL", SALLY_TLS_NO_COMMON_ALPN},
      {"SSL_R_UNEXPECTED_MESSAGE", SALLY_TLS_PROTOCOL_VIOLATION},
      {"SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC", SALLY_TLS_BAD_RECORD},
      {"SSL_R_UNEXPECTED_EOF_WHILE_READING", SALLY_TRUNCATED},
      {"SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE", SALLY_CLIENT_CERTIFICATE_REQUIRED},
      {"SSL_R_CERTIFICATE_VERIFY_FAILED", SALLY_CERTIFICATE_INVALID},
      {"SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED", SALLY_RENEGOTIATION_REFUSED},
      {"SSL_R_TLSV1_ALERT_UNKNOWN_CA", SALLY_ALERT_UNKNOWN_CA},
  };
  for (const auto& [name, status] : cases) {
    EXPECT_EQ(from_name(SALLY_DOMAIN_OPENSSL, name), status) << name;
  }
}

TEST(StatusTable, TranslatesEveryErrnoThatASocketOrFileCallCanGive) {
  const int numbers[] = {
      E2BIG,           EACCES,          EADDRINUSE,   EADDRNOTAVAIL,
      EAFNOSUPPORT,    EAGAIN,          EALREADY,     EBADF,
      EBADMSG,         EBUSY,           ECANCELED,    ECONNABORTED,
      ECONNREFUSED,    ECONNRESET,      EDESTADDRREQ, EDOM,
      EFAULT,          EFBIG,           EHOSTUNREACH, EINPROGRESS,
      EINTR,           EINVAL,          EIO,          EISCONN,
      EISDIR,          ELOOP,           EMFILE,       EMSGSIZE,
      ENAMETOOLONG,    ENETDOWN,        ENETRESET,    ENETUNREACH,
      ENFILE,          ENOBUFS,         ENODEV,       ENOENT,
      ENOMEM,          ENOPROTOOPT,     ENOSPC,       ENOSYS,
      ENOTCONN,        ENOTDIR,         ENOTSOCK,     ENOTSUP,
      ENOTTY,          ENXIO,           EOPNOTSUPP,   EOVERFLOW,
      EPERM,           EPIPE,           EPROTO,       EPROTOTYPE,
      EPROTONOSUPPORT, EROFS,           ESPIPE,       ETIMEDOUT,
      ETXTBSY,         EWOULDBLOCK,
#ifdef __linux__
      EDQUOT,          EHOSTDOWN,       ENONET,       EPFNOSUPPORT,
      ESHUTDOWN,       ESOCKTNOSUPPORT, ESTALE,       ETOOMANYREFS,
      EUSERS,
#endif
  };
  for (const int number : numbers) {
    const auto name = native_name(SALLY_DOMAIN_ERRNO, number);
    EXPECT_FALSE(name.empty()) << number;
    EXPECT_NE(from_code(SALLY_DOMAIN_ERRNO, number), SALLY_UNKNOWN) << number << " " << name;
  }
  EXPECT_EQ(from_code(SALLY_DOMAIN_ERRNO, ECONNREFUSED), SALLY_CONNECTION_REFUSED);
  EXPECT_EQ(from_code(SALLY_DOMAIN_ERRNO, EPIPE), SALLY_CONNECTION_RESET);
  EXPECT_EQ(from_code(SALLY_DOMAIN_ERRNO, ETIMEDOUT), SALLY_CONNECTION_TIMED_OUT);
  EXPECT_EQ(from_code(SALLY_DOMAIN_ERRNO, ENOTDIR), SALLY_FILE_NOT_FOUND);
}

TEST(StatusTable, GivesTheBestKnownOfTwoNamesForOneErrno) {
  EXPECT_EQ(native_name(SALLY_DOMAIN_ERRNO, EWOULDBLOCK), "EAGAIN");
  EXPECT_EQ(native_name(SALLY_DOMAIN_ERRNO, ENOTSUP), "EOPNOTSUPP");
}

TEST(StatusTable, TranslatesTheResolver) {
  const std::pair<int, sally_status> cases[] = {
      {EAI_NONAME, SALLY_HOST_NOT_FOUND},         {EAI_AGAIN, SALLY_RESOLVER_TRY_AGAIN},
      {EAI_SERVICE, SALLY_SERVICE_NOT_FOUND},     {EAI_FAIL, SALLY_RESOLVER_FAILED},
      {EAI_MEMORY, SALLY_OUT_OF_MEMORY},          {EAI_FAMILY, SALLY_ADDRESS_FAMILY_NOT_SUPPORTED},
      {EAI_SYSTEM, SALLY_RESOLVER_FAILED},        {EAI_SOCKTYPE, SALLY_SOCKET_TYPE_NOT_SUPPORTED},
#ifdef EAI_NODATA
      {EAI_NODATA, SALLY_HOST_HAS_NO_ADDRESS},
#endif
#ifdef EAI_ADDRFAMILY
      {EAI_ADDRFAMILY, SALLY_NO_ADDRESSES_FOUND},
#endif
  };
  for (const auto& [code, status] : cases) {
    EXPECT_EQ(from_code(SALLY_DOMAIN_GETADDRINFO, code), status) << ::gai_strerror(code);
  }
}

TEST(StatusTable, NumbersEveryWindowsNameAndAlertThatItLists) {
  const std::pair<std::int32_t, std::span<const NativeCode>> domains[] = {
      {SALLY_DOMAIN_WINSOCK, winsock_codes()},
      {SALLY_DOMAIN_HRESULT, hresult_codes()},
      {SALLY_DOMAIN_ALERT, alert_codes()},
  };
  for (const auto& [domain, codes] : domains) {
    std::set<std::string_view> numbered;
    std::set<std::int64_t> numbers;
    for (const NativeCode& native : codes) {
      EXPECT_TRUE(is_listed(domain, native.name)) << native.name;
      EXPECT_EQ(native_name(domain, native.code), native.name);
      EXPECT_TRUE(numbered.insert(native.name).second) << native.name;
      EXPECT_TRUE(numbers.insert(native.code).second) << native.name;
    }
    for (const Listed& listed : listed_names) {
      const bool is_alias = domain == SALLY_DOMAIN_ALERT && !numbered.contains(listed.name);
      if (listed.domain != domain || is_alias) continue;
      EXPECT_TRUE(numbered.contains(listed.name)) << listed.name;
    }
  }
}

TEST(StatusTable, KnowsTheNumbersOfWinsock) {
  EXPECT_EQ(from_code(SALLY_DOMAIN_WINSOCK, 10061), SALLY_CONNECTION_REFUSED);
  EXPECT_EQ(from_code(SALLY_DOMAIN_WINSOCK, 10054), SALLY_CONNECTION_RESET);
  EXPECT_EQ(from_code(SALLY_DOMAIN_WINSOCK, 10035), SALLY_WOULD_BLOCK);
  EXPECT_EQ(from_code(SALLY_DOMAIN_WINSOCK, 11001), SALLY_HOST_NOT_FOUND);
  EXPECT_EQ(from_code(SALLY_DOMAIN_WINSOCK, 11004), SALLY_HOST_HAS_NO_ADDRESS);
  EXPECT_EQ(from_code(SALLY_DOMAIN_WINSOCK, 995), SALLY_CANCELED);
  EXPECT_EQ(native_name(SALLY_DOMAIN_WINSOCK, 10060), "WSAETIMEDOUT");
}

TEST(StatusTable, TakesAnHresultUnsignedOrSignExtended) {
  const std::pair<std::int64_t, sally_status> cases[] = {
      {0x800B0101, SALLY_CERTIFICATE_EXPIRED},
      {0x800B0109, SALLY_CERTIFICATE_UNKNOWN_CA},
      {0x800B010F, SALLY_CERTIFICATE_NAME_MISMATCH},
      {0x800B0110, SALLY_CERTIFICATE_WRONG_USAGE},
      {0x80092010, SALLY_CERTIFICATE_REVOKED},
      {0x8009030F, SALLY_TLS_BAD_RECORD},
      {0x80070005, SALLY_ACCESS_DENIED},
      {0x8007000E, SALLY_OUT_OF_MEMORY},
      {0x8007274D, SALLY_CONNECTION_REFUSED},
      {0x80072AF9, SALLY_HOST_NOT_FOUND},
      {0x80072746, SALLY_CONNECTION_RESET},
      {0x800704C9, SALLY_CONNECTION_REFUSED},
      {0x80072EE7, SALLY_HOST_NOT_FOUND},
      {0x80072F05, SALLY_CERTIFICATE_EXPIRED},
      {0x80072F19, SALLY_CERTIFICATE_REVOCATION_UNKNOWN},
      {0x80092013, SALLY_REVOCATION_SERVER_OFFLINE},
      {0x80079999, SALLY_UNKNOWN},
      {0x87654321, SALLY_UNKNOWN},
  };
  for (const auto& [code, status] : cases) {
    EXPECT_EQ(from_code(SALLY_DOMAIN_HRESULT, code), status) << hex(code);
    EXPECT_EQ(from_code(SALLY_DOMAIN_HRESULT, code - 0x100000000), status) << hex(code);
  }
  EXPECT_EQ(native_name(SALLY_DOMAIN_HRESULT, 0x8007274D), "WSAECONNREFUSED");
  EXPECT_EQ(from_name(SALLY_DOMAIN_HRESULT, "WSAECONNREFUSED"), SALLY_CONNECTION_REFUSED);
}

TEST(StatusTable, TakesNothingOutside32BitsForAnHresult) {
  for (const std::int64_t code :
       {std::int64_t{0x1800B0101}, -std::int64_t{0x80000001}, INT64_MIN, INT64_MAX}) {
    EXPECT_EQ(from_code(SALLY_DOMAIN_HRESULT, code), SALLY_UNKNOWN) << hex(code);
  }
}

TEST(StatusTable, NumbersAlertRowsAfterTheirAlerts) {
  EXPECT_EQ(alert_codes().size(), 37U);
  for (const NativeCode& alert : alert_codes()) {
    SCOPED_TRACE(alert.name);
    const sally_status status = from_code(SALLY_DOMAIN_ALERT, alert.code);
    EXPECT_EQ(status, 1000 + alert.code);
    std::string name = "SALLY_ALERT_" + std::string(alert.name);
    for (char& letter : name) letter = static_cast<char>(std::toupper(letter));
    EXPECT_EQ(find(status)->name, name);
  }
  for (const int number : {1, 19, 53, 122, 255, 256, -1}) {
    EXPECT_EQ(from_code(SALLY_DOMAIN_ALERT, number), SALLY_UNKNOWN) << number;
  }
  EXPECT_EQ(from_name(SALLY_DOMAIN_ALERT, "decompression_failure_RESERVED"),
            SALLY_ALERT_DECOMPRESSION_FAILURE);
}

TEST(StatusTable, ReadsNoErrorAsOk) {
  for (const int domain : {SALLY_DOMAIN_ERRNO, SALLY_DOMAIN_GETADDRINFO, SALLY_DOMAIN_WINSOCK,
                           SALLY_DOMAIN_HRESULT, SALLY_DOMAIN_OPENSSL, SALLY_DOMAIN_X509}) {
    EXPECT_EQ(from_code(domain, 0), SALLY_OK) << domain;
  }
  EXPECT_EQ(from_code(SALLY_DOMAIN_HRESULT, 1), SALLY_OK) << "S_FALSE is a success";
  EXPECT_EQ(from_code(SALLY_DOMAIN_ALERT, 0), SALLY_ALERT_CLOSE_NOTIFY);
}

TEST(StatusTable, RefusesADomainThatDoesNotExist) {
  for (const int domain : {-1, 0, 8, INT32_MAX, INT32_MIN}) {
    EXPECT_EQ(from_code(domain, 0), SALLY_INVALID_ARGUMENT) << domain;
    EXPECT_EQ(from_name(domain, "ECONNREFUSED"), SALLY_INVALID_ARGUMENT) << domain;
    EXPECT_TRUE(native_name(domain, 1).empty()) << domain;
  }
}

TEST(StatusTable, ListsTheCodesOfACatchAllApart) {
  for (const Listed& listed : listed_names)
    EXPECT_EQ(find(listed.status)->is_catch_all, listed.place < 0) << listed.name;
}

TEST(StatusTable, GoesBackToTheFirstCodeOfAStatus) {
  const std::tuple<sally_status, std::int32_t, std::string_view> cases[] = {
      {SALLY_CONNECTION_RESET, SALLY_DOMAIN_ERRNO, "ECONNRESET"},
      {SALLY_WOULD_BLOCK, SALLY_DOMAIN_ERRNO, "EAGAIN"},
      {SALLY_HOST_NOT_FOUND, SALLY_DOMAIN_GETADDRINFO, "EAI_NONAME"},
      {SALLY_TOO_MANY_OPEN_FILES, SALLY_DOMAIN_WINSOCK, "WSAEMFILE"},
      {SALLY_CERTIFICATE_EXPIRED, SALLY_DOMAIN_HRESULT, "CERT_E_EXPIRED"},
      {SALLY_CERTIFICATE_EXPIRED, SALLY_DOMAIN_X509, "X509_V_ERR_CERT_HAS_EXPIRED"},
      {SALLY_CREDENTIAL_KEY_MISMATCH, SALLY_DOMAIN_OPENSSL, "SSL_R_PRIVATE_KEY_MISMATCH"},
      {SALLY_ALERT_UNKNOWN_CA, SALLY_DOMAIN_ALERT, "unknown_ca"},
      {SALLY_ALERT_UNKNOWN_CA, SALLY_DOMAIN_ERRNO, ""},
      {SALLY_UNKNOWN, SALLY_DOMAIN_ERRNO, ""},
      {SALLY_HANDSHAKE_FAILED, SALLY_DOMAIN_OPENSSL, ""},
  };
  for (const auto& [status, domain, name] : cases) EXPECT_EQ(to_name(status, domain), name);
  EXPECT_EQ(code_of(SALLY_DOMAIN_ERRNO, "ECONNRESET"), ECONNRESET);
  EXPECT_EQ(code_of(SALLY_DOMAIN_HRESULT, "CERT_E_EXPIRED"), 0x800B0101);
  EXPECT_EQ(code_of(SALLY_DOMAIN_HRESULT, "no such name"), std::nullopt);
}

TEST(StatusTable, ComesBackToEveryStatusThroughItsCode) {
  for (const Row& row : rows()) {
    for (const int domain : {SALLY_DOMAIN_ERRNO, SALLY_DOMAIN_GETADDRINFO, SALLY_DOMAIN_WINSOCK,
                             SALLY_DOMAIN_HRESULT, SALLY_DOMAIN_ALERT}) {
      const auto name = to_name(row.status, domain);
      if (name.empty()) continue;
      EXPECT_EQ(from_code(domain, code_of(domain, name).value()), row.status) << name;
    }
  }
}

TEST(StatusTable, ShowsACodeWithoutANameByItsNumber) {
  EXPECT_EQ(unknown_name(SALLY_DOMAIN_ERRNO, 4095), "errno 4095 (unknown)");
  EXPECT_EQ(unknown_name(SALLY_DOMAIN_GETADDRINFO, -99), "getaddrinfo -99 (unknown)");
  EXPECT_EQ(unknown_name(SALLY_DOMAIN_WINSOCK, 9999), "Winsock 9999 (unknown)");
  EXPECT_EQ(unknown_name(SALLY_DOMAIN_HRESULT, 0x87654321), "HRESULT 0x87654321 (unknown)");
  EXPECT_EQ(unknown_name(SALLY_DOMAIN_HRESULT, 0x87654321 - 0x100000000),
            "HRESULT 0x87654321 (unknown)");
  EXPECT_EQ(unknown_name(SALLY_DOMAIN_OPENSSL, 0x0A0003E7), "OpenSSL error 0x0A0003E7 (unknown)");
  EXPECT_EQ(unknown_name(SALLY_DOMAIN_X509, 999), "X509_V_ERR 999 (unknown)");
  EXPECT_EQ(unknown_name(SALLY_DOMAIN_ALERT, 123), "alert 123 (unknown)");
  EXPECT_EQ(unknown_name(SALLY_DOMAIN_NONE, 1), "");
}

TEST(StatusTable, LeavesTheNumbersOfOpenSslToTheTlsLayer) {
  EXPECT_EQ(from_code(SALLY_DOMAIN_X509, 10), SALLY_UNKNOWN);
  EXPECT_EQ(from_code(SALLY_DOMAIN_OPENSSL, 0x0A000086), SALLY_UNKNOWN);
}

TEST(StatusTable, SaysWhatAWindowsProgramWouldHaveSeen) {
  const std::pair<sally_status, std::int32_t> cases[] = {
      {SALLY_CANCELED, SALLY_SOCKET_ERROR_STATUS_OPERATION_ABORTED},
      {SALLY_CONNECTION_REFUSED, SALLY_SOCKET_ERROR_STATUS_CONNECTION_REFUSED},
      {SALLY_HOST_NOT_FOUND, SALLY_SOCKET_ERROR_STATUS_HOST_NOT_FOUND},
      {SALLY_CERTIFICATE_EXPIRED, SALLY_SOCKET_ERROR_STATUS_CERTIFICATE_EXPIRED},
      {SALLY_CERTIFICATE_UNKNOWN_CA, SALLY_SOCKET_ERROR_STATUS_CERTIFICATE_UNTRUSTED_ROOT},
      {SALLY_CERTIFICATE_MALFORMED, SALLY_SOCKET_ERROR_STATUS_CERTIFICATE_IS_INVALID},
      {SALLY_ALERT_UNKNOWN_CA, SALLY_SOCKET_ERROR_STATUS_UNKNOWN},
  };
  for (const auto& [status, windows] : cases) {
    EXPECT_EQ(find(status)->socket_error_status, windows) << find(status)->name;
  }
  EXPECT_EQ(SALLY_SOCKET_ERROR_STATUS_CERTIFICATE_IS_INVALID, 30);
}

}  // namespace
}  // namespace sally::status
