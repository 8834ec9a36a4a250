#include "abi/boundary.h"
#include "abi/bytes.h"
#include "abi/handles.h"
#include "abi/patience.h"
#include "tls/context.h"

#include <cstring>
#include <string>
#include <vector>

#include <sallyport/decision.h>
#include <sallyport/tls_config.h>

using sally::make_ref;
using sally::abi::guarded;
using sally::abi::require;
using sally::abi::usable;

namespace {

constexpr std::size_t longest_protocol = 255;  // RFC 7301 section 3.1
constexpr std::size_t longest_protocol_list = 65535;

bool is_version(std::int32_t version) {
  return version == SALLY_TLS_1_2 || version == SALLY_TLS_1_3;
}

std::vector<std::string> copy_protocols(const char* const* protocols, std::size_t count) {
  require(protocols != nullptr || count == 0, "protocols is NULL");
  std::vector<std::string> copies;
  std::size_t size = 0;
  for (std::size_t i = 0; i < count; ++i) {
    require(protocols[i] != nullptr, "a protocol is NULL");
    copies.emplace_back(protocols[i]);
    const std::size_t length = copies.back().size();
    require(length > 0 && length <= longest_protocol,
            "a protocol is empty or longer than 255 bytes");
    size += 1 + length;
    require(size <= longest_protocol_list, "the protocols are longer than 65535 bytes together");
  }
  return copies;
}

}  // namespace

sally_status sally_tls_config_create(int32_t role, sally_tls_config** config, sally_error** error) {
  return guarded(error, [&] {
    require(role == SALLY_ROLE_CLIENT || role == SALLY_ROLE_SERVER, "role is not a SALLY_ROLE_*");
    require(config != nullptr, "config is NULL");
    *config = new sally_tls_config(make_ref<sally::tls::Config>(role));
    return SALLY_OK;
  });
}

sally_status sally_tls_config_add_credential(sally_tls_config* config, sally_credential* credential,
                                             sally_error** error) {
  return guarded(error, [&] {
    usable(config).object->add_credential(usable(credential).object);
    return SALLY_OK;
  });
}

sally_status sally_tls_config_set_trust(sally_tls_config* config, sally_trust_store* trust,
                                        sally_error** error) {
  return guarded(error, [&] {
    usable(config).object->set_trust(usable(trust).object);
    return SALLY_OK;
  });
}

sally_status sally_tls_config_set_client_auth(sally_tls_config* config, int32_t mode,
                                              sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    require(mode >= SALLY_CLIENT_AUTH_NONE && mode <= SALLY_CLIENT_AUTH_REQUIRE,
            "mode is not a SALLY_CLIENT_AUTH_*");
    handle.object->set_client_auth(mode);
    return SALLY_OK;
  });
}

sally_status sally_tls_config_set_unknown_name(sally_tls_config* config, int32_t mode,
                                               sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    require(mode == SALLY_UNKNOWN_NAME_SERVE || mode == SALLY_UNKNOWN_NAME_REFUSE,
            "mode is not a SALLY_UNKNOWN_NAME_*");
    handle.object->set_unknown_name(mode);
    return SALLY_OK;
  });
}

sally_status sally_tls_config_add_host(sally_tls_config* config, const char* name,
                                       sally_tls_config* host, sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    require(name != nullptr, "name is NULL");
    handle.object->add_host(name, usable(host).object);
    return SALLY_OK;
  });
}

sally_status sally_tls_config_set_ca_hints(sally_tls_config* config, int32_t mode,
                                           sally_trust_store* store, sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    require(mode >= SALLY_CA_HINTS_NONE && mode <= SALLY_CA_HINTS_STORE,
            "mode is not a SALLY_CA_HINTS_*");
    const bool others = mode == SALLY_CA_HINTS_STORE;
    require(others || store == nullptr, "store is for SALLY_CA_HINTS_STORE");
    handle.object->set_ca_hints(mode, others ? usable(store).object : nullptr);
    return SALLY_OK;
  });
}

sally_status sally_tls_config_allow_post_handshake_auth(sally_tls_config* config,
                                                        sally_error** error) {
  return guarded(error, [&] {
    usable(config).object->allow_post_handshake_auth();
    return SALLY_OK;
  });
}

sally_status sally_tls_config_set_versions(sally_tls_config* config, int32_t min, int32_t max,
                                           sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    const std::int32_t lowest = min == 0 ? SALLY_TLS_1_2 : min;
    const std::int32_t highest = max == 0 ? SALLY_TLS_1_3 : max;
    require(is_version(lowest) && is_version(highest), "a version is not a SALLY_TLS_*");
    require(lowest <= highest, "min is above max");
    handle.object->set_versions(lowest, highest);
    return SALLY_OK;
  });
}

