// Settings turned into an SSL_CTX, every one of them made explicitly. Immutable, shared by any
// number of sessions.
#pragma once

#include "status/ref.h"
#include "tls/config.h"
#include "tls/openssl_types.h"
#include "tls/server_credentials.h"
#include "tls/session_cache.h"

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <sallyport/decision.h>

namespace sally::tls {

class VerificationCache;

class Context : public RefCounted<Context> {
 public:
  // Throws Failure where the settings are not complete.
  explicit Context(Settings settings);

  const Settings& settings() const noexcept { return settings_; }
  // Whether it was made of this very material.
  bool is_of(const Settings& settings) const noexcept {
    return settings.credentials == settings_.credentials && settings.trust == given_trust_ &&
           settings.hinted == settings_.hinted;
  }
  bool is_server() const noexcept { return settings_.role == SALLY_ROLE_SERVER; }
  ssl_ctx_st* handle() const noexcept { return context_.get(); }
  // On a server.
  const ServerCredentials& credentials() const noexcept { return credentials_; }
  // What a session may ask, whatever host the client asks for.
  std::uint32_t possible_questions() const noexcept {
    return settings_.questions | settings_.questions_of_hosts;
  }
  // Whether a credential's key is with the program or in a token.
  bool signs_elsewhere() const noexcept { return signs_elsewhere_; }
  // Whether handshakes may wait for something else than the peer: an answer or a signature. A host may
  // get a credential whose key is elsewhere at any time.
  bool may_wait() const noexcept {
    return possible_questions() != 0 || signs_elsewhere_ || settings_.hosts != nullptr;
  }
  // Those that it offers or takes, by IANA's names.
  const std::vector<std::string>& groups() const noexcept { return groups_; }
  // The protocols in the wire format of RFC 7301; "" without ALPN.
  const std::string& alpn_wire() const noexcept { return alpn_wire_; }
  // The peers' chains that were found good.
  VerificationCache& verified() const noexcept { return *verified_; }
  // Likewise, by a later generation of the trust: those of connections that there are.
  std::shared_ptr<VerificationCache> verified_under(const Ref<TrustStore>& trust) const;
  // Whether sessions are resumed at all.
  // Not where the program decides about identities each time, or demands a staple: resuming asks
  // and brings nothing.
  bool resumes() const noexcept {
    constexpr std::uint32_t identities = SALLY_QUESTION_PEER | SALLY_QUESTION_CREDENTIAL;
    return settings_.resumption && !settings_.skip_verification &&
           (settings_.questions & identities) == 0 &&
           (is_server() || settings_.ocsp != SALLY_OCSP_REQUIRE);
  }
  SessionCache& sessions() const noexcept { return sessions_; }
  // Whether it keeps them itself, and does not leave that to the clients.
  bool keeps_sessions() const noexcept {
    return resumes() && !(is_server() && settings_.ticket_keys);
  }
  const std::string& resumption_scope() const noexcept { return resumption_scope_; }

 private:
  friend class RefCounted<Context>;
  ~Context();

  void check() const;
  // The lowest and the highest: what all that limits them leaves.
  std::pair<std::int32_t, std::int32_t> versions() const;
  void set_protocol();
  void set_verification();
  void check_signers() const;
  void name_cas();
  void set_credentials();
  void set_alpn();

  Settings settings_;
  const Ref<TrustStore> given_trust_;  // null: the system's roots
  ServerCredentials credentials_;
  SslContextOwner context_;
  bool signs_elsewhere_ = false;
  std::vector<std::string> groups_;
  std::string alpn_wire_;
  std::unique_ptr<VerificationCache> verified_;
  mutable std::mutex later_mutex_;
  mutable Ref<TrustStore> later_trust_;
  mutable std::shared_ptr<VerificationCache> later_verified_;
  mutable SessionCache sessions_;
  std::string resumption_scope_;
};

// The system's roots, loaded by the first call. Throws Failure.
Ref<TrustStore> default_trust();

// What is really in force, read back from OpenSSL, as JSON.
std::string effective_settings(const Context& context);

}  // namespace sally::tls
