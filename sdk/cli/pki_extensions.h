// The extensions of certificates and CRLs, RFC 5280 sections 4.2 and 5.2. All throw Failure.
#pragma once

#include "pki_name.h"
#include "pki_openssl.h"

#include <optional>
#include <vector>

namespace pki {

void add_basic_constraints(X509* certificate, bool is_ca, std::optional<long> path_length);
// A CA signs certificates and CRLs; others sign handshakes.
void add_key_usage(X509* certificate, bool is_ca);
void add_extended_usage(X509* certificate, const std::vector<int>& usages);
// Of the public key, which is there already.
OctetsOwner add_subject_key_identifier(X509* certificate);
void add_authority_key_identifier(X509* certificate, const ASN1_OCTET_STRING* identifier);
void add_names(X509* certificate, const std::vector<Name>& names, bool critical);
void add_exclusions(X509* certificate, const std::vector<Name>& names);
void add_unknown_critical(X509* certificate);

void add_authority_key_identifier(X509_CRL* crl, const ASN1_OCTET_STRING* identifier);
void add_crl_number(X509_CRL* crl, const ASN1_INTEGER* number);
void add_revoked(X509_CRL* crl, const ASN1_INTEGER* serial, const ASN1_TIME* time);

}  // namespace pki
