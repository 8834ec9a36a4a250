// Every code of the headers that are installed here is in the table: in the row of a status, or among
// those that are meant to land in a catch-all.
#include "status/table.h"
#include "tls/native_names.h"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <map>
#include <openssl/err.h>
#include <openssl/opensslv.h>
#include <sstream>
#include <string>

namespace sally::status {
namespace {

using Macros = std::map<std::string, std::string>;  // by name: what is behind it

const std::string openssl = std::string(OPENSSL_INCLUDE_DIR) + "/openssl/";

// The macros of a header whose names begin so, and that have a value.
Macros macros_of(const std::string& path, const std::string& prefix) {
  std::ifstream file(path);
  Macros macros;
  for (std::string line; std::getline(file, line);) {
    const auto define = line.find("define");
    if (!line.starts_with('#') || define == std::string::npos) continue;
    std::istringstream words(line.substr(define));
    std::string word, name, value;
    words >> word >> name >> value;
    if (name.starts_with(prefix) && words) macros.emplace(name, value);
  }
  return macros;
}

struct Header {
  const char* name;
  const char* prefix;
  int library;
  std::size_t least;  // how many there are at least: fewer would mean that it was not read
};
constexpr Header reason_headers[] = {
    {"sslerr.h", "SSL_R_", ERR_LIB_SSL, 300},
    {"pemerr.h", "PEM_R_", ERR_LIB_PEM, 30},
    {"pkcs12err.h", "PKCS12_R_", ERR_LIB_PKCS12, 15},
    {"x509err.h", "X509_R_", ERR_LIB_X509, 40},
    {"asn1err.h", "ASN1_R_", ERR_LIB_ASN1, 100},
    {"evperr.h", "EVP_R_", ERR_LIB_EVP, 100},
    {"proverr.h", "PROV_R_", ERR_LIB_PROV, 100},
    {"decodererr.h", "OSSL_DECODER_R_", ERR_LIB_OSSL_DECODER, 3},
    {"err.h", "ERR_R_", ERR_LIB_NONE, 45},
};

struct Listed {
  std::int32_t domain;
  std::string_view name;
  sally_status status;
  bool is_meant;  // to land in a catch-all
};
constexpr Listed listed_names[] = {
#define SALLY_NATIVE(domain, name, status, place) \
  {SALLY_DOMAIN_##domain, name, SALLY_##status, (place) < 0},
#include "status/status_table.inc"
#undef SALLY_NATIVE
};

struct Newer {
  std::string_view version;
  std::string_view name;
};
constexpr Newer newer_names[] = {
#define SALLY_NEWER(version, name) {version, name},
#include "status/status_table.inc"
#undef SALLY_NEWER
};

const Listed* find_listed(std::int32_t domain, std::string_view name) {
  const auto* found = std::ranges::find_if(listed_names, [&](const Listed& listed) {
    return listed.domain == domain && listed.name == name;
  });
  return found == std::end(listed_names) ? nullptr : found;
}

// What a walk asks of every code.
void expect_looked_at(std::int32_t domain, const std::string& name) {
  const Listed* listed = find_listed(domain, name);
  ASSERT_NE(listed, nullptr)
      << name << " is not in src/status/status_table.toml: give it to a status, or list it under "
      << "[[meant]] with the reason";
  const sally_status status = from_name(domain, name);
  EXPECT_EQ(status, listed->status) << name;
  EXPECT_EQ(find(status)->is_catch_all, listed->is_meant) << name;
  EXPECT_NE(status, SALLY_OK) << name;
}

// 3.5 of "3.5" is 305.
int version_of(std::string_view text) {
  const std::string minor(text.substr(text.find('.') + 1));
  return std::stoi(std::string(text)) * 100 + std::stoi(minor);
}

TEST(StatusHeaders, HaveNoVerificationErrorThatNobodyHasLookedAt) {
  const Macros macros = macros_of(openssl + "x509_vfy.h", "X509_V_ERR_");
  EXPECT_GE(macros.size(), 90U) << "the header was not read";
  for (const auto& [name, value] : macros) {
    expect_looked_at(SALLY_DOMAIN_X509, name);
    EXPECT_EQ(tls::x509_error_name(std::stoi(value)), name);
  }
  EXPECT_EQ(from_name(SALLY_DOMAIN_X509, "X509_V_OK"), SALLY_OK);
}

TEST(StatusHeaders, HaveNoReasonOfOpenSslThatNobodyHasLookedAt) {
  for (const Header& header : reason_headers) {
    const Macros macros = macros_of(openssl + header.name, header.prefix);
    EXPECT_GE(macros.size(), header.least) << header.name << " was not read";
    for (const auto& [name, value] : macros) expect_looked_at(SALLY_DOMAIN_OPENSSL, name);
  }
}

TEST(StatusHeaders, GiveTheirReasonsTheNamesThatTheTableKnows) {
  for (const Header& header : reason_headers) {
    if (header.library == ERR_LIB_NONE) continue;  // not plain numbers
    for (const auto& [name, value] : macros_of(openssl + header.name, header.prefix)) {
      const auto code = static_cast<std::int64_t>(ERR_PACK(header.library, 0, std::stoi(value)));
      EXPECT_EQ(tls::openssl_error_name(code), name);
      EXPECT_EQ(tls::code_of(SALLY_DOMAIN_OPENSSL, name), code) << name;
      EXPECT_EQ(tls::status_from_code(SALLY_DOMAIN_OPENSSL, code),
                from_name(SALLY_DOMAIN_OPENSSL, name))
          << name;
    }
  }
}

TEST(StatusHeaders, HaveAnAlertRowForEveryReasonThatIsAnAlert) {
  auto macros = macros_of(openssl + "sslerr.h", "SSL_R_SSLV3_");
  macros.merge(macros_of(openssl + "sslerr.h", "SSL_R_TLSV1_"));
  macros.merge(macros_of(openssl + "sslerr.h", "SSL_R_TLSV13_"));
  EXPECT_GE(macros.size(), 30U) << "the header was not read";
  for (const auto& [name, value] : macros)
    EXPECT_EQ(from_name(SALLY_DOMAIN_OPENSSL, name), std::stoi(value)) << name;
}

// By number: OpenSSL writes some of their names in its own way.
TEST(StatusHeaders, HaveNoAlertThatNobodyHasLookedAt) {
  auto macros = macros_of(openssl + "ssl3.h", "SSL3_AD_");
  macros.merge(macros_of(openssl + "tls1.h", "TLS1_AD_"));
  macros.merge(macros_of(openssl + "tls1.h", "TLS13_AD_"));
  EXPECT_GE(macros.size(), 30U) << "the headers were not read";
  for (const auto& [name, value] : macros) {
    const int number = std::stoi(value);
    const sally_status status = from_code(SALLY_DOMAIN_ALERT, number);
    ASSERT_NE(find(status), nullptr) << name;
    EXPECT_FALSE(find(status)->is_catch_all) << name;
    EXPECT_FALSE(native_name(SALLY_DOMAIN_ALERT, number).empty()) << name;
  }
}

TEST(StatusHeaders, KnowEveryNameOfOpenSslThatTheTableHas) {
  Macros known = macros_of(openssl + "x509_vfy.h", "X509_V_");
  for (const Header& header : reason_headers)
    known.merge(macros_of(openssl + header.name, header.prefix));
  constexpr int installed = OPENSSL_VERSION_MAJOR * 100 + OPENSSL_VERSION_MINOR;
  const auto may_be_missing = [](std::string_view name) {
    return std::ranges::any_of(newer_names, [&](const Newer& newer) {
      return newer.name == name && version_of(newer.version) > installed;
    });
  };
  for (const Listed& listed : listed_names) {
    if (listed.domain != SALLY_DOMAIN_OPENSSL && listed.domain != SALLY_DOMAIN_X509) continue;
    EXPECT_TRUE(known.contains(std::string(listed.name)) || may_be_missing(listed.name))
        << listed.name;
  }
}

TEST(StatusHeaders, HaveNoErrnoThatNobodyHasLookedAt) {
#ifdef __linux__
  auto macros = macros_of("/usr/include/asm-generic/errno-base.h", "E");
  macros.merge(macros_of("/usr/include/asm-generic/errno.h", "E"));
  EXPECT_GE(macros.size(), 130U) << "the headers were not read";
  for (const auto& [name, value] : macros) {
    expect_looked_at(SALLY_DOMAIN_ERRNO, name);
    const bool is_number = value.find_first_not_of("0123456789") == value.npos;
    if (is_number) {
      EXPECT_EQ(native_name(SALLY_DOMAIN_ERRNO, std::stoi(value)), name);
    }
  }
#else
  GTEST_SKIP() << "the numbers of errno are not in these headers here";
#endif
}

TEST(StatusHeaders, HaveNoCodeOfGetaddrinfoThatNobodyHasLookedAt) {
  const Macros macros = macros_of("/usr/include/netdb.h", "EAI_");
  EXPECT_GE(macros.size(), 10U) << "the header was not read";
  for (const auto& [name, value] : macros) {
    expect_looked_at(SALLY_DOMAIN_GETADDRINFO, name);
    EXPECT_EQ(native_name(SALLY_DOMAIN_GETADDRINFO, std::stoi(value)), name);
  }
}

}  // namespace
}  // namespace sally::status
