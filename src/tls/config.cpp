#include "tls/config.h"

#include "status/error.h"
#include "tls/context.h"
#include "tls/provider.h"

#include <algorithm>

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

void Config::add_credential(Ref<Credential> credential) {
  change([&](Settings& settings) {
    const bool taken = std::ranges::any_of(settings.credentials, [&](const Ref<Credential>& other) {
      return other->key_type() == credential->key_type();
    });
    if (taken) {
      throw Failure(SALLY_INVALID_STATE,
                    {.message = "the TLS config holds a credential of key type " +
                                credential->key_type() + " already"});
    }
    settings.credentials.push_back(std::move(credential));
  });
}

void Config::set_trust(Ref<TrustStore> trust) {
  change([&](Settings& settings) { settings.trust = std::move(trust); });
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

void Config::skip_verification() {
  change([](Settings& settings) { settings.skip_verification = true; });
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

Ref<Context> Config::freeze() {
  const std::lock_guard lock(mutex_);
  if (!context_) context_ = make_ref<Context>(settings_);
  return context_;
}

}  // namespace sally::tls
