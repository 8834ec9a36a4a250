// How this side does TLS: built setter by setter, then frozen into a context.
#pragma once

#include "status/ref.h"
#include "tls/credential.h"
#include "tls/key_log.h"
#include "tls/openssl_types.h"
#include "tls/policy.h"
#include "tls/rules.h"
#include "tls/source.h"
#include "tls/ticket_keys.h"
#include "tls/trace_sink.h"
#include "tls/trust_store.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/tls_config.h>

namespace sally::tls {

class Context;
class Hosts;

// With the material of one generation.
struct Settings {
  std::int32_t role = SALLY_ROLE_CLIENT;
  std::int32_t client_auth = SALLY_CLIENT_AUTH_NONE;
  std::int32_t min_version = SALLY_TLS_1_2;  // within what the policy allows
  std::int32_t max_version = SALLY_TLS_1_3;
  const Policy* policy = &default_policy();
  bool require_post_quantum = false;
  std::string provider_query{};  // "": whatever has it
  Ref<KeyLog> key_log{};
  Ref<TraceSink> trace{};
  std::int32_t ocsp = SALLY_OCSP_REQUEST;
  bool post_handshake_auth = false;  // client: the server may ask for a certificate later, too
  bool skip_verification = false;
  std::vector<Ref<Credential>> credentials;
  Ref<TrustStore> trust;
  std::uint64_t trust_generation = 1;  // of `trust`
  std::int32_t trust_change = SALLY_TRUST_CHANGE_KEEP;
  std::int64_t drain_ms = 0;          // with SALLY_TRUST_CHANGE_DRAIN; negative: no limit
  Ref<TrustSource> followed_trust{};  // whose changes end connections; null: none do
  std::vector<std::string> alpn;
  bool resumption = true;
  std::size_t session_cache = 4096;  // sessions
  std::int64_t session_lifetime_s = 3600;
  Ref<TicketKeySource> ticket_keys;  // null: sessions are kept here, not by the clients
  VerificationRules rules;
  std::int32_t ca_hints = SALLY_CA_HINTS_TRUST;
  Ref<TrustStore> hinted{};              // with SALLY_CA_HINTS_STORE
  std::shared_ptr<const Hosts> hosts{};  // null: none
  std::int32_t unknown_name = SALLY_UNKNOWN_NAME_SERVE;
  std::uint32_t questions = 0;           // SALLY_QUESTION_*
  std::uint32_t questions_of_hosts = 0;  // likewise; known once the hosts are frozen
  std::int64_t decision_ms = 10'000;     // how long each may be thought about; negative: no limit
};

class Config : public RefCounted<Config> {
 public:
  explicit Config(std::int32_t role);

  std::int32_t role() const noexcept { return role_; }

  // Setters throw Failure(SALLY_INVALID_STATE) once the config is frozen.
  void add_credential(Ref<CredentialSource> credential);
  void add_credential(Ref<Credential> credential) {
    add_credential(make_ref<CredentialSource>(std::move(credential)));
  }
  void set_trust(Ref<TrustSource> trust);
  void set_trust(Ref<TrustStore> trust) { set_trust(make_ref<TrustSource>(std::move(trust))); }
  void set_trust_change(std::int32_t mode, std::int64_t drain_ms);
  void set_client_auth(std::int32_t mode);
  void set_versions(std::int32_t min, std::int32_t max);
  void set_alpn(std::vector<std::string> protocols);
  void set_resumption(bool on, std::size_t cache);
  void set_session_lifetime(std::int64_t seconds);
  void set_ticket_keys(Ref<TicketKeySource> keys);
  std::size_t cached_sessions();
  void skip_verification();
  void change_rules(const std::function<void(VerificationRules&)>& change);
  void set_ocsp(std::int32_t mode);
  void set_policy(const Policy& policy);
  void require_post_quantum();
  void set_provider_query(std::string query);
  void log_keys(const std::string& path);
  void set_trace(Ref<TraceSink> trace);
  void set_questions(std::uint32_t questions);
  // Those of its hosts too.
  std::uint32_t questions() noexcept;
  // Whether its handshakes may wait for something else than the peer, as it is now.
  bool may_wait() noexcept;
  void set_decision_timeout(std::int64_t milliseconds);

  // `config` serves clients that ask for these names; it can then have no hosts itself, and is frozen
  // with this one. Throws Failure where the name is none, or is there already.
  void add_host(std::string_view name_or_wildcard, const Ref<Config>& config);
  void set_unknown_name(std::int32_t mode);
  // `store`: with SALLY_CA_HINTS_STORE, otherwise null.
  void set_ca_hints(std::int32_t mode, Ref<TrustSource> store);
  void allow_post_handshake_auth();

  // A copy of what is set so far.
  Settings settings();
  // How often a peer's chain was known already, to now.
  std::uint64_t verification_cache_hits();

  // The context that all sessions share which begin now: of the generations that the sources are at.
  // The first call freezes the config, or throws Failure where it is not complete; it can then be
  // mended.
  Ref<Context> freeze();

 private:
  friend class RefCounted<Config>;
  ~Config();
  template <class Change>
  void change(Change&& apply);
  Settings snapshot() const;
  void become_host();

  const std::int32_t role_;
  std::mutex mutex_;
  Settings settings_;  // but for the material
  std::vector<Ref<CredentialSource>> credentials_;
  Ref<TrustSource> trust_;
  Ref<TrustSource> hinted_;
  std::shared_ptr<Hosts> hosts_;
  bool is_host_ = false;
  Ref<Context> context_;            // null: not frozen
  std::uint64_t seen_changes_ = 0;  // of material, when the context was looked at
  std::uint64_t earlier_hits_ = 0;  // of the contexts of earlier generations
};

}  // namespace sally::tls
