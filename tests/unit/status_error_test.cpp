#include "short_memory.h"
#include "status/error.h"
#include "status/text.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <gtest/gtest.h>
#include <netdb.h>
#include <new>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

namespace sally {
namespace {

using Json = nlohmann::ordered_json;

std::int64_t live_errors() {
  return live_handles[SALLY_HANDLE_ERROR].load();
}

Json parsed(const ErrorRef& error) {
  return Json::parse(error->json());
}

ErrorRef chain_of(std::size_t links) {
  ErrorRef error;
  for (std::size_t link = 0; link < links; ++link) {
    error = make_error(SALLY_INTERNAL, {.cause = std::move(error)});
  }
  return error;
}

ErrorDetail refused_certificate() {
  return {.message = "CN=client",
          .native_domain = SALLY_DOMAIN_OPENSSL,
          .native_code = 0x0A000418,
          .native_name = "SSL_R_TLSV1_ALERT_UNKNOWN_CA",
          .alert_direction = SALLY_ALERT_RECEIVED,
          .alert = 48,
          .depth = 0,
          .subject = "CN=client",
          .issuer = "CN=Test CA",
          .expected = "an issuer that the peer trusts",
          .found = "CN=Test CA",
          .source = "client.pem",
          .address = "127.0.0.1:4433",
          .correlation_id = "0123456789abcdef",
          .phase = "read"};
}

TEST(ErrorMessage, IsTheMessageOfTheStatusAndThenTheDetail) {
  EXPECT_EQ(make_error(SALLY_CONNECTION_RESET)->message(), "the peer reset the connection");
  EXPECT_EQ(make_error(SALLY_CONNECTION_RESET, {.message = "127.0.0.1:1"})->message(),
            "the peer reset the connection: 127.0.0.1:1");
}

TEST(ErrorMessage, FallsBackToUnknownForANumberThatIsNotAStatus) {
  const auto error = make_error(99);
  EXPECT_EQ(error->status(), 99);
  EXPECT_EQ(error->message(), make_error(SALLY_UNKNOWN)->message());
  EXPECT_EQ(parsed(error)["status"], "SALLY_UNKNOWN");
  EXPECT_EQ(parsed(error)["code"], 99);
}

TEST(ErrorHint, IsThatOfTheStatusUnlessTheDetailHasABetterOne) {
  EXPECT_FALSE(make_error(SALLY_CERTIFICATE_EXPIRED)->hint().empty());
  EXPECT_EQ(make_error(SALLY_CERTIFICATE_EXPIRED, {.hint = "Renew it."})->hint(), "Renew it.");
  EXPECT_EQ(make_error(SALLY_CANCELED)->hint(), "");
}

TEST(ErrorText, GivesEachFieldAndNullForWhatIsNotSaid) {
  const auto error = make_error(SALLY_ALERT_UNKNOWN_CA, refused_certificate());
  EXPECT_STREQ(error->text(SALLY_ERROR_FIELD_NATIVE_NAME), "SSL_R_TLSV1_ALERT_UNKNOWN_CA");
  EXPECT_STREQ(error->text(SALLY_ERROR_FIELD_ALERT_NAME), "unknown_ca");
  EXPECT_STREQ(error->text(SALLY_ERROR_FIELD_SUBJECT), "CN=client");
  EXPECT_STREQ(error->text(SALLY_ERROR_FIELD_ISSUER), "CN=Test CA");
  EXPECT_STREQ(error->text(SALLY_ERROR_FIELD_EXPECTED), "an issuer that the peer trusts");
  EXPECT_STREQ(error->text(SALLY_ERROR_FIELD_FOUND), "CN=Test CA");
  EXPECT_STREQ(error->text(SALLY_ERROR_FIELD_SOURCE), "client.pem");
  EXPECT_STREQ(error->text(SALLY_ERROR_FIELD_ADDRESS), "127.0.0.1:4433");
  EXPECT_STREQ(error->text(SALLY_ERROR_FIELD_CORRELATION_ID), "0123456789abcdef");
  EXPECT_STREQ(error->text(SALLY_ERROR_FIELD_PHASE), "read");

  const auto bare = make_error(SALLY_CLOSED);
  for (std::int32_t field = -1; field <= SALLY_ERROR_FIELD_PHASE + 1; ++field) {
    EXPECT_EQ(bare->text(field), nullptr) << field;
  }
}

TEST(ErrorText, GivesTheNumberOfAnAlertThatHasNoName) {
  const auto error = make_error(SALLY_UNKNOWN, {.alert = 200});
  EXPECT_STREQ(error->text(SALLY_ERROR_FIELD_ALERT_NAME), "alert 200 (unknown)");
}

TEST(ErrorText, FindsTheNativeNameByItselfWhereTheSystemKnowsIt) {
  const auto error =
      make_error(SALLY_UNKNOWN, {.native_domain = SALLY_DOMAIN_WINSOCK, .native_code = 10061});
  EXPECT_STREQ(error->text(SALLY_ERROR_FIELD_NATIVE_NAME), "WSAECONNREFUSED");
}

TEST(ErrorText, IsOneLineOfValidUtf8WhateverThePeerWrote) {
  const std::string nasty =
      std::string("a\nb\r\t\0c", 7) + "\x7f\x1b[2J \xff\xc0\xaf \xed\xa0\x80 \xe2\x82";
  const auto error = make_error(SALLY_INTERNAL, {.message = nasty,
                                                 .hint = nasty,
                                                 .native_name = nasty,
                                                 .subject = nasty,
                                                 .issuer = nasty,
                                                 .expected = nasty,
                                                 .found = nasty,
                                                 .source = nasty,
                                                 .address = nasty,
                                                 .correlation_id = nasty,
                                                 .phase = nasty});
  const std::string clean = R"(a\x0ab\x0d\x09\x00c\x7f\x1b[2J \xff\xc0\xaf \xed\xa0\x80 \xe2\x82)";
  EXPECT_EQ(error->message(), "an error inside the library: " + clean);
  EXPECT_EQ(error->hint(), clean);
  for (std::int32_t field = 1; field <= SALLY_ERROR_FIELD_PHASE; ++field) {
    if (field == SALLY_ERROR_FIELD_ALERT_NAME) continue;
    EXPECT_STREQ(error->text(field), clean.c_str()) << field;
  }
  EXPECT_EQ(parsed(error)["subject"], clean);
}

TEST(OneLine, KeepsTextOfEveryLanguage) {
  const std::string text = "Gr\u00fc\u00dfe, \u65e5\u672c\u8a9e, \U0001F512 C:\\x41";
  EXPECT_EQ(status::one_line(text), text);
  EXPECT_EQ(status::one_line(""), "");
}

TEST(OneLine, EscapesWhatUnicodeHoldsForALineEndAControlOrATurnOfDirection) {
  EXPECT_EQ(status::one_line("\u0085"), R"(\xc2\x85)");
  EXPECT_EQ(status::one_line("\u2028\u2029"), R"(\xe2\x80\xa8\xe2\x80\xa9)");
  EXPECT_EQ(status::one_line("a\u202Eb\u2066"), R"(a\xe2\x80\xaeb\xe2\x81\xa6)");
}

TEST(OneLine, EscapesWhatRfc3629Forbids) {
  EXPECT_EQ(status::one_line("\xe0\x80\xaf"), R"(\xe0\x80\xaf)") << "overlong";
  EXPECT_EQ(status::one_line("\xf0\x80\x80\xaf"), R"(\xf0\x80\x80\xaf)") << "overlong";
  EXPECT_EQ(status::one_line("\xf4\x90\x80\x80"), R"(\xf4\x90\x80\x80)") << "above U+10FFFF";
  EXPECT_EQ(status::one_line("\xed\xbf\xbf"), R"(\xed\xbf\xbf)") << "surrogate";
  EXPECT_EQ(status::one_line("\xc3"), R"(\xc3)") << "cut off";
  EXPECT_EQ(status::one_line("\xf4\x8f\xbf\xbf"), "\xf4\x8f\xbf\xbf") << "the last character";
}

TEST(OneLine, LeavesItsOwnResultAlone) {
  const std::string once = status::one_line("\x01\xff\n");
  EXPECT_EQ(status::one_line(once), once);
}

TEST(ErrorJson, HasEveryFieldUnderItsDocumentedName) {
  const auto json = parsed(make_error(SALLY_ALERT_UNKNOWN_CA, refused_certificate()));
  EXPECT_EQ(json["status"], "SALLY_ALERT_UNKNOWN_CA");
  EXPECT_EQ(json["code"], 1048);
  EXPECT_EQ(json["layer"], "tls");
  EXPECT_TRUE(json["message"].get<std::string>().ends_with(": CN=client"));
  EXPECT_FALSE(json["hint"].get<std::string>().empty());
  EXPECT_EQ(json["subject"], "CN=client");
  EXPECT_EQ(json["issuer"], "CN=Test CA");
  EXPECT_EQ(json["expected"], "an issuer that the peer trusts");
  EXPECT_EQ(json["found"], "CN=Test CA");
  EXPECT_EQ(json["source"], "client.pem");
  EXPECT_EQ(json["address"], "127.0.0.1:4433");
  EXPECT_EQ(json["correlation_id"], "0123456789abcdef");
  EXPECT_EQ(json["phase"], "read");
  EXPECT_EQ(json["alert"],
            Json({{"name", "unknown_ca"}, {"number", 48}, {"direction", "received"}}));
  EXPECT_EQ(json["native"], Json({{"domain", "openssl"},
                                  {"name", "SSL_R_TLSV1_ALERT_UNKNOWN_CA"},
                                  {"code", 0x0A000418}}));
  EXPECT_EQ(json["depth"], 0);
  EXPECT_FALSE(json.contains("cause"));
}

TEST(ErrorJson, OmitsWhatIsNotSaid) {
  std::vector<std::string> keys;
  const Json json = parsed(make_error(SALLY_CANCELED));
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"status", "code", "layer", "message"}));
}

