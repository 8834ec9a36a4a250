// tls_config.hpp: how this side does TLS, sally_tls_config.
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <sallyport/base.hpp>
#include <sallyport/bytes.hpp>
#include <sallyport/credential.hpp>
#include <sallyport/error.hpp>
#include <sallyport/ticket_keys.hpp>
#include <sallyport/tls_config.h>
#include <sallyport/trace.hpp>
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

  // Adds what this side can show. Each handshake takes the first that fits; see tls_config.h.
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
  // What becomes of clients that ask for a name which nothing here bears: a SALLY_UNKNOWN_NAME_*.
  TlsConfig unknown_name(std::int32_t mode) {
    return set(
        [&](sally_error** error) { return sally_tls_config_set_unknown_name(get(), mode, error); });
  }
  // Clients that ask for this name, or one of this wildcard, are served by another config entirely.
  TlsConfig host(const std::string& name, const TlsConfig& config) {
    const char* text = detail::c_text(name);
    return set([&](sally_error** error) {
      return sally_tls_config_add_host(get(), text, config.get(), error);
    });
  }
  // Has every connection traced from the next one on.
  TlsConfig trace(const Trace& trace) {
    return set(
        [&](sally_error** error) { return sally_tls_config_set_trace(get(), trace.get(), error); });
  }
  // Which CAs a server names to its clients: SALLY_CA_HINTS_NONE or _TRUST, or those of a store.
  TlsConfig ca_hints(std::int32_t mode) {
    return set([&](sally_error** error) {
      return sally_tls_config_set_ca_hints(get(), mode, nullptr, error);
    });
  }
  TlsConfig ca_hints(const TrustStore& store) {
    return set([&](sally_error** error) {
      return sally_tls_config_set_ca_hints(get(), SALLY_CA_HINTS_STORE, store.get(), error);
    });
  }
  // Lets the server ask this client for its certificate after the handshake too (TLS 1.3).
  TlsConfig allow_post_handshake_auth() {
    return set([&](sally_error** error) {
      return sally_tls_config_allow_post_handshake_auth(get(), error);
    });
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
  // Whether sessions are resumed, and how many are kept (0: 4096).
  TlsConfig resumption(bool on, std::uint32_t sessions = 0) {
    return set([&](sally_error** error) {
      return sally_tls_config_set_resumption(get(), on ? SALLY_RESUMPTION_ON : SALLY_RESUMPTION_OFF,
                                             sessions, error);
    });
  }
  TlsConfig session_lifetime(std::chrono::seconds lifetime) {
    return set([&](sally_error** error) {
      return sally_tls_config_set_session_lifetime(get(), lifetime.count(), error);
    });
  }
  // Servers: the clients keep their sessions, encrypted with these.
  TlsConfig ticket_keys(const TicketKeys& keys) {
    return set([&](sally_error** error) {
      return sally_tls_config_set_ticket_keys(get(), keys.get(), error);
    });
  }
  std::size_t cached_sessions() const noexcept { return sally_tls_config_cached_sessions(get()); }
  // Accepts any certificate of the peer: whoever sits on the path can be the peer. For experiments
  // only.
  TlsConfig insecure_skip_verification() {
    return set([&](sally_error** error) {
      return sally_tls_config_insecure_skip_verification(get(), error);
    });
  }

  // What becomes of established connections when the trust has changed and their peer is no longer
  // trusted: a SALLY_TRUST_CHANGE_*, and for how long they are drained (default 30 s).
  TlsConfig trust_change(std::int32_t mode, Timeout drain = {}) {
    return set([&](sally_error** error) {
      return sally_tls_config_set_trust_change(get(), mode, drain.get(), error);
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

  // How the peer's chain is judged; tls_config.h has the details.

  // Asks the function for the time, instead of the system's clock, wherever something must be valid:
  // on any thread, several at once. It must not throw, block, or call this library.
  template <std::invocable Function>
  TlsConfig clock(Function now) {
    using Kept = std::function<std::chrono::sys_seconds()>;
    const auto ask = [](void* user) noexcept {
      return static_cast<std::int64_t>(
          (*static_cast<const Kept*>(user))().time_since_epoch().count());
    };
    const auto drop = [](void* user) noexcept { delete static_cast<Kept*>(user); };
    auto* const kept = new Kept(std::move(now));
    return set([&](sally_error** error) {
      return sally_tls_config_set_clock(get(), ask, kept, drop, error);
    });
  }
  // The time for which certificates must be valid, instead of the clock.
  TlsConfig verification_time(std::chrono::sys_seconds time) {
    return set([&](sally_error** error) {
      return sally_tls_config_set_verification_time(get(), time.time_since_epoch().count(), error);
    });
  }
  // How many CA certificates there may be between the peer's own and the anchor.
  TlsConfig max_depth(std::int32_t depth) {
    return set(
        [&](sally_error** error) { return sally_tls_config_set_max_depth(get(), depth, error); });
  }
  // 2 to 4.
  TlsConfig security_level(std::int32_t level) {
    return set([&](sally_error** error) {
      return sally_tls_config_set_security_level(get(), level, error);
    });
  }
  // 0 or 1: the peer's certificates can then be forged.
  TlsConfig insecure_security_level(std::int32_t level) {
    return set([&](sally_error** error) {
      return sally_tls_config_insecure_set_security_level(get(), level, error);
    });
  }
  // What is demanded of CRLs: a SALLY_REVOCATION_*.
  TlsConfig revocation(std::int32_t mode) {
    return set(
        [&](sally_error** error) { return sally_tls_config_set_revocation(get(), mode, error); });
  }
  // Lets a chain end in any certificate of the trust store.
  TlsConfig partial_chain() {
    return set(
        [&](sally_error** error) { return sally_tls_config_allow_partial_chain(get(), error); });
  }
  // Lets one kind of fault pass, of the few that tls_config.h lists.
  TlsConfig insecure_ignore(sally_status status) {
    return set([&](sally_error** error) {
      return sally_tls_config_insecure_ignore(get(), status, error);
    });
  }
  // A name that lets a peer in; the first one shuts out all others.
  TlsConfig allow_peer(std::int32_t kind, const std::string& pattern) {
    const char* text = detail::c_text(pattern);
    return set(
        [&](sally_error** error) { return sally_tls_config_allow_peer(get(), kind, text, error); });
  }
  // A key that the verified chain must hold; `flags` are SALLY_PIN_*. Add a backup.
  TlsConfig pin(const std::string& pin, std::uint32_t flags = 0) {
    const char* text = detail::c_text(pin);
    return set(
        [&](sally_error** error) { return sally_tls_config_add_pin(get(), text, flags, error); });
  }
  // How many good chains are remembered; 0 for none.
  TlsConfig verification_cache(std::size_t entries) {
    return set([&](sally_error** error) {
      return sally_tls_config_set_verification_cache(get(), entries, error);
    });
  }
  // How often a chain was known.
  std::uint64_t verification_cache_hits() const noexcept {
    return sally_tls_config_verification_cache_hits(get());
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
