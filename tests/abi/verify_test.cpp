// Judging chains through the C ABI and its C++ wrappers: offline, and on connections.
#include "lib/secure.h"
#include "lib/zoo.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <sallyport/sallyport.hpp>

using namespace sally::test;

namespace {

sally::TrustStore trust_of(const std::string& entry) {
  return sally::TrustStore::from_file(Zoo::ca_path(entry));
}

sally::Verdict verdict_of(const std::string& entry, const std::string& name = "localhost",
                          std::int32_t purpose = SALLY_PURPOSE_SERVER) {
  const std::string chain = read_file(Zoo::chain_path(entry));
  return sally::verify({.trust = trust_of(entry), .leaf = chain, .name = name, .purpose = purpose});
}

// What one side of a connection says of the other.
struct Met {
  Result client;
  Owned<sally_stream_info> info{};
};

Met meet(sally_tls_config* client, const std::string& server = "server-good") {
  Listener listener(server_config({.credential = server}));
  Stream stream = listener.stream(client);
  Met met{.client = stream.connect()};
  if (met.client.ok()) met.info = stream.info();
  return met;
}

sally::TlsConfig client_of(const std::string& trust = "ca-root") {
  return sally::TlsConfig::client().trust(sally::TrustStore::adopt(Zoo::trust(trust).release()));
}

std::string pin_of(const std::string& entry) {
  const auto credential = Zoo::credential(entry);
  Owned<sally_certificate> certificate;
  EXPECT_EQ(sally_credential_copy_certificate(credential.get(), Out(certificate), nullptr),
            SALLY_OK);
  return sally_certificate_spki_pin(certificate.get());
}

}  // namespace

TEST(Verify, AcceptsAGoodChainAndTellsIt) {
  const sally::Verdict verdict = verdict_of("server-good");
  EXPECT_TRUE(verdict.accepted());
  EXPECT_TRUE(verdict.faults().empty());
  const std::vector<sally::Certificate> chain = verdict.chain();
  ASSERT_EQ(chain.size(), 3u);
  EXPECT_FALSE(chain[0].is_ca());
  EXPECT_TRUE(chain[1].is_ca());
  EXPECT_EQ(chain[2].subject(), "CN=Sallyport zoo root CA,O=Sallyport");
}

TEST(Verify, TellsEveryFaultOfARefusedChain) {
  const sally::Verdict verdict = verdict_of("server-expired", "elsewhere.example.test");
  EXPECT_FALSE(verdict.accepted());
  EXPECT_EQ(verdict.status(), SALLY_CERTIFICATE_NAME_MISMATCH);
  const std::vector<sally::Fault> faults = verdict.faults();
  ASSERT_EQ(faults.size(), 2u);
  EXPECT_EQ(faults[0].status, SALLY_CERTIFICATE_NAME_MISMATCH);
  EXPECT_EQ(faults[1].status, SALLY_CERTIFICATE_EXPIRED);
  for (const sally::Fault& fault : faults) {
    EXPECT_EQ(fault.depth, 0);
    EXPECT_FALSE(fault.ignored);
    EXPECT_FALSE(fault.subject.empty());
    EXPECT_NE(fault.message.find(fault.subject), std::string::npos);
  }
  EXPECT_EQ(verdict.error().status(), SALLY_CERTIFICATE_NAME_MISMATCH);
  EXPECT_FALSE(verdict.error().hint().empty());
}

TEST(Verify, AnswersInJson) {
  const auto json = nlohmann::json::parse(verdict_of("server-expired").json());
  EXPECT_EQ(json.at("accepted"), false);
  EXPECT_EQ(json.at("verdict").at("status"), "SALLY_CERTIFICATE_EXPIRED");
  ASSERT_EQ(json.at("verdict").at("faults").size(), 1u);
  EXPECT_EQ(json.at("verdict").at("faults")[0].at("native"), "X509_V_ERR_CERT_HAS_EXPIRED");
  ASSERT_EQ(json.at("chain").size(), 3u);
  EXPECT_EQ(json.at("chain")[0].at("key_usage"), nlohmann::json({"digitalSignature"}));
  EXPECT_EQ(json.at("chain")[0].at("extended_key_usage")[0].at("name"), "serverAuth");
  EXPECT_EQ(json.at("chain")[1].at("path_length"), 0);
  EXPECT_EQ(json.at("chain")[1].at("is_ca"), true);
}

