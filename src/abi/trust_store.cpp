#include "abi/boundary.h"
#include "abi/handles.h"
#include "tls/material.h"

#include <sallyport/trust_store.h>

using sally::make_ref;
using sally::abi::guarded;
using sally::abi::require;
using sally::abi::usable;
using sally::tls::MaterialSource;
using sally::tls::TrustInput;
using sally::tls::TrustStore;

sally_status sally_trust_store_system(sally_trust_store** store, sally_error** error) {
  return guarded(error, [&] {
    require(store != nullptr, "store is NULL");
    *store = new sally_trust_store(TrustStore::system());
    return SALLY_OK;
  });
}

sally_status sally_trust_store_load(const char* uri, sally_trust_store** store,
                                    sally_error** error) {
  return guarded(error, [&] {
    require(uri != nullptr && *uri != '\0', "uri is NULL or empty");
    require(store != nullptr, "store is NULL");
    *store = new sally_trust_store(
        make_ref<TrustStore>(TrustInput{.anchors = {MaterialSource::at(uri)}}));
    return SALLY_OK;
  });
}

sally_status sally_trust_store_from_memory(const void* data, size_t size, sally_trust_store** store,
                                           sally_error** error) {
  return guarded(error, [&] {
    require(data != nullptr, "data is NULL");
    require(store != nullptr, "store is NULL");
    const auto source = MaterialSource::memory({static_cast<const char*>(data), size});
    *store = new sally_trust_store(make_ref<TrustStore>(TrustInput{.anchors = {source}}));
    return SALLY_OK;
  });
}

sally_status sally_trust_store_merge(sally_trust_store* store, const sally_trust_store* other,
                                     sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(store);
    handle.object = TrustStore::joined(*handle.object, *usable(other).object);
    return SALLY_OK;
  });
}

sally_status sally_trust_store_add_crl(sally_trust_store* store, const char* uri,
                                       sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(store);
    require(uri != nullptr && *uri != '\0', "uri is NULL or empty");
    handle.object = handle.object->with_crls(MaterialSource::at(uri));
    return SALLY_OK;
  });
}

sally_status sally_trust_store_add_crl_from_memory(sally_trust_store* store, const void* data,
                                                   size_t size, sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(store);
    require(data != nullptr, "data is NULL");
    const auto source = MaterialSource::memory({static_cast<const char*>(data), size});
    handle.object = handle.object->with_crls(source);
    return SALLY_OK;
  });
}

size_t sally_trust_store_crl_count(const sally_trust_store* store) {
  return store != nullptr ? store->object->crls().size() : 0;
}

size_t sally_trust_store_size(const sally_trust_store* store) {
  return store != nullptr ? store->object->size() : 0;
}

sally_trust_store* sally_trust_store_retain(sally_trust_store* store) {
  if (store != nullptr) store->retain();
  return store;
}

void sally_trust_store_release(sally_trust_store* store) {
  if (store != nullptr) store->release();
}
