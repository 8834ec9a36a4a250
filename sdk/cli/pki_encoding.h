// Certificates and CRLs as bytes, and back.
#pragma once

#include "pki_openssl.h"
#include "pki_secret.h"

#include <string>
#include <string_view>

namespace pki {

BioOwner memory();                         // to write to
BioOwner reading(std::string_view bytes);  // which outlive it
Secret bytes_of(BIO* bio);

std::string der_of(const X509* certificate);
CertificateOwner from_der(std::string_view der);
Secret pem_of(const X509* certificate);
Secret pem_of(const X509_CRL* crl);
// The first certificate of a PEM file. Throws Unusable.
CertificateOwner read_certificate(const std::string& path);

void append(Secret& to, const Secret& more);

}  // namespace pki
