// An inventory for a person.
#include "pki_inventory.h"
#include "pki_text.h"

#include <chrono>
#include <cstdint>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <ostream>
#include <utility>

namespace pki {

namespace {

// Names of RFC 5280 section 4.2.1.3.
constexpr std::pair<std::uint32_t, const char*> usages[] = {
    {SALLY_KEY_USAGE_DIGITAL_SIGNATURE, "digitalSignature"},
    {SALLY_KEY_USAGE_NON_REPUDIATION, "nonRepudiation"},
    {SALLY_KEY_USAGE_KEY_ENCIPHERMENT, "keyEncipherment"},
    {SALLY_KEY_USAGE_DATA_ENCIPHERMENT, "dataEncipherment"},
    {SALLY_KEY_USAGE_KEY_AGREEMENT, "keyAgreement"},
    {SALLY_KEY_USAGE_CERT_SIGN, "keyCertSign"},
    {SALLY_KEY_USAGE_CRL_SIGN, "cRLSign"},
    {SALLY_KEY_USAGE_ENCIPHER_ONLY, "encipherOnly"},
    {SALLY_KEY_USAGE_DECIPHER_ONLY, "decipherOnly"}};

void add(std::string& list, std::string_view item) {
  if (!list.empty()) list += ", ";
  list += item;
}

std::string names_of(const sally::Certificate& certificate) {
  std::string list;
  for (const sally::AlternativeName& name : certificate.alternative_names()) {
    const char* kind = name.kind == SALLY_NAME_DNS     ? "DNS:"
                       : name.kind == SALLY_NAME_IP    ? "IP:"
                       : name.kind == SALLY_NAME_EMAIL ? "e-mail:"
                       : name.kind == SALLY_NAME_URI   ? "URI:"
                                                       : "other kind";
    add(list, kind + std::string(name.text));
  }
  return list.empty() ? "none" : list;
}

std::string usages_of(const sally::Certificate& certificate) {
  std::string list;
  for (const auto& [bit, name] : usages) {
    if ((certificate.key_usage() & bit) != 0) add(list, name);
  }
  return list.empty() ? "any" : list;
}

std::string extended_usages_of(const sally::Certificate& certificate) {
  std::string list;
  for (const sally::ExtendedUsage& usage : certificate.extended_usages()) add(list, usage.name);
  return list.empty() ? "any" : list;
}

std::string authority_of(const sally::Certificate& certificate) {
  if (!certificate.is_ca()) return "no";
  const auto json = nlohmann::json::parse(certificate.json().text());
  const auto length = json.find("path_length");
  return length != json.end() ? "yes, path length " + length->dump() : "yes";
}

std::string counted(long long days) {
  return std::to_string(days) + (days == 1 ? " day" : " days");
}

std::string validity_of(const sally::Certificate& certificate) {
  const std::string range = utc(certificate.not_before().time_since_epoch().count()) + " to " +
                            utc(certificate.not_after().time_since_epoch().count()) + ", ";
  const auto now = this_second();
  const long long left = days_left(certificate);
  if (now < certificate.not_before()) {
    const auto until = std::chrono::ceil<std::chrono::days>(certificate.not_before() - now).count();
    return range + coloured("not valid before " + counted(until), Colour::red);
  }
  if (left < 0) {
    const auto over = std::chrono::floor<std::chrono::days>(now - certificate.not_after()).count();
    return range +
           coloured(over > 0 ? "expired " + counted(over) + " ago" : "expired today", Colour::red);
  }
  const std::string rest = left > 0 ? counted(left) + " left" : "less than a day left";
  return range + coloured(rest, left < 30 ? Colour::yellow : Colour::green);
}

class Writer {
 public:
  Writer(const Inventory& inventory, std::ostream& out) : files_(inventory.files()), out_(out) {}

  void write(const ShownFile& file) {
    out_ << coloured(file.path, Colour::bold) << '\n';
    for (std::size_t i = 0; i < file.certificates.size(); ++i)
      write(file.certificates[i], i + 1, file.certificates.size());
    for (const ShownKey& key : file.keys) write(key, file.key_for_all);
    for (const ShownCrl& crl : file.crls) write(crl);
  }

 private:
  void field(const char* name, std::string_view text) {
    out_ << "    " << std::left << std::setw(16) << name << text << '\n';
  }

  std::string name_of(const Place& place, bool of_certificate) const {
    const ShownFile& file = files_[place.file];
    const std::size_t count = of_certificate ? file.certificates.size() : file.keys.size();
    return count > 1 ? file.path + " (" + std::to_string(place.index + 1) + ")" : file.path;
  }
  std::string list(const std::vector<Place>& places, bool of_certificates) const {
    std::string text;
    for (const Place& place : places) add(text, name_of(place, of_certificates));
    return text;
  }

  void write(const ShownCertificate& shown, std::size_t number, std::size_t count) {
    const sally::Certificate& certificate = shown.certificate;
    out_ << "  certificate";
    if (count > 1) out_ << ' ' << number << " of " << count;
    out_ << '\n';
    field("subject", certificate.subject().empty() ? "none" : certificate.subject());
    field("issuer", certificate.issuer());
    field("names", names_of(certificate));
    field("valid", validity_of(certificate));
    field("CA", authority_of(certificate));
    field("key usage", usages_of(certificate));
    field("extended usage", extended_usages_of(certificate));
    field("key", certificate.key());
    field("signed with", certificate.signature_algorithm());
    field("serial", certificate.serial());
    field("SHA-256", certificate.fingerprint());
    field("SHA-1", shown.sha1);
    field("pin", certificate.spki_pin());
    if (!shown.keys.empty()) field("private key", list(shown.keys, false));
  }

  void write(const ShownKey& key, bool for_all) {
    out_ << "  private key\n";
    field("key", key.kind);
    field("pin", key.pin);
    field("matches", key.certificates.empty() ? coloured("no certificate of these", Colour::red)
                                              : list(key.certificates, true));
    if (for_all)
      field("mode", coloured("others than the owner have access to the file", Colour::yellow));
  }

  void write(const ShownCrl& crl) {
    out_ << "  revocation list\n";
    field("issuer", crl.issuer);
    field("valid", utc(crl.this_update) + " to " +
                       (crl.next_update != 0 ? utc(crl.next_update) : "an end that is not said"));
    field("revoked",
          std::to_string(crl.revoked) + (crl.revoked == 1 ? " certificate" : " certificates"));
  }

  const std::vector<ShownFile>& files_;
  std::ostream& out_;
};

}  // namespace

void print_text(const Inventory& inventory, std::ostream& out) {
  Writer writer(inventory, out);
  for (const ShownFile& file : inventory.files()) {
    if (file.error.empty()) writer.write(file);
  }
}

}  // namespace pki
