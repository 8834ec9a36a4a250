#include "tls/encryption.h"

#include "status/error.h"
#include "tls/error_queue.h"
#include "tls/openssl.h"
#include "tls/pem.h"

#include <cstdint>
#include <openssl/objects.h>
#include <openssl/x509.h>

namespace sally::tls {

namespace {

// Deriving keys more slowly is no protection any more. In steps of scrypt, which take longer.
constexpr long most_iterations = 10'000'000;
constexpr std::uint64_t most_steps = 1u << 24;

template <class Parameters>
using ParametersOwner = std::unique_ptr<Parameters, void (*)(Parameters*)>;

template <class Parameters>
ParametersOwner<Parameters> parameters_of(const X509_ALGOR* algorithm, const ASN1_ITEM* item,
                                          void (*free)(Parameters*)) {
  const bool is_sequence =
      algorithm->parameter != nullptr && ASN1_TYPE_get(algorithm->parameter) == V_ASN1_SEQUENCE;
  void* found = is_sequence ? ASN1_TYPE_unpack_sequence(item, algorithm->parameter) : nullptr;
  return {static_cast<Parameters*>(found), free};
}

// -1 for more than fit, as for what is negative.
long iterations_of(const ASN1_INTEGER* number) {
  return number != nullptr ? ASN1_INTEGER_get(number) : 0;
}

bool is_too_much(const SCRYPT_PARAMS& scrypt) {
  std::uint64_t steps = 1;
  for (const ASN1_INTEGER* factor :
       {scrypt.costParameter, scrypt.blockSize, scrypt.parallelizationParameter}) {
    std::uint64_t value = 0;
    if (ASN1_INTEGER_get_uint64(&value, factor) != 1 || value > most_steps) return true;
    steps *= value;
    if (steps > most_steps) return true;
  }
  return false;
}

[[noreturn]] void fail_for_work(const PemSource& source) {
  throw Failure(SALLY_CREDENTIAL_BAD_FORMAT,
                {.message = "'" + source.name() + "' asks for too many iterations",
                 .source = source.name(),
                 .phase = "load"});
}

void require_bearable_derivation(const X509_ALGOR* derivation, const PemSource& source) {
  if (OBJ_obj2nid(derivation->algorithm) == NID_id_scrypt) {
    const auto scrypt =
        parameters_of(derivation, ASN1_ITEM_rptr(SCRYPT_PARAMS), &SCRYPT_PARAMS_free);
    if (scrypt && is_too_much(*scrypt)) fail_for_work(source);
    return;
  }
  const auto pbkdf2 = parameters_of(derivation, ASN1_ITEM_rptr(PBKDF2PARAM), &PBKDF2PARAM_free);
  if (pbkdf2) require_bearable_work(iterations_of(pbkdf2->iter), source);
}

int cipher_of_pbes2(const X509_ALGOR* algorithm) {
  const auto parameters = parameters_of(algorithm, ASN1_ITEM_rptr(PBE2PARAM), &PBE2PARAM_free);
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

void require_bearable_work(long iterations, const PemSource& source) {
  if (iterations < 0 || iterations > most_iterations) fail_for_work(source);
}

void require_bearable_work(const X509_ALGOR* algorithm, const PemSource& source) {
  if (OBJ_obj2nid(algorithm->algorithm) == NID_pbes2) {
    const auto scheme = parameters_of(algorithm, ASN1_ITEM_rptr(PBE2PARAM), &PBE2PARAM_free);
    if (scheme) require_bearable_derivation(scheme->keyfunc, source);
  } else {
    const auto scheme = parameters_of(algorithm, ASN1_ITEM_rptr(PBEPARAM), &PBEPARAM_free);
    if (scheme) require_bearable_work(iterations_of(scheme->iter), source);
  }
  clear_errors();
}

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
