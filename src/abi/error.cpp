#include "status/error.h"

#include "abi/boundary.h"
#include "abi/bytes.h"
#include "status/error_text.h"
#include "status/table.h"

#include <sallyport/error.h>

sally_status sally_error_status(const sally_error* error) {
  return error != nullptr ? error->status() : SALLY_OK;
}

int32_t sally_error_layer(const sally_error* error) {
  const sally::status::Row* row = error != nullptr ? sally::status::find(error->status()) : nullptr;
  return row != nullptr ? row->layer : SALLY_LAYER_GENERAL;
}

const char* sally_error_message(const sally_error* error) {
  return error != nullptr ? error->message().c_str() : "";
}

const char* sally_error_hint(const sally_error* error) {
  return error != nullptr ? error->hint().c_str() : "";
}

const char* sally_error_text(const sally_error* error, int32_t field) {
  return error != nullptr ? error->text(field) : nullptr;
}

int32_t sally_error_native_domain(const sally_error* error) {
  return error != nullptr ? error->detail().native_domain : SALLY_DOMAIN_NONE;
}

int64_t sally_error_native_code(const sally_error* error) {
  return error != nullptr ? error->detail().native_code : 0;
}

int32_t sally_error_alert(const sally_error* error) {
  return error != nullptr ? error->detail().alert : -1;
}

int32_t sally_error_alert_direction(const sally_error* error) {
  return error != nullptr ? error->detail().alert_direction : SALLY_ALERT_NONE;
}

int32_t sally_error_depth(const sally_error* error) {
  return error != nullptr ? error->detail().depth : -1;
}

const sally_error* sally_error_cause(const sally_error* error) {
  return error != nullptr ? error->detail().cause.get() : nullptr;
}

namespace {

const sally::Fault* fault_at(const sally_error* error, std::size_t index) {
  return index < sally_error_fault_count(error) ? &error->detail().faults[index] : nullptr;
}

}  // namespace

size_t sally_error_fault_count(const sally_error* error) {
  return error != nullptr ? error->detail().faults.size() : 0;
}

sally_status sally_error_fault_status(const sally_error* error, size_t index) {
  const sally::Fault* fault = fault_at(error, index);
  return fault != nullptr ? fault->status : sally_status{SALLY_OK};
}

int32_t sally_error_fault_depth(const sally_error* error, size_t index) {
  const sally::Fault* fault = fault_at(error, index);
  return fault != nullptr ? fault->depth : -1;
}

const char* sally_error_fault_subject(const sally_error* error, size_t index) {
  const sally::Fault* fault = fault_at(error, index);
  return fault != nullptr ? fault->subject.c_str() : nullptr;
}

const char* sally_error_fault_message(const sally_error* error, size_t index) {
  const sally::Fault* fault = fault_at(error, index);
  return fault != nullptr ? fault->message.c_str() : nullptr;
}

int32_t sally_error_fault_is_ignored(const sally_error* error, size_t index) {
  const sally::Fault* fault = fault_at(error, index);
  return fault != nullptr && fault->ignored ? 1 : 0;
}

const char* sally_error_json(const sally_error* error) {
  if (error == nullptr) return "null";
  try {
    return error->json();
  } catch (...) {
    return "{\"status\":\"SALLY_OUT_OF_MEMORY\"}";
  }
}

sally_status sally_error_copy_text(const sally_error* error, sally_bytes** text,
                                   sally_error** why) {
  return sally::abi::guarded(why, [&] {
    sally::abi::require(error != nullptr, "a handle is NULL");
    sally::abi::require(text != nullptr, "text is NULL");
    *text = sally::abi::to_bytes(sally::status::to_text(*error));
    return SALLY_OK;
  });
}

sally_error* sally_error_retain(const sally_error* error) {
  if (error != nullptr) error->retain();
  return const_cast<sally_error*>(error);
}

void sally_error_release(sally_error* error) {
  if (error != nullptr) error->release();
}