TEST(ErrorJson, NestsTheCauses) {
  const auto error = make_error(
      SALLY_HANDSHAKE_FAILED,
      {.cause = make_error(SALLY_CERTIFICATE_INVALID, {.cause = errno_error(ECONNRESET)})});
  const Json json = parsed(error);
  EXPECT_EQ(json["status"], "SALLY_HANDSHAKE_FAILED");
  EXPECT_EQ(json["cause"]["status"], "SALLY_CERTIFICATE_INVALID");
  EXPECT_EQ(json["cause"]["layer"], "certificate");
  EXPECT_EQ(json["cause"]["cause"]["native"]["name"], "ECONNRESET");
  EXPECT_FALSE(json["cause"]["cause"].contains("cause"));
}

TEST(ErrorJson, StaysTheSameTextForAsLongAsTheErrorLives) {
  const auto error = make_error(SALLY_CLOSED);
  const char* first = error->json();
  EXPECT_EQ(error->json(), first);
}

TEST(ErrorJson, IsBuiltOnceWhenManyThreadsAskAtTheSameTime) {
  const auto error = make_error(SALLY_ALERT_UNKNOWN_CA, refused_certificate());
  std::vector<const char*> answers(4);
  std::atomic<int> waiting{4};
  std::vector<std::jthread> threads;
  for (auto& answer : answers) {
    threads.emplace_back([&, mine = error] {
      for (--waiting; waiting > 0;) std::this_thread::yield();
      answer = mine->json();
    });
  }
  threads.clear();
  for (const char* answer : answers) EXPECT_EQ(answer, answers.front());
}

