// error.hpp: the exception that carries a whole sally_error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/base.hpp>
#include <sallyport/bytes.hpp>
#include <sallyport/error.h>
#include <sallyport/status.hpp>

namespace sally::inline v0 {

// One of the things that are wrong with a certificate chain.
struct Fault {
  sally_status status;
  int depth;  // 0 is the peer's own certificate
  std::string subject;
  std::string message;
  bool ignored;  // the rules of this side let it pass
};

namespace detail {

inline std::vector<Fault> faults_of(const sally_error* error) {
  std::vector<Fault> faults;
  for (std::size_t i = 0; i < sally_error_fault_count(error); ++i) {
    faults.push_back({.status = sally_error_fault_status(error, i),
                      .depth = sally_error_fault_depth(error, i),
                      .subject = sally_error_fault_subject(error, i),
                      .message = sally_error_fault_message(error, i),
                      .ignored = sally_error_fault_is_ignored(error, i) != 0});
  }
  return faults;
}

}  // namespace detail

// Why an operation failed: an immutable chain, of which this is the first link. Copies share it,
// and do not throw; any number of threads may read it. `what()` is the message, and the hint where
// there is one. Text lives as long as the Error.
class SALLY_API Error : public detail::Shared<sally_error, sally_error_retain, sally_error_release>,
                        public std::runtime_error {
 public:
  static Error adopt(sally_error* error) { return Error(error); }

  sally_status status() const noexcept { return sally_error_status(get()); }
  // "SALLY_CERTIFICATE_EXPIRED" for SALLY_CERTIFICATE_EXPIRED, and so on.
  std::string_view name() const noexcept { return status_name(status()); }
  // A SALLY_LAYER_*.
  std::int32_t layer() const noexcept { return sally_error_layer(get()); }
  // One line for a person; it names the certificate, address or file.
  std::string_view message() const noexcept { return sally_error_message(get()); }
  // How to mend it, or "".
  std::string_view hint() const noexcept { return sally_error_hint(get()); }

  // What there is under a SALLY_ERROR_FIELD_*.
  std::optional<std::string_view> text(std::int32_t field) const noexcept {
    const char* found = sally_error_text(get(), field);
    return found != nullptr ? std::optional<std::string_view>(found) : std::nullopt;
  }
  // A SALLY_DOMAIN_*, and the code counted in it.
  std::int32_t native_domain() const noexcept { return sally_error_native_domain(get()); }
  std::int64_t native_code() const noexcept { return sally_error_native_code(get()); }

  // The TLS AlertDescription that was sent or received.
  std::optional<int> alert() const noexcept { return counted(sally_error_alert(get())); }
  // A SALLY_ALERT_NONE, _SENT or _RECEIVED.
  std::int32_t alert_direction() const noexcept { return sally_error_alert_direction(get()); }
  // Which certificate is at fault: 0 is the peer's own, 1 its issuer.
  std::optional<int> depth() const noexcept { return counted(sally_error_depth(get())); }

  // All that is wrong with the peer's certificates; empty where the error is about something else.
  std::vector<Fault> faults() const { return detail::faults_of(get()); }

  // The next link towards the root.
  std::optional<Error> cause() const {
    const sally_error* next = sally_error_cause(get());
    return next != nullptr ? std::optional<Error>(adopt(sally_error_retain(next))) : std::nullopt;
  }
  // The whole chain as one JSON object; sally_error_json describes it.
  std::string_view json() const noexcept { return sally_error_json(get()); }
  // The same in several lines for a person; throws where memory runs out.
  std::string explain() const;

 private:
  // The handle comes first, so that it is given back where memory for the text runs out.
  explicit Error(sally_error* error) : Shared(error), std::runtime_error(describe(error)) {}

  static std::string describe(const sally_error* error) {
    std::string text = sally_error_message(error);
    const std::string_view hint = sally_error_hint(error);
    if (!hint.empty()) text.append(". ").append(hint);
    return text;
  }
  static std::optional<int> counted(std::int32_t number) noexcept {
    return number >= 0 ? std::optional<int>(number) : std::nullopt;
  }
};

namespace detail {

// Makes the C call `call(&error)` and throws what it answers, unless that is SALLY_OK.
template <class Call>
void check(Call&& call) {
  sally_error* error = nullptr;
  const sally_status status = call(&error);
  if (status != SALLY_OK) throw Error::adopt(error);
}

// The same, but false where there was not enough time.
template <class Call>
bool check_in_time(Call&& call) {
  sally_error* error = nullptr;
  const sally_status status = call(&error);
  if (status == SALLY_OK) return true;
  if (status != SALLY_WOULD_BLOCK && status != SALLY_TIMED_OUT) throw Error::adopt(error);
  sally_error_release(error);
  return false;
}

}  // namespace detail

inline std::string Error::explain() const {
  sally_bytes* text = nullptr;
  detail::check([&](sally_error** why) { return sally_error_copy_text(get(), &text, why); });
  return std::string(Bytes::adopt(text).text());
}

}  // namespace sally::inline v0
