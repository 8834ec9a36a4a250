// Errors as text for a person, and what documents them as JSON.
#include "lib/json_schema.h"
#include "status/error.h"
#include "status/error_text.h"

#include <cerrno>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace sally {
namespace {

using test::JsonSchema;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Json = nlohmann::json;

// With all that an error can say.
ErrorRef full_error() {
  HandshakeFacts facts{.is_server = false,
                       .resumed = true,
                       .clock = "2026-11-21T10:00:00Z",
                       .versions = {.ours = {"TLSv1.2", "TLSv1.3"}, .theirs = {"TLSv1.3"}},
                       .groups = {.ours = {"x25519"}, .agreed = "x25519"},
                       .certificate_requested = true,
                       .shown = ShownCertificate{.subject = "CN=client",
                                                 .issuer = "CN=CA",
                                                 .fingerprint = std::string(64, 'a'),
                                                 .not_before = "2026-01-01T00:00:00Z",
                                                 .not_after = "2027-01-01T00:00:00Z"}};
  for (int i = 0; i < 20; ++i) facts.asked_cas.add("CN=CA " + std::to_string(i));
  facts.held_issuers.add("CN=CA");
  facts.passed_over.add("'CN=old': it has expired");
  facts.trust = TrustFacts{.source = "/etc/ca.pem", .system = true, .generation = 3};
  facts.trust->anchors.add("CN=Root");
  ErrorDetail detail{.message = "CN=server",
                     .native_domain = SALLY_DOMAIN_X509,
                     .native_code = 10,
                     .native_name = "X509_V_ERR_CERT_HAS_EXPIRED",
                     .alert_direction = SALLY_ALERT_SENT,
                     .alert = 45,
                     .depth = 1,
                     .subject = "CN=server",
                     .issuer = "CN=CA",
                     .expected = "a current one",
                     .found = "an old one",
                     .source = "/etc/ca.pem",
                     .address = "127.0.0.1:4433",
                     .correlation_id = "0123456789abcdef",
                     .phase = "handshake",
                     .cause = errno_error(ECONNRESET)};
  detail.faults = {{.status = SALLY_CERTIFICATE_EXPIRED, .depth = 1, .message = "too old"},
                   {.status = SALLY_CERTIFICATE_WEAK_KEY, .message = "weak", .ignored = true}};
  detail.whose = "peer";
  detail.judged = std::make_shared<JudgedFacts>(JudgedFacts{.not_before = "2020-01-01T00:00:00Z",
                                                            .not_after = "2021-01-01T00:00:00Z",
                                                            .clock = "2026-11-21T10:00:00Z",
                                                            .chain_length = 2,
                                                            .top_subject = "CN=CA",
                                                            .top_issuer = "CN=Root"});
  detail.handshake = std::make_shared<HandshakeFacts>(std::move(facts));
  return make_error(SALLY_CERTIFICATE_EXPIRED, std::move(detail));
}

TEST(ErrorAsText, HasALineForEachThingThatIsKnown) {
  const std::string text = status::to_text(*full_error());
  EXPECT_TRUE(text.starts_with(full_error()->message() + "\n  status: SALLY_CERTIFICATE_EXPIRED\n"))
      << text;
  for (const char* line :
       {"  hint: ",
        "  expected: a current one\n",
        "  found: an old one\n",
        "  certificate: 'CN=server', issued by 'CN=CA', depth 1, of the peer\n",
        "  validity: from 2020-01-01T00:00:00Z until 2021-01-01T00:00:00Z; it is "
        "2026-11-21T10:00:00Z by this machine's clock\n",
        "  chain: 2 certificates, the last 'CN=CA', issued by 'CN=Root'\n",
        "  fault: too old\n",
        "  fault, ignored: weak\n",
        "  source: /etc/ca.pem\n",
        "  address: 127.0.0.1:4433\n",
        "  phase: handshake\n",
        "  alert: certificate_expired (45), sent\n",
        "  handshake: this side is the client, resumed\n",
        "  versions: this side TLSv1.2, TLSv1.3; the peer TLSv1.3; agreed none\n",
        "  groups: this side x25519; the peer unknown; agreed x25519\n",
        "'CN=CA 15' and 4 more\n",
        "  this side's certificate: 'CN=client', issued by 'CN=CA', valid from",
        "  passed over: 'CN=old': it has expired\n",
        "  issuers of this side's credentials: 'CN=CA'\n",
        "  trust: system roots, '/etc/ca.pem', generation 3, 1 CA: 'CN=Root'\n",
        "  time: 2026-11-21T10:00:00Z by this machine's clock\n",
        "  native error: X509_V_ERR_CERT_HAS_EXPIRED\n",
        "  correlation id: 0123456789abcdef\n",
        "\ncaused by: the peer reset the connection\n  status: SALLY_CONNECTION_RESET\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_FALSE(text.ends_with('\n'));
}

TEST(ErrorAsText, SaysNothingOfWhatIsNotKnown) {
  EXPECT_EQ(status::to_text(*make_error(SALLY_CANCELED)),
            make_error(SALLY_CANCELED)->message() + "\n  status: SALLY_CANCELED");
}

TEST(ErrorAsText, KeepsLineEndsOfThePeersOutOfItsLines) {
  const auto error = make_error(SALLY_PEER_NOT_TLS, {.found = "220 mail\r\n  hint: send money\n"});
  EXPECT_THAT(status::to_text(*error), HasSubstr("  found: 220 mail\\x0d\\x0a  hint: send money"));
}

// A peer chooses how long the names in its certificates are.
TEST(ErrorAboutACertificate, KeepsOfLongTextsOnlyTheBeginning) {
  const std::string far_too_long(1 << 20, 'x');
  const auto error = make_error(SALLY_CERTIFICATE_UNKNOWN_CA,
                                {.message = far_too_long,
                                 .hint = far_too_long,
                                 .subject = far_too_long,
                                 .issuer = far_too_long,
                                 .expected = far_too_long,
                                 .found = far_too_long,
                                 .faults = {{.subject = far_too_long, .message = far_too_long}},
                                 .whose = "peer"});
  EXPECT_LT(std::string(error->json()).size(), 8u * 5'000);
  EXPECT_TRUE(error->detail().subject.starts_with("xxx"));
  EXPECT_TRUE(error->detail().subject.ends_with("..."));
  const auto amended = amend(error, [](ErrorDetail& detail) { detail.phase = "handshake"; });
  EXPECT_LT(std::string(amended->json()).size(), 8u * 5'000);
}

TEST(ErrorSchema, DescribesAllThatAnErrorCanSay) {
  const Json json = Json::parse(full_error()->json());
  EXPECT_THAT(JsonSchema::of_errors().faults(json), IsEmpty()) << json.dump(2);
  EXPECT_EQ(json["handshake"]["asked_cas"]["count"], 20);
  EXPECT_EQ(json["handshake"]["asked_cas"]["names"].size(), 16u);
  const auto smallest = make_error(SALLY_CANCELED);
  EXPECT_THAT(JsonSchema::of_errors().faults(Json::parse(smallest->json())), IsEmpty());
}

TEST(ErrorSchema, FindsWhatIsWrongOrNotDocumented) {
  const JsonSchema schema = JsonSchema::of_errors();
  const auto faults_after = [&](const std::string& patch) {
    return schema.faults(Json::parse(full_error()->json()).patch(Json::parse(patch)));
  };
  EXPECT_THAT(faults_after(R"([{"op": "remove", "path": "/status"}])"),
              ElementsAre("/status: is missing"));
  EXPECT_THAT(faults_after(R"([{"op": "add", "path": "/handshake/new", "value": 1}])"),
              ElementsAre("/handshake/new: is not documented"));
  EXPECT_THAT(faults_after(R"([{"op": "replace", "path": "/alert/number", "value": 256}])"),
              ElementsAre("/alert/number: is too great"));
  EXPECT_THAT(faults_after(R"([{"op": "replace", "path": "/handshake/mode", "value": "half"}])"),
              ElementsAre("/handshake/mode: is no choice"));
  EXPECT_THAT(faults_after(R"([{"op": "replace", "path": "/validity/clock", "value": "noon"}])"),
              ElementsAre("/validity/clock: does not match"));
  EXPECT_THAT(faults_after(R"([{"op": "replace", "path": "/cause/code", "value": "1"}])"),
              ElementsAre("/cause/code: is no integer"));
  EXPECT_THAT(faults_after(R"([{"op": "replace", "path": "/handshake/credential", "value": 1}])"),
              ElementsAre("/handshake/credential: fits nothing"));
  EXPECT_THAT(faults_after(R"([{"op": "add", "path": "/handshake/trust/names/0", "value": null}])"),
              ElementsAre("/handshake/trust/names/0: is no string"));
}

}  // namespace
}  // namespace sally
