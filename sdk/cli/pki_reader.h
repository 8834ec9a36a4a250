// What is in a file, whatever its format: PEM, DER or PKCS#12.
#pragma once

#include "pki_openssl.h"
#include "pki_secret.h"

#include <optional>
#include <string>
#include <vector>

namespace pki {

struct Contents {
  std::vector<CertificateOwner> certificates;
  std::vector<KeyOwner> keys;
  std::vector<CrlOwner> crls;
};

// The passphrase, which ends in a NUL, opens what is encrypted; nothing is asked on a terminal.
// Throws Unusable where something does not decode or open, or where there is nothing.
Contents read_contents(const std::string& path, const std::optional<Secret>& passphrase);

}  // namespace pki
