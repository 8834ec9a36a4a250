#include "lib/zoo.h"

#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace sally::test {

namespace {

using nlohmann::json;

const std::string directory = SALLYPORT_ZOO_DIR "/";

std::map<std::string, json> read_index() {
  std::map<std::string, json> entries;
  const json index = json::parse(read_file(directory + "index.json"));
  for (const json& entry : index.at("entries")) {
    entries.emplace(entry.at("name").get<std::string>(), entry);
  }
  return entries;
}

std::string path_of(const std::string& name, const char* field) {
  static const std::map<std::string, json> entries = read_index();
  const auto entry = entries.find(name);
  if (entry == entries.end()) throw std::runtime_error("the zoo has no " + name);
  const json& file = entry->second.at(field);
  if (!file.is_string()) throw std::runtime_error(name + " has no " + field);
  return directory + file.get<std::string>();
}

void expect(const Result& result, const std::string& what) {
  if (!result.ok()) throw std::runtime_error(what + ": " + sally_error_json(result.error.get()));
}

}  // namespace

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string Zoo::chain_path(const std::string& name) {
  return path_of(name, "chain");
}
std::string Zoo::key_path(const std::string& name) {
  return path_of(name, "key");
}
std::string Zoo::ca_path(const std::string& name) {
  return path_of(name, "ca");
}

std::string Zoo::crl_path(const std::string& name) {
  return path_of(name, "crl");
}

Owned<sally_credential> Zoo::credential(const std::string& name) {
  Owned<sally_credential> credential;
  const std::string chain = chain_path(name);
  const std::string key = key_path(name);
  expect(called([&](sally_error** error) {
           return sally_credential_load(chain.c_str(), key.c_str(), nullptr, Out(credential),
                                        error);
         }),
         name);
  return credential;
}

Owned<sally_trust_store> Zoo::trust(const std::string& name) {
  Owned<sally_trust_store> store;
  const std::string path = ca_path(name);
  expect(called([&](sally_error** error) {
           return sally_trust_store_load(path.c_str(), Out(store), error);
         }),
         name);
  return store;
}

}  // namespace sally::test
