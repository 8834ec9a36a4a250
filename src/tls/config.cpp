#include "tls/config.h"

#include "status/error.h"
#include "tls/context.h"

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

void Config::set_decision_timeout(std::int64_t milliseconds) {
  change([&](Settings& settings) { settings.decision_ms = milliseconds; });
}

Ref<Context> Config::freeze() {
  const std::lock_guard lock(mutex_);
  if (!context_) context_ = make_ref<Context>(settings_);
  return context_;
}

}  // namespace sally::tls