TEST(Verify, TakesDerAndIntermediatesApart) {
  const auto credential = Zoo::credential("server-good");
  Owned<sally_certificate> leaf;
  Owned<sally_bytes> der;
  ASSERT_EQ(sally_credential_copy_certificate(credential.get(), Out(leaf), nullptr), SALLY_OK);
  ASSERT_EQ(sally_certificate_copy_der(leaf.get(), Out(der), nullptr), SALLY_OK);
  const std::string_view bytes(static_cast<const char*>(sally_bytes_data(der.get())),
                               sally_bytes_size(der.get()));
  const std::string chain = read_file(Zoo::chain_path("server-good"));
  const sally::TrustStore trust = trust_of("server-good");
  EXPECT_EQ(sally::verify({.trust = trust, .leaf = bytes}).status(), SALLY_CERTIFICATE_UNKNOWN_CA);
  EXPECT_TRUE(sally::verify({.trust = trust, .leaf = bytes, .intermediates = chain}).accepted());
}

TEST(Verify, AsksForTheNameOnlyWhereThereIsOne) {
  EXPECT_TRUE(verdict_of("server-good", "").accepted());
  EXPECT_TRUE(verdict_of("server-good", "127.0.0.1").accepted());
  EXPECT_EQ(verdict_of("server-good", "192.0.2.1").status(), SALLY_CERTIFICATE_NAME_MISMATCH);
  const std::string chain = read_file(Zoo::chain_path("server-good"));
  EXPECT_EQ(sally::verify({.trust = trust_of("server-good"),
                           .leaf = chain,
                           .name = "a@example.test",
                           .name_kind = SALLY_NAME_EMAIL})
                .status(),
            SALLY_CERTIFICATE_NAME_MISMATCH);
}

TEST(Verify, AsksForThePurpose) {
  EXPECT_EQ(verdict_of("server-good", "", SALLY_PURPOSE_CLIENT).status(),
            SALLY_CERTIFICATE_WRONG_USAGE);
  EXPECT_TRUE(verdict_of("client-good", "", SALLY_PURPOSE_CLIENT).accepted());
  EXPECT_EQ(verdict_of("client-good", "").status(), SALLY_CERTIFICATE_WRONG_USAGE);
  EXPECT_TRUE(verdict_of("client-good", "", SALLY_PURPOSE_ANY).accepted());
}

TEST(Verify, JudgesByTheRulesOfAConfigAndLeavesItFree) {
  const std::string chain = read_file(Zoo::chain_path("client-expired"));
  sally::TlsConfig config = sally::TlsConfig::server().trust(trust_of("client-expired"));
  EXPECT_EQ(sally::verify({.config = config, .leaf = chain}).status(), SALLY_CERTIFICATE_EXPIRED)
      << "whoever a server judges is a client";
  config.insecure_ignore(SALLY_CERTIFICATE_EXPIRED);
  const sally::Verdict ignored = sally::verify({.config = config, .leaf = chain});
  EXPECT_TRUE(ignored.accepted());
  ASSERT_EQ(ignored.faults().size(), 1u);
  EXPECT_TRUE(ignored.faults()[0].ignored);
  config.allow_peer(SALLY_NAME_DNS, "nobody.example.test");
  EXPECT_EQ(sally::verify({.config = config, .leaf = chain}).status(), SALLY_PEER_NOT_ALLOWED);
}

