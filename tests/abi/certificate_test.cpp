// What a certificate says, beside what openssl says of it.
#include "lib/secure.h"
#include "lib/zoo.h"

#include <algorithm>
#include <cstdio>
#include <gtest/gtest.h>
#include <memory>
#include <vector>

using namespace sally::test;

namespace {

Owned<sally_certificate> certificate_of(const std::string& name) {
  const auto credential = Zoo::credential(name);
  Owned<sally_certificate> certificate;
  EXPECT_EQ(called([&](sally_error** error) {
              return sally_credential_copy_certificate(credential.get(), Out(certificate), error);
            }),
            SALLY_OK);
  return certificate;
}

// What `openssl x509` answers, without the name before the equals sign.
std::string openssl_says(const std::string& name, const std::string& what) {
  const std::string command = "openssl x509 -noout -in '" + Zoo::chain_path(name) + "' " + what;
  const std::unique_ptr<FILE, int (*)(FILE*)> output(::popen(command.c_str(), "r"), &::pclose);
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), output.get()));
  text.erase(text.find_last_not_of('\n') + 1);
  return text.substr(text.find('=') + 1);
}

std::string lower_hex(std::string text) {
  std::erase(text, ':');
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::vector<std::string> names_of(const sally_certificate* certificate, std::int32_t kind) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < sally_certificate_san_count(certificate); ++i) {
    if (sally_certificate_san_kind(certificate, i) == kind) {
      names.emplace_back(sally_certificate_san_text(certificate, i));
    }
  }
  return names;
}

std::string content(const Owned<sally_bytes>& bytes) {
  return {static_cast<const char*>(sally_bytes_data(bytes.get())), sally_bytes_size(bytes.get())};
}

class Certificate : public testing::TestWithParam<const char*> {};

}  // namespace

TEST_P(Certificate, SaysWhatOpensslSays) {
  const auto certificate = certificate_of(GetParam());
  EXPECT_EQ(sally_certificate_fingerprint(certificate.get()),
            lower_hex(openssl_says(GetParam(), "-fingerprint -sha256")));
  EXPECT_EQ(sally_certificate_serial(certificate.get()),
            lower_hex(openssl_says(GetParam(), "-serial")));
  EXPECT_EQ(sally_certificate_subject(certificate.get()),
            openssl_says(GetParam(), "-subject -nameopt RFC2253,-esc_msb"));
  EXPECT_EQ(sally_certificate_issuer(certificate.get()),
            openssl_says(GetParam(), "-issuer -nameopt RFC2253,-esc_msb"));
}

TEST_P(Certificate, IsTheSameAsPem) {
  const auto certificate = certificate_of(GetParam());
  Owned<sally_bytes> pem;
  ASSERT_EQ(called([&](sally_error** error) {
              return sally_certificate_copy_pem(certificate.get(), Out(pem), error);
            }),
            SALLY_OK);
  EXPECT_EQ(read_file(Zoo::chain_path(GetParam())).substr(0, sally_bytes_size(pem.get())),
            content(pem));
}

TEST_P(Certificate, SurvivesItsWayThroughPemAndBack) {
  const auto certificate = certificate_of(GetParam());
  Owned<sally_bytes> pem, der, der_again;
  ASSERT_EQ(sally_certificate_copy_pem(certificate.get(), Out(pem), nullptr), SALLY_OK);
  ASSERT_EQ(sally_certificate_copy_der(certificate.get(), Out(der), nullptr), SALLY_OK);

  const std::string key = read_file(Zoo::key_path(GetParam()));
  Owned<sally_credential> credential;
  ASSERT_EQ(called([&](sally_error** error) {
              return sally_credential_from_memory(sally_bytes_data(pem.get()),
                                                  sally_bytes_size(pem.get()), key.data(),
                                                  key.size(), nullptr, Out(credential), error);
            }),
            SALLY_OK);
  Owned<sally_certificate> again;
  ASSERT_EQ(sally_credential_copy_certificate(credential.get(), Out(again), nullptr), SALLY_OK);
  ASSERT_EQ(sally_certificate_copy_der(again.get(), Out(der_again), nullptr), SALLY_OK);
  EXPECT_EQ(content(der), content(der_again));
  EXPECT_STREQ(sally_certificate_fingerprint(again.get()),
               sally_certificate_fingerprint(certificate.get()));
}

