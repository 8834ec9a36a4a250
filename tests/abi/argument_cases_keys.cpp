// Policies, providers, stapling, and what is derived from the keys of a session.
#include "abi/argument_cases.h"

#include <cstdlib>

namespace sally::test {

namespace {

using ConfigCall = std::function<sally_status(sally_tls_config*, World&, sally_error**)>;

void append_config_cases(ArgumentCases& cases, const char* name, const ConfigCall& set) {
  cases.push_back(answers(
      name, "a NULL handle", SALLY_INVALID_ARGUMENT,
      [=](World& world, Outputs&, sally_error** error) { return set(nullptr, world, error); }));
  cases.push_back(answers(name, "a config in use", SALLY_INVALID_STATE,
                          [=](World& world, Outputs&, sally_error** error) {
                            return set(world.frozen.get(), world, error);
                          }));
}

ArgumentCase on_client(const char* name, const char* what, sally_status status,
                       const ConfigCall& set) {
  return answers(name, what, status, [=](World& world, Outputs&, sally_error** error) {
    return set(world.client.get(), world, error);
  });
}

// Setters that take one text, as they are called with it.
using TextSetter = sally_status (*)(sally_tls_config*, const char*, sally_error**);
ConfigCall with_text(TextSetter set, const char* text) {
  return [=](sally_tls_config* config, World&, sally_error** error) {
    return set(config, text, error);
  };
}

void append_policy_cases(ArgumentCases& cases) {
  const char* name = "sally_tls_config_set_policy";
  append_config_cases(cases, name, with_text(sally_tls_config_set_policy, "default"));
  const auto policy = [&](const char* what, sally_status status, const char* text) {
    cases.push_back(on_client(name, what, status, with_text(sally_tls_config_set_policy, text)));
  };
  policy("NULL", SALLY_INVALID_ARGUMENT, nullptr);
  policy("a policy that does not exist", SALLY_INVALID_ARGUMENT, "default-1999");
  policy("a policy in capitals", SALLY_INVALID_ARGUMENT, "MODERN-2026");
  policy("a name that is not UTF-8", SALLY_INVALID_ARGUMENT, "\xff\xfe");
  policy("an empty name", SALLY_OK, "");
  policy("the moving name", SALLY_OK, "default");
  cases.push_back(on_client(name, "a name of 10 MB", SALLY_INVALID_ARGUMENT,
                            [](auto* config, World& world, sally_error** error) {
                              return sally_tls_config_set_policy(config, world.long_text.c_str(),
                                                                 error);
                            }));
  append_config_cases(cases, "sally_tls_config_require_pq",
                      [](auto* config, World&, sally_error** error) {
                        return sally_tls_config_require_pq(config, error);
                      });
}

void append_provider_cases(ArgumentCases& cases) {
  const char* name = "sally_tls_config_set_provider";
  append_config_cases(cases, name, with_text(sally_tls_config_set_provider, ""));
  const auto provider = [&](const char* what, sally_status status, const char* text) {
    cases.push_back(on_client(name, what, status, with_text(sally_tls_config_set_provider, text)));
  };
  provider("NULL", SALLY_INVALID_ARGUMENT, nullptr);
  provider("what is no query", SALLY_INVALID_ARGUMENT, "==");
  provider("a provider that is not there", SALLY_PROVIDER_UNAVAILABLE, "provider=nobody");
  provider("the provider that is there", SALLY_OK, "provider=default");
  provider("an empty query", SALLY_OK, "");

  const auto load = [&](const char* what, sally_status status, const char* provider_name,
                        const char* configuration) {
    cases.push_back(answers(
        "sally_library_load_provider", what, status, [=](World&, Outputs&, sally_error** error) {
          return sally_library_load_provider(provider_name, configuration, error);
        }));
  };
  load("NULL", SALLY_INVALID_ARGUMENT, nullptr, nullptr);
  load("an empty name", SALLY_INVALID_ARGUMENT, "", nullptr);
  load("an empty configuration", SALLY_INVALID_ARGUMENT, "default", "");
  load("a provider that is not there", SALLY_PROVIDER_UNAVAILABLE, "nobody", nullptr);
  load("a configuration that is not there", SALLY_PROVIDER_UNAVAILABLE, "default",
       "/no/such/file.cnf");
  load("what is loaded already", SALLY_OK, "default", nullptr);
}

void append_key_log_cases(ArgumentCases& cases) {
  const char* name = "sally_tls_config_insecure_log_keys";
  append_config_cases(cases, name,
                      with_text(sally_tls_config_insecure_log_keys, "/no/such/folder/keys"));
  const auto log = [&](const char* what, sally_status status, const char* path) {
    cases.push_back(
        on_client(name, what, status, with_text(sally_tls_config_insecure_log_keys, path)));
  };
  log("NULL", SALLY_INVALID_ARGUMENT, nullptr);
  log("an empty path", SALLY_INVALID_ARGUMENT, "");
  log("a folder that is not there", SALLY_FILE_NOT_FOUND, "/no/such/folder/keys");
  log("a folder", SALLY_FILE_UNREADABLE, "/");
  log("a device", SALLY_FILE_UNREADABLE, "/dev/null");
  cases.push_back(on_client(name, "a path of 10 MB", SALLY_FILE_UNREADABLE,
                            [](auto* config, World& world, sally_error** error) {
                              return sally_tls_config_insecure_log_keys(
                                  config, world.long_text.c_str(), error);
                            }));
}

void append_ocsp_cases(ArgumentCases& cases) {
  const char* name = "sally_tls_config_set_ocsp";
  append_config_cases(cases, name, [](auto* config, World&, sally_error** error) {
    return sally_tls_config_set_ocsp(config, SALLY_OCSP_REQUIRE, error);
  });
  for (const std::int32_t mode : {0, 4, -1, INT32_MAX}) {
    cases.push_back(on_client(name, "a mode that does not exist", SALLY_INVALID_ARGUMENT,
                              [=](auto* config, World&, sally_error** error) {
                                return sally_tls_config_set_ocsp(config, mode, error);
                              }));
  }
  cases.push_back(answers(name, "a server's config", SALLY_INVALID_STATE,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_tls_config_set_ocsp(world.server.get(), SALLY_OCSP_REQUEST,
                                                             error);
                          }));

