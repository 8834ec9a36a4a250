// Owners for OpenSSL's objects, and the rule for calling it.
//
// Sallyport's public API loads, shows and judges certificates; it does not make them, on purpose:
// who opens sockets needs no CA, and what is not there cannot be misused. So these files, and no
// others of this program, make them with libcrypto itself. What is made is then judged by the
// public API.
#pragma once

#include <memory>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string>

namespace pki {

template <auto free_object>
struct Free {
  template <class T>
  void operator()(T* object) const noexcept {
    free_object(object);
  }
};
template <class T, auto free_object>
using Owner = std::unique_ptr<T, Free<free_object>>;

using BignumOwner = Owner<BIGNUM, BN_free>;
using BioOwner = Owner<BIO, BIO_free_all>;  // a memory BIO wipes its bytes
using CertificateOwner = Owner<X509, X509_free>;
using CrlOwner = Owner<X509_CRL, X509_CRL_free>;
using DigestContextOwner = Owner<EVP_MD_CTX, EVP_MD_CTX_free>;
using GeneralNameOwner = Owner<GENERAL_NAME, GENERAL_NAME_free>;
using IntegerOwner = Owner<ASN1_INTEGER, ASN1_INTEGER_free>;
using KeyOwner = Owner<EVP_PKEY, EVP_PKEY_free>;  // wipes it with the last reference
using ObjectOwner = Owner<ASN1_OBJECT, ASN1_OBJECT_free>;
using OctetsOwner = Owner<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free>;
using TimeOwner = Owner<ASN1_TIME, ASN1_TIME_free>;

// A context of our own, so that the host's openssl.cnf neither forbids the weak certificates that
// are wanted nor weakens the good ones.
OSSL_LIB_CTX* library();

// Throws Failure: "OpenSSL cannot <what>", and its reason.
[[noreturn]] void fail_to(const std::string& what);

inline void must(bool done, const char* what) {
  if (!done) fail_to(what);
}

// Passes on what OpenSSL made, which is null where it failed.
template <class T>
T* made(T* object, const char* what) {
  must(object != nullptr, what);
  return object;
}

}  // namespace pki
