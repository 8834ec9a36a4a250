#include "abi/cpp_support.h"
#include "lib/raw_tcp.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace sally::cpp {
namespace {

TEST(CppError, CarriesEverythingThatTheLibraryKnows) {
  const sally::Error error = error_of([] { sally::TrustStore::from_file("no/such/ca.pem"); });

  EXPECT_EQ(error.status(), SALLY_FILE_NOT_FOUND);
  EXPECT_EQ(error.name(), "SALLY_FILE_NOT_FOUND");
  EXPECT_EQ(error.layer(), SALLY_LAYER_GENERAL);
  EXPECT_NE(error.message().find("no/such/ca.pem"), std::string_view::npos);
  EXPECT_EQ(error.text(SALLY_ERROR_FIELD_SOURCE), "no/such/ca.pem");
  EXPECT_EQ(error.text(SALLY_ERROR_FIELD_ALERT_NAME), std::nullopt);
  EXPECT_EQ(error.alert(), std::nullopt);
  EXPECT_EQ(error.alert_direction(), SALLY_ALERT_NONE);
  EXPECT_EQ(error.depth(), std::nullopt);
  EXPECT_EQ(nlohmann::json::parse(error.json()).at("status"), "SALLY_FILE_NOT_FOUND");
}

TEST(CppError, SaysMessageAndHintAsAnyException) {
  try {
    sally::TrustStore::from_file("no/such/ca.pem");
    FAIL() << "nothing was thrown";
  } catch (const std::exception& exception) {
    const sally::Error error = error_of([] { sally::TrustStore::from_file("no/such/ca.pem"); });
    ASSERT_FALSE(error.hint().empty());
    EXPECT_EQ(exception.what(), std::string(error.message()) + ". " + std::string(error.hint()));
  }
}

TEST(CppError, OutlivesTheExceptionWhenItIsCopied) {
  std::optional<sally::Error> kept;
  try {
    sally::TrustStore::from_memory("");
  } catch (const sally::Error& error) {
    kept = error;
  }
  const sally::Error copy = *kept;
  kept.reset();
  EXPECT_EQ(copy.status(), SALLY_TRUST_STORE_EMPTY);
  EXPECT_STRNE(copy.what(), "");
}

TEST(CppError, LeadsToItsCauses) {
  // One link for each address of the name: most systems give it two.
  const test::UnusedPort unused;
  const std::string port = unused.service();
  const sally::Error error = error_of(
      [&] { return sally::StreamSocket::connect("localhost", port, anonymous_config(), soon); });
  EXPECT_EQ(error.text(SALLY_ERROR_FIELD_PHASE), "connect");

  auto json = nlohmann::json::parse(error.json());
  for (std::optional<sally::Error> link = error; link; link = link->cause()) {
    EXPECT_EQ(json.at("status"), link->name());
    EXPECT_EQ(json.at("message"), link->message());
    ASSERT_EQ(json.contains("cause"), link->cause().has_value());
    if (link->cause()) json = nlohmann::json(json.at("cause"));
  }
}

TEST(CppLoading, RefusesTextWithANulInside) {
  const std::string cut("ca.pem\0.evil", 12);
  EXPECT_THROW(sally::TrustStore::from_file(cut), std::invalid_argument);
  EXPECT_THROW(sally::Credential::from_files(cut, "key"), std::invalid_argument);
  EXPECT_THROW(sally::TlsConfig::client().alpn({cut}), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(sally::StreamSocket::connect(cut, "1", anonymous_config())),
               std::invalid_argument);
}

TEST(CppLoading, OpensAnEncryptedKeyWithItsPassphrase) {
  const std::string chain = Zoo::chain_path("file-encrypted");
  const std::string key = Zoo::key_path("file-encrypted");
  EXPECT_NE(sally::Credential::from_files(chain, key, "sallyport").certificate().subject(), "");
  EXPECT_EQ(status_of([&] { sally::Credential::from_files(chain, key); }),
            SALLY_CREDENTIAL_PASSPHRASE_NEEDED);
  EXPECT_EQ(status_of([&] { sally::Credential::from_files(chain, key, "portcullis"); }),
            SALLY_CREDENTIAL_WRONG_PASSPHRASE);
}

TEST(CppLoading, ReadsTheSameFromMemoryAsFromFiles) {
  const sally::Credential from_files = credential("client-good");
  const sally::Credential from_memory =
      sally::Credential::from_memory(test::read_file(Zoo::chain_path("client-good")),
                                     test::read_file(Zoo::key_path("client-good")));
  EXPECT_EQ(from_files.certificate().fingerprint(), from_memory.certificate().fingerprint());
  EXPECT_EQ(sally::TrustStore::from_memory(test::read_file(Zoo::ca_path("ca-root"))).size(), 1u);
}

TEST(CppLoading, ShowsWhatACertificateSays) {
  const sally::Certificate certificate = credential("server-good").certificate();
  EXPECT_NE(certificate.subject(), certificate.issuer());
  EXPECT_LT(certificate.not_before(), certificate.not_after());
  EXPECT_EQ(certificate.fingerprint().size(), 64u);
  EXPECT_EQ(certificate.pem().text().find("-----BEGIN CERTIFICATE-----"), 0u);
  EXPECT_EQ(certificate.der().span().front(), std::byte{0x30});

  const auto names = certificate.alternative_names();
  const auto is_localhost = [](const sally::AlternativeName& name) {
    return name.kind == SALLY_NAME_DNS && name.text == "localhost";
  };
  EXPECT_TRUE(std::any_of(names.begin(), names.end(), is_localhost));
}

TEST(CppLoading, SharesOneConfigAmongItsCopies) {
  sally::TlsConfig config = sally::TlsConfig::server();
  sally::TlsConfig copy = config;
  copy.credential(credential("server-good")).alpn({"echo"}).versions(SALLY_TLS_1_3, 0);
  EXPECT_NE(config.json().text().find("TLSv1.3"), std::string_view::npos);
  EXPECT_EQ(status_of([&] { copy.alpn({"late"}); }), SALLY_INVALID_STATE)
      << "json() freezes the config";
}

}  // namespace
}  // namespace sally::cpp
