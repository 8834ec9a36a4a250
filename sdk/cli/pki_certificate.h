// Making certificates by the profile of RFC 5280, and others where a recipe asks for it.
#pragma once

#include "pki_name.h"
#include "pki_openssl.h"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace pki {

using Time = std::chrono::sys_seconds;

struct Validity {
  Time from;
  Time until;  // the last second of it
};
// From a little while ago, for peers whose clocks are behind, for so many days.
Validity valid_for(int days);

enum class Role { server, client };

struct Recipe {
  std::string common_name;  // "": the subject is empty, and the names are critical
  std::vector<Name> names = {};
  Validity validity = {};
  bool is_ca = false;
  std::optional<long> path_length = {};
  std::vector<int> extended_usage = {};  // NID_server_auth, NID_client_auth
  // What only broken ones have.
  std::vector<Name> excluded = {};
  const char* digest = nullptr;  // instead of what fits the issuer's key
  bool unknown_critical = false;
  bool forged = false;  // the last bit of the signature is another
};

Recipe authority_recipe(const std::string& name, Validity validity,
                        std::optional<long> path_length);
Recipe leaf_recipe(Role role, const std::vector<Name>& names, Validity validity);

// A certificate and its private key; of a CA that is kept elsewhere without the key.
struct Identity {
  CertificateOwner certificate = {};
  KeyOwner key = {};
};

// Without an issuer it signs itself.
CertificateOwner make_certificate(const Recipe& recipe, EVP_PKEY* key, const Identity* issuer);

// The issuer's revocation list, with this certificate on it.
CrlOwner make_crl(const Identity& issuer, const X509* revoked, Validity validity);

Validity validity_of(const X509* certificate);

}  // namespace pki
