#include "pki_pkcs12.h"

#include "pki_encoding.h"

namespace pki {

namespace {

void free_stack(STACK_OF(X509) * stack) {
  sk_X509_pop_free(stack, X509_free);
}

// Guessing a passphrase costs as much; opening it once takes a tenth of a second at most.
constexpr int iterations = 100'000;

}  // namespace

Secret to_pkcs12(const Bundle& bundle, const std::string& friendly_name, const Secret& passphrase) {
  const Owner<STACK_OF(X509), free_stack> above(made(sk_X509_new_null(), "allocate memory"));
  for (const X509* each : bundle.above) {
    must(X509_add_cert(above.get(), const_cast<X509*>(each), X509_ADD_FLAG_UP_REF) == 1,
         "gather the chain");
  }
  // Its defaults: PBES2 with PBKDF2 and AES-256, and a MAC with SHA-256.
  const Owner<PKCS12, PKCS12_free> file(
      made(PKCS12_create_ex(passphrase.data(), friendly_name.c_str(), bundle.leaf.key.get(),
                            bundle.leaf.certificate.get(), above.get(), 0, 0, iterations,
                            iterations, 0, library(), nullptr),
           "make a PKCS#12 file"));
  const BioOwner out = memory();
  must(i2d_PKCS12_bio(out.get(), file.get()) == 1, "write a PKCS#12 file");
  return bytes_of(out.get());
}

}  // namespace pki
