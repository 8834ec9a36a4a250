#include "abi/boundary.h"
#include "abi/handles.h"
#include "tls/ocsp.h"

#include <sallyport/credential.h>

using sally::make_ref;
using sally::abi::guarded;
using sally::abi::require;
using sally::abi::usable;
using sally::tls::Credential;
using sally::tls::PemSource;

namespace {

constexpr std::size_t largest_response = 0xffffff;  // RFC 6066 section 8

}  // namespace

sally_status sally_credential_load(const char* chain_uri, const char* key_uri,
                                   const char* passphrase, sally_credential** credential,
                                   sally_error** error) {
  return guarded(error, [&] {
    require(chain_uri != nullptr && *chain_uri != '\0', "chain_uri is NULL or empty");
    require(credential != nullptr, "credential is NULL");
    const PemSource chain = PemSource::from_uri(chain_uri);
    auto loaded = key_uri == nullptr
                      ? make_ref<Credential>(chain, chain, passphrase)
                      : make_ref<Credential>(chain, PemSource::from_uri(key_uri), passphrase);
    *credential = new sally_credential(std::move(loaded));
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
    const PemSource chain_pem =
        PemSource::from_memory({static_cast<const char*>(chain), chain_size});
    auto loaded =
        key == nullptr
            ? make_ref<Credential>(chain_pem, chain_pem, passphrase)
            : make_ref<Credential>(
                  chain_pem, PemSource::from_memory({static_cast<const char*>(key), key_size}),
                  passphrase);
    *credential = new sally_credential(std::move(loaded));
    return SALLY_OK;
  });
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

sally_status sally_credential_set_ocsp_response(sally_credential* credential, const void* response,
                                                size_t size, sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(credential);
    require(response != nullptr || size == 0, "response is NULL, but size is not 0");
    require(size <= largest_response, "response is larger than 16777215 bytes");
    sally::tls::set_staple(*handle.object, {static_cast<const char*>(response), size});
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
