// What can be wrong with a certificate, one thing at a time.
#pragma once

#include "pki_judging.h"
#include "pki_key.h"

#include <span>
#include <string_view>

namespace pki {

// What a flaw is put into.
struct Workshop {
  const Authority& authority;
  Role role;
  std::vector<Name> names;

  Recipe recipe() const;  // with nothing wrong
  // By who usually issues, or by another with what leads from it to the root.
  Bundle issue(const Recipe& recipe, KeyType key = KeyType::ecdsa_p256) const;
  Bundle issue(const Recipe& recipe, const Identity& issuer,
               std::vector<CertificateOwner> above) const;
  // A CA for this one certificate; its key is thrown away.
  Identity middle(const char* what, std::optional<long> path_length, const Identity& issuer,
                  std::vector<Name> excluded = {}) const;
};

struct Flaw {
  std::string_view kind;
  std::string_view what;
  bool for_servers, for_clients;
  sally_status verdict;  // of a peer that has been shown it
  sally_status loading;  // of who would show it
  Bundle (*make)(const Workshop&);

  bool is_for(Role role) const { return role == Role::server ? for_servers : for_clients; }
  // The status that it must lead to: that of the peer, unless only who loads it can tell.
  sally_status status() const { return verdict != SALLY_OK ? verdict : loading; }
};

std::span<const Flaw> flaws();
// Null where there is none of that kind.
const Flaw* find_flaw(std::string_view kind);

}  // namespace pki
