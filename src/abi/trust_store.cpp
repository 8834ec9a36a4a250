#include "abi/boundary.h"
#include "abi/handles.h"
#include "abi/source.h"
#include "tls/origins.h"

#include <sallyport/trust_store.h>

using sally::make_ref;
using sally::abi::generation;
using sally::abi::guarded;
using sally::abi::reload;
using sally::abi::reload_status;
using sally::abi::replace;
using sally::abi::require;
using sally::abi::usable;
using sally::abi::watch;
using sally::tls::PemSource;
using sally::tls::TrustSource;
using sally::tls::TrustStore;

sally_status sally_trust_store_system(sally_trust_store** store, sally_error** error) {
  return guarded(error, [&] {
    require(store != nullptr, "store is NULL");
    *store = new sally_trust_store(make_ref<TrustSource>(sally::tls::system_trust()));
    return SALLY_OK;
  });
}

sally_status sally_trust_store_load(const char* uri, sally_trust_store** store,
                                    sally_error** error) {
  return guarded(error, [&] {
    require(uri != nullptr && *uri != '\0', "uri is NULL or empty");
    require(store != nullptr, "store is NULL");
    *store = new sally_trust_store(make_ref<TrustSource>(sally::tls::trust_files(uri)));
    return SALLY_OK;
  });
}

sally_status sally_trust_store_from_memory(const void* pem, size_t size, sally_trust_store** store,
                                           sally_error** error) {
  return guarded(error, [&] {
    require(pem != nullptr, "pem is NULL");
    require(store != nullptr, "store is NULL");
    const PemSource source = PemSource::from_memory({static_cast<const char*>(pem), size});
    *store = new sally_trust_store(make_ref<TrustSource>(make_ref<TrustStore>(source)));
    return SALLY_OK;
  });
}

size_t sally_trust_store_size(const sally_trust_store* store) {
  return store != nullptr && !store->inherited() ? store->object->current()->size() : 0;
}

sally_status sally_trust_store_reload(sally_trust_store* store, sally_error** error) {
  return guarded(error, [&] { return reload(usable(store)); });
}

sally_status sally_trust_store_replace(sally_trust_store* store, const sally_trust_store* by,
                                       sally_error** error) {
  return guarded(error, [&] { return replace(usable(store), usable(by)); });
}

sally_status sally_trust_store_watch(sally_trust_store* store, sally_error** error) {
  return guarded(error, [&] { return watch(usable(store)); });
}

sally_status sally_trust_store_reload_status(const sally_trust_store* store, sally_error** error) {
  return guarded(error, [&] { return reload_status(usable(store)); });
}

uint64_t sally_trust_store_generation(const sally_trust_store* store) {
  return generation(store);
}

sally_trust_store* sally_trust_store_retain(sally_trust_store* store) {
  if (store != nullptr) store->retain();
  return store;
}

void sally_trust_store_release(sally_trust_store* store) {
  if (store != nullptr) store->release();
}