TEST(ErrorChain, OfAnyLengthIsDestroyedWithoutRecursion) {
  constexpr std::size_t links = 400'000;
  const auto before = live_errors();
  ErrorRef error = chain_of(links);
  EXPECT_EQ(live_errors(), before + static_cast<std::int64_t>(links));
  error = nullptr;
  EXPECT_EQ(live_errors(), before);
}

TEST(ErrorChain, OfGreatLengthIsPrintedWhole) {
  const Json json = parsed(chain_of(1000));
  const Json* link = &json;
  int links = 1;
  for (; link->contains("cause"); ++links) link = &link->at("cause");
  EXPECT_EQ(links, 1000);
}

TEST(ErrorChain, SurvivesAsFarAsSomebodyElseHoldsIt) {
  const auto before = live_errors();
  ErrorRef root = make_error(SALLY_CONNECTION_RESET);
  {
    const auto error =
        make_error(SALLY_HANDSHAKE_FAILED, {.cause = make_error(SALLY_INTERNAL, {.cause = root})});
    EXPECT_EQ(live_errors(), before + 3);
  }
  EXPECT_EQ(live_errors(), before + 1);
  EXPECT_EQ(root->message(), "the peer reset the connection");
  root = nullptr;
  EXPECT_EQ(live_errors(), before);
}

TEST(ErrorChain, IsDestroyedOnceWhenManyThreadsLetGoOfIt) {
  const auto before = live_errors();
  {
    const auto shared = chain_of(1000);
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back(
          [mine = make_error(SALLY_INTERNAL, {.cause = shared})]() mutable { mine = nullptr; });
    }
  }
  EXPECT_EQ(live_errors(), before);
}

TEST(ErrnoError, KeepsTheNativeCodeAndItsName) {
  const auto error = errno_error(ECONNREFUSED, {.address = "127.0.0.1:1", .phase = "connect"});
  EXPECT_EQ(error->status(), SALLY_CONNECTION_REFUSED);
  EXPECT_EQ(error->detail().native_domain, SALLY_DOMAIN_ERRNO);
  EXPECT_EQ(error->detail().native_code, ECONNREFUSED);
  EXPECT_STREQ(error->text(SALLY_ERROR_FIELD_NATIVE_NAME), "ECONNREFUSED");
  EXPECT_STREQ(error->text(SALLY_ERROR_FIELD_ADDRESS), "127.0.0.1:1");
}

