// Names of a certificate: host names, addresses, e-mail addresses and URIs.
#pragma once

#include "pki_openssl.h"

#include <cstdint>
#include <string>
#include <vector>

namespace pki {

struct Name {
  std::int32_t kind;  // SALLY_NAME_*
  std::string text;

  friend bool operator==(const Name&, const Name&) = default;
};

// What a name is, by its looks. Throws Unusable where it is nothing of what a certificate may bear.
Name recognise(const std::string& text);
// The same where the kind is said.
Name name_of_kind(std::int32_t kind, const std::string& text);

// "DNS:localhost"
std::string describe(const Name& name);

// As subjectAltName has it (RFC 5280 section 4.2.1.6).
GeneralNameOwner general_name(const Name& name);
// As nameConstraints has it: this name, and what is below it (section 4.2.1.10). Host names and
// addresses only.
GeneralNameOwner constraint_on(const Name& name);

}  // namespace pki
