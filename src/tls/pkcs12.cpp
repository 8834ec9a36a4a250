#include "tls/pkcs12.h"

#include "status/error.h"
#include "tls/encryption.h"
#include "tls/error_queue.h"
#include "tls/openssl.h"

#include <openssl/pkcs12.h>

namespace sally::tls {

namespace {

struct Pkcs12Deleter {
  void operator()(PKCS12* file) const noexcept { PKCS12_free(file); }
};
struct SafesDeleter {
  void operator()(STACK_OF(PKCS7) * safes) const noexcept { sk_PKCS7_pop_free(safes, PKCS7_free); }
};
struct BagsDeleter {
  void operator()(STACK_OF(PKCS12_SAFEBAG) * bags) const noexcept {
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
  }
};
struct CertificatesDeleter {
  void operator()(STACK_OF(X509) * certificates) const noexcept {
    sk_X509_pop_free(certificates, X509_free);
  }
};
using Pkcs12Owner = std::unique_ptr<PKCS12, Pkcs12Deleter>;

[[noreturn]] void fail(const PemSource& source, sally_status status, const char* what = "") {
  const NativeError error = take_error();
  throw Failure(status, {.message = "'" + source.name() + "'" + what,
                         .native_domain = SALLY_DOMAIN_OPENSSL,
                         .native_code = static_cast<std::int64_t>(error.code),
                         .native_name = error.name,
                         .source = source.name(),
                         .phase = "load"});
}

Pkcs12Owner decode(const PemSource& source) {
  clear_errors();
  Pkcs12Owner file(checked(PKCS12_init_ex(NID_pkcs7_data, library_context(), nullptr)));
  PKCS12* target = file.get();
  const auto* at = reinterpret_cast<const unsigned char*>(source.bytes().data());
  if (d2i_PKCS12(&target, &at, static_cast<long>(source.bytes().size())) != nullptr) return file;
  // A failing decoder frees what it was given to fill.
  if (target == nullptr) static_cast<void>(file.release());
  fail(source, SALLY_CREDENTIAL_BAD_FORMAT);
}

void require_cipher_of_bags(const PKCS7* safe, const PemSource& source) {
  const std::unique_ptr<STACK_OF(PKCS12_SAFEBAG), BagsDeleter> bags(
      PKCS12_unpack_p7data(const_cast<PKCS7*>(safe)));
  for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags.get()); ++i) {
    const PKCS12_SAFEBAG* bag = sk_PKCS12_SAFEBAG_value(bags.get(), i);
    if (PKCS12_SAFEBAG_get_nid(bag) != NID_pkcs8ShroudedKeyBag) continue;
    const X509_ALGOR* algorithm = nullptr;
    X509_SIG_get0(PKCS12_SAFEBAG_get0_pkcs8(bag), &algorithm, nullptr);
    require_cipher(algorithm, source);
    require_bearable_work(algorithm, source);
  }
}

// Before the passphrase is tried: where there is no cipher, no passphrase is the right one. Bags within
// what is encrypted are seen only when it is open.
void require_ciphers(const PKCS12* file, const PemSource& source) {
  const std::unique_ptr<STACK_OF(PKCS7), SafesDeleter> safes(PKCS12_unpack_authsafes(file));
  for (int i = 0; i < sk_PKCS7_num(safes.get()); ++i) {
    const PKCS7* safe = sk_PKCS7_value(safes.get(), i);
    if (PKCS7_type_is_data(safe)) require_cipher_of_bags(safe, source);
    if (!PKCS7_type_is_encrypted(safe) || safe->d.encrypted == nullptr) continue;
    require_cipher(safe->d.encrypted->enc_data->algorithm, source);
    require_bearable_work(safe->d.encrypted->enc_data->algorithm, source);
  }
  clear_errors();
}

bool opens(PKCS12* file, const char* passphrase) {
  // RFC 7292 appendix B.1 leaves it open what no passphrase is.
  if (passphrase == nullptr || *passphrase == '\0')
    return PKCS12_verify_mac(file, nullptr, 0) == 1 || PKCS12_verify_mac(file, "", 0) == 1;
  return PKCS12_verify_mac(file, passphrase, -1) == 1;
}

void check_iterations(const PKCS12* file, const PemSource& source) {
  const ASN1_INTEGER* iterations = nullptr;
  PKCS12_get0_mac(nullptr, nullptr, nullptr, &iterations, file);
  if (iterations != nullptr) require_bearable_work(ASN1_INTEGER_get(iterations), source);
}

// What came out of PKCS#12 belongs to OpenSSL's default context, which the host may have
// configured.
X509Owner in_our_context(const X509* certificate, const PemSource& source) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  const std::unique_ptr<unsigned char, CryptoDeleter> owner(der);
  if (size <= 0) fail(source, SALLY_CREDENTIAL_BAD_FORMAT);
  X509Owner copy(checked(X509_new_ex(library_context(), nullptr)));
  X509* target = copy.get();
  const unsigned char* at = der;
  if (d2i_X509(&target, &at, size) == nullptr) {
    if (target == nullptr) static_cast<void>(copy.release());
    fail(source, SALLY_CREDENTIAL_BAD_FORMAT, " holds a certificate that does not decode");
  }
  X509_check_purpose(copy.get(), -1, 0);
  return copy;
}

}  // namespace

Pkcs12 read_pkcs12(const PemSource& source, const char* passphrase) {
  const Pkcs12Owner file = decode(source);
  require_ciphers(file.get(), source);
  const sally_status closed = passphrase == nullptr ? SALLY_CREDENTIAL_PASSPHRASE_NEEDED
                                                    : SALLY_CREDENTIAL_WRONG_PASSPHRASE;
  const bool authenticated = PKCS12_mac_present(file.get()) == 1;
  if (authenticated) {
    check_iterations(file.get(), source);
    if (!opens(file.get(), passphrase)) fail(source, closed);
  }

  clear_errors();
  EVP_PKEY* key = nullptr;
  X509* own = nullptr;
  STACK_OF(X509)* others = nullptr;
  const bool parsed = PKCS12_parse(file.get(), passphrase, &key, &own, &others) == 1;
  Pkcs12 found{.certificates = {}, .key = KeyOwner(key)};
  const X509Owner own_owner(own);
  const std::unique_ptr<STACK_OF(X509), CertificatesDeleter> others_owner(others);
  if (!parsed) fail(source, authenticated ? SALLY_CREDENTIAL_BAD_FORMAT : closed);

  if (own != nullptr) found.certificates.push_back(in_our_context(own, source));
  for (int i = 0; i < sk_X509_num(others); ++i)
    found.certificates.push_back(in_our_context(sk_X509_value(others, i), source));
  clear_errors();
  return found;
}

}  // namespace sally::tls