TEST(Verify, TellsOfEachCertificateWhatItIsFor) {
  const std::vector<sally::Certificate> chain = verdict_of("server-good").chain();
  ASSERT_EQ(chain.size(), 3u);
  EXPECT_EQ(chain[0].key_usage(), std::uint32_t{SALLY_KEY_USAGE_DIGITAL_SIGNATURE});
  EXPECT_EQ(chain[1].key_usage(),
            std::uint32_t{SALLY_KEY_USAGE_CERT_SIGN | SALLY_KEY_USAGE_CRL_SIGN});
  ASSERT_EQ(chain[0].extended_usages().size(), 1u);
  EXPECT_EQ(chain[0].extended_usages()[0].name, "serverAuth");
  EXPECT_TRUE(chain[1].extended_usages().empty());
  EXPECT_EQ(chain[0].spki_pin(), pin_of("server-good"));
  EXPECT_EQ(chain[0].signature_algorithm(), "ecdsa-with-SHA256");
  const auto json = nlohmann::json::parse(chain[0].json().text());
  EXPECT_EQ(json.at("spki_pin"), chain[0].spki_pin());
  EXPECT_EQ(json.at("subject"), chain[0].subject());
  EXPECT_EQ(json.at("subject_alternative_names")[0].at("kind"), "dns");
}

TEST(Verify, JudgesForTheTimeThatIsGiven) {
  const std::string chain = read_file(Zoo::chain_path("server-good"));
  const auto year = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) +
                    std::chrono::hours(24 * 400);
  EXPECT_EQ(sally::verify({.trust = trust_of("server-good"), .leaf = chain, .time = year}).status(),
            SALLY_CERTIFICATE_EXPIRED);
}

// --- On connections

TEST(FaultsOfAConnection, AreAllInTheError) {
  const sally::TlsConfig config = client_of();
  Listener listener(server_config({.credential = "server-expired"}));
  Stream stream(config.get(), "127.0.0.1", listener.service(), "elsewhere.example.test");
  const Result result = stream.connect();
  EXPECT_EQ(result, SALLY_CERTIFICATE_NAME_MISMATCH);
  ASSERT_EQ(sally_error_fault_count(result.error.get()), 2u);
  EXPECT_EQ(sally_error_fault_status(result.error.get(), 1), SALLY_CERTIFICATE_EXPIRED);
  EXPECT_EQ(sally_error_fault_depth(result.error.get(), 1), 0);
  EXPECT_EQ(sally_error_fault_is_ignored(result.error.get(), 1), 0);
  EXPECT_NE(std::string(sally_error_message(result.error.get())).find("1 fault more"),
            std::string::npos);
  const auto json = nlohmann::json::parse(sally_error_json(result.error.get()));
  EXPECT_EQ(json.at("faults").size(), 2u);
}

TEST(FaultsOfAConnection, ThatAreIgnoredAreInItsInformation) {
  sally::TlsConfig config = client_of();
  config.insecure_ignore(SALLY_CERTIFICATE_EXPIRED);
  const Met met = meet(config.get(), "server-expired");
  ASSERT_EQ(met.client, SALLY_OK);
  const auto info = sally::StreamInfo::adopt(sally_stream_info_retain(met.info.get()));
  ASSERT_TRUE(info.peer_findings().has_value());
  EXPECT_EQ(info.peer_findings()->status(), SALLY_OK);
  ASSERT_EQ(info.peer_findings()->faults().size(), 1u);
  EXPECT_EQ(info.peer_findings()->faults()[0].status, SALLY_CERTIFICATE_EXPIRED);
  EXPECT_TRUE(info.peer_findings()->faults()[0].ignored);
  EXPECT_TRUE(info.peer_verified());
  EXPECT_EQ(info.verified().size(), 3u);
}

TEST(FaultsOfAConnection, AreKnownThoughVerificationIsSkipped) {
  sally::TlsConfig config = client_of();
  config.insecure_skip_verification();
  const Met met = meet(config.get(), "server-expired");
  ASSERT_EQ(met.client, SALLY_OK);
  EXPECT_EQ(sally_error_status(sally_stream_info_peer_findings(met.info.get())),
            SALLY_CERTIFICATE_EXPIRED);
  EXPECT_EQ(sally_stream_info_verified_count(met.info.get()), 0u);
}

