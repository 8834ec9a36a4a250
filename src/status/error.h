// The error object: what went wrong, as an immutable, reference-counted chain.
#pragma once

#include "status/handshake_facts.h"
#include "status/live_count.h"
#include "status/ref.h"

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sallyport/error.h>

namespace sally {

// One of the things that are wrong with a peer's chain.
struct Fault {
  sally_status status = SALLY_UNKNOWN;
  std::int32_t depth = -1;
  std::string subject{};
  std::string native_name{};
  std::string message{};
  bool ignored = false;  // the rules of this side let it pass
};

// Everything that an error may say beside its status. What is left empty is not said.
struct ErrorDetail {
  std::string
      message{};  // appended to the message of the status: "the certificate has expired: <this>"
  std::string hint{};  // replaces the hint of the status
  std::int32_t native_domain = SALLY_DOMAIN_NONE;
  std::int64_t native_code = 0;
  std::string native_name{};
  std::int32_t alert_direction = SALLY_ALERT_NONE;
  std::int32_t alert = -1;
  std::int32_t depth = -1;
  std::string subject{};
  std::string issuer{};
  std::string expected{};
  std::string found{};
  std::string source{};
  std::string address{};
  std::string correlation_id{};
  std::string phase{};
  Ref<const sally_error> cause{};
  std::vector<Fault> faults{};  // of a certificate's verdict: all of them
  const char* whose = "";       // "peer" or "own": whom the certificate at fault is of
  std::shared_ptr<const JudgedFacts> judged{};        // null: no chain was judged
  std::shared_ptr<const HandshakeFacts> handshake{};  // null: no handshake failed
};

}  // namespace sally

// The C handle is the object itself: an error is plain data that every layer makes and none
// interprets.
struct sally_error final : sally::RefCounted<sally_error>, sally::LiveCount<SALLY_HANDLE_ERROR> {
 public:
  sally_error(sally_status status, sally::ErrorDetail detail);

  sally_status status() const noexcept { return status_; }
  const std::string& message() const noexcept {
    return message_;
  }  // status's message and the detail's, one line
  const std::string& hint() const noexcept { return hint_; }
  const sally::ErrorDetail& detail() const noexcept { return detail_; }
  // NULL where the field is empty or does not exist.
  const char* text(std::int32_t field) const noexcept;
  // Built on first use, then kept. Throws std::bad_alloc.
  const char* json() const;

 private:
  friend class sally::RefCounted<sally_error>;
  ~sally_error();

  sally_status status_;
  sally::ErrorDetail detail_;
  std::string message_;
  std::string hint_;
  std::string alert_name_;
  mutable std::atomic<const std::string*> json_{nullptr};
};

namespace sally {

using ErrorRef = Ref<const sally_error>;

// Never throws: where memory is short, the preallocated out-of-memory error comes back instead.
ErrorRef make_error(sally_status status, ErrorDetail detail = {}) noexcept;

// The error of a failed system call: status, native name and code from `error_number`.
ErrorRef errno_error(int error_number, ErrorDetail detail = {}) noexcept;
// The same for getaddrinfo; `error_number` counts where `code` is EAI_SYSTEM.
ErrorRef getaddrinfo_error(int code, int error_number, ErrorDetail detail = {}) noexcept;

ErrorRef out_of_memory_error() noexcept;

// The same error with more said: `change` gets a copy of the detail and mends it.
template <class Change>
ErrorRef amend(const ErrorRef& error, Change&& change) noexcept {
  try {
    ErrorDetail detail = error->detail();
    change(detail);
    return make_error(error->status(), std::move(detail));
  } catch (...) {
    return error;
  }
}

// How set-up code (loading, configuring, binding) fails; input and output return their errors
// instead.
class Failure final : public std::exception {
 public:
  explicit Failure(ErrorRef error) noexcept : error_(std::move(error)) {}
  Failure(sally_status status, ErrorDetail detail = {}) noexcept
      : error_(make_error(status, std::move(detail))) {}
  const ErrorRef& error() const noexcept { return error_; }
  const char* what() const noexcept override { return error_->message().c_str(); }

 private:
  ErrorRef error_;
};

}  // namespace sally
