#include "tls/encryption.h"

#include "status/error.h"
#include "tls/error_queue.h"
#include "tls/openssl.h"
#include "tls/pem.h"

#include <openssl/objects.h>
#include <openssl/x509.h>

namespace sally::tls {

namespace {

int cipher_of_pbes2(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* identifier = nullptr;
  int type = V_ASN1_UNDEF;
  const void* value = nullptr;
  X509_ALGOR_get0(&identifier, &type, &value, algorithm);
  if (type != V_ASN1_SEQUENCE) return NID_undef;
  const std::unique_ptr<PBE2PARAM, void (*)(PBE2PARAM*)> parameters(
      static_cast<PBE2PARAM*>(
          ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter)),
      &PBE2PARAM_free);
  return parameters ? OBJ_obj2nid(parameters->encryption->algorithm) : NID_undef;
}

// NID_undef for what OpenSSL does not know.
int cipher_of(const X509_ALGOR* algorithm) {
  const int scheme = OBJ_obj2nid(algorithm->algorithm);
  if (scheme == NID_pbes2) return cipher_of_pbes2(algorithm);
  int cipher = NID_undef;
  int digest = NID_undef;
  return EVP_PBE_find(EVP_PBE_TYPE_OUTER, scheme, &cipher, &digest, nullptr) == 1 ? cipher
                                                                                  : NID_undef;
}

}  // namespace

void require_cipher(const X509_ALGOR* algorithm, const PemSource& source, const std::string& hint) {
  clear_errors();
  const int cipher = cipher_of(algorithm);
  clear_errors();
  if (cipher > NID_undef) return require_cipher(OBJ_nid2sn(cipher), source, hint);
  const char* scheme = OBJ_nid2ln(OBJ_obj2nid(algorithm->algorithm));
  throw Failure(SALLY_CREDENTIAL_UNSUPPORTED_KEY,
                {.message = "'" + source.name() + "' is encrypted in a way that is not known",
                 .found = scheme != nullptr ? scheme : "unknown",
                 .source = source.name(),
                 .phase = "load"});
}

void require_cipher(const std::string& name, const PemSource& source, const std::string& hint) {
  clear_errors();
  const std::unique_ptr<EVP_CIPHER, void (*)(EVP_CIPHER*)> cipher(
      EVP_CIPHER_fetch(library_context(), name.c_str(), nullptr), &EVP_CIPHER_free);
  clear_errors();
  if (cipher) return;
  throw Failure(SALLY_CREDENTIAL_LEGACY_CIPHER,
                {.message = "'" + source.name() + "' is encrypted with " + name,
                 .hint = hint,
                 .found = name,
                 .source = source.name(),
                 .phase = "load"});
}

std::string legacy_key_hint() {
  return "The key is encrypted with a cipher that is no longer safe, and that the TLS library does "
         "not open. Encrypt it anew: openssl pkey -provider legacy -provider default -in old.key "
         "-aes256 -out new.key";
}

}  // namespace sally::tls
