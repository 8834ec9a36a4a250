#include "status/table.h"
#include "status/windows.h"
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

// Every name is a literal, so it ends in NUL.
static const char* text_of(std::string_view name) {
  return name.empty() ? nullptr : name.data();
}

const char* sally_native_name(int32_t domain, int64_t code) {
  return text_of(sally::tls::native_name(domain, code));
}

const char* sally_status_to_native_name(sally_status status, int32_t domain) {
  return text_of(sally::status::to_name(status, domain));
}

int32_t sally_status_to_native(sally_status status, int32_t domain, int64_t* code) {
  const auto name = sally::status::to_name(status, domain);
  const auto found = sally::tls::code_of(domain, name);
  if (name.empty() || !found || code == nullptr) return 0;
  *code = *found;
  return 1;
}

using Values = std::span<const sally::status::WindowsValue>;

static sally_status status_of(Values values, int32_t number) {
  const auto* value = sally::status::find(values, number);
  return value != nullptr ? value->status : SALLY_INVALID_ARGUMENT;
}

static const char* name_of(Values values, int32_t number) {
  const auto* value = sally::status::find(values, number);
  return value != nullptr ? value->name.data() : nullptr;
}

int32_t sally_status_to_socket_error_status(sally_status status) {
  const Row* row = sally::status::find(status);
  return row != nullptr ? row->socket_error_status : SALLY_SOCKET_ERROR_STATUS_UNKNOWN;
}

sally_status sally_status_from_socket_error_status(int32_t value) {
  return status_of(sally::status::socket_error_statuses(), value);
}

int32_t sally_status_to_chain_validation_result(sally_status status) {
  const Row* row = sally::status::find(status);
  return row != nullptr ? row->chain_validation_result : -1;
}

sally_status sally_status_from_chain_validation_result(int32_t value) {
  return status_of(sally::status::chain_validation_results(), value);
}

int32_t sally_status_to_socket_ssl_error_severity(sally_status status) {
  const int32_t result = sally_status_to_chain_validation_result(status);
  const auto* value = sally::status::find(sally::status::chain_validation_results(), result);
  return value != nullptr ? value->severity : SALLY_SOCKET_SSL_ERROR_SEVERITY_NONE;
}

int32_t sally_status_to_web_error_status(sally_status status) {
  const Row* row = sally::status::find(status);
  return row != nullptr ? row->web_error_status : SALLY_WEB_ERROR_STATUS_UNKNOWN;
}

sally_status sally_status_from_web_error_status(int32_t value) {
  return status_of(sally::status::web_error_statuses(), value);
}

const char* sally_socket_error_status_name(int32_t value) {
  return name_of(sally::status::socket_error_statuses(), value);
}

const char* sally_socket_ssl_error_severity_name(int32_t value) {
  return name_of(sally::status::socket_ssl_error_severities(), value);
}

const char* sally_chain_validation_result_name(int32_t value) {
  return name_of(sally::status::chain_validation_results(), value);
}

const char* sally_web_error_status_name(int32_t value) {
  return name_of(sally::status::web_error_statuses(), value);
}
