#include "status/error.h"

#include "status/error_json.h"
#include "status/table.h"
#include "status/text.h"

#include <cstddef>
#include <new>

namespace {

using sally::ErrorDetail;
namespace status = sally::status;

// As much as is kept of each text about a certificate, in which names may be of any length.
constexpr std::size_t longest_of_certificate = 4096;

std::string shown_name(std::int32_t domain, std::int64_t code) {
  const auto name = status::native_name(domain, code);
  return name.empty() ? status::unknown_name(domain, code) : std::string(name);
}

// Every text of a detail can hold what a peer wrote into its certificate.
ErrorDetail cleaned(ErrorDetail detail) {
  const bool about_certificate = *detail.whose != '\0';
  const auto clean = [&](const std::string& text) {
    return about_certificate ? status::clipped(text, longest_of_certificate)
                             : status::one_line(text);
  };
  for (std::string* text : {&detail.message, &detail.hint, &detail.native_name, &detail.subject,
                            &detail.issuer, &detail.expected, &detail.found, &detail.source,
                            &detail.address, &detail.correlation_id, &detail.phase}) {
    *text = clean(*text);
  }
  for (sally::Fault& fault : detail.faults) {
    for (std::string* text : {&fault.subject, &fault.native_name, &fault.message})
      *text = clean(*text);
  }
  const bool is_code = detail.native_domain != SALLY_DOMAIN_NONE && detail.native_code != 0;
  if (detail.native_name.empty() && is_code) {
    detail.native_name = shown_name(detail.native_domain, detail.native_code);
  }
  return detail;
}

const status::Row& row_of(sally_status code) {
  const status::Row* row = status::find(code);
  return row != nullptr ? *row : *status::find(SALLY_UNKNOWN);
}

// Where the status says no more than that something failed, the native name says the rest.
std::string message_of(const status::Row& row, const ErrorDetail& detail) {
  const bool says_nothing = detail.message.empty() && row.is_catch_all;
  const std::string& particular = says_nothing ? detail.native_name : detail.message;
  return particular.empty() ? std::string(row.message) : row.message + (": " + particular);
}

const std::string* field_of(const ErrorDetail& detail, std::int32_t field) {
  switch (field) {
    case SALLY_ERROR_FIELD_NATIVE_NAME:
      return &detail.native_name;
    case SALLY_ERROR_FIELD_SUBJECT:
      return &detail.subject;
    case SALLY_ERROR_FIELD_ISSUER:
      return &detail.issuer;
    case SALLY_ERROR_FIELD_EXPECTED:
      return &detail.expected;
    case SALLY_ERROR_FIELD_FOUND:
      return &detail.found;
    case SALLY_ERROR_FIELD_SOURCE:
      return &detail.source;
    case SALLY_ERROR_FIELD_ADDRESS:
      return &detail.address;
    case SALLY_ERROR_FIELD_CORRELATION_ID:
      return &detail.correlation_id;
    case SALLY_ERROR_FIELD_PHASE:
      return &detail.phase;
    default:
      return nullptr;
  }
}

}  // namespace

sally_error::sally_error(sally_status status, sally::ErrorDetail detail)
    : status_(status),
      detail_(cleaned(std::move(detail))),
      message_(message_of(row_of(status), detail_)),
      hint_(detail_.hint.empty() ? row_of(status).hint : detail_.hint),
      alert_name_(detail_.alert < 0 ? "" : shown_name(SALLY_DOMAIN_ALERT, detail_.alert)) {}

sally_error::~sally_error() {
  delete json_.load(std::memory_order_acquire);
  // Left to itself, each link would destroy its cause within its own destruction, and a long chain
  // end the stack.
  auto cause = std::move(detail_.cause);
  while (cause && cause->is_unique()) {
    cause = std::move(const_cast<sally_error&>(*cause).detail_.cause);
  }
}

const char* sally_error::text(std::int32_t field) const noexcept {
  if (field == SALLY_ERROR_FIELD_ALERT_NAME) {
    return alert_name_.empty() ? nullptr : alert_name_.c_str();
  }
  const std::string* text = field_of(detail_, field);
  return text == nullptr || text->empty() ? nullptr : text->c_str();
}

const char* sally_error::json() const {
  const std::string* known = json_.load(std::memory_order_acquire);
  if (known != nullptr) return known->c_str();
  auto mine = std::make_unique<const std::string>(status::to_json(*this));
  if (!json_.compare_exchange_strong(known, mine.get(), std::memory_order_acq_rel)) {
    return known->c_str();  // another thread was quicker
  }
  return mine.release()->c_str();
}

namespace sally {
namespace {

// Made when the library is loaded, when there is memory, and never destroyed.
const sally_error* make_out_of_memory() {
  alignas(sally_error) static std::byte storage[sizeof(sally_error)];
  const auto* error = new (storage) sally_error(SALLY_OUT_OF_MEMORY, {});
  static_cast<void>(error->json());
  // It is nobody's handle, so no test for leaks may meet it.
  live_handles[SALLY_HANDLE_ERROR].fetch_sub(1, std::memory_order_relaxed);
  return error;
}

const sally_error* the_out_of_memory_error() {
  static const sally_error* const error = make_out_of_memory();
  return error;
}

[[maybe_unused]] const sally_error* const made_at_load = the_out_of_memory_error();

// A call that failed without an error number still failed.
sally_status failure_of(std::int32_t domain, int code) {
  const sally_status status = status::from_code(domain, code);
  return status == SALLY_OK ? SALLY_UNKNOWN : status;
}

}  // namespace

ErrorRef out_of_memory_error() noexcept {
  return ErrorRef::share(the_out_of_memory_error());
}

ErrorRef make_error(sally_status status, ErrorDetail detail) noexcept {
  try {
    return make_ref<sally_error>(status, std::move(detail));
  } catch (...) {
    return out_of_memory_error();
  }
}

ErrorRef errno_error(int error_number, ErrorDetail detail) noexcept {
  detail.native_domain = SALLY_DOMAIN_ERRNO;
  detail.native_code = error_number;
  return make_error(failure_of(SALLY_DOMAIN_ERRNO, error_number), std::move(detail));
}

// The system's error becomes the cause: CONNECTION_REFUSED, say, would read as if the host had
// refused, where it was the name server.
ErrorRef getaddrinfo_error(int code, int error_number, ErrorDetail detail) noexcept {
  detail.native_domain = SALLY_DOMAIN_GETADDRINFO;
  detail.native_code = code;
  const bool system_failed =
      status::native_name(SALLY_DOMAIN_GETADDRINFO, code) == "EAI_SYSTEM" && error_number != 0;
  if (system_failed && !detail.cause) detail.cause = errno_error(error_number);
  return make_error(failure_of(SALLY_DOMAIN_GETADDRINFO, code), std::move(detail));
}

}  // namespace sally