sally_status sally_tls_config_set_alpn(sally_tls_config* config, const char* const* protocols,
                                       size_t count, sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    handle.object->set_alpn(copy_protocols(protocols, count));
    return SALLY_OK;
  });
}

sally_status sally_tls_config_set_resumption(sally_tls_config* config, int32_t mode,
                                             uint32_t sessions, sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    require(mode == SALLY_RESUMPTION_OFF || mode == SALLY_RESUMPTION_ON,
            "mode is not a SALLY_RESUMPTION_*");
    handle.object->set_resumption(mode == SALLY_RESUMPTION_ON, sessions);
    return SALLY_OK;
  });
}

sally_status sally_tls_config_set_session_lifetime(sally_tls_config* config, int64_t seconds,
                                                   sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    constexpr std::int64_t longest = 7 * 24 * 3600;
    require(seconds >= 1 && seconds <= longest, "seconds is not from 1 to 604800");
    handle.object->set_session_lifetime(seconds);
    return SALLY_OK;
  });
}

sally_status sally_tls_config_set_ticket_keys(sally_tls_config* config, sally_ticket_keys* keys,
                                              sally_error** error) {
  return guarded(error, [&] {
    usable(config).object->set_ticket_keys(usable(keys).object);
    return SALLY_OK;
  });
}

size_t sally_tls_config_cached_sessions(sally_tls_config* config) {
  if (config == nullptr || config->inherited()) return 0;
  return config->object->cached_sessions();
}

sally_status sally_tls_config_insecure_skip_verification(sally_tls_config* config,
                                                         sally_error** error) {
  return guarded(error, [&] {
    usable(config).object->skip_verification();
    return SALLY_OK;
  });
}

sally_status sally_tls_config_set_questions(sally_tls_config* config, uint32_t questions,
                                            sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    constexpr std::uint32_t known = SALLY_QUESTION_CREDENTIAL | SALLY_QUESTION_PEER |
                                    SALLY_QUESTION_CLIENT_HELLO | SALLY_QUESTION_SIGNATURE;
    require((questions & ~known) == 0, "questions is not of SALLY_QUESTION_*");
    handle.object->set_questions(questions);
    return SALLY_OK;
  });
}

sally_status sally_tls_config_set_policy(sally_tls_config* config, const char* name,
                                         sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    require(name != nullptr, "name is NULL");
    handle.object->set_policy(sally::tls::find_policy(name));
    return SALLY_OK;
  });
}

sally_status sally_tls_config_set_decision_timeout(sally_tls_config* config, int64_t timeout_ms,
                                                   sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    require(timeout_ms >= 0 || timeout_ms == SALLY_TIMEOUT_NEVER, "timeout_ms is negative");
    handle.object->set_decision_timeout(timeout_ms != 0 ? timeout_ms
                                                        : sally::abi::default_decision_ms);
    return SALLY_OK;
  });
}

sally_status sally_tls_config_require_pq(sally_tls_config* config, sally_error** error) {
  return guarded(error, [&] {
    usable(config).object->require_post_quantum();
    return SALLY_OK;
  });
}

sally_status sally_tls_config_set_provider(sally_tls_config* config, const char* properties,
                                           sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    require(properties != nullptr, "properties is NULL");
    handle.object->set_provider_query(properties);
    return SALLY_OK;
  });
}

sally_status sally_tls_config_set_ocsp(sally_tls_config* config, int32_t mode,
                                       sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    require(mode >= SALLY_OCSP_OFF && mode <= SALLY_OCSP_REQUIRE, "mode is not a SALLY_OCSP_*");
    handle.object->set_ocsp(mode);
    return SALLY_OK;
  });
}

sally_status sally_tls_config_insecure_log_keys(sally_tls_config* config, const char* path,
                                                sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    require(path != nullptr && *path != '\0', "path is NULL or empty");
    handle.object->log_keys(path);
    return SALLY_OK;
  });
}

sally_status sally_tls_config_to_json(sally_tls_config* config, sally_bytes** json,
                                      sally_error** error) {
  return guarded(error, [&] {
    auto& handle = usable(config);
    require(json != nullptr, "json is NULL");
    *json = sally::abi::to_bytes(sally::tls::effective_settings(*handle.object->freeze()));
    return SALLY_OK;
  });
}

sally_tls_config* sally_tls_config_retain(sally_tls_config* config) {
  if (config != nullptr) config->retain();
  return config;
}

void sally_tls_config_release(sally_tls_config* config) {
  if (config != nullptr) config->release();
}
