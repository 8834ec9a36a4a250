// Every code of the headers that are installed here is in the table: in the row of a status, or among
// those that are meant to land in a catch-all.
#include "status/table.h"
#include "tls/native_names.h"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <openssl/err.h>
#include <openssl/opensslv.h>
#include <set>
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
    const auto define = line.find("define ");
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

struct Entry {
  sally_status status;
  bool is_meant;
};

const std::map<std::pair<std::int32_t, std::string>, Entry>& table() {
  static const std::map<std::pair<std::int32_t, std::string>, Entry> entries = {
#define SALLY_NATIVE(domain, name, status, place) \
  {{SALLY_DOMAIN_##domain, name}, {SALLY_##status, (place) < 0}},
#include "status/status_table.inc"
#undef SALLY_NATIVE
  };
  return entries;
}

// What a walk asks of every code.
void expect_looked_at(std::int32_t domain, const std::string& name) {
  const auto entry = table().find({domain, name});
  ASSERT_NE(entry, table().end())
      << name << " is not in src/status/status_table.toml: give it to a status, or list it under "
      << "[[meant]] with the reason";
  const sally_status status = from_name(domain, name);
  EXPECT_EQ(status, entry->second.status) << name;
  EXPECT_EQ(find(status)->is_catch_all, entry->second.is_meant) << name;
  EXPECT_NE(status, SALLY_OK) << name;
}

// 3.5 of "3.5" is 305.
int version_of(const std::string& text) {
  const auto dot = text.find('.');
  return std::atoi(text.c_str()) * 100 + std::atoi(text.c_str() + dot + 1);
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

TEST(StatusHeaders, KnowEveryNameOfOpenSslThatTheTableHas) {
  Macros known = macros_of(openssl + "x509_vfy.h", "X509_V_");
  for (const Header& header : reason_headers)
    known.merge(macros_of(openssl + header.name, header.prefix));
  std::map<std::string, int> newer;
#define SALLY_NEWER(version, name) newer.emplace(name, version_of(version));
#include "status/status_table.inc"
#undef SALLY_NEWER
  constexpr int installed = OPENSSL_VERSION_MAJOR * 100 + OPENSSL_VERSION_MINOR;
  for (const auto& [key, entry] : table()) {
    const auto& [domain, name] = key;
    if (domain != SALLY_DOMAIN_OPENSSL && domain != SALLY_DOMAIN_X509) continue;
    const auto since = newer.find(name);
    const bool may_lack = since != newer.end() && since->second > installed;
    EXPECT_TRUE(known.contains(name) || may_lack) << name;
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
