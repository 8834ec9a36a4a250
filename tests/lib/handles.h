// Handles of the C ABI that release themselves, and the outcome of a call in a form that tests can
// compare and print.
#pragma once

#include <memory>
#include <ostream>
#include <string>

#include <sallyport/sallyport.h>

namespace sally::test {

struct Releaser {
  void operator()(sally_bytes* handle) const { sally_bytes_release(handle); }
  void operator()(sally_certificate* handle) const { sally_certificate_release(handle); }
  void operator()(sally_credential* handle) const { sally_credential_release(handle); }
  void operator()(sally_decision* handle) const { sally_decision_release(handle); }
  void operator()(sally_error* handle) const { sally_error_release(handle); }
  void operator()(sally_listener* handle) const { sally_listener_release(handle); }
  void operator()(sally_operation* handle) const { sally_operation_release(handle); }
  void operator()(sally_queue* handle) const { sally_queue_release(handle); }
  void operator()(sally_runtime* handle) const { sally_runtime_release(handle); }
  void operator()(sally_stream* handle) const { sally_stream_release(handle); }
  void operator()(sally_stream_info* handle) const { sally_stream_info_release(handle); }
  void operator()(sally_ticket_keys* handle) const { sally_ticket_keys_release(handle); }
  void operator()(sally_tls_config* handle) const { sally_tls_config_release(handle); }
  void operator()(sally_trace* handle) const { sally_trace_release(handle); }
  void operator()(sally_trace_record* handle) const { sally_trace_record_release(handle); }
  void operator()(sally_trust_store* handle) const { sally_trust_store_release(handle); }
  void operator()(sally_verdict* handle) const { sally_verdict_release(handle); }
};

template <class Handle>
using Owned = std::unique_ptr<Handle, Releaser>;

// Lets a C function fill an owner: f(Out(owner)).
template <class Handle>
class Out {
 public:
  explicit Out(Owned<Handle>& owner) : owner_(owner) {}
  ~Out() { owner_.reset(raw_); }
  Out(const Out&) = delete;
  Out& operator=(const Out&) = delete;
  operator Handle**() {
    return &raw_;
  }  // NOLINT(google-explicit-constructor): that is what it is for

 private:
  Owned<Handle>& owner_;
  Handle* raw_ = nullptr;
};

// How a call ended. Compares with a status; prints the whole error where a comparison fails.
struct Result {
  sally_status status = SALLY_OK;
  Owned<sally_error> error{};

  bool ok() const { return status == SALLY_OK; }
  std::string text(std::int32_t field) const {
    const char* text = sally_error_text(error.get(), field);
    return text != nullptr ? text : "";
  }
  std::string phase() const { return text(SALLY_ERROR_FIELD_PHASE); }
  std::string correlation_id() const { return text(SALLY_ERROR_FIELD_CORRELATION_ID); }
};

inline bool operator==(const Result& result, sally_status status) {
  return result.status == status;
}

inline void PrintTo(const Result& result, std::ostream* out) {
  const char* name = sally_status_name(result.status);
  *out << (name != nullptr ? name : "a status that is not in the table") << " "
       << sally_error_json(result.error.get());
}

// Runs a C function with a place for its error: called([&](sally_error** error) { return
// sally_...(..., error); }).
template <class Function>
Result called(Function&& function) {
  Result result;
  sally_error* error = nullptr;
  result.status = function(&error);
  result.error.reset(error);
  return result;
}

}  // namespace sally::test