TEST(ErrnoError, IsNeverOk) {
  EXPECT_EQ(errno_error(0)->status(), SALLY_UNKNOWN);
  EXPECT_EQ(errno_error(123456)->status(), SALLY_UNKNOWN);
  EXPECT_EQ(getaddrinfo_error(0, 0)->status(), SALLY_UNKNOWN);
}

TEST(GetaddrinfoError, HasTheErrorOfTheSystemForItsCause) {
  const auto error = getaddrinfo_error(EAI_SYSTEM, EMFILE, {.phase = "resolve"});
  EXPECT_EQ(error->status(), SALLY_RESOLVER_FAILED);
  EXPECT_STREQ(error->text(SALLY_ERROR_FIELD_NATIVE_NAME), "EAI_SYSTEM");
  ASSERT_TRUE(error->detail().cause);
  EXPECT_EQ(error->detail().cause->status(), SALLY_TOO_MANY_OPEN_FILES);
}

TEST(GetaddrinfoError, IgnoresErrnoWhereTheResolverDoesNotSetIt) {
  const auto error = getaddrinfo_error(EAI_NONAME, EMFILE);
  EXPECT_EQ(error->status(), SALLY_HOST_NOT_FOUND);
  EXPECT_FALSE(error->detail().cause);
}

TEST(AmendedError, SaysMoreUnderTheSameStatus) {
  const auto first = errno_error(ECONNRESET, {.message = "in the middle"});
  const auto second = amend(first, [](ErrorDetail& detail) { detail.address = "[::1]:2"; });
  EXPECT_EQ(second->message(), first->message());
  EXPECT_STREQ(second->text(SALLY_ERROR_FIELD_ADDRESS), "[::1]:2");
  EXPECT_EQ(first->text(SALLY_ERROR_FIELD_ADDRESS), nullptr);
  const auto same = amend(first, [](ErrorDetail&) { throw std::bad_alloc(); });
  EXPECT_EQ(same, first);
}

TEST(OutOfMemoryError, IsReadyBeforeItIsNeededAndCountsAsNobodysHandle) {
  const auto before = live_errors();
  const auto error = out_of_memory_error();
  EXPECT_EQ(error->status(), SALLY_OUT_OF_MEMORY);
  EXPECT_EQ(error->message(), "out of memory");
  EXPECT_EQ(parsed(error)["status"], "SALLY_OUT_OF_MEMORY");
  EXPECT_EQ(out_of_memory_error(), error) << "one for all";
  EXPECT_EQ(live_errors(), before);
}

TEST(OutOfMemoryError, OutlivesItsLastHolder) {
  for (int round = 0; round < 3; ++round) {
    ErrorRef error = out_of_memory_error();
    error = nullptr;
  }
  EXPECT_STREQ(out_of_memory_error()->json(), out_of_memory_error()->json());
  EXPECT_FALSE(out_of_memory_error()->is_unique()) << "the library keeps a reference of its own";
}

TEST(OutOfMemoryError, TakesThePlaceOfAnErrorThatCannotBeMade) {
  const auto before = live_errors();
  ErrorDetail detail = refused_certificate();
  detail.cause = make_error(SALLY_INTERNAL);
  test::memory_is_short = true;
  const ErrorRef error = make_error(SALLY_ALERT_UNKNOWN_CA, std::move(detail));
  test::memory_is_short = false;
  EXPECT_EQ(error, out_of_memory_error());
  detail = {};
  EXPECT_EQ(live_errors(), before) << "the cause was let go";
}

TEST(AmendedError, StaysAsItWasWhenMemoryIsShort) {
  const auto first = make_error(SALLY_ALERT_UNKNOWN_CA, refused_certificate());
  test::memory_is_short = true;
  const auto second = amend(first, [](ErrorDetail& detail) { detail.depth = 1; });
  test::memory_is_short = false;
  EXPECT_EQ(second, first);
}

TEST(ErrorJson, ThrowsWhenMemoryIsShortAndCanBeAskedAgain) {
  const auto error = make_error(SALLY_ALERT_UNKNOWN_CA, refused_certificate());
  test::memory_is_short = true;
  EXPECT_THROW(static_cast<void>(error->json()), std::bad_alloc);
  test::memory_is_short = false;
  EXPECT_EQ(parsed(error)["code"], 1048);
}

TEST(Failure, CarriesItsErrorThroughTheStack) {
  try {
    throw Failure(SALLY_CREDENTIAL_NO_KEY, {.source = "client.pem"});
  } catch (const std::exception& failure) {
    EXPECT_STREQ(failure.what(), "the credential contains no private key");
    EXPECT_STREQ(dynamic_cast<const Failure&>(failure).error()->text(SALLY_ERROR_FIELD_SOURCE),
                 "client.pem");
  }
}

}  // namespace
}  // namespace sally
