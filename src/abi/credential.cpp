#include "abi/boundary.h"
#include "abi/bytes.h"
#include "abi/handles.h"
#include "abi/source.h"
#include "tls/material.h"
#include "tls/ocsp.h"

#include <memory>
#include <optional>
#include <string>

#include <sallyport/credential.h>

using sally::make_ref;
using sally::abi::generation;
using sally::abi::guarded;
using sally::abi::reload;
using sally::abi::reload_status;
using sally::abi::replace;
using sally::abi::require;
using sally::abi::start_wait_change;
using sally::abi::usable;
using sally::abi::wait_change;
using sally::abi::watch;
using sally::tls::Credential;
using sally::tls::CredentialInput;
using sally::tls::CredentialSource;
using sally::tls::MaterialSource;
using sally::tls::Secret;

namespace {

std::shared_ptr<const Secret> secret(const char* passphrase) {
  return passphrase != nullptr ? std::make_shared<const Secret>(passphrase) : nullptr;
}

}  // namespace

namespace {

constexpr std::size_t largest_response = 0xffffff;  // RFC 6066 section 8

}  // namespace

sally_status sally_credential_load(const char* chain_uri, const char* key_uri,
                                   const char* passphrase, sally_credential** credential,
                                   sally_error** error) {
  return guarded(error, [&] {
    require(chain_uri != nullptr && *chain_uri != '\0', "chain_uri is NULL or empty");
    require(credential != nullptr, "credential is NULL");
    CredentialInput input{MaterialSource::at(chain_uri), std::nullopt, secret(passphrase)};
    if (key_uri != nullptr) input.key = MaterialSource::at(key_uri);
    *credential = new sally_credential(make_ref<CredentialSource>(std::move(input)));
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
    *credential = new sally_credential(make_ref<CredentialSource>(make_ref<Credential>(input)));
    return SALLY_OK;
  });
}

sally_status sally_credential_from_certificates(const void* chain, size_t chain_size,
                                                sally_credential** credential,
                                                sally_error** error) {
  return guarded(error, [&] {
    require(chain != nullptr, "chain is NULL");
    require(credential != nullptr, "credential is NULL");
    const CredentialInput input{
        .chain = MaterialSource::memory({static_cast<const char*>(chain), chain_size}),
        .asks_program = true};
    *credential = new sally_credential(make_ref<CredentialSource>(make_ref<Credential>(input)));
    return SALLY_OK;
  });
}

sally_status sally_credential_load_certificates(const char* chain_uri,
                                                sally_credential** credential,
                                                sally_error** error) {
  return guarded(error, [&] {
    require(chain_uri != nullptr && *chain_uri != '\0', "chain_uri is NULL or empty");
    require(credential != nullptr, "credential is NULL");
    CredentialInput input{.chain = MaterialSource::at(chain_uri), .asks_program = true};
    *credential = new sally_credential(make_ref<CredentialSource>(std::move(input)));
    return SALLY_OK;
  });
}

sally_status sally_credential_copy_warnings(const sally_credential* credential, sally_bytes** text,
                                            sally_error** error) {
  return guarded(error, [&] {
    const auto& handle = usable(credential);
    require(text != nullptr, "text is NULL");
    std::string lines;
    for (const std::string& warning : handle.object->current()->warnings()) lines += warning + "\n";
    *text = sally::abi::to_bytes(lines);
    return SALLY_OK;
  });
}

sally_status sally_credential_copy_certificate(const sally_credential* credential,
                                               sally_certificate** certificate,
                                               sally_error** error) {
  return guarded(error, [&] {
    const auto& handle = usable(credential);
    require(certificate != nullptr, "certificate is NULL");
    *certificate = sally::tls::describe(handle.object->current()->certificate()).detach();
    return SALLY_OK;
  });
}

sally_status sally_credential_reload(sally_credential* credential, sally_error** error) {
  return guarded(error, [&] { return reload(usable(credential)); });
}

sally_status sally_credential_replace(sally_credential* credential, const sally_credential* by,
                                      sally_error** error) {
  return guarded(error, [&] { return replace(usable(credential), usable(by)); });
}

sally_status sally_credential_watch(sally_credential* credential, sally_error** error) {
  return guarded(error, [&] { return watch(usable(credential)); });
}

sally_status sally_credential_reload_status(const sally_credential* credential,
                                            sally_error** error) {
  return guarded(error, [&] { return reload_status(usable(credential)); });
}

uint64_t sally_credential_generation(const sally_credential* credential) {
  return generation(credential);
}

sally_status sally_credential_wait_change(sally_credential* credential, uint64_t generation,
                                          uint64_t* now, int64_t timeout_ms, sally_error** error) {
  return guarded(error, [&] { return wait_change(credential, generation, now, timeout_ms); });
}

sally_status sally_credential_wait_change_async(sally_credential* credential, uint64_t generation,
                                                int64_t timeout_ms,
                                                const sally_completion* completion,
                                                sally_operation** operation, sally_error** error) {
  return guarded(error, [&] {
    return start_wait_change(credential, generation, timeout_ms, completion, operation);
  });
}

int64_t sally_credential_not_after(const sally_credential* credential) {
  if (credential == nullptr || credential->inherited()) return 0;
  return credential->object->current()->not_after();
}

sally_status sally_credential_set_ocsp_response(sally_credential* credential, const void* response,
                                                size_t size, sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(credential);
    require(response != nullptr || size == 0, "response is NULL, but size is not 0");
    require(size <= largest_response, "response is larger than 16777215 bytes");
    sally::tls::set_staple(*handle.object->current(), {static_cast<const char*>(response), size});
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
