// Failed handshakes over the C ABI, as a person and a program read of them.
#include "abi/cpp_support.h"
#include "lib/json_schema.h"
#include "lib/secure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>

using namespace sally::test;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace {

nlohmann::json told(const sally_error* error) {
  nlohmann::json json = nlohmann::json::parse(sally_error_json(error));
  EXPECT_THAT(JsonSchema::of_errors().faults(json), IsEmpty()) << json.dump(2);
  return json;
}

std::string explained(const sally_error* error) {
  Owned<sally_bytes> text;
  EXPECT_EQ(called([&](sally_error** why) { return sally_error_copy_text(error, Out(text), why); }),
            SALLY_OK);
  return {static_cast<const char*>(sally_bytes_data(text.get())), sally_bytes_size(text.get())};
}

// What a client's connect, or the first read after it, ends with.
Owned<sally_error> refused(Stream& client) {
  Result result = client.connect();
  if (result == SALLY_OK) result = client.read_status();
  EXPECT_TRUE(result.error);
  return std::move(result.error);
}

class Explained : public testing::TestWithParam<std::int32_t> {
 protected:
  static TlsSetup of(const char* credential, std::int32_t client_auth = 0) {
    return {.credential = credential,
            .client_auth = client_auth,
            .min_version = GetParam(),
            .max_version = GetParam()};
  }
};

INSTANTIATE_TEST_SUITE_P(Tls, Explained, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         [](const auto& version) {
                           return version.param == SALLY_TLS_1_2 ? "1_2" : "1_3";
                         });

}  // namespace

TEST_P(Explained, ClientThatHasNoFittingCredentialKnowsWhatWasAskedForAndWhatItHas) {
  Listener listener(server_config(of("server-good", SALLY_CLIENT_AUTH_REQUIRE)));
  const auto config = client_config(of("client-other"));
  Stream client = listener.stream(config.get());
  const auto error = refused(client);

  const auto json = told(error.get());
  EXPECT_EQ(json.at("/handshake/asked_cas/count"_json_pointer), 1);
  EXPECT_EQ(json.at("/handshake/held_issuers/count"_json_pointer), 1);
  EXPECT_NE(json.at("/handshake/asked_cas/names"_json_pointer),
            json.at("/handshake/held_issuers/names"_json_pointer));
  const std::string text = explained(error.get());
  EXPECT_EQ(text.find(sally_error_message(error.get())), 0u);
  EXPECT_THAT(text, HasSubstr("\n  CAs the server asked for: 'CN="));
  EXPECT_THAT(text, HasSubstr("\n  this side's certificate: none\n"));

  const Refusal refusal = listener.next_refusal();
  EXPECT_EQ(refusal.status(), SALLY_CLIENT_CERTIFICATE_REQUIRED);
  const auto server = told(refusal.why.get());
  EXPECT_EQ(server.at("correlation_id"), json.at("correlation_id"));
  EXPECT_EQ(server.at("/handshake/trust/count"_json_pointer), 1);
  EXPECT_THAT(server.at("/handshake/trust/source"_json_pointer).get<std::string>(),
              HasSubstr("ca-root.pem"));
  EXPECT_THAT(explained(refusal.why.get()), HasSubstr("generation 1, 1 CA: 'CN="));
}

TEST_P(Explained, ExpiredServerIsTellableFromEitherSide) {
  Listener listener(server_config(of("server-expired")));
  const auto config = client_config(of(""));
  Stream client = listener.stream(config.get());
  const auto error = refused(client);
  const auto json = told(error.get());
  EXPECT_EQ(json.at("status"), "SALLY_CERTIFICATE_EXPIRED");
  EXPECT_THAT(explained(error.get()), HasSubstr("by this machine's clock\n"));

  const Refusal refusal = listener.next_refusal();
  const auto server = told(refusal.why.get());
  EXPECT_EQ(server.at("whose"), "own");
  EXPECT_EQ(server.at("/validity/not_after"_json_pointer),
            json.at("/validity/not_after"_json_pointer));
  EXPECT_EQ(server.at("subject"), json.at("subject"));
}

TEST(ErrorCopyText, IsTheMessageAndTheStatusWhereThereIsNoMore) {
  Owned<sally_error> error;
  Owned<sally_trust_store> store;
  EXPECT_NE(sally_trust_store_load("no/such/ca.pem", Out(store), Out(error)), SALLY_OK);
  const std::string text = explained(error.get());
  EXPECT_EQ(text.find(std::string(sally_error_message(error.get())) + "\n"), 0u);
  EXPECT_THAT(text, HasSubstr("\n  status: SALLY_FILE_NOT_FOUND\n"));
  EXPECT_THAT(text, HasSubstr("\n  source: no/such/ca.pem"));
  EXPECT_THAT(text, Not(testing::EndsWith("\n")));
}

TEST(CppError, ExplainsItselfInSeveralLines) {
  try {
    sally::TrustStore::from_file("no/such/ca.pem");
    FAIL() << "nothing was thrown";
  } catch (const sally::Error& error) {
    EXPECT_EQ(error.explain().find(error.message()), 0u);
    EXPECT_THAT(error.explain(), HasSubstr("\n  hint: " + std::string(error.hint()) + "\n"));
  }
}
