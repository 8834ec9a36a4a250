#include "abi/boundary.h"
#include "abi/handles.h"

#include <sallyport/trust_store.h>

using sally::make_ref;
using sally::abi::guarded;
using sally::abi::require;
using sally::tls::PemSource;
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
    *store = new sally_trust_store(make_ref<TrustStore>(PemSource::from_uri(uri)));
    return SALLY_OK;
  });
}

sally_status sally_trust_store_from_memory(const void* pem, size_t size, sally_trust_store** store,
                                           sally_error** error) {
  return guarded(error, [&] {
    require(pem != nullptr, "pem is NULL");
    require(store != nullptr, "store is NULL");
    const PemSource source = PemSource::from_memory({static_cast<const char*>(pem), size});
    *store = new sally_trust_store(make_ref<TrustStore>(source));
    return SALLY_OK;
  });
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
