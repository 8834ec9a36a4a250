#include "status/table.h"
#include "tls/native_names.h"

#include <sallyport/status.h>

using sally::status::Row;

const char* sally_status_name(sally_status status) {
  const Row* row = sally::status::find(status);
  return row != nullptr ? row->name : nullptr;
}

const char* sally_status_message(sally_status status) {
  const Row* row = sally::status::find(status);
  return row != nullptr ? row->message : nullptr;
}

const char* sally_status_hint(sally_status status) {
  const Row* row = sally::status::find(status);
  return row != nullptr ? row->hint : nullptr;
}

int32_t sally_status_layer(sally_status status) {
  const Row* row = sally::status::find(status);
  return row != nullptr ? row->layer : -1;
}

static bool domain_exists(int32_t domain) {
  return domain > SALLY_DOMAIN_NONE && domain <= SALLY_DOMAIN_ALERT;
}

sally_status sally_status_from_native(int32_t domain, int64_t code) {
  if (!domain_exists(domain)) return SALLY_INVALID_ARGUMENT;
  return sally::tls::status_from_code(domain, code);
}

sally_status sally_status_from_native_name(int32_t domain, const char* name) {
  if (!domain_exists(domain) || name == nullptr) return SALLY_INVALID_ARGUMENT;
  return sally::status::from_name(domain, name);
}

int32_t sally_status_to_socket_error_status(sally_status status) {
  const Row* row = sally::status::find(status);
  return row != nullptr ? row->socket_error_status : 0;
}
