#include "pki_naming.h"

#include "pki_failure.h"

#include <algorithm>

#include <sallyport/certificate.h>

namespace pki {

namespace {

void add_once(std::vector<Name>& names, Name name) {
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
}

// An X.509-SVID bears one URI, its SPIFFE ID; with two of them nobody takes it.
void check_spiffe(const std::vector<Name>& names) {
  const auto is_uri = [](const Name& name) { return name.kind == SALLY_NAME_URI; };
  const auto is_spiffe = [](const Name& name) {
    return name.kind == SALLY_NAME_URI && name.text.starts_with("spiffe:");
  };
  if (std::any_of(names.begin(), names.end(), is_spiffe) &&
      std::count_if(names.begin(), names.end(), is_uri) > 1) {
    throw Unusable("a certificate with a SPIFFE ID has no other URI");
  }
}

}  // namespace

void NameOptions::add_to(CLI::App& command) {
  command
      .add_option("name", any,
                  "host names, IP addresses, e-mail addresses, URIs, told apart by their looks")
      ->type_name("NAME");
  const auto add = [&](const char* option, std::vector<std::string>& names, const char* what) {
    command.add_option(option, names, what)->type_name("NAME")->allow_extra_args(false);
  };
  add("--dns", dns, "a host name, whatever it looks like; repeatable, like the next ones");
  add("--ip", ip, "an IP address");
  add("--uri", uri, "a URI, a SPIFFE ID for example");
  add("--email", email, "an e-mail address");
}

std::vector<Name> NameOptions::read(Role role) const {
  std::vector<Name> names;
  for (const std::string& word : any) {
    for (Name& name : names_for(role, word)) add_once(names, std::move(name));
  }
  const auto add = [&](std::int32_t kind, const std::vector<std::string>& words) {
    for (const std::string& word : words) add_once(names, name_of_kind(kind, word));
  };
  add(SALLY_NAME_DNS, dns);
  add(SALLY_NAME_IP, ip);
  add(SALLY_NAME_URI, uri);
  add(SALLY_NAME_EMAIL, email);
  if (names.empty()) throw Unusable("a certificate needs a name");
  check_spiffe(names);
  return names;
}

std::vector<Name> names_for(Role role, const std::string& word) {
  std::vector<Name> names{recognise(word)};
  if (role == Role::server && word == "localhost") {
    names.push_back(recognise("127.0.0.1"));
    names.push_back(recognise("::1"));
  }
  return names;
}

std::string file_name_of(const Name& name) {
  std::string text;
  for (const char c : name.text.starts_with("*.") ? "wildcard" + name.text.substr(1) : name.text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '@';
    if (plain) {
      text += c;
    } else if (text.empty() || text.back() != '_') {
      text += '_';
    }
  }
  if (text.front() == '.' || text.front() == '-') text.insert(0, "_");
  constexpr std::size_t longest = 200;  // most file systems end at 255
  if (text.size() > longest) text.resize(longest);
  return text;
}

}  // namespace pki
