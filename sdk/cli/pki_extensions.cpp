#include "pki_extensions.h"

namespace pki {

namespace {

using BasicConstraintsOwner = Owner<BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free>;
using BitsOwner = Owner<ASN1_BIT_STRING, ASN1_BIT_STRING_free>;
using EnumeratedOwner = Owner<ASN1_ENUMERATED, ASN1_ENUMERATED_free>;
using ExtendedUsageOwner = Owner<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free>;
using ExtensionOwner = Owner<X509_EXTENSION, X509_EXTENSION_free>;
using GeneralNamesOwner = Owner<GENERAL_NAMES, GENERAL_NAMES_free>;
using KeyIdentifierOwner = Owner<AUTHORITY_KEYID, AUTHORITY_KEYID_free>;
using ConstraintsOwner = Owner<NAME_CONSTRAINTS, NAME_CONSTRAINTS_free>;
using RevokedOwner = Owner<X509_REVOKED, X509_REVOKED_free>;
using SubtreeOwner = Owner<GENERAL_SUBTREE, GENERAL_SUBTREE_free>;

void add(X509* certificate, int nid, void* value, bool critical) {
  must(X509_add1_ext_i2d(certificate, nid, value, critical ? 1 : 0, X509V3_ADD_DEFAULT) == 1,
       "add an extension");
}

KeyIdentifierOwner authority(const ASN1_OCTET_STRING* identifier) {
  KeyIdentifierOwner value(made(AUTHORITY_KEYID_new(), "allocate memory"));
  must(identifier != nullptr, "name an issuer without a subject key identifier");
  value->keyid = made(ASN1_OCTET_STRING_dup(identifier), "allocate memory");
  return value;
}

}  // namespace

void add_basic_constraints(X509* certificate, bool is_ca, std::optional<long> path_length) {
  const BasicConstraintsOwner value(made(BASIC_CONSTRAINTS_new(), "allocate memory"));
  value->ca = is_ca ? 0xff : 0;
  if (path_length) {
    value->pathlen = made(ASN1_INTEGER_new(), "allocate memory");
    must(ASN1_INTEGER_set(value->pathlen, *path_length) == 1, "write a path length");
  }
  add(certificate, NID_basic_constraints, value.get(), true);
}

void add_key_usage(X509* certificate, bool is_ca) {
  // Bits of RFC 5280 section 4.2.1.3. TLS 1.3, and ECDHE of 1.2, need no keyEncipherment, with RSA
  // neither.
  constexpr int digital_signature = 0;
  constexpr int key_cert_sign = 5;
  constexpr int crl_sign = 6;
  const BitsOwner bits(made(ASN1_BIT_STRING_new(), "allocate memory"));
  const auto set = [&](int bit) {
    must(ASN1_BIT_STRING_set_bit(bits.get(), bit, 1) == 1, "write a key usage");
  };
  if (is_ca) {
    set(key_cert_sign);
    set(crl_sign);
  } else {
    set(digital_signature);
  }
  add(certificate, NID_key_usage, bits.get(), true);
}

void add_extended_usage(X509* certificate, const std::vector<int>& usages) {
  if (usages.empty()) return;
  const ExtendedUsageOwner value(made(EXTENDED_KEY_USAGE_new(), "allocate memory"));
  for (const int usage : usages) {
    must(sk_ASN1_OBJECT_push(value.get(), OBJ_nid2obj(usage)) > 0, "write an extended key usage");
  }
  add(certificate, NID_ext_key_usage, value.get(), false);
}

OctetsOwner add_subject_key_identifier(X509* certificate) {
  // RFC 7093 section 2 (1): what RFC 5280 does with SHA-1, with the first 160 bits of SHA-256.
  const ASN1_BIT_STRING* key = X509_get0_pubkey_bitstr(certificate);
  unsigned char digest[EVP_MAX_MD_SIZE];
  must(EVP_Q_digest(library(), "SHA256", nullptr, ASN1_STRING_get0_data(key),
                    static_cast<std::size_t>(ASN1_STRING_length(key)), digest, nullptr) == 1,
       "digest a key");
  OctetsOwner value(made(ASN1_OCTET_STRING_new(), "allocate memory"));
  must(ASN1_OCTET_STRING_set(value.get(), digest, 20) == 1, "write a key identifier");
  add(certificate, NID_subject_key_identifier, value.get(), false);
  return value;
}

void add_authority_key_identifier(X509* certificate, const ASN1_OCTET_STRING* identifier) {
  add(certificate, NID_authority_key_identifier, authority(identifier).get(), false);
}

void add_names(X509* certificate, const std::vector<Name>& names, bool critical) {
  if (names.empty()) return;
  const GeneralNamesOwner value(made(GENERAL_NAMES_new(), "allocate memory"));
  for (const Name& name : names) {
    GeneralNameOwner one = general_name(name);
    must(sk_GENERAL_NAME_push(value.get(), one.get()) > 0, "add a name");
    static_cast<void>(one.release());
  }
  add(certificate, NID_subject_alt_name, value.get(), critical);
}

void add_exclusions(X509* certificate, const std::vector<Name>& names) {
  if (names.empty()) return;
  const ConstraintsOwner value(made(NAME_CONSTRAINTS_new(), "allocate memory"));
  value->excludedSubtrees = made(sk_GENERAL_SUBTREE_new_null(), "allocate memory");
  for (const Name& name : names) {
    SubtreeOwner subtree(made(GENERAL_SUBTREE_new(), "allocate memory"));
    GENERAL_NAME_free(subtree->base);  // an empty one came with it
    subtree->base = constraint_on(name).release();
    must(sk_GENERAL_SUBTREE_push(value->excludedSubtrees, subtree.get()) > 0, "add a constraint");
    static_cast<void>(subtree.release());
  }
  add(certificate, NID_name_constraints, value.get(), true);
}

void add_unknown_critical(X509* certificate) {
  // An arc for examples; DER of NULL.
  const ObjectOwner object(made(OBJ_txt2obj("2.999.1", 1), "make an object identifier"));
  const OctetsOwner value(made(ASN1_OCTET_STRING_new(), "allocate memory"));
  constexpr unsigned char null[] = {0x05, 0x00};
  must(ASN1_OCTET_STRING_set(value.get(), null, sizeof null) == 1, "write an extension");
  const ExtensionOwner extension(made(
      X509_EXTENSION_create_by_OBJ(nullptr, object.get(), 1, value.get()), "make an extension"));
  must(X509_add_ext(certificate, extension.get(), -1) == 1, "add an extension");
}

void add_authority_key_identifier(X509_CRL* crl, const ASN1_OCTET_STRING* identifier) {
  must(X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, authority(identifier).get(), 0,
                             X509V3_ADD_DEFAULT) == 1,
       "add an extension");
}