INSTANTIATE_TEST_SUITE_P(OfTheZoo, Certificate,
                         testing::Values("server-good", "client-good", "server-good-rsa",
                                         "client-good-ed25519", "server-good-p384"),
                         [](const auto& name) {
                           std::string text = name.param;
                           std::ranges::replace(text, '-', '_');
                           return text;
                         });

TEST(Certificate, NamesItsKey) {
  EXPECT_STREQ(sally_certificate_key(certificate_of("server-good").get()), "EC P-256");
  EXPECT_STREQ(sally_certificate_key(certificate_of("server-good-p384").get()), "EC P-384");
  EXPECT_STREQ(sally_certificate_key(certificate_of("server-good-rsa").get()), "RSA 2048");
  EXPECT_STREQ(sally_certificate_key(certificate_of("client-good-ed25519").get()), "ED25519");
}

TEST(Certificate, ListsItsAlternativeNames) {
  using Names = std::vector<std::string>;
  const auto names = certificate_of("server-good");
  EXPECT_EQ(names_of(names.get(), SALLY_NAME_DNS), (Names{"localhost", "server.example.test"}));
  const auto addresses = certificate_of("server-ip");
  EXPECT_EQ(names_of(addresses.get(), SALLY_NAME_IP), (Names{"127.0.0.1", "::1"}));
}

TEST(Certificate, AnswersNothingBeyondItsNames) {
  const auto certificate = certificate_of("server-good");
  const std::size_t count = sally_certificate_san_count(certificate.get());
  EXPECT_EQ(sally_certificate_san_kind(certificate.get(), count), 0);
  EXPECT_EQ(sally_certificate_san_text(certificate.get(), count), nullptr);
  EXPECT_EQ(sally_certificate_san_kind(certificate.get(), SIZE_MAX), 0);
  EXPECT_EQ(sally_certificate_san_text(certificate.get(), SIZE_MAX), nullptr);
}

TEST(Certificate, IsValidFromItsFirstDayToItsLast) {
  const auto certificate = certificate_of("server-good");
  const auto now = static_cast<std::int64_t>(std::time(nullptr));
  EXPECT_LT(sally_certificate_not_before(certificate.get()), now);
  EXPECT_GT(sally_certificate_not_after(certificate.get()), now);
  const auto expired = certificate_of("server-expired");
  EXPECT_LT(sally_certificate_not_after(expired.get()), now);
}

TEST(Bytes, EndInANulThatIsNotCounted) {
  const auto certificate = certificate_of("server-good");
  Owned<sally_bytes> pem;
  ASSERT_EQ(sally_certificate_copy_pem(certificate.get(), Out(pem), nullptr), SALLY_OK);
  const char* text = static_cast<const char*>(sally_bytes_data(pem.get()));
  EXPECT_EQ(std::string(text).size(), sally_bytes_size(pem.get()));
}

TEST(CertificateUse, IsToldAsTheCertificateHasIt) {
  const auto server = certificate_of("server-good");
  EXPECT_EQ(sally_certificate_is_ca(server.get()), 0);
  EXPECT_EQ(sally_certificate_key_usage(server.get()),
            std::uint32_t{SALLY_KEY_USAGE_DIGITAL_SIGNATURE});
  ASSERT_EQ(sally_certificate_extended_usage_count(server.get()), 1u);
  EXPECT_STREQ(sally_certificate_extended_usage(server.get(), 0), "1.3.6.1.5.5.7.3.1");
  EXPECT_STREQ(sally_certificate_extended_usage_name(server.get(), 0), "serverAuth");
  EXPECT_STREQ(sally_certificate_signature_algorithm(server.get()), "ecdsa-with-SHA256");
  const auto without = certificate_of("server-without-extended-usage");
  EXPECT_EQ(sally_certificate_extended_usage_count(without.get()), 0u);
}

TEST(CertificatePin, IsThatOfItsPublicKey) {
  const auto server = certificate_of("server-good");
  const std::string command = "openssl x509 -noout -pubkey -in '" + Zoo::chain_path("server-good") +
                              "' | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary"
                              " | openssl base64 -A";
  const std::unique_ptr<FILE, int (*)(FILE*)> output(::popen(command.c_str(), "r"), &::pclose);
  std::string text(64, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), output.get()));
  EXPECT_EQ(sally_certificate_spki_pin(server.get()), "sha256/" + text);
}
