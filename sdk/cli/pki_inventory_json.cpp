// An inventory for a program.
#include "pki_inventory.h"
#include "pki_text.h"

#include <nlohmann/json.hpp>
#include <ostream>

namespace pki {

namespace {

using Json = nlohmann::ordered_json;

Json places(const std::vector<Place>& all, const std::vector<ShownFile>& files) {
  Json list = Json::array();
  for (const Place& place : all)
    list.push_back({{"file", files[place.file].path}, {"index", place.index}});
  return list;
}

// What the library says of it, as sally_certificate_copy_json describes, and what a file adds.
Json json_of(const ShownCertificate& shown, const std::vector<ShownFile>& files) {
  Json json = Json::parse(shown.certificate.json().text());
  json["days_left"] = days_left(shown.certificate);
  json["sha1_fingerprint"] = shown.sha1;
  json["private_keys"] = places(shown.keys, files);
  return json;
}

Json json_of(const ShownKey& key, const std::vector<ShownFile>& files) {
  return {
      {"key", key.kind}, {"spki_pin", key.pin}, {"certificates", places(key.certificates, files)}};
}

std::string rfc3339(long long seconds) {
  std::string text = utc(seconds);
  if (text.size() > 10) text[10] = 'T';
  return text;
}

Json json_of(const ShownCrl& crl) {
  return {{"issuer", crl.issuer},
          {"this_update", rfc3339(crl.this_update)},
          {"next_update", crl.next_update != 0 ? Json(rfc3339(crl.next_update)) : Json()},
          {"revoked", crl.revoked}};
}

Json json_of(const ShownFile& file, const std::vector<ShownFile>& files) {
  Json json{{"file", file.path}};
  if (!file.error.empty()) {
    json["error"] = file.error;
    return json;
  }
  json["certificates"] = Json::array();
  for (const ShownCertificate& each : file.certificates)
    json["certificates"].push_back(json_of(each, files));
  json["private_keys"] = Json::array();
  for (const ShownKey& each : file.keys) json["private_keys"].push_back(json_of(each, files));
  json["crls"] = Json::array();
  for (const ShownCrl& each : file.crls) json["crls"].push_back(json_of(each));
  if (!file.keys.empty()) json["readable_by_others"] = file.key_for_all;
  return json;
}

}  // namespace

void print_json(const Inventory& inventory, std::ostream& out) {
  Json json{{"files", Json::array()}};
  for (const ShownFile& file : inventory.files())
    json["files"].push_back(json_of(file, inventory.files()));
  // A path may hold any bytes.
  out << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
}

}  // namespace pki
