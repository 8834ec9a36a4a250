#include "abi/boundary.h"
#include "abi/handles.h"
#include "tls/material.h"

#include <memory>
#include <optional>

#include <sallyport/credential.h>

using sally::make_ref;
using sally::abi::guarded;
using sally::abi::require;
using sally::abi::usable;
using sally::tls::Credential;
using sally::tls::CredentialInput;
using sally::tls::MaterialSource;
using sally::tls::Secret;

namespace {

std::shared_ptr<const Secret> secret(const char* passphrase) {
  return passphrase != nullptr ? std::make_shared<const Secret>(passphrase) : nullptr;
}

}  // namespace

sally_status sally_credential_load(const char* chain_uri, const char* key_uri,
                                   const char* passphrase, sally_credential** credential,
                                   sally_error** error) {
  return guarded(error, [&] {
    require(chain_uri != nullptr && *chain_uri != '\0', "chain_uri is NULL or empty");
    require(credential != nullptr, "credential is NULL");
    CredentialInput input{MaterialSource::at(chain_uri), std::nullopt, secret(passphrase)};
    if (key_uri != nullptr) input.key = MaterialSource::at(key_uri);
    *credential = new sally_credential(make_ref<Credential>(input));
    return SALLY_OK;
  });
}

sally_status sally_credential_from_memory(const void* chain, size_t chain_size, const void* key,
                                          size_t key_size, const char* passphrase,
                                          sally_credential** credential, sally_error** error) {
  return guarded(error, [&] {
    require(chain != nullptr, "chain is NULL");
    require(key != nullptr || key_size == 0, "key is NULL, but key_size is not 0");
    require(credential != nullptr, "credential is NULL");
    CredentialInput input{MaterialSource::memory({static_cast<const char*>(chain), chain_size}),
                          std::nullopt, secret(passphrase)};
    if (key != nullptr)
      input.key = MaterialSource::memory({static_cast<const char*>(key), key_size});
    *credential = new sally_credential(make_ref<Credential>(input));
    return SALLY_OK;
  });
}

size_t sally_credential_warning_count(const sally_credential* credential) {
  return credential != nullptr ? credential->object->warnings().size() : 0;
}

const char* sally_credential_warning(const sally_credential* credential, size_t index) {
  const bool there = index < sally_credential_warning_count(credential);
  return there ? credential->object->warnings()[index].c_str() : nullptr;
}

sally_status sally_credential_copy_certificate(const sally_credential* credential,
                                               sally_certificate** certificate,
                                               sally_error** error) {
  return guarded(error, [&] {
    const auto& handle = usable(credential);
    require(certificate != nullptr, "certificate is NULL");
    *certificate = sally::tls::describe(handle.object->certificate()).detach();
    return SALLY_OK;
  });
}

sally_credential* sally_credential_retain(sally_credential* credential) {
  if (credential != nullptr) credential->retain();
  return credential;
}

void sally_credential_release(sally_credential* credential) {
  if (credential != nullptr) credential->release();
}
