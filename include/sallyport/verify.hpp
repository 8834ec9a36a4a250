// verify.hpp: judging a certificate chain without a connection, sally_verify.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/base.hpp>
#include <sallyport/certificate.hpp>
#include <sallyport/error.hpp>
#include <sallyport/tls_config.hpp>
#include <sallyport/trust_store.hpp>
#include <sallyport/verify.h>

namespace sally::inline v0 {

// What sally_verify_options says; the text must live until the call is over.
struct VerifyOptions {
  std::optional<TlsConfig> config{};  // rules and trust
  std::optional<TrustStore> trust{};  // instead of the config's; neither: the system's roots
  std::string_view leaf{};            // PEM or DER
  std::string_view intermediates{};
  std::string name{};                              // "": any
  std::int32_t name_kind = 0;                      // SALLY_NAME_*
  std::int32_t purpose = 0;                        // SALLY_PURPOSE_*
  std::optional<std::chrono::sys_seconds> time{};  // the clock without
};

// Immutable; any number of threads may read it. Copies are the same verdict. Text lives as long as
// it does.
class Verdict : public detail::Shared<sally_verdict, sally_verdict_retain, sally_verdict_release> {
 public:
  static Verdict adopt(sally_verdict* verdict) noexcept { return Verdict(verdict); }

  bool accepted() const noexcept { return status() == SALLY_OK; }
  sally_status status() const noexcept { return sally_verdict_status(get()); }
  // The verdict in full, of status SALLY_OK where the chain is accepted.
  Error error() const { return Error::adopt(sally_error_retain(sally_verdict_error(get()))); }
  // All that was found, what the rules let pass among it.
  std::vector<Fault> faults() const { return detail::faults_of(sally_verdict_error(get())); }
  // As it was built, the leaf first.
  std::vector<Certificate> chain() const {
    std::vector<Certificate> chain;
    for (std::size_t i = 0; i < sally_verdict_chain_count(get()); ++i) {
      chain.push_back(Certificate::adopt(sally_certificate_retain(sally_verdict_chain(get(), i))));
    }
    return chain;
  }
  bool pin_matched() const noexcept { return sally_verdict_pin_matched(get()) != 0; }
  std::string_view json() const noexcept { return sally_verdict_json(get()); }

 private:
  using Shared::Shared;
};

// Throws where something does not decode; that a chain is refused, the verdict tells.
inline Verdict verify(const VerifyOptions& options) {
  sally_verify_options raw{};
  raw.struct_size = sizeof raw;
  raw.config = options.config ? options.config->get() : nullptr;
  raw.trust = options.trust ? options.trust->get() : nullptr;
  raw.leaf = options.leaf.data();
  raw.leaf_size = options.leaf.size();
  raw.intermediates = options.intermediates.data();
  raw.intermediates_size = options.intermediates.size();
  raw.name = options.name.empty() ? nullptr : detail::c_text(options.name);
  raw.name_kind = options.name_kind;
  raw.purpose = options.purpose;
  raw.time = options.time ? options.time->time_since_epoch().count() : 0;
  sally_verdict* verdict = nullptr;
  detail::check([&](sally_error** error) { return sally_verify(&raw, &verdict, error); });
  return Verdict::adopt(verdict);
}

}  // namespace sally::inline v0
