// Owners for OpenSSL's objects, and the rule for calling it. Only for the .cpp files of this layer.
#pragma once

#include "tls/openssl_types.h"

#include <memory>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

namespace sally::tls {

struct BioDeleter {
  void operator()(BIO* bio) const noexcept { BIO_free_all(bio); }
};
struct GeneralNamesDeleter {
  void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
};
struct BignumDeleter {
  void operator()(BIGNUM* number) const noexcept { BN_free(number); }
};
struct CryptoDeleter {
  void operator()(void* memory) const noexcept { OPENSSL_free(memory); }
};

using BioOwner = std::unique_ptr<BIO, BioDeleter>;
using GeneralNamesOwner = std::unique_ptr<GENERAL_NAMES, GeneralNamesDeleter>;
using BignumOwner = std::unique_ptr<BIGNUM, BignumDeleter>;

// A reading BIO over bytes that outlive it.
BioOwner memory_bio(std::string_view bytes);

// Our own library context, so that neither the host program's OpenSSL settings nor other users of
// OpenSSL in the process change us. One for each process: a forked child gets a new one.
OSSL_LIB_CTX* library_context();

// Throws std::bad_alloc for the null that OpenSSL's constructors answer when memory is short.
template <class T>
T* checked(T* object) {
  if (object == nullptr) throw std::bad_alloc();
  return object;
}

}  // namespace sally::tls
