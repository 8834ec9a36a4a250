// PKCS#12: a chain and its key in one encrypted file.
#pragma once

#include "pki_judging.h"
#include "pki_secret.h"

#include <string>

namespace pki {

// The passphrase ends in a NUL.
Secret to_pkcs12(const Bundle& bundle, const std::string& friendly_name, const Secret& passphrase);

}  // namespace pki
