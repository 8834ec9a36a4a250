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

  // What the program decides itself within handshakes: an or of SALLY_QUESTION_* (decision.hpp).
  TlsConfig questions(std::uint32_t questions) {
    return set([&](sally_error** error) {
      return sally_tls_config_set_questions(get(), questions, error);
    });
  }
  // How long each question may wait for its answer (default 10 s), within the handshake's deadline.
  TlsConfig decision_timeout(Timeout timeout) {
    return set([&](sally_error** error) {
      return sally_tls_config_set_decision_timeout(get(), timeout.get(), error);
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
