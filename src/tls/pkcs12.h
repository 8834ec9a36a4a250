// A chain and its key in one file: PKCS#12, RFC 7292.
#pragma once

#include "tls/openssl_types.h"
#include "tls/pem.h"

#include <vector>

namespace sally::tls {

struct Pkcs12 {
  std::vector<X509Owner> certificates;  // in no order that means anything
  KeyOwner key;                         // NULL where the file holds none
};

// No passphrase opens what has an empty one, too. Throws Failure: SALLY_CREDENTIAL_BAD_FORMAT,
// _PASSPHRASE_NEEDED, _WRONG_PASSPHRASE, _LEGACY_CIPHER, _UNSUPPORTED_KEY.
Pkcs12 read_pkcs12(const PemSource& source, const char* passphrase);

}  // namespace sally::tls
