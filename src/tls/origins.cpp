#include "tls/origins.h"

#include "tls/credential.h"
#include "tls/pem.h"
#include "tls/secret.h"
#include "tls/trust_store.h"

#include <memory>
#include <optional>

namespace sally::tls {

namespace {

// How often a chain and a key that do not match are read again: they may have been read while both
// were being replaced.
constexpr int most_readings = 3;

struct CredentialFiles {
  std::string chain;
  std::optional<std::string> key;
  std::optional<Secret> passphrase;

  Ref<Credential> read() const {
    const PemSource chain_source = PemSource::from_uri(chain);
    const char* phrase = passphrase ? passphrase->c_str() : nullptr;
    if (!key) return make_ref<Credential>(chain_source, chain_source, phrase);
    return make_ref<Credential>(chain_source, PemSource::from_uri(*key), phrase);
  }

  Ref<Credential> load() const {
    for (int reading = 1;; ++reading) {
      try {
        return read();
      } catch (const Failure& failure) {
        const bool torn = failure.error()->status() == SALLY_CREDENTIAL_KEY_MISMATCH;
        if (!torn || !key || reading == most_readings) throw;
      }
    }
  }
};

}  // namespace

Origin<Credential> credential_files(const char* chain_uri, const char* key_uri,
                                    const char* passphrase) {
  auto files = std::make_shared<CredentialFiles>();
  files->chain = chain_uri;
  std::vector<std::string> paths = {path_of(files->chain)};
  if (key_uri != nullptr) {
    files->key = key_uri;
    paths.push_back(path_of(*files->key));
  }
  if (passphrase != nullptr) files->passphrase.emplace(passphrase);
  return {.load = [files = std::shared_ptr<const CredentialFiles>(files)] { return files->load(); },
          .files = std::move(paths)};
}

Origin<TrustStore> trust_files(const char* uri) {
  return {
      .load = [uri = std::string(uri)] { return make_ref<TrustStore>(PemSource::from_uri(uri)); },
      .files = {path_of(uri)}};
}

Origin<TrustStore> system_trust() {
  return {.load = [] { return TrustStore::system(); }, .files = TrustStore::system_files()};
}

}  // namespace sally::tls
