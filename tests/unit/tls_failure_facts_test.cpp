// What the errors of failed handshakes tell, on both sides and in both versions.
#include "lib/json_schema.h"
#include "lib/raw_peer.h"
#include "lib/tls_pair.h"
#include "status/error_text.h"
#include "tls/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>

namespace sally::test {
namespace {

using Json = nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t in_2100 = 4'102'444'800;

// Of an error that its schema describes in full.
Json told(const ErrorRef& error) {
  if (!error) {
    ADD_FAILURE() << "nothing has failed";
    return {};
  }
  Json json = Json::parse(error->json());
  EXPECT_THAT(JsonSchema::of_errors().faults(json), IsEmpty()) << json.dump(2);
  return json;
}

// In TLS 1.3 a client learns that it was refused only when it reads.
ErrorRef ending(TlsEnd& end) {
  if (end.error()) return end.error();
  end.read();
  return end.last().error;
}

std::string subject(const std::string& authority) {
  return tls::subject_of(trust(authority)->anchors().front().get());
}

std::string text_of(const ErrorRef& error) {
  return status::to_text(*error);
}

class FailedHandshake : public testing::TestWithParam<std::int32_t> {
 protected:
  static std::int32_t version() { return GetParam(); }
  static std::string version_name() { return version() == SALLY_TLS_1_2 ? "TLSv1.2" : "TLSv1.3"; }
  static Parties parties() { return {.version = version()}; }
};

INSTANTIATE_TEST_SUITE_P(Versions, FailedHandshake, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         [](const auto& row) {
                           return row.param == SALLY_TLS_1_2 ? "Tls12" : "Tls13";
                         });

TEST_P(FailedHandshake, TellsBothSidesWhenTheServersCertificateIsValidAndWhatTimeItIs) {
  Parties expired = parties();
  expired.server = "server-expired";
  TlsPair pair(expired);
  pair.shake_hands();
  const tls::CertificateData shown =
      tls::describe(credential("server-expired")->certificate())->data;

  Json client = told(pair.client().error());
  EXPECT_EQ(client["status"], "SALLY_CERTIFICATE_EXPIRED");
  EXPECT_EQ(client["whose"], "peer");
  EXPECT_EQ(client["depth"], 0);
  EXPECT_EQ(client["validity"]["not_before"], tls::utc_time(shown.not_before));
  EXPECT_EQ(client["validity"]["not_after"], tls::utc_time(shown.not_after));
  EXPECT_GT(client["validity"]["clock"], client["validity"]["not_after"]);
  EXPECT_EQ(client["validity"]["clock_source"], "system");
  EXPECT_EQ(client["alert"]["direction"], "sent");

  Json server = told(ending(pair.server()));
  EXPECT_EQ(server["status"], "SALLY_ALERT_CERTIFICATE_EXPIRED");
  EXPECT_EQ(server["whose"], "own");
  EXPECT_EQ(server["subject"], shown.subject);
  EXPECT_EQ(server["validity"]["not_after"], tls::utc_time(shown.not_after));
  EXPECT_THAT(server["hint"].get<std::string>(), HasSubstr("it has expired"));
  EXPECT_EQ(server["handshake"]["credential"]["fingerprint"], shown.fingerprint);
  EXPECT_EQ(server["correlation_id"], client["correlation_id"]);
}

TEST_P(FailedHandshake, SaysThatThePeersClockMayBeOffWhereThisSidesFindsNothingWrong) {
  const auto server_side = server_config(parties());
  server_side->change_rules([](tls::VerificationRules& rules) { rules.time = in_2100; });
  TlsPair pair(client_config(parties())->freeze(), server_side->freeze());
  pair.shake_hands();

  Json server = told(pair.server().error());
  EXPECT_EQ(server["status"], "SALLY_CERTIFICATE_EXPIRED");
  EXPECT_EQ(server["validity"]["clock"], "2100-01-01T00:00:00Z");
  EXPECT_EQ(server["validity"]["clock_source"], "set");
  EXPECT_EQ(server["handshake"]["clock"]["source"], "set");

  const ErrorRef refused = ending(pair.client());
  Json client = told(refused);
  EXPECT_EQ(client["alert"]["name"], "certificate_expired");
  EXPECT_EQ(client["alert"]["direction"], "received");
  EXPECT_EQ(client["whose"], "own");
  EXPECT_LT(client["validity"]["clock"], client["validity"]["not_after"]);
  EXPECT_EQ(client["validity"]["clock_source"], "system");
  EXPECT_THAT(client["hint"].get<std::string>(), HasSubstr("the peer's clock may be off"));
  EXPECT_THAT(text_of(refused), HasSubstr("\n  validity: from "));
}

TEST_P(FailedHandshake, TellsWhichCasTheServerAskedForAndWhichTheClientHolds) {
  Parties unfit = parties();
  unfit.client = "client-other";
  TlsPair pair(unfit);
  pair.shake_hands();

  const ErrorRef refused = ending(pair.client());
  Json client = told(refused)["handshake"];
  EXPECT_EQ(client["role"], "client");
  EXPECT_EQ(client["certificate_requested"], true);
  EXPECT_EQ(client["asked_cas"]["count"], 1);
  EXPECT_THAT(client["asked_cas"]["names"], ElementsAre(subject("root")));
  EXPECT_EQ(client["held_issuers"]["count"], 1);
  EXPECT_THAT(client["held_issuers"]["names"], ElementsAre(subject("other")));
  EXPECT_TRUE(client["credential"].is_null());
  EXPECT_EQ(client["passed_over"]["count"], 1);
  EXPECT_THAT(client["passed_over"]["reasons"][0].get<std::string>(),
              HasSubstr("by a CA that the server accepts"));
  EXPECT_THAT(text_of(refused), HasSubstr("\n  this side's certificate: none\n"));
  EXPECT_THAT(text_of(refused),
              HasSubstr("\n  CAs the server asked for: '" + subject("root") + "'\n"));

  Json server = told(pair.server().error());
  EXPECT_EQ(server["status"], "SALLY_CLIENT_CERTIFICATE_REQUIRED");
  EXPECT_EQ(server["handshake"]["role"], "server");
  EXPECT_THAT(server["handshake"]["asked_cas"]["names"], ElementsAre(subject("root")));
  EXPECT_THAT(server["handshake"]["trust"]["names"], ElementsAre(subject("root")));
  EXPECT_FALSE(server["handshake"].contains("held_issuers"));
}

TEST_P(FailedHandshake, TellsWhomAServerTrustsAndWhoIsAtTheTopOfTheClientsChain) {
  MixedPair pair(server_config(parties())->freeze(), [](SSL_CTX* context) {
    use_version(context, version() == SALLY_TLS_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION);
    use_certificate(context, zoo("client-unknown-ca"));
  });
  pair.shake_hands();
  Json server = told(pair.ours().error());
  EXPECT_EQ(server["status"], "SALLY_CERTIFICATE_UNKNOWN_CA");
  EXPECT_EQ(server["whose"], "peer");
  EXPECT_GE(server["chain"]["length"], 1);
  EXPECT_EQ(server["chain"]["top_issuer"], server["issuer"]);
  EXPECT_NE(server["chain"]["top_issuer"], subject("root"));
  const Json& trusted = server["handshake"]["trust"];
  EXPECT_EQ(trusted["source"], zoo_path("ca-root.pem"));
  EXPECT_EQ(trusted["system"], false);
  EXPECT_EQ(trusted["generation"], 1);
  EXPECT_EQ(trusted["count"], 1);
  EXPECT_THAT(trusted["names"], ElementsAre(subject("root")));
}

TEST_P(FailedHandshake, TellsWhomAClientTrustsAndWhatTheServerShowed) {
  Parties strangers = parties();
  strangers.trust = "other";
  TlsPair pair(strangers);
  pair.shake_hands();

  Json client = told(pair.client().error());
  EXPECT_EQ(client["status"], "SALLY_CERTIFICATE_UNKNOWN_CA");
  EXPECT_EQ(client["chain"]["top_issuer"], subject("root"));
  EXPECT_EQ(client["handshake"]["trust"]["source"], zoo_path("ca-other.pem"));
  EXPECT_THAT(client["handshake"]["trust"]["names"], ElementsAre(subject("other")));
  EXPECT_TRUE(client["handshake"]["credential"].is_null()) << "it was not asked yet, or not sent";

  const tls::CertificateData own = tls::describe(credential("server-good")->certificate())->data;
  const ErrorRef refused = ending(pair.server());
  Json server = told(refused);
  EXPECT_EQ(server["alert"]["name"], "unknown_ca");
  EXPECT_EQ(server["whose"], "own");
  EXPECT_EQ(server["subject"], own.subject);
  EXPECT_EQ(server["issuer"], own.issuer);
  EXPECT_EQ(server["handshake"]["credential"]["subject"], own.subject);
  EXPECT_EQ(server["handshake"]["credential"]["fingerprint"], own.fingerprint);
  EXPECT_THAT(text_of(refused), HasSubstr(own.fingerprint));
}

TEST_P(FailedHandshake, TellsTheGenerationOfTheTrustStore) {
  const auto source = make_ref<tls::TrustSource>(trust("root"));
  const auto config = client_config(parties());
  config->set_trust(source);
  static_cast<void>(config->freeze());
  source->replace(*make_ref<tls::TrustSource>(trust("other")));
  TlsPair pair(config->freeze(), server_config(parties())->freeze());
  pair.shake_hands();
  const ErrorRef refused = pair.client().error();
  EXPECT_EQ(told(refused)["handshake"]["trust"]["generation"], 2);
  EXPECT_THAT(text_of(refused), HasSubstr("generation 2, 1 CA: "));
}

TEST_P(FailedHandshake, TellsThatTheSystemsRootsAreTrusted) {
  ::setenv("SSL_CERT_FILE", zoo_path("ca-other.pem").c_str(), 1);
  const auto config = client_config(parties());
  config->set_trust(tls::TrustStore::system());
  ::unsetenv("SSL_CERT_FILE");
  TlsPair pair(config->freeze(), server_config(parties())->freeze());
  pair.shake_hands();
  const ErrorRef refused = pair.client().error();
  EXPECT_EQ(told(refused)["handshake"]["trust"]["system"], true);
  EXPECT_THAT(text_of(refused), HasSubstr("\n  trust: system roots, '"));
}

TEST_P(FailedHandshake, TellsWhetherItResumed) {
  const Ref<tls::Context> client = client_config(parties())->freeze();
  const Ref<tls::Context> server = server_config(parties())->freeze();
  const auto shake = [&](TlsPair& pair) {
    pair.shake_hands();
    static_cast<void>(pair.client().read());  // the ticket
  };
  TlsPair first(client, server);
  shake(first);
  TlsPair second(client, server);
  shake(second);
  ASSERT_TRUE(second.server().session().facts().resumed);

  // The client's Finished ends its flight in either version.
  constexpr std::uint64_t within_finished = 10;
  TlsPair damaged(client, server);
  damaged.client().transport().set_faults(
      {.flip_at = second.client().transport().sent() - within_finished});
  damaged.shake_hands();
  Json told_by_server = told(damaged.server().error());
  EXPECT_EQ(told_by_server["handshake"]["mode"], "resumed");
  EXPECT_TRUE(told_by_server["handshake"]["credential"].is_null()) << "none is shown";
  EXPECT_EQ(told(ending(damaged.client()))["handshake"]["mode"], "resumed");
  EXPECT_EQ(told_by_server["handshake"]["versions"]["agreed"], version_name());
}

TEST_P(FailedHandshake, TellsTheVersionsOfBothSides) {
  const bool old_client = version() == SALLY_TLS_1_2;
  Parties other = parties();
  other.version = old_client ? SALLY_TLS_1_3 : SALLY_TLS_1_2;
  const std::string others = old_client ? "TLSv1.3" : "TLSv1.2";
  TlsPair pair(client_config(parties())->freeze(), server_config(other)->freeze());
  pair.shake_hands();

  Json server = told(pair.server().error());
  EXPECT_EQ(server["status"], "SALLY_TLS_VERSION_MISMATCH");
  EXPECT_THAT(server["handshake"]["versions"]["ours"], ElementsAre(others));
  EXPECT_THAT(server["handshake"]["versions"]["theirs"], ElementsAre(version_name()));
  EXPECT_FALSE(server["handshake"]["versions"].contains("agreed"));
  EXPECT_EQ(server["handshake"]["mode"], "full");

  Json client = told(pair.client().error());
  EXPECT_EQ(client["alert"]["name"], "protocol_version");
  EXPECT_THAT(client["handshake"]["versions"]["ours"], ElementsAre(version_name()));
  EXPECT_FALSE(client["handshake"]["versions"].contains("theirs"));
}

TEST(FailedHandshakeFacts, TellTheVersionThatTheServerChoseAndThisSideDoesNotSpeak) {
  MixedPair pair(client_config({})->freeze(), {});
  // A ServerHello of TLS 1.2 for a client that offers 1.3 only.
  std::string hello("\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03", 11);
  hello += std::string(32, 'r') + std::string("\x00\xc0\x2b\x00", 4);
  pair.ours().shake();
  pair.peer().send_raw(hello);
  pair.ours().shake();
  Json client = told(pair.ours().error());
  EXPECT_THAT(client["handshake"]["versions"]["theirs"], ElementsAre("TLSv1.2"));
  EXPECT_FALSE(client["handshake"]["versions"].contains("agreed"));
}

TEST_P(FailedHandshake, TellsTheGroupsOfBothSides) {
  MixedPair pair(server_config(parties())->freeze(), [](SSL_CTX* context) {
    use_version(context, version() == SALLY_TLS_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION);
    use_certificate(context, zoo("client-good"));
    SSL_CTX_set1_groups_list(context, "P-521:X448");
  });
  pair.shake_hands();
  const ErrorRef refused = pair.ours().error();
  Json server = told(refused)["handshake"];
  EXPECT_THAT(server["groups"]["ours"], Contains("x25519"));
  EXPECT_THAT(server["groups"]["ours"], Contains("secp256r1"));
  EXPECT_THAT(server["groups"]["theirs"], ElementsAre("secp521r1", "x448"));
  EXPECT_FALSE(server["groups"].contains("agreed"));
  EXPECT_THAT(server["versions"]["theirs"], ElementsAre(version_name()));
  EXPECT_THAT(text_of(refused), HasSubstr("the peer secp521r1, x448; agreed none"));
}

TEST_P(FailedHandshake, TellsTheGroupThatWasAgreed) {
  Parties unfit = parties();
  unfit.client = "client-other";
  TlsPair pair(unfit);
  pair.shake_hands();
  for (Json side : {told(ending(pair.client())), told(pair.server().error())}) {
    ASSERT_TRUE(side["handshake"]["groups"].contains("agreed")) << side.dump(2);
    EXPECT_THAT(side["handshake"]["groups"]["ours"],
                Contains(side["handshake"]["groups"]["agreed"]));
    EXPECT_EQ(side["handshake"]["versions"]["agreed"], version_name());
  }
}

TEST_P(FailedHandshake, TellsTheClientsGroupsToAServerThatIsRefused) {
  Parties strangers = parties();
  strangers.trust = "other";
  TlsPair pair(strangers);
  pair.shake_hands();
  Json server = told(ending(pair.server()))["handshake"];
  EXPECT_THAT(server["groups"]["theirs"], Contains("x25519"));
  EXPECT_THAT(server["versions"]["theirs"], Contains(version_name()));
}

TEST(FailedHandshakeFacts, AreNotGatheredForWhoeverOnlyKnocks) {
  MixedPair pair(server_config({})->freeze(), {});
  pair.peer().send_raw("GET / HTTP/1.1\r\n\r\n");
  pair.ours().shake();
  Json server = told(pair.ours().error());
  EXPECT_EQ(server["status"], "SALLY_PEER_SPEAKS_HTTP");
  EXPECT_FALSE(server.contains("handshake"));
}

TEST(FailedHandshakeFacts, AreNoneOfAnEstablishedSessionThatIsCutOff) {
  TlsPair pair;
  pair.established();
  pair.server().transport().cut();
  Json client = told(ending(pair.client()));
  EXPECT_EQ(client["status"], "SALLY_TRUNCATED");
  EXPECT_FALSE(client.contains("handshake"));
}

TEST(FailedHandshakeFacts, CountTheCredentialsThatDidNotFitAndTellOfTheFirst) {
  Parties none;
  none.client = "";
  const auto config = client_config(none);
  for (int i = 0; i < 20; ++i) config->add_credential(credential("client-other"));
  TlsPair pair(config->freeze(), server_config(none)->freeze());
  pair.shake_hands();
  const ErrorRef refused = ending(pair.client());
  Json client = told(refused);
  EXPECT_EQ(client["handshake"]["passed_over"]["count"], 20);
  EXPECT_EQ(client["handshake"]["passed_over"]["reasons"].size(), 16u);
  EXPECT_EQ(client["handshake"]["held_issuers"]["count"], 1) << "each once";
  EXPECT_THAT(client["hint"].get<std::string>(), HasSubstr("; and 4 more."));
  EXPECT_THAT(text_of(refused), HasSubstr("\n  passed over: 4 more\n"));
}

TEST(FailedHandshakeFacts, NameNoMoreThanSixteenCasAndCountTheRest) {
  Listing listing;
  for (int i = 0; i < 40; ++i) listing.add("CN=" + std::to_string(i) + std::string(5'000, 'x'));
  EXPECT_EQ(listing.count, 40u);
  ASSERT_EQ(listing.shown.size(), most_listed);
  EXPECT_EQ(listing.shown.back().size(), longest_listed + 3);
  EXPECT_THAT(listing.shown.back(), testing::EndsWith("..."));
}

TEST(FailedHandshakeFacts, ShowNothingOfAPeersThatCouldNotBeShown) {
  Listing listing;
  listing.add("CN=a\r\n\x1b[31m\xff\xe2\x80\xae");
  EXPECT_THAT(listing.shown, ElementsAre("CN=a\\x0d\\x0a\\x1b[31m\\xff\\xe2\\x80\\xae"));
  // Cut before a character and not within.
  listing.add(std::string(longest_listed - 1, 'x') + "\xc3\xa4\xc3\xa4");
  EXPECT_EQ(listing.shown.back(), std::string(longest_listed - 1, 'x') + "...");
}

// One extension is not blamed for the other.
TEST(WrongUsage, IsToldByTheExtensionAtFault) {
  struct Row {
    const char* entry;
    std::string extension, wanted, found;
  };
  for (const Row& row :
       {Row{"server-wrong-usage", "extended key usage", "serverAuth", "clientAuth"},
        Row{"server-no-signature-usage", "key usage", "digitalSignature", "nonRepudiation"},
        Row{"server-key-agreement-usage", "key usage", "digitalSignature", "keyAgreement"}}) {
    SCOPED_TRACE(row.entry);
    TlsPair pair({.version = SALLY_TLS_1_3, .server = row.entry});
    pair.shake_hands();
    const Json client = told(pair.client().error());
    EXPECT_EQ(client["status"], "SALLY_CERTIFICATE_WRONG_USAGE");
    EXPECT_EQ(client["expected"], row.extension + ' ' + row.wanted);
    EXPECT_EQ(client["found"], row.extension + ' ' + row.found);
    EXPECT_THAT(client["message"].get<std::string>(),
                testing::EndsWith("may not be used for a server: its " + row.extension + " is " +
                                  row.found + ", without " + row.wanted));
  }
}

// Whoever waits in vain learns what was on offer: a server from the hello that came, a client from its
// own, and from the ServerHello where that was all that came.
TEST_P(FailedHandshake, TellsWhatBothSidesOfferedWhereItIsGivenUp) {
  auto [near, far] = transport::make_memory_transports(transport::EventLoop::shared());
  tls::Session client(client_config(parties())->freeze(), {.text = "localhost"}, *near);
  tls::Session server(server_config(parties())->freeze(), {}, *far);
  const auto known = [](const tls::Session& session) {
    return told(amend(make_error(SALLY_TIMED_OUT),
                      [&](ErrorDetail& detail) { session.tell_what_is_known(detail); }));
  };
  EXPECT_FALSE(known(server).contains("handshake")) << "nobody has said anything";

  client.handshake();
  Json waiting = known(client)["handshake"];
  EXPECT_THAT(waiting["versions"]["ours"], ElementsAre(version_name()));
  EXPECT_THAT(waiting["versions"]["theirs"], IsEmpty());
  EXPECT_THAT(waiting["groups"]["ours"], Contains("x25519"));

  server.handshake();
  waiting = known(server);
  EXPECT_FALSE(waiting["correlation_id"].get<std::string>().empty());
  EXPECT_THAT(waiting["handshake"]["versions"]["theirs"], Contains(version_name()));
  EXPECT_THAT(waiting["handshake"]["groups"]["theirs"], Contains("x25519"));
  EXPECT_EQ(waiting["handshake"]["versions"]["agreed"], version_name());
}

}  // namespace
}  // namespace sally::test
