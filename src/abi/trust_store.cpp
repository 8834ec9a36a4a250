#include "abi/boundary.h"
#include "abi/handles.h"
#include "abi/source.h"
#include "tls/material.h"

#include <sallyport/trust_store.h>

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
using sally::tls::MaterialSource;
using sally::tls::TrustInput;
using sally::tls::TrustSource;

namespace {

void add_crls(TrustSource& store, const MaterialSource& source) {
  store.extend([&](TrustInput& input) { input.crls.push_back(source); });
}

}  // namespace

sally_status sally_trust_store_system(sally_trust_store** store, sally_error** error) {
  return guarded(error, [&] {
    require(store != nullptr, "store is NULL");
    *store = new sally_trust_store(make_ref<TrustSource>(TrustInput{.system = true}));
    return SALLY_OK;
  });
}

sally_status sally_trust_store_load(const char* uri, sally_trust_store** store,
                                    sally_error** error) {
  return guarded(error, [&] {
    require(uri != nullptr && *uri != '\0', "uri is NULL or empty");
    require(store != nullptr, "store is NULL");
    *store = new sally_trust_store(
        make_ref<TrustSource>(TrustInput{.anchors = {MaterialSource::at(uri)}}));
    return SALLY_OK;
  });
}

sally_status sally_trust_store_from_memory(const void* data, size_t size, sally_trust_store** store,
                                           sally_error** error) {
  return guarded(error, [&] {
    require(data != nullptr, "data is NULL");
    require(store != nullptr, "store is NULL");
    const auto source = MaterialSource::memory({static_cast<const char*>(data), size});
    *store = new sally_trust_store(make_ref<TrustSource>(TrustInput{.anchors = {source}}));
    return SALLY_OK;
  });
}

sally_status sally_trust_store_merge(sally_trust_store* store, const sally_trust_store* other,
                                     sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(store);
    const auto more = usable(other).object->input();
    require(more.has_value(), "other has no source");
    handle.object->extend([&](TrustInput& input) {
      input.system = input.system || more->system;
      input.anchors.insert(input.anchors.end(), more->anchors.begin(), more->anchors.end());
      input.crls.insert(input.crls.end(), more->crls.begin(), more->crls.end());
    });
    return SALLY_OK;
  });
}

sally_status sally_trust_store_add_crl(sally_trust_store* store, const char* uri,
                                       sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(store);
    require(uri != nullptr && *uri != '\0', "uri is NULL or empty");
    add_crls(*handle.object, MaterialSource::at(uri));
    return SALLY_OK;
  });
}

sally_status sally_trust_store_add_crl_from_memory(sally_trust_store* store, const void* data,
                                                   size_t size, sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(store);
    require(data != nullptr, "data is NULL");
    const auto source = MaterialSource::memory({static_cast<const char*>(data), size});
    add_crls(*handle.object, source);
    return SALLY_OK;
  });
}

size_t sally_trust_store_crl_count(const sally_trust_store* store) {
  return store != nullptr && !store->inherited() ? store->object->current()->crls().size() : 0;
}

size_t sally_trust_store_size(const sally_trust_store* store) {
  return store != nullptr && !store->inherited() ? store->object->current()->size() : 0;
}

int64_t sally_trust_store_not_after(const sally_trust_store* store) {
  if (store == nullptr || store->inherited()) return 0;
  return store->object->current()->not_after();
}

int64_t sally_trust_store_next_update(const sally_trust_store* store) {
  if (store == nullptr || store->inherited()) return 0;
  return store->object->current()->next_update();
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

sally_status sally_trust_store_wait_change(sally_trust_store* store, uint64_t generation,
                                           uint64_t* now, int64_t timeout_ms, sally_error** error) {
  return guarded(error, [&] { return wait_change(store, generation, now, timeout_ms); });
}

sally_status sally_trust_store_wait_change_async(sally_trust_store* store, uint64_t generation,
                                                 int64_t timeout_ms,
                                                 const sally_completion* completion,
                                                 sally_operation** operation, sally_error** error) {
  return guarded(error, [&] {
    return start_wait_change(store, generation, timeout_ms, completion, operation);
  });
}

sally_trust_store* sally_trust_store_retain(sally_trust_store* store) {
  if (store != nullptr) store->retain();
  return store;
}

void sally_trust_store_release(sally_trust_store* store) {
  if (store != nullptr) store->release();
}