TEST(VerificationRules, OfTimeAndDepthAndLevelHoldOnConnections) {
  const auto status = [](const sally::TlsConfig& config) {
    return meet(config.get()).client.status;
  };
  EXPECT_EQ(status(client_of()), SALLY_OK);
  const auto late = std::chrono::sys_seconds(std::chrono::seconds(4'000'000'000));
  EXPECT_EQ(status(client_of().verification_time(late)), SALLY_CERTIFICATE_EXPIRED);
  EXPECT_EQ(status(client_of().max_depth(0)), SALLY_CERTIFICATE_PATH_TOO_LONG);
  EXPECT_EQ(status(client_of().max_depth(1)), SALLY_OK);
  EXPECT_EQ(status(client_of().revocation(SALLY_REVOCATION_LEAF)),
            SALLY_CERTIFICATE_REVOCATION_UNKNOWN);
  EXPECT_EQ(status(client_of("ca-intermediate")), SALLY_CERTIFICATE_UNKNOWN_CA);
  EXPECT_EQ(status(client_of("ca-intermediate").partial_chain()), SALLY_OK);
  sally::TlsConfig strong = client_of().security_level(3);
  EXPECT_EQ(meet(strong.get(), "server-good-rsa").client, SALLY_CERTIFICATE_WEAK_KEY);
}

TEST(VerificationRules, BelowTheUsualLevelTakeAWeakKey) {
  const std::string chain = read_file(Zoo::chain_path("server-weak-key"));
  sally::TlsConfig config = client_of().insecure_security_level(1);
  EXPECT_TRUE(sally::verify({.config = config, .leaf = chain}).accepted());
}

TEST(PeerRules, LetInWhomTheyNameAndNobodyElse) {
  sally::TlsConfig good = client_of().allow_peer(SALLY_NAME_DNS, "*.example.test");
  EXPECT_EQ(meet(good.get()).client, SALLY_OK);
  sally::TlsConfig other = client_of().allow_peer(SALLY_NAME_URI, "spiffe://example.test/*");
  EXPECT_EQ(meet(other.get()).client, SALLY_PEER_NOT_ALLOWED);
}

TEST(PeerRules, OfPinsTellWhetherOneMatched) {
  const std::string right = pin_of("server-good");
  const std::string backup = pin_of("server-good-p384");
  const auto met = [](sally::TlsConfig config) { return meet(config.get()); };
  const Met matched = met(client_of().pin(backup).pin(right));
  ASSERT_EQ(matched.client, SALLY_OK);
  EXPECT_EQ(sally_stream_info_pin_matched(matched.info.get()), 1);
  EXPECT_EQ(met(client_of().pin(backup)).client, SALLY_PEER_PIN_MISMATCH);
  EXPECT_EQ(met(client_of().pin(right, SALLY_PIN_ISSUER)).client, SALLY_PEER_PIN_MISMATCH);
  const Met reported = met(client_of().pin(backup, SALLY_PIN_REPORT_ONLY));
  ASSERT_EQ(reported.client, SALLY_OK);
  EXPECT_EQ(sally_stream_info_pin_matched(reported.info.get()), 0);
  EXPECT_EQ(sally_error_fault_status(sally_stream_info_peer_findings(reported.info.get()), 0),
            SALLY_PEER_PIN_MISMATCH);
}

TEST(PeerRules, OfAServerThatAsksForNoCertificateAreRefused) {
  const auto config =
      server_config({.credential = "server-good", .client_auth = SALLY_CLIENT_AUTH_NONE});
  ASSERT_EQ(sally_tls_config_allow_peer(config.get(), SALLY_NAME_DNS, "a.example.test", nullptr),
            SALLY_OK);
  Owned<sally_bytes> json;
  EXPECT_EQ(sally_tls_config_to_json(config.get(), Out(json), nullptr), SALLY_INVALID_STATE);
}

TEST(VerificationCache, SparesTheSecondConnectionAndCanBeTurnedOff) {
  for (const std::size_t entries : {std::size_t{0}, std::size_t{1}}) {
    sally::TlsConfig config = client_of().verification_cache(entries);
    EXPECT_EQ(config.verification_cache_hits(), 0u);
    Listener listener(server_config({.credential = "server-good"}));
    for (int i = 0; i < 3; ++i) EXPECT_EQ(listener.stream(config.get()).connect(), SALLY_OK);
    EXPECT_EQ(config.verification_cache_hits(), entries == 0 ? 0u : 2u);
  }
}
