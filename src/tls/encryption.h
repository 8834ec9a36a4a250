// What keys are encrypted with, as far as it decides whether any passphrase can open them.
#pragma once

#include <string>

struct X509_algor_st;

namespace sally::tls {

class PemSource;

// Throws Failure where our library context has not got what `algorithm` of PKCS#8 or PKCS#12 needs:
// SALLY_CREDENTIAL_LEGACY_CIPHER for a cipher that has gone out of use, RC2 and DES for example,
// SALLY_CREDENTIAL_UNSUPPORTED_KEY for what is not known at all. `hint` is for the first; "" leaves
// the one of the status.
void require_cipher(const X509_algor_st* algorithm, const PemSource& source,
                    const std::string& hint = {});
// The same for a cipher by its name: "DES-CBC".
void require_cipher(const std::string& name, const PemSource& source, const std::string& hint = {});

// Throws Failure, SALLY_CREDENTIAL_BAD_FORMAT, where trying a passphrase would keep this machine busy for
// minutes. No file that is meant to be opened asks for that.
void require_bearable_work(const X509_algor_st* algorithm, const PemSource& source);
// The same for a number of iterations; negative: more than fit.
void require_bearable_work(long iterations, const PemSource& source);

// For a key that stands alone, where the status speaks of PKCS#12.
std::string legacy_key_hint();

}  // namespace sally::tls