  const auto staple = [&](const char* what, sally_status status, const void* response,
                          std::size_t size) {
    cases.push_back(answers("sally_credential_set_ocsp_response", what, status,
                            [=](World& world, Outputs&, sally_error** error) {
                              return sally_credential_set_ocsp_response(world.credential.get(),
                                                                        response, size, error);
                            }));
  };
  staple("NULL with a size", SALLY_INVALID_ARGUMENT, nullptr, 1);
  staple("a size that cannot be", SALLY_INVALID_ARGUMENT, "x", SIZE_MAX);
  staple("more than TLS can carry", SALLY_INVALID_ARGUMENT, "x", std::size_t{1} << 24);
  staple("bytes that are no response", SALLY_OCSP_RESPONSE_INVALID, "x", 1);
  staple("nothing", SALLY_OK, nullptr, 0);
  cases.push_back(answers("sally_credential_set_ocsp_response", "a NULL handle",
                          SALLY_INVALID_ARGUMENT, [](World&, Outputs&, sally_error** error) {
                            return sally_credential_set_ocsp_response(nullptr, "x", 1, error);
                          }));
}

// A function on a stream, good in all but the stream.
using StreamCall = std::function<sally_status(sally_stream*, Outputs&, sally_error**)>;
void append_secured_cases(ArgumentCases& cases, const char* name, const StreamCall& call) {
  const auto on = [&](const char* what, sally_status status,
                      std::function<sally_stream*(World&)> stream) {
    cases.push_back(
        answers(name, what, status, [=](World& world, Outputs& out, sally_error** error) {
          return call(stream(world), out, error);
        }));
  };
  on("a NULL handle", SALLY_INVALID_ARGUMENT, [](World&) { return nullptr; });
  on("a stream that is not connected", SALLY_INVALID_STATE,
     [](World& world) { return world.idle.get(); });
  on("a closed stream", SALLY_CLOSED, [](World& world) { return world.closed.get(); });
  on("a plain stream", SALLY_INVALID_STATE, [](World& world) { return world.plain.client.get(); });
  on("a stream that reads", SALLY_OK, [](World& world) { return world.busy.client.get(); });
  on("a connected stream", SALLY_OK, [](World& world) { return world.open.client.get(); });
}

void append_export_cases(ArgumentCases& cases) {
  const char* name = "sally_stream_export_key";
  append_secured_cases(cases, name, [](sally_stream* stream, Outputs& out, sally_error** error) {
    return sally_stream_export_key(stream, "EXPERIMENTAL test", nullptr, 0, out.value<char>(32), 32,
                                   error);
  });
  const auto exports = [&](const char* what, sally_status status,
                           std::function<const char*(World&)> label, const void* context,
                           std::size_t context_size, std::size_t size) {
    cases.push_back(
        answers(name, what, status, [=](World& world, Outputs& out, sally_error** error) {
          return sally_stream_export_key(world.open.client.get(), label(world), context,
                                         context_size, out.value<char>(8160), size, error);
        }));
  };
  const auto good = [](World&) { return "EXPERIMENTAL test"; };
  static const std::string longest(249, 'l');
  static const std::string too_long(250, 'l');
  static const std::string context(65536, 'c');
  exports(
      "a NULL label", SALLY_INVALID_ARGUMENT, [](World&) { return nullptr; }, nullptr, 0, 32);
  exports(
      "an empty label", SALLY_INVALID_ARGUMENT, [](World&) { return ""; }, nullptr, 0, 32);
  exports(
      "the longest label", SALLY_OK, [](World&) { return longest.c_str(); }, nullptr, 0, 32);
  exports(
      "a label that is too long", SALLY_INVALID_ARGUMENT, [](World&) { return too_long.c_str(); },
      nullptr, 0, 32);
  exports(
      "a label of 10 MB", SALLY_INVALID_ARGUMENT,
      [](World& world) { return world.long_text.c_str(); }, nullptr, 0, 32);
  for (const char* label : {"client finished", "server finished", "master secret",
                            "extended master secret", "key expansion"}) {
    exports(
        "a label of TLS itself", SALLY_INVALID_ARGUMENT, [=](World&) { return label; }, nullptr, 0,
        32);
  }
  exports("a NULL context with a size", SALLY_INVALID_ARGUMENT, good, nullptr, 1, 32);
  exports("an empty context", SALLY_OK, good, "", 0, 32);
  exports("the largest context", SALLY_OK, good, context.data(), 65535, 32);
  exports("a context that is too large", SALLY_INVALID_ARGUMENT, good, context.data(), 65536, 32);
  exports("a size of 0", SALLY_INVALID_ARGUMENT, good, nullptr, 0, 0);
  exports("the largest size", SALLY_OK, good, nullptr, 0, 8160);
  exports("a size that is too large", SALLY_INVALID_ARGUMENT, good, nullptr, 0, 8161);
  exports("a size that cannot be", SALLY_INVALID_ARGUMENT, good, nullptr, 0, SIZE_MAX);
  cases.push_back(answers(name, "a NULL output", SALLY_INVALID_ARGUMENT,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_stream_export_key(world.open.client.get(), "EXPERIMENTAL",
                                                           nullptr, 0, nullptr, 32, error);
                          }));
}

