#include "pki_name.h"

#include "pki_failure.h"
#include "pki_name_rules.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <sallyport/certificate.h>

namespace pki {

namespace {

// 4 or 16 bytes in network order; "" for what is no address.
std::string address_bytes(const std::string& text) {
  unsigned char bytes[sizeof(in6_addr)];
  std::size_t size = 0;
  if (inet_pton(AF_INET, text.c_str(), bytes) == 1) size = sizeof(in_addr);
  if (inet_pton(AF_INET6, text.c_str(), bytes) == 1) size = sizeof(in6_addr);
  return {reinterpret_cast<const char*>(bytes), size};
}

bool is_address(const std::string& text) {
  return !address_bytes(text).empty();
}

std::int32_t kind_of(const std::string& text) {
  if (is_address(text)) return SALLY_NAME_IP;
  if (text.find("://") != std::string::npos || text.starts_with("urn:")) return SALLY_NAME_URI;
  if (text.find('@') != std::string::npos) return SALLY_NAME_EMAIL;
  return SALLY_NAME_DNS;
}

GeneralNameOwner of_text(int type, const std::string& text) {
  GeneralNameOwner name(made(GENERAL_NAME_new(), "allocate memory"));
  ASN1_IA5STRING* value = made(ASN1_IA5STRING_new(), "allocate memory");
  GENERAL_NAME_set0_value(name.get(), type, value);
  must(ASN1_STRING_set(value, text.data(), static_cast<int>(text.size())) == 1, "encode a name");
  return name;
}

GeneralNameOwner of_bytes(const std::string& bytes) {
  GeneralNameOwner name(made(GENERAL_NAME_new(), "allocate memory"));
  ASN1_OCTET_STRING* value = made(ASN1_OCTET_STRING_new(), "allocate memory");
  GENERAL_NAME_set0_value(name.get(), GEN_IPADD, value);
  must(ASN1_STRING_set(value, bytes.data(), static_cast<int>(bytes.size())) == 1, "encode a name");
  return name;
}

}  // namespace

Name recognise(const std::string& text) {
  return name_of_kind(kind_of(text), text);
}

Name name_of_kind(std::int32_t kind, const std::string& text) {
  std::string complaint;
  if (kind == SALLY_NAME_IP) {
    complaint = is_address(text) ? "" : "it is no IP address";
  } else if (kind == SALLY_NAME_URI) {
    complaint = uri_complaint(text);
  } else if (kind == SALLY_NAME_EMAIL) {
    complaint = email_complaint(text);
  } else {
    complaint = is_address(text) ? "an IP address is no host name" : host_complaint(text);
  }
  if (!complaint.empty())
    throw Unusable("no certificate can bear the name '" + printable(text) + "': " + complaint);
  return {.kind = kind, .text = text};
}

std::string describe(const Name& name) {
  switch (name.kind) {
    case SALLY_NAME_IP:
      return "IP:" + name.text;
    case SALLY_NAME_URI:
      return "URI:" + name.text;
    case SALLY_NAME_EMAIL:
      return "e-mail:" + name.text;
    default:
      return "DNS:" + name.text;
  }
}

GeneralNameOwner general_name(const Name& name) {
  switch (name.kind) {
    case SALLY_NAME_IP:
      return of_bytes(address_bytes(name.text));
    case SALLY_NAME_URI:
      return of_text(GEN_URI, name.text);
    case SALLY_NAME_EMAIL:
      return of_text(GEN_EMAIL, name.text);
    default:
      return of_text(GEN_DNS, name.text);
  }
}

GeneralNameOwner constraint_on(const Name& name) {
  if (name.kind != SALLY_NAME_IP) return of_text(GEN_DNS, name.text);
  const std::string address = address_bytes(name.text);
  return of_bytes(address + std::string(address.size(), '\xff'));
}

}  // namespace pki
