#include "pki_encoding.h"

#include "pki_failure.h"

#include <openssl/err.h>
#include <openssl/pem.h>

namespace pki {

BioOwner memory() {
  return BioOwner(made(BIO_new(BIO_s_mem()), "allocate memory"));
}

BioOwner reading(std::string_view bytes) {
  return BioOwner(
      made(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())), "allocate memory"));
}

Secret bytes_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, data + size};
}

std::string der_of(const X509* certificate) {
  unsigned char* data = nullptr;
  const int size = i2d_X509(certificate, &data);
  must(size > 0, "encode a certificate");
  const auto free_it = [](unsigned char* memory) { OPENSSL_free(memory); };
  const std::unique_ptr<unsigned char, decltype(free_it)> owner(data);
  return {reinterpret_cast<const char*>(data), static_cast<std::size_t>(size)};
}

CertificateOwner from_der(std::string_view der) {
  const auto* data = reinterpret_cast<const unsigned char*>(der.data());
  CertificateOwner certificate(made(X509_new_ex(library(), nullptr), "allocate memory"));
  X509* raw = certificate.release();  // which d2i_X509 frees where it fails
  return CertificateOwner(
      made(d2i_X509(&raw, &data, static_cast<long>(der.size())), "decode a certificate"));
}

Secret pem_of(const X509* certificate) {
  const BioOwner out = memory();
  must(PEM_write_bio_X509(out.get(), certificate) == 1, "write a certificate");
  return bytes_of(out.get());
}

Secret pem_of(const X509_CRL* crl) {
  const BioOwner out = memory();
  must(PEM_write_bio_X509_CRL(out.get(), crl) == 1, "write a CRL");
  return bytes_of(out.get());
}

CertificateOwner read_certificate(const std::string& path) {
  const Secret bytes = read_file(path);
  const BioOwner in = reading(view(bytes));
  X509* raw = made(X509_new_ex(library(), nullptr), "allocate memory");
  CertificateOwner owner(raw);
  if (PEM_read_bio_X509(in.get(), &raw, nullptr, nullptr) == nullptr) {
    if (raw == nullptr) static_cast<void>(owner.release());  // freed where it does not decode
    ERR_clear_error();
    throw Unusable(path + " holds no certificate (PEM)");
  }
  return owner;
}

void append(Secret& to, const Secret& more) {
  to.insert(to.end(), more.begin(), more.end());
}

}  // namespace pki
