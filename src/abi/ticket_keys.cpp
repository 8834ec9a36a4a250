#include "tls/ticket_keys.h"

#include "abi/boundary.h"
#include "abi/handles.h"
#include "abi/source.h"

#include <sallyport/ticket_keys.h>

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
using sally::tls::TicketKeys;
using sally::tls::TicketKeySource;

sally_status sally_ticket_keys_load(const char* uri, sally_ticket_keys** keys,
                                    sally_error** error) {
  return guarded(error, [&] {
    require(uri != nullptr && *uri != '\0', "uri is NULL or empty");
    require(keys != nullptr, "keys is NULL");
    *keys = new sally_ticket_keys(make_ref<TicketKeySource>(MaterialSource::at(uri)));
    return SALLY_OK;
  });
}

sally_status sally_ticket_keys_from_memory(const void* data, size_t size, sally_ticket_keys** keys,
                                           sally_error** error) {
  return guarded(error, [&] {
    require(data != nullptr, "data is NULL");
    require(keys != nullptr, "keys is NULL");
    const auto source = MaterialSource::memory({static_cast<const char*>(data), size});
    *keys = new sally_ticket_keys(make_ref<TicketKeySource>(make_ref<TicketKeys>(source)));
    return SALLY_OK;
  });
}

size_t sally_ticket_keys_size(const sally_ticket_keys* keys) {
  return keys != nullptr && !keys->inherited() ? keys->object->current()->size() : 0;
}

sally_status sally_ticket_keys_reload(sally_ticket_keys* keys, sally_error** error) {
  return guarded(error, [&] { return reload(usable(keys)); });
}

sally_status sally_ticket_keys_replace(sally_ticket_keys* keys, const sally_ticket_keys* by,
                                       sally_error** error) {
  return guarded(error, [&] { return replace(usable(keys), usable(by)); });
}

sally_status sally_ticket_keys_watch(sally_ticket_keys* keys, sally_error** error) {
  return guarded(error, [&] { return watch(usable(keys)); });
}

sally_status sally_ticket_keys_reload_status(const sally_ticket_keys* keys, sally_error** error) {
  return guarded(error, [&] { return reload_status(usable(keys)); });
}

uint64_t sally_ticket_keys_generation(const sally_ticket_keys* keys) {
  return generation(keys);
}

sally_status sally_ticket_keys_wait_change(sally_ticket_keys* keys, uint64_t generation,
                                           uint64_t* now, int64_t timeout_ms, sally_error** error) {
  return guarded(error, [&] { return wait_change(keys, generation, now, timeout_ms); });
}

sally_status sally_ticket_keys_wait_change_async(sally_ticket_keys* keys, uint64_t generation,
                                                 int64_t timeout_ms,
                                                 const sally_completion* completion,
                                                 sally_operation** operation, sally_error** error) {
  return guarded(error, [&] {
    return start_wait_change(keys, generation, timeout_ms, completion, operation);
  });
}

sally_ticket_keys* sally_ticket_keys_retain(sally_ticket_keys* keys) {
  if (keys != nullptr) keys->retain();
  return keys;
}

void sally_ticket_keys_release(sally_ticket_keys* keys) {
  if (keys != nullptr) keys->release();
}
