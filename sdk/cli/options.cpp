#include "options.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cmath>
#include <fstream>
#include <map>
#include <stdexcept>
#include <system_error>

namespace {

constexpr std::size_t longest_file = std::size_t{16} << 20;

// An empty service: this is no endpoint.
Endpoint split(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return {};
  const std::string host = text.substr(0, colon);
  const std::string service = text.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return {host.substr(1, host.size() - 2), service};
  }
  if (host.find_first_of(":[]") != std::string::npos) return {};  // "::1:4433" means two things
  return {host, service};
}

std::string check_port(const std::string& service) {
  if (service.find_first_not_of("0123456789") != std::string::npos) return "";  // a name
  if (service.size() > 5 || std::stoi(service) > 65535)
    return "port " + service + " is above 65535";
  return "";
}

// "nan" is in every range: it is neither below nor above anything.
CLI::Validator is_a_number() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        double number = 0;
        const bool good = CLI::detail::lexical_cast(text, number) && std::isfinite(number);
        return good ? "" : text + " is not a number";
      },
      "");
}

std::string first_line(const std::string& path) {
  std::string text = read_file(path);
  return text.substr(0, text.find_first_of("\r\n"));
}

}  // namespace

std::string to_text(const Endpoint& endpoint) {
  const bool is_v6 = endpoint.host.find(':') != std::string::npos;
  return (is_v6 ? '[' + endpoint.host + ']' : endpoint.host) + ':' + endpoint.service;
}

Endpoint parse_endpoint(const std::string& text) {
  Endpoint endpoint = split(text);
  if (endpoint.service.empty()) {
    throw CLI::ValidationError(text + " is not HOST:PORT (IPv6 as [::1]:4433)");
  }
  const std::string wrong = check_port(endpoint.service);
  if (!wrong.empty()) throw CLI::ValidationError(wrong);
  return endpoint;
}

CLI::Validator is_endpoint() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        const Endpoint endpoint = split(text);
        if (endpoint.service.empty()) return text + " is not HOST:PORT (IPv6 as [::1]:4433)";
        return check_port(endpoint.service);
      },
      "");
}

void add_trust_option(CLI::App& app, Identity& identity, const std::string& flag,
                      const std::string& help) {
  app.add_option(flag, identity.ca, help)->type_name("FILE")->allow_extra_args(false);
}

void add_credential_options(CLI::App& app, Identity& identity) {
  auto* cert =
      app.add_option("--cert", identity.cert, "certificate chain of this side: PEM, DER or PKCS#12")
          ->type_name("FILE");
  app.add_option("--key", identity.key, "its private key, if it is not with the chain")
      ->type_name("FILE")
      ->needs(cert);
  app.add_option("--passphrase-file", identity.passphrase_file,
                 "file whose first line is the passphrase of the key")
      ->type_name("FILE")
      ->needs(cert);
}

std::optional<sally::TrustStore> load_trust(const std::vector<std::string>& files) {
  if (files.empty()) return std::nullopt;
  auto store = sally::TrustStore::from_file(files.front());
  for (std::size_t i = 1; i < files.size(); ++i)
    store.merge(sally::TrustStore::from_file(files[i]));
  return store;
}

sally::Credential load_credential(const Identity& identity) {
  const bool apart = !identity.key.empty();
  if (identity.passphrase_file.empty()) {
    return apart ? sally::Credential::from_files(identity.cert, identity.key)
                 : sally::Credential::from_file(identity.cert);
  }
  const std::string passphrase = first_line(identity.passphrase_file);
  return apart ? sally::Credential::from_files(identity.cert, identity.key, passphrase)
               : sally::Credential::from_file(identity.cert, passphrase);
}

CLI::Option* add_version_option(CLI::App& app, const std::string& flag, std::int32_t& version,
                                const std::string& help) {
  const std::map<std::string, std::int32_t> versions{{"1.2", SALLY_TLS_1_2},
                                                     {"1.3", SALLY_TLS_1_3}};
  return app.add_option(flag, version, help)
      ->transform(CLI::CheckedTransformer(versions).description("{1.2,1.3}"))
      ->type_name("VERSION");
}

CLI::Option* add_timeout_option(CLI::App& app, double& seconds, const std::string& help) {
  return app.add_option("--timeout", seconds, help)
      ->check(CLI::Range(0.001, 86400.0))
      ->check(is_a_number())
      ->type_name("SECONDS")
      ->capture_default_str();
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  std::array<char, 65536> part;
  while (file && text.size() <= longest_file) {
    file.read(part.data(), part.size());
    text.append(part.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (file.eof()) return text;
  const std::string why =
      text.size() > longest_file ? "more than 16 MiB" : std::generic_category().message(errno);
  throw std::runtime_error("cannot read '" + path + "': " + why);
}

bool is_address(const std::string& name) {
  std::array<unsigned char, sizeof(in6_addr)> bytes;
  const std::string bare = name.substr(0, name.find('%'));
  return ::inet_pton(AF_INET, bare.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, bare.c_str(), bytes.data()) == 1;
}
