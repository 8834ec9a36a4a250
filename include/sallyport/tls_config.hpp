// tls_config.hpp: how this side does TLS, sally_tls_config.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <sallyport/base.hpp>
#include <sallyport/bytes.hpp>
#include <sallyport/credential.hpp>
#include <sallyport/error.hpp>
#include <sallyport/tls_config.h>
#include <sallyport/trust_store.hpp>

namespace sally::inline v0 {

// The defaults are those of tls_config.h, and safe. Copies are the same config: what is set on one
// is set on all.
//
// Setters are for one thread at a time, and return the config itself for the next one; once a
// stream or listener was made with it, each throws SALLY_INVALID_STATE. After that any thread may
// use it.
class TlsConfig
    : public detail::Shared<sally_tls_config, sally_tls_config_retain, sally_tls_config_release> {
 public:
  static TlsConfig client() { return create(SALLY_ROLE_CLIENT); }
  static TlsConfig server() { return create(SALLY_ROLE_SERVER); }
  static TlsConfig adopt(sally_tls_config* config) noexcept { return TlsConfig(config); }

  // Adds what this side shows; one for each type of key.
  TlsConfig credential(const Credential& credential) {
    return set([&](sally_error** error) {
      return sally_tls_config_add_credential(get(), credential.get(), error);
    });
  }
  // Whom this side trusts, instead of the system's roots. Needed by a server that asks for client
  // certificates.
  TlsConfig trust(const TrustStore& store) {
    return set(
        [&](sally_error** error) { return sally_tls_config_set_trust(get(), store.get(), error); });
  }
  // Whether a server asks its clients for a certificate: a SALLY_CLIENT_AUTH_*.
  TlsConfig client_auth(std::int32_t mode) {
    return set(
        [&](sally_error** error) { return sally_tls_config_set_client_auth(get(), mode, error); });
  }
  // The lowest and highest version, each a SALLY_TLS_* or 0 for what there is.
  TlsConfig versions(std::int32_t min, std::int32_t max) {
    return set(
        [&](sally_error** error) { return sally_tls_config_set_versions(get(), min, max, error); });
  }
  // What may be agreed on, by name: "default-2026", "modern-2026", "compatible-2026", or "default".
  TlsConfig policy(const std::string& name) {
    return set([&](sally_error** error) {
      return sally_tls_config_set_policy(get(), detail::c_text(name), error);
    });
  }
  // Post-quantum hybrid key exchange or none.
  TlsConfig require_pq() {
    return set([&](sally_error** error) { return sally_tls_config_require_pq(get(), error); });
  }
  // The implementations of the algorithms, by a property query of OpenSSL: "fips=yes".
  TlsConfig provider(const std::string& properties) {
    return set([&](sally_error** error) {
      return sally_tls_config_set_provider(get(), detail::c_text(properties), error);
    });
  }
  // The application protocols (RFC 7301), most wanted first: `alpn({"h2", "http/1.1"})`.
  TlsConfig alpn(const std::vector<std::string>& protocols) {
    std::vector<const char*> pointers;
    for (const std::string& protocol : protocols) pointers.push_back(detail::c_text(protocol));
    return set([&](sally_error** error) {
      return sally_tls_config_set_alpn(get(), pointers.data(), pointers.size(), error);
    });
  }
  // Accepts any certificate of the peer: whoever sits on the path can be the peer. For experiments
  // only.
  TlsConfig insecure_skip_verification() {
    return set([&](sally_error** error) {
      return sally_tls_config_insecure_skip_verification(get(), error);
    });
  }

  // What a client does about stapled OCSP responses: a SALLY_OCSP_*.
  TlsConfig ocsp(std::int32_t mode) {
    return set([&](sally_error** error) { return sally_tls_config_set_ocsp(get(), mode, error); });
  }
  // Appends the secrets of every session to a file: whoever has it can read all that is said. For
  // debugging only.
  TlsConfig insecure_log_keys(const std::string& path) {
    return set([&](sally_error** error) {
      return sally_tls_config_insecure_log_keys(get(), detail::c_text(path), error);
    });
  }

  // What is really in force, read back from the TLS library. Freezes the config.
  Bytes json() const {
    sally_bytes* json = nullptr;
    detail::check(
        [&](sally_error** error) { return sally_tls_config_to_json(get(), &json, error); });
    return Bytes::adopt(json);
  }

 private:
  using Shared::Shared;

  static TlsConfig create(std::int32_t role) {
    sally_tls_config* config = nullptr;
    detail::check(
        [&](sally_error** error) { return sally_tls_config_create(role, &config, error); });
    return TlsConfig(config);
  }
  // The copy costs one count, and cannot dangle as a reference to a temporary would.
  template <class Call>
  TlsConfig set(Call&& call) {
    detail::check(call);
    return *this;
  }
};

}  // namespace sally::inline v0
