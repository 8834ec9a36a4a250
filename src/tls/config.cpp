#include "tls/config.h"

#include "status/error.h"
#include "tls/context.h"
#include "tls/hosts.h"
#include "tls/provider.h"
#include "tls/verification_cache.h"

#include <algorithm>

#include <sallyport/decision.h>

namespace sally::tls {

Config::Config(std::int32_t role) : role_(role) {
  settings_.role = role;
}

Config::~Config() = default;

template <class Change>
void Config::change(Change&& apply) {
  const std::lock_guard lock(mutex_);
  if (context_) {
    throw Failure(SALLY_INVALID_STATE,
                  {.message = "the TLS config is in use and can no longer be changed"});
  }
  apply(settings_);
}

void Config::add_credential(Ref<CredentialSource> credential) {
  change([&](Settings&) { credentials_.push_back(std::move(credential)); });
}

void Config::set_trust(Ref<TrustSource> trust) {
  change([&](Settings&) { trust_ = std::move(trust); });
}

void Config::set_trust_change(std::int32_t mode, std::int64_t drain_ms) {
  change([&](Settings& settings) {
    settings.trust_change = mode;
    settings.drain_ms = drain_ms;
  });
}

void Config::set_client_auth(std::int32_t mode) {
  change([&](Settings& settings) {
    if (role_ != SALLY_ROLE_SERVER) {
      throw Failure(SALLY_INVALID_STATE, {.message = "only a server asks for client certificates"});
    }
    settings.client_auth = mode;
  });
}

void Config::set_versions(std::int32_t min, std::int32_t max) {
  change([&](Settings& settings) {
    settings.min_version = min;
    settings.max_version = max;
  });
}

void Config::set_alpn(std::vector<std::string> protocols) {
  change([&](Settings& settings) { settings.alpn = std::move(protocols); });
}

void Config::set_resumption(bool on, std::size_t cache) {
  change([&](Settings& settings) {
    settings.resumption = on;
    if (cache != 0) settings.session_cache = cache;
  });
}

void Config::set_session_lifetime(std::int64_t seconds) {
  change([&](Settings& settings) { settings.session_lifetime_s = seconds; });
}

void Config::set_ticket_keys(Ref<TicketKeySource> keys) {
  change([&](Settings& settings) {
    if (role_ != SALLY_ROLE_SERVER) {
      throw Failure(SALLY_INVALID_STATE, {.message = "only a server encrypts tickets"});
    }
    settings.ticket_keys = std::move(keys);
  });
}

std::size_t Config::cached_sessions() {
  const std::lock_guard lock(mutex_);
  return context_ ? context_->sessions().size() : 0;
}

void Config::skip_verification() {
  change([](Settings& settings) { settings.skip_verification = true; });
}

Settings Config::snapshot() const {
  Settings settings = settings_;
  for (const auto& source : credentials_) settings.credentials.push_back(source->current());
  if (trust_) {
    auto newest = trust_->newest();
    settings.trust = std::move(newest.material);
    const bool follows =
        settings.trust_change != SALLY_TRUST_CHANGE_KEEP && !settings.skip_verification;
    if (follows) settings.followed_trust = trust_;
    settings.trust_generation = newest.generation;
  }
  if (hinted_) settings.hinted = hinted_->current();
  return settings;
}

void Config::change_rules(const std::function<void(VerificationRules&)>& change_them) {
  change([&](Settings& settings) { change_them(settings.rules); });
}

Settings Config::settings() {
  const std::lock_guard lock(mutex_);
  return snapshot();
}

std::uint64_t Config::verification_cache_hits() {
  const std::lock_guard lock(mutex_);
  return earlier_hits_ + (context_ ? context_->verified().hits() : 0);
}

void Config::set_ocsp(std::int32_t mode) {
  change([&](Settings& settings) {
    if (role_ != SALLY_ROLE_CLIENT) {
      throw Failure(SALLY_INVALID_STATE, {.message = "only a client asks for OCSP responses"});
    }
    settings.ocsp = mode;
  });
}

void Config::set_policy(const Policy& policy) {
  change([&](Settings& settings) { settings.policy = &policy; });
}

void Config::require_post_quantum() {
  change([](Settings& settings) {
    if (!has_post_quantum(*settings.policy)) fail_without_post_quantum(*settings.policy);
    settings.require_post_quantum = true;
  });
}

void Config::set_provider_query(std::string query) {
  change([&](Settings& settings) {
    if (!query.empty()) check_provider_query(query);
    settings.provider_query = std::move(query);
  });
}

void Config::log_keys(const std::string& path) {
  change([&](Settings& settings) { settings.key_log = make_ref<KeyLog>(path); });
}

void Config::set_trace(Ref<TraceSink> trace) {
  change([&](Settings& settings) { settings.trace = std::move(trace); });
}

void Config::set_questions(std::uint32_t questions) {
  change([&](Settings& settings) {
    const std::uint32_t of_the_other =
        role_ == SALLY_ROLE_SERVER ? SALLY_QUESTION_CREDENTIAL : SALLY_QUESTION_CLIENT_HELLO;
    if ((questions & of_the_other) != 0) {
      throw Failure(SALLY_INVALID_STATE, {.message = role_ == SALLY_ROLE_SERVER
                                                         ? "only a client is asked for a credential"
                                                         : "only a server reads a client's hello"});
    }
    settings.questions = questions;
  });
}

std::uint32_t Config::questions() noexcept {
  const std::lock_guard lock(mutex_);
  return settings_.questions | settings_.questions_of_hosts;
}

bool Config::may_wait() noexcept {
  const std::lock_guard lock(mutex_);
  const bool asks = (settings_.questions | settings_.questions_of_hosts) != 0;
  return asks || hosts_ || std::ranges::any_of(credentials_, [](const auto& source) {
           return source->current()->signs_elsewhere();
         });
}

void Config::set_decision_timeout(std::int64_t milliseconds) {
  change([&](Settings& settings) { settings.decision_ms = milliseconds; });
}

void Config::add_host(std::string_view name_or_wildcard, const Ref<Config>& config) {
  if (config->role() != SALLY_ROLE_SERVER) {
    throw Failure(SALLY_INVALID_ARGUMENT, {.message = "a host's config is one for servers"});
  }
  change([&](Settings& settings) {
    if (role_ != SALLY_ROLE_SERVER) {
      throw Failure(SALLY_INVALID_STATE, {.message = "only a server has hosts"});
    }
    if (config.get() == this || is_host_) {
      throw Failure(SALLY_INVALID_STATE, {.message = "a host's config has no hosts itself"});
    }
    if (!hosts_) hosts_ = std::make_shared<Hosts>();
    hosts_->check(name_or_wildcard);
    config->become_host();
    hosts_->add(name_or_wildcard, config);
    settings.hosts = hosts_;
  });
}

// No config holds itself, then, be it through others.
void Config::become_host() {
  const std::lock_guard lock(mutex_);
  if (hosts_) {
    throw Failure(SALLY_INVALID_STATE, {.message = "a host's config has no hosts itself"});
  }
  is_host_ = true;
}

void Config::set_unknown_name(std::int32_t mode) {
  change([&](Settings& settings) {
    if (role_ != SALLY_ROLE_SERVER) {
      throw Failure(SALLY_INVALID_STATE, {.message = "only a server is asked for names"});
    }
    settings.unknown_name = mode;
  });
}

void Config::set_ca_hints(std::int32_t mode, Ref<TrustSource> store) {
  change([&](Settings& settings) {
    if (role_ != SALLY_ROLE_SERVER) {
      throw Failure(SALLY_INVALID_STATE,
                    {.message = "only a server names the CAs that it accepts"});
    }
    settings.ca_hints = mode;
    hinted_ = std::move(store);
  });
}

void Config::allow_post_handshake_auth() {
  change([&](Settings& settings) {
    if (role_ != SALLY_ROLE_CLIENT) {
      throw Failure(
          SALLY_INVALID_STATE,
          {.message = "a client allows it; a server asks with sally_stream_authenticate"});
    }
    settings.post_handshake_auth = true;
  });
}

Ref<Context> Config::freeze() {
  const std::lock_guard lock(mutex_);
  const std::uint64_t changes = material_changes;
  if (context_ && seen_changes_ == changes) return context_;
  if (!context_ && hosts_) {
    hosts_->freeze();
    settings_.questions_of_hosts = hosts_->questions();
  }
  Settings now = snapshot();
  seen_changes_ = changes;
  if (context_ && context_->is_of(now)) return context_;
  try {
    auto next = make_ref<Context>(std::move(now));
    if (context_) earlier_hits_ += context_->verified().hits();
    context_ = std::move(next);
  } catch (const Failure&) {
    if (!context_) throw;  // otherwise what worked goes on working
  }
  return context_;
}

}  // namespace sally::tls