void add_crl_number(X509_CRL* crl, const ASN1_INTEGER* number) {
  must(X509_CRL_add1_ext_i2d(crl, NID_crl_number, const_cast<ASN1_INTEGER*>(number), 0,
                             X509V3_ADD_DEFAULT) == 1,
       "add an extension");
}

void add_revoked(X509_CRL* crl, const ASN1_INTEGER* serial, const ASN1_TIME* time) {
  RevokedOwner entry(made(X509_REVOKED_new(), "allocate memory"));
  const EnumeratedOwner reason(made(ASN1_ENUMERATED_new(), "allocate memory"));
  must(ASN1_ENUMERATED_set(reason.get(), CRL_REASON_KEY_COMPROMISE) == 1 &&
           X509_REVOKED_set_serialNumber(entry.get(), const_cast<ASN1_INTEGER*>(serial)) == 1 &&
           X509_REVOKED_set_revocationDate(entry.get(), const_cast<ASN1_TIME*>(time)) == 1 &&
           X509_REVOKED_add1_ext_i2d(entry.get(), NID_crl_reason, reason.get(), 0,
                                     X509V3_ADD_DEFAULT) == 1 &&
           X509_CRL_add0_revoked(crl, entry.get()) == 1,
       "revoke a certificate");
  static_cast<void>(entry.release());
}

}  // namespace pki
