#include "tls/certificate.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace sally::tls {

namespace {

using Json = nlohmann::ordered_json;

const char* kind_name(std::int32_t kind) {
  switch (kind) {
    case SALLY_NAME_DNS:
      return "dns";
    case SALLY_NAME_IP:
      return "ip";
    case SALLY_NAME_EMAIL:
      return "email";
    case SALLY_NAME_URI:
      return "uri";
    default:
      return "other";
  }
}

// RFC 5280 section 4.2.1.3
constexpr std::pair<std::uint32_t, const char*> usage_names[] = {
    {SALLY_KEY_USAGE_DIGITAL_SIGNATURE, "digitalSignature"},
    {SALLY_KEY_USAGE_NON_REPUDIATION, "nonRepudiation"},
    {SALLY_KEY_USAGE_KEY_ENCIPHERMENT, "keyEncipherment"},
    {SALLY_KEY_USAGE_DATA_ENCIPHERMENT, "dataEncipherment"},
    {SALLY_KEY_USAGE_KEY_AGREEMENT, "keyAgreement"},
    {SALLY_KEY_USAGE_CERT_SIGN, "keyCertSign"},
    {SALLY_KEY_USAGE_CRL_SIGN, "cRLSign"},
    {SALLY_KEY_USAGE_ENCIPHER_ONLY, "encipherOnly"},
    {SALLY_KEY_USAGE_DECIPHER_ONLY, "decipherOnly"}};

}  // namespace

std::vector<std::string> key_usages_of(const CertificateData& data) {
  std::vector<std::string> names;
  for (const auto& [bit, name] : usage_names) {
    if ((data.key_usage & bit) != 0) names.emplace_back(name);
  }
  return names;
}

std::string to_json(const CertificateData& data) {
  Json json;
  json["subject"] = data.subject;
  json["issuer"] = data.issuer;
  json["serial"] = data.serial;
  json["not_before"] = utc_time(data.not_before);
  json["not_after"] = utc_time(data.not_after);
  json["key"] = data.key;
  json["signature_algorithm"] = data.signature_algorithm;
  json["fingerprint"] = data.fingerprint;
  json["spki_pin"] = data.pin;
  json["is_ca"] = data.is_ca;
  if (data.path_length >= 0) json["path_length"] = data.path_length;
  json["key_usage"] = key_usages_of(data);
  json["extended_key_usage"] = Json::array();
  for (const ExtendedUsage& usage : data.extended_usages)
    json["extended_key_usage"].push_back({{"oid", usage.oid}, {"name", usage.name}});
  json["subject_alternative_names"] = Json::array();
  for (const AlternativeName& name : data.names) {
    json["subject_alternative_names"].push_back(
        {{"kind", kind_name(name.kind)}, {"text", name.text}});
  }
  // A subject may hold any bytes.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sally::tls
