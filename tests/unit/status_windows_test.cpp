// The enumerations of Windows: which values there are, and that nothing is lost on the way back.
#include "status/table.h"
#include "status/windows.h"

#include <gtest/gtest.h>
#include <set>
#include <string>
#include <vector>

namespace sally::status {
namespace {

using Values = std::span<const WindowsValue>;

std::vector<std::string> names_of(Values values) {
  std::vector<std::string> names;
  for (const WindowsValue& value : values) names.emplace_back(value.name);
  return names;
}

void expect_consecutive(Values values, std::size_t count) {
  ASSERT_EQ(values.size(), count);
  for (std::size_t i = 0; i < count; ++i)
    EXPECT_EQ(values[i].number, static_cast<std::int32_t>(i)) << values[i].name;
}

TEST(WindowsEnumerations, HaveEveryValueOnce) {
  expect_consecutive(socket_error_statuses(), 31);
  expect_consecutive(chain_validation_results(), 14);
  expect_consecutive(socket_ssl_error_severities(), 3);
  EXPECT_EQ(web_error_statuses().size(), 55U);
  for (const Values values : {socket_error_statuses(), chain_validation_results(),
                              socket_ssl_error_severities(), web_error_statuses()}) {
    const auto names = names_of(values);
    EXPECT_EQ(std::set(names.begin(), names.end()).size(), names.size());
  }
}

TEST(WindowsEnumerations, KeepTheNumbersOfWindows) {
  EXPECT_EQ(find(socket_error_statuses(), 12)->name, "ConnectionRefused");
  EXPECT_EQ(find(socket_error_statuses(), 30)->name, "CertificateIsInvalid");
  EXPECT_EQ(find(chain_validation_results(), 4)->name, "IncompleteChain");
  EXPECT_EQ(find(chain_validation_results(), 13)->name, "OtherErrors");
  EXPECT_EQ(find(web_error_statuses(), 23)->name, "MissingContentLengthSupport");
  EXPECT_EQ(find(web_error_statuses(), 307)->name, "TemporaryRedirect");
  EXPECT_EQ(find(web_error_statuses(), 505)->name, "HttpVersionNotSupported");
  EXPECT_EQ(find(web_error_statuses(), 306), nullptr);
}

TEST(SocketErrorStatusValues, ComeBackFromTheStatusThatTheyBecome) {
  for (const WindowsValue& value : socket_error_statuses())
    EXPECT_EQ(find(value.status)->socket_error_status, value.number) << value.name;
}

TEST(ChainValidationResults, ComeBackFromTheStatusThatTheyBecome) {
  for (const WindowsValue& value : chain_validation_results()) {
    const bool is_lost = value.number == SALLY_CHAIN_VALIDATION_RESULT_INCOMPLETE_CHAIN;
    const std::int32_t back = is_lost ? SALLY_CHAIN_VALIDATION_RESULT_UNTRUSTED : value.number;
    EXPECT_EQ(find(value.status)->chain_validation_result, back) << value.name;
  }
}

TEST(ChainValidationResults, AreSaidOfEveryVerdictAndOfNothingElse) {
  for (const Row& row : rows()) {
    const bool is_verdict = row.layer == SALLY_LAYER_CERTIFICATE || row.status == SALLY_OK;
    EXPECT_EQ(row.chain_validation_result >= 0, is_verdict) << row.name;
    const bool is_success = row.chain_validation_result == SALLY_CHAIN_VALIDATION_RESULT_SUCCESS;
    EXPECT_EQ(is_success, row.status == SALLY_OK) << row.name;
  }
}

TEST(WebErrorStatuses, ComeBackFromTheStatusThatTheyBecome) {
  std::size_t known = 0;
  for (const WindowsValue& value : web_error_statuses()) {
    if (value.status == SALLY_UNKNOWN) continue;
    EXPECT_EQ(find(value.status)->web_error_status, value.number) << value.name;
    ++known;
  }
  EXPECT_EQ(known, 14U);
}

TEST(WebErrorStatuses, OfHttpBecomeUnknown) {
  for (const WindowsValue& value : web_error_statuses()) {
    if (value.number >= 300) {
      EXPECT_EQ(value.status, SALLY_UNKNOWN) << value.name;
    }
  }
}

TEST(Severities, AreFatalWhereWindowsLetsNobodyPass) {
  const auto severity = [](std::int32_t result) {
    return find(chain_validation_results(), result)->severity;
  };
  EXPECT_EQ(severity(SALLY_CHAIN_VALIDATION_RESULT_SUCCESS), SALLY_SOCKET_SSL_ERROR_SEVERITY_NONE);
  for (const int result :
       {SALLY_CHAIN_VALIDATION_RESULT_EXPIRED, SALLY_CHAIN_VALIDATION_RESULT_INVALID_NAME,
        SALLY_CHAIN_VALIDATION_RESULT_UNTRUSTED}) {
    EXPECT_EQ(severity(result), SALLY_SOCKET_SSL_ERROR_SEVERITY_IGNORABLE);
  }
  for (const int result :
       {SALLY_CHAIN_VALIDATION_RESULT_REVOKED, SALLY_CHAIN_VALIDATION_RESULT_INVALID_SIGNATURE,
        SALLY_CHAIN_VALIDATION_RESULT_OTHER_ERRORS}) {
    EXPECT_EQ(severity(result), SALLY_SOCKET_SSL_ERROR_SEVERITY_FATAL);
  }
}

}  // namespace
}  // namespace sally::status
