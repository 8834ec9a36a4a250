// The zoo's servers and clients, shown by a plain OpenSSL peer, and what is said about each.
#include "lib/raw_peer.h"
#include "lib/tls_pair.h"
#include "transport/endpoint.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <openssl/pem.h>
#include <string>
#include <vector>

namespace sally::test {
namespace {

// What an OpenSSL peer does not even load, or cannot offer in TLS 1.2 for want of a suite that it
// could be used with. The interoperability tests show these with a peer that sends any bytes.
bool can_be_shown(const ZooEntry& entry, std::int32_t version) {
  if (entry.name.ends_with("malformed-extension")) return false;
  const bool cannot_sign =
      entry.name == "server-no-signature-usage" || entry.name == "server-key-agreement-usage";
  return version != SALLY_TLS_1_2 || !cannot_sign;
}

// RFC 8446 section 6.2; handshake_failure and bad_certificate where a finer one would not be truer.
int expected_alert(const std::string& status) {
  static const std::map<std::string, int> alerts = {
      {"SALLY_CERTIFICATE_UNKNOWN_CA", SSL_AD_UNKNOWN_CA},
      {"SALLY_CERTIFICATE_SELF_SIGNED", SSL_AD_UNKNOWN_CA},
      {"SALLY_CERTIFICATE_EXPIRED", SSL_AD_CERTIFICATE_EXPIRED},
      {"SALLY_CERTIFICATE_NOT_YET_VALID", SSL_AD_CERTIFICATE_EXPIRED},
      {"SALLY_CERTIFICATE_NAME_MISMATCH", SSL_AD_BAD_CERTIFICATE},
      {"SALLY_CERTIFICATE_WRONG_USAGE", SSL_AD_UNSUPPORTED_CERTIFICATE},
      {"SALLY_CERTIFICATE_WEAK_KEY", SSL_AD_BAD_CERTIFICATE},
      {"SALLY_CERTIFICATE_WEAK_SIGNATURE", SSL_AD_BAD_CERTIFICATE},
      {"SALLY_CERTIFICATE_BAD_SIGNATURE", SSL_AD_BAD_CERTIFICATE},
      {"SALLY_CERTIFICATE_INVALID_CA", SSL_AD_UNKNOWN_CA},
      {"SALLY_CERTIFICATE_PATH_TOO_LONG", SSL_AD_UNKNOWN_CA},
  };
  const auto found = alerts.find(status);
  return found != alerts.end() ? found->second : -1;
}

std::vector<std::string> subjects_in(const std::string& file) {
  const std::string pem = read_text_file(zoo_path(file));
  std::vector<std::string> subjects;
  for (const auto& certificate :
       tls::read_certificates(tls::PemSource::from_memory(pem), SALLY_CREDENTIAL_BAD_FORMAT)) {
    subjects.push_back(tls::subject_of(certificate.get()));
  }
  return subjects;
}

void judge(const ZooEntry& entry, MixedPair& pair) {
  const bool accepted = pair.shake_hands() && pair.ours().status() == SALLY_OK;
  EXPECT_EQ(name_of(pair.ours().status()), entry.expected);
  EXPECT_EQ(accepted, entry.expected == "SALLY_OK");
  EXPECT_EQ(pair.ours().session().facts().peer_verified, entry.expected == "SALLY_OK");
  if (!pair.ours().failed()) return;

  const ErrorDetail& detail = pair.ours().error()->detail();
  EXPECT_EQ(detail.depth, entry.depth);
  EXPECT_EQ(detail.native_domain, SALLY_DOMAIN_X509);
  EXPECT_TRUE(detail.native_name.starts_with("X509_V_ERR_")) << detail.native_name;
  EXPECT_EQ(detail.alert_direction, SALLY_ALERT_SENT);
  EXPECT_FALSE(pair.ours().error()->hint().empty());
  const std::vector<std::string> subjects = subjects_in(entry.chain);
  EXPECT_NE(std::ranges::find(subjects, detail.subject), subjects.end()) << detail.subject;
  if (entry.depth == 0) {
    EXPECT_EQ(detail.subject, subjects.front());
  }
  EXPECT_FALSE(detail.issuer.empty());

  const int alert = expected_alert(entry.expected);
  if (alert >= 0) {
    EXPECT_EQ(detail.alert, alert);
  }
  // What the peer was told is what the error says was sent.
  pair.peer().read();
  EXPECT_EQ(pair.peer().alert(), detail.alert);
}

void judge_server(const ZooEntry& entry, std::int32_t version) {
  SCOPED_TRACE(entry.name);
  auto config = make_ref<tls::Config>(SALLY_ROLE_CLIENT);
  config->set_versions(version, version);
  config->set_trust(trust_file(entry.ca));
  const bool is_ip = transport::is_ip_literal(entry.verify_name);
  MixedPair pair(config->freeze(),
                 [&](SSL_CTX* context) {
                   use_version(context, version);
                   use_certificate(context, entry);
                 },
                 {.text = entry.verify_name, .is_ip = is_ip});
  judge(entry, pair);
}

void judge_client(const ZooEntry& entry, std::int32_t version) {
  SCOPED_TRACE(entry.name);
  auto config = make_ref<tls::Config>(SALLY_ROLE_SERVER);
  config->set_versions(version, version);
  config->set_trust(trust_file(entry.ca));
  config->set_client_auth(SALLY_CLIENT_AUTH_REQUIRE);
  config->add_credential(credential("server-good"));
  MixedPair pair(config->freeze(), [&](SSL_CTX* context) {
    use_version(context, version);
    use_certificate(context, entry);
  });
  judge(entry, pair);
}

class ZooVerdict : public testing::TestWithParam<std::int32_t> {};

INSTANTIATE_TEST_SUITE_P(Versions, ZooVerdict, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         [](const auto& row) {
                           return row.param == SALLY_TLS_1_2 ? "Tls12" : "Tls13";
                         });

TEST_P(ZooVerdict, OfEveryServerIsWhatTheIndexExpects) {
  int judged = 0;
  for (const ZooEntry& entry : zoo()) {
    if (entry.role != "server" || !can_be_shown(entry, GetParam())) continue;
    judge_server(entry, GetParam());
    ++judged;
  }
  EXPECT_GT(judged, 50);
}

TEST_P(ZooVerdict, OfEveryClientIsWhatTheIndexExpects) {
  int judged = 0;
  for (const ZooEntry& entry : zoo()) {
    if (entry.role != "client" || !can_be_shown(entry, GetParam())) continue;
    judge_client(entry, GetParam());
    ++judged;
  }
  EXPECT_GT(judged, 30);
}

// --- What the error says beside the status.
// --------------------------------------------------------

ErrorRef refusal_of(const std::string& name) {
  const ZooEntry& entry = zoo(name);
  auto config = make_ref<tls::Config>(SALLY_ROLE_CLIENT);
  config->set_trust(trust_file(entry.ca));
  MixedPair pair(config->freeze(), [&](SSL_CTX* context) { use_certificate(context, entry); },
                 {.text = entry.verify_name, .is_ip = transport::is_ip_literal(entry.verify_name)});
  pair.shake_hands();
  EXPECT_TRUE(pair.ours().failed());
  return pair.ours().error();
}

TEST(VerdictText, OfANameMismatchNamesBoth) {
  const ErrorRef error = refusal_of("server-wildcard-two-labels");
  EXPECT_EQ(error->detail().expected, "a.b.example.test");
  EXPECT_EQ(error->detail().found, "DNS:*.example.test");
}

TEST(VerdictText, OfACertificateWithoutNamesSaysThatThereIsNone) {
  EXPECT_EQ(refusal_of("server-cn-only")->detail().found, "no subjectAltName");
}

TEST(VerdictText, ShowsANulInANameForWhatItIs) {
  EXPECT_NE(refusal_of("server-name-with-nul")->detail().found.find("\\x00"), std::string::npos);
}

TEST(VerdictText, OfAUriNamesItsKind) {
  EXPECT_TRUE(refusal_of("server-name-as-uri")->detail().found.starts_with("URI:"));
}

TEST(VerdictText, OfAnAddressNamesBoth) {
  const ErrorRef error = refusal_of("server-wrong-ip");
  EXPECT_EQ(error->detail().expected, "127.0.0.1");
  EXPECT_NE(error->detail().found.find("IP:"), std::string::npos);
}

TEST(VerdictText, OfAnExpiredCertificateNamesTheTimes) {
  const ErrorRef error = refusal_of("server-expired");
  EXPECT_TRUE(error->detail().found.starts_with("valid from 20")) << error->detail().found;
  EXPECT_NE(error->detail().expected.find("clock"), std::string::npos);
}

TEST(VerdictText, OfAMissingIntermediateHintsAtTheChainFile) {
  const ErrorRef error = refusal_of("server-missing-intermediate");
  EXPECT_NE(error->hint().find("chain file"), std::string::npos);
  EXPECT_NE(error->hint().find("Sallyport zoo intermediate CA"), std::string::npos);
}

TEST(VerdictText, OfAnUnknownRootNamesItAndTheTrustStore) {
  const ErrorRef error = refusal_of("server-unknown-ca-with-root");
  EXPECT_NE(error->message().find("Sallyport zoo other root CA"), std::string::npos);
  EXPECT_TRUE(error->detail().source.ends_with("ca-root.pem"));
}

TEST(VerdictText, OfAWeakKeyNamesTheKey) {
  EXPECT_EQ(refusal_of("server-weak-key")->detail().found, "RSA 1024");
}

TEST(VerdictText, OfAWeakSignatureNamesTheSignature) {
  EXPECT_NE(refusal_of("server-weak-signature")->detail().found.find("SHA1"), std::string::npos);
}

TEST(VerdictText, OfAWrongUsageNamesTheUsage) {
  EXPECT_NE(refusal_of("server-wrong-usage")->detail().expected.find("serverAuth"),
            std::string::npos);
}

TEST(SkippedVerification, TakesAnyServerAndSaysThatItVerifiedNothing) {
  auto config = make_ref<tls::Config>(SALLY_ROLE_CLIENT);
  config->skip_verification();
  MixedPair pair(config->freeze(),
                 [](SSL_CTX* context) { use_certificate(context, zoo("server-self-signed")); });
  EXPECT_TRUE(pair.shake_hands());
  EXPECT_EQ(name_of(pair.ours().status()), "SALLY_OK");
  EXPECT_FALSE(pair.ours().session().facts().peer_verified);
}

TEST(SkippedVerification, StillWantsACertificateWhereItIsRequired) {
  auto config = make_ref<tls::Config>(SALLY_ROLE_SERVER);
  config->skip_verification();
  config->set_client_auth(SALLY_CLIENT_AUTH_REQUIRE);
  config->add_credential(credential("server-good"));
  const Ref<tls::Context> context = config->freeze();
  MixedPair without(context, {});
  without.shake_hands();
  EXPECT_EQ(name_of(without.ours().status()), "SALLY_CLIENT_CERTIFICATE_REQUIRED");

  MixedPair with(context, [](SSL_CTX* peer) { use_certificate(peer, zoo("client-expired")); });
  EXPECT_TRUE(with.shake_hands());
  EXPECT_EQ(name_of(with.ours().status()), "SALLY_OK");
}

}  // namespace
}  // namespace sally::test