void append_binding_cases(ArgumentCases& cases) {
  const char* name = "sally_stream_channel_binding";
  append_secured_cases(cases, name, [](sally_stream* stream, Outputs& out, sally_error** error) {
    return sally_stream_channel_binding(stream, "tls-exporter", out.handle<sally_bytes>(), error);
  });
  const auto binding = [&](const char* what, sally_status status, const char* type) {
    cases.push_back(
        answers(name, what, status, [=](World& world, Outputs& out, sally_error** error) {
          return sally_stream_channel_binding(world.open.client.get(), type,
                                              out.handle<sally_bytes>(), error);
        }));
  };
  binding("a NULL type", SALLY_INVALID_ARGUMENT, nullptr);
  binding("an empty type", SALLY_INVALID_ARGUMENT, "");
  binding("the type that is not safe", SALLY_NOT_SUPPORTED, "tls-unique");
  binding("the server's certificate", SALLY_OK, "tls-server-end-point");
  cases.push_back(answers(name, "a NULL output", SALLY_INVALID_ARGUMENT,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_stream_channel_binding(world.open.client.get(),
                                                                "tls-exporter", nullptr, error);
                          }));
}

void append_update_cases(ArgumentCases& cases) {
  const char* name = "sally_stream_update_keys";
  append_secured_cases(cases, name, [](sally_stream* stream, Outputs&, sally_error** error) {
    return sally_stream_update_keys(stream, 0, error);
  });
  for (const std::int32_t flag : {-1, 2, INT32_MAX}) {
    cases.push_back(answers(name, "what is neither yes nor no", SALLY_INVALID_ARGUMENT,
                            [=](World& world, Outputs&, sally_error** error) {
                              return sally_stream_update_keys(world.open.client.get(), flag, error);
                            }));
  }
}

}  // namespace

ArgumentCases key_cases() {
  ArgumentCases cases;
  append_policy_cases(cases);
  append_provider_cases(cases);
  append_key_log_cases(cases);
  append_ocsp_cases(cases);
  append_export_cases(cases);
  append_binding_cases(cases);
  append_update_cases(cases);
  return cases;
}

}  // namespace sally::test
