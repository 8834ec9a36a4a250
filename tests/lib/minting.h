// Certificates and OCSP responses made on the spot with OpenSSL, for what the zoo has no use for.
#pragma once

#include "lib/zoo_index.h"

#include <cstdint>
#include <ctime>
#include <memory>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace sally::test {

template <class T>
using Owner = std::unique_ptr<T, void (*)(T*)>;

inline void must(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string("OpenSSL cannot ") + what);
}

struct Identity {
  Owner<X509> certificate{nullptr, &X509_free};
  Owner<EVP_PKEY> key{nullptr, &EVP_PKEY_free};

  std::string pem() const {
    const Owner<BIO> bio(BIO_new(BIO_s_mem()), [](BIO* it) { BIO_free(it); });
    must(PEM_write_bio_X509(bio.get(), certificate.get()) == 1, "write a certificate");
    return text_of(bio.get());
  }
  std::string key_pem() const {
    const Owner<BIO> bio(BIO_new(BIO_s_mem()), [](BIO* it) { BIO_free(it); });
    must(PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1,
         "write a key");
    return text_of(bio.get());
  }

 private:
  static std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
  }
};

// One of the zoo's authorities, by its name.
inline Identity zoo_authority(const std::string& name) {
  const auto open = [](const std::string& file) {
    return Owner<BIO>(BIO_new_file(zoo_path(file).c_str(), "r"), [](BIO* it) { BIO_free(it); });
  };
  Identity authority;
  authority.certificate.reset(
      PEM_read_bio_X509(open("ca-" + name + ".pem").get(), nullptr, nullptr, nullptr));
  authority.key.reset(
      PEM_read_bio_PrivateKey(open("ca-" + name + ".key").get(), nullptr, nullptr, nullptr));
  must(authority.certificate && authority.key, "read an authority");
  return authority;
}

inline Owner<X509> zoo_certificate(const std::string& name) {
  const Owner<BIO> bio(BIO_new_file(zoo_path(zoo(name).chain).c_str(), "r"),
                       [](BIO* it) { BIO_free(it); });
  Owner<X509> certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), &X509_free);
  must(certificate != nullptr, "read a certificate");
  return certificate;
}

struct Mint {
  const Identity* issuer = nullptr;  // null: the certificate signs itself
  const char* key = "EC";            // or "ED25519"
  const char* digest = "SHA256";     // null for what needs none
  std::string name = "localhost";
  int days = 30;
  // As in a configuration file: {NID_ext_key_usage, "OCSPSigning"}
  std::vector<std::pair<int, std::string>> extensions{};
};

inline Identity mint(const Mint& wanted) {
  Identity made;
  made.key.reset(std::string(wanted.key) == "EC" ? EVP_EC_gen("P-256")
                                                 : EVP_PKEY_Q_keygen(nullptr, nullptr, wanted.key));
  made.certificate.reset(X509_new());
  X509* certificate = made.certificate.get();
  X509* issuer = wanted.issuer != nullptr ? wanted.issuer->certificate.get() : certificate;
  X509_set_version(certificate, X509_VERSION_3);
  static long serial = 0x5a0000;
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  constexpr long day = 24 * 3600;
  X509_gmtime_adj(X509_getm_notBefore(certificate), -40 * day);
  X509_gmtime_adj(X509_getm_notAfter(certificate), wanted.days * day);
  X509_set_pubkey(certificate, made.key.get());
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(wanted.name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  auto extensions = wanted.extensions;
  extensions.emplace_back(NID_subject_key_identifier, "hash");
  extensions.emplace_back(NID_subject_alt_name, "DNS:" + wanted.name);
  if (wanted.issuer != nullptr) extensions.emplace_back(NID_authority_key_identifier, "keyid");
  for (const auto& [id, value] : extensions) {
    const Owner<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()),
                                          &X509_EXTENSION_free);
    must(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "make an extension");
  }
  EVP_PKEY* signer = wanted.issuer != nullptr ? wanted.issuer->key.get() : made.key.get();
  const EVP_MD* digest = wanted.digest != nullptr ? EVP_get_digestbyname(wanted.digest) : nullptr;
  must(X509_sign(certificate, signer, digest) > 0, "sign a certificate");
  return made;
}

// An answer about `certificate`, which `issuer` issued.
struct Response {
  X509* certificate = nullptr;
  const Identity* issuer = nullptr;
  const Identity* signer = nullptr;  // null: the issuer
  bool show_signer = false;          // its certificate comes with the response
  int status = V_OCSP_CERTSTATUS_GOOD;
  long from = -3600;  // seconds from now
  long next = 3600;   // 0: not said
  const EVP_MD* id_digest = EVP_sha1();
  const EVP_MD* digest = EVP_sha256();
  bool by_key = false;  // how the responder names itself
};

inline std::string make_response(const Response& wanted) {
  const Identity& signer = wanted.signer != nullptr ? *wanted.signer : *wanted.issuer;
  const Owner<OCSP_BASICRESP> basic(OCSP_BASICRESP_new(), &OCSP_BASICRESP_free);
  const Owner<OCSP_CERTID> id(
      OCSP_cert_to_id(wanted.id_digest, wanted.certificate, wanted.issuer->certificate.get()),
      &OCSP_CERTID_free);
  const auto time_at = [](long offset) {
    return Owner<ASN1_TIME>(ASN1_GENERALIZEDTIME_adj(nullptr, std::time(nullptr), 0, offset),
                            &ASN1_TIME_free);
  };
  const auto from = time_at(wanted.from);
  const auto next = time_at(wanted.next);
  const auto revoked_at = time_at(-7200);
  const bool revoked = wanted.status == V_OCSP_CERTSTATUS_REVOKED;
  must(OCSP_basic_add1_status(basic.get(), id.get(), wanted.status,
                              revoked ? OCSP_REVOKED_STATUS_KEYCOMPROMISE : 0,
                              revoked ? revoked_at.get() : nullptr, from.get(),
                              wanted.next != 0 ? next.get() : nullptr) != nullptr,
       "add a status");
  const unsigned long flags =
      (wanted.show_signer ? 0 : OCSP_NOCERTS) | (wanted.by_key ? OCSP_RESPID_KEY : 0);
  must(OCSP_basic_sign(basic.get(), signer.certificate.get(), signer.key.get(), wanted.digest,
                       nullptr, flags) == 1,
       "sign a response");
  const Owner<OCSP_RESPONSE> response(
      OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()), &OCSP_RESPONSE_free);
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_RESPONSE(response.get(), &der);
  must(size > 0, "encode a response");
  std::string bytes(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return bytes;
}

// "Try again later" and the like: a status without an answer, unsigned.
inline std::string make_refusal(int status) {
  return std::string("\x30\x03\x0a\x01", 4) + static_cast<char>(status);
}

}  // namespace sally::test
