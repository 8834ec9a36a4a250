#include "tls/code_points.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <span>

namespace sally::tls {

namespace {

struct CodePoint {
  std::size_t code;
  const char* name;
};

constexpr CodePoint groups[] = {{0x0017, "secp256r1"},      {0x0018, "secp384r1"},
                                {0x0019, "secp521r1"},      {0x001d, "x25519"},
                                {0x001e, "x448"},           {0x11eb, "SecP256r1MLKEM768"},
                                {0x11ec, "X25519MLKEM768"}, {0x11ed, "SecP384r1MLKEM1024"}};
constexpr CodePoint schemes[] = {{0x0401, "rsa_pkcs1_sha256"},
                                 {0x0501, "rsa_pkcs1_sha384"},
                                 {0x0601, "rsa_pkcs1_sha512"},
                                 {0x0403, "ecdsa_secp256r1_sha256"},
                                 {0x0503, "ecdsa_secp384r1_sha384"},
                                 {0x0603, "ecdsa_secp521r1_sha512"},
                                 {0x0804, "rsa_pss_rsae_sha256"},
                                 {0x0805, "rsa_pss_rsae_sha384"},
                                 {0x0806, "rsa_pss_rsae_sha512"},
                                 {0x0807, "ed25519"},
                                 {0x0808, "ed448"},
                                 {0x0809, "rsa_pss_pss_sha256"},
                                 {0x080a, "rsa_pss_pss_sha384"},
                                 {0x080b, "rsa_pss_pss_sha512"}};

std::string name_of(std::span<const CodePoint> known, std::size_t code) {
  const auto found = std::ranges::find(known, code, &CodePoint::code);
  if (found != known.end()) return found->name;
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "0x%04zx", code);
  return text.data();
}

}  // namespace

std::string group_name(std::size_t code) {
  return name_of(groups, code);
}

std::string signature_scheme_name(std::size_t code) {
  return name_of(schemes, code);
}

}  // namespace sally::tls
