// How this side does TLS: built setter by setter, then frozen into a context.
#pragma once

#include "status/ref.h"
#include "tls/credential.h"
#include "tls/key_log.h"
#include "tls/openssl_types.h"
#include "tls/policy.h"
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
  std::int32_t min_version = SALLY_TLS_1_2;  // within what the policy allows
  std::int32_t max_version = SALLY_TLS_1_3;
  const Policy* policy = &default_policy();
  bool require_post_quantum = false;
  std::string provider_query{};  // "": whatever has it
  Ref<KeyLog> key_log{};
  std::int32_t ocsp = SALLY_OCSP_REQUEST;
  bool skip_verification = false;
  std::vector<Ref<Credential>> credentials;
  Ref<TrustStore> trust;
  std::vector<std::string> alpn;
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
  void set_ocsp(std::int32_t mode);
  void set_policy(const Policy& policy);
  void require_post_quantum();
  void set_provider_query(std::string query);
  void log_keys(const std::string& path);

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
