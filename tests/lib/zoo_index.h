// The certificate zoo: its index, and its files loaded as this library loads them.
#pragma once

#include "status/ref.h"
#include "tls/credential.h"
#include "tls/material.h"
#include "tls/pem.h"
#include "tls/trust_store.h"

#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sally::test {

// A row of index.json; "" and -1 stand for null. certs/README.md says what the fields mean.
struct ZooEntry {
  std::string name, role, loads, chain, key, passphrase, ca, crl, verify_name, loading, expected;
  int depth = -1;

  bool has_passphrase = false;
};

inline std::string zoo_path(const std::string& file) {
  return std::string(SALLYPORT_ZOO_DIR "/") + file;
}

inline std::string read_text_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline const std::vector<ZooEntry>& zoo() {
  static const std::vector<ZooEntry> entries = [] {
    std::vector<ZooEntry> all;
    const auto index = nlohmann::json::parse(read_text_file(zoo_path("index.json")));
    for (const auto& row : index.at("entries")) {
      const auto text = [&row](const char* field) {
        const auto& value = row.at(field);
        return value.is_null() ? std::string() : value.get<std::string>();
      };
      all.push_back({.name = text("name"),
                     .role = text("role"),
                     .loads = text("loads"),
                     .chain = text("chain"),
                     .key = text("key"),
                     .passphrase = text("passphrase"),
                     .ca = text("ca"),
                     .crl = text("crl"),
                     .verify_name = text("verify_name"),
                     .loading = text("loading"),
                     .expected = text("expected"),
                     .depth = row.at("depth").is_null() ? -1 : row.at("depth").get<int>(),
                     .has_passphrase = !row.at("passphrase").is_null()});
    }
    return all;
  }();
  return entries;
}

inline const ZooEntry& zoo(std::string_view name) {
  for (const ZooEntry& entry : zoo()) {
    if (entry.name == name) return entry;
  }
  throw std::runtime_error("the zoo has no " + std::string(name));
}

// As sally_credential_load does; throws Failure.
inline Ref<tls::Credential> load_credential(const ZooEntry& entry) {
  tls::CredentialInput input{.chain = tls::MaterialSource::at(zoo_path(entry.chain))};
  if (!entry.key.empty()) input.key = tls::MaterialSource::at(zoo_path(entry.key));
  if (entry.has_passphrase) input.passphrase = std::make_shared<tls::Secret>(entry.passphrase);
  return make_ref<tls::Credential>(input);
}

inline Ref<tls::Credential> credential(std::string_view name) {
  return load_credential(zoo(name));
}

inline Ref<tls::TrustStore> trust_file(const std::string& file) {
  return make_ref<tls::TrustStore>(tls::PemSource::from_uri(zoo_path(file)));
}

// By the name of an authority: "root", "other"; or of a file's entry.
inline Ref<tls::TrustStore> trust(const std::string& authority) {
  if (authority.starts_with("file-")) return trust_file(zoo(authority).ca);
  return trust_file("ca-" + authority + ".pem");
}

}  // namespace sally::test
