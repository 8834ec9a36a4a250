// How this side does TLS: built setter by setter, then frozen into a context.
#pragma once

#include "status/ref.h"
#include "tls/credential.h"
#include "tls/openssl_types.h"
#include "tls/trust_store.h"

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include <sallyport/tls_config.h>

namespace sally::tls {

class Context;

struct Settings {
  std::int32_t role = SALLY_ROLE_CLIENT;
  std::int32_t client_auth = SALLY_CLIENT_AUTH_NONE;
  std::int32_t min_version = SALLY_TLS_1_2;
  std::int32_t max_version = SALLY_TLS_1_3;
  bool skip_verification = false;
  std::vector<Ref<Credential>> credentials;
  Ref<TrustStore> trust;
  std::vector<std::string> alpn;
  std::uint32_t questions = 0;        // SALLY_QUESTION_*
  std::int64_t decision_ms = 10'000;  // how long each may be thought about; negative: no limit
};

class Config : public RefCounted<Config> {
 public:
  explicit Config(std::int32_t role);

  std::int32_t role() const noexcept { return role_; }

  // Setters throw Failure(SALLY_INVALID_STATE) once the config is frozen.
  void add_credential(Ref<Credential> credential);
  void set_trust(Ref<TrustStore> trust);
  void set_client_auth(std::int32_t mode);
  void set_versions(std::int32_t min, std::int32_t max);
  void set_alpn(std::vector<std::string> protocols);
  void skip_verification();
  void set_questions(std::uint32_t questions);
  void set_decision_timeout(std::int64_t milliseconds);

  // The one context that all sessions of this config share, made by the first call. Throws Failure
  // where the config is not complete; it can then be mended.
  Ref<Context> freeze();

 private:
  friend class RefCounted<Config>;
  ~Config();
  template <class Change>
  void change(Change&& apply);

  const std::int32_t role_;
  std::mutex mutex_;
  Settings settings_;
  Ref<Context> context_;
};

}  // namespace sally::tls
