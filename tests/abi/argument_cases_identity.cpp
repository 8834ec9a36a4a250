// Who a server is to whom, and when it asks who the client is.
#include "abi/argument_cases.h"

namespace sally::test {

namespace {

using Setter = std::function<sally_status(sally_tls_config*, World&, sally_error**)>;

void append_setter_cases(ArgumentCases& cases, const char* name, const Setter& set) {
  cases.push_back(answers(
      name, "a NULL handle", SALLY_INVALID_ARGUMENT,
      [=](World& world, Outputs&, sally_error** error) { return set(nullptr, world, error); }));
  cases.push_back(answers(name, "a config in use", SALLY_INVALID_STATE,
                          [=](World& world, Outputs&, sally_error** error) {
                            return set(world.frozen.get(), world, error);
                          }));
}

void append_unknown_name_cases(ArgumentCases& cases) {
  const char* name = "sally_tls_config_set_unknown_name";
  append_setter_cases(cases, name, [](auto* config, World&, sally_error** error) {
    return sally_tls_config_set_unknown_name(config, SALLY_UNKNOWN_NAME_REFUSE, error);
  });
  for (const std::int32_t mode : {0, 3, -1, INT32_MIN}) {
    cases.push_back(answers(name, "a mode that does not exist", SALLY_INVALID_ARGUMENT,
                            [=](World& world, Outputs&, sally_error** error) {
                              return sally_tls_config_set_unknown_name(world.server.get(), mode,
                                                                       error);
                            }));
  }
  cases.push_back(answers(name, "a client's config", SALLY_INVALID_STATE,
                          [=](World& world, Outputs&, sally_error** error) {
                            return sally_tls_config_set_unknown_name(
                                world.client.get(), SALLY_UNKNOWN_NAME_SERVE, error);
                          }));
}

void append_host_cases(ArgumentCases& cases) {
  const char* name = "sally_tls_config_add_host";
  append_setter_cases(cases, name, [](auto* config, World& world, sally_error** error) {
    return sally_tls_config_add_host(config, "a.test", world.no_credential.get(), error);
  });
  const auto host = [&](const char* what, sally_status status, const char* of,
                        Owned<sally_tls_config> World::*to,
                        Owned<sally_tls_config> World::*served_by) {
    cases.push_back(answers(name, what, status, [=](World& world, Outputs&, sally_error** error) {
      sally_tls_config* config = served_by != nullptr ? (world.*served_by).get() : nullptr;
      return sally_tls_config_add_host((world.*to).get(), of, config, error);
    }));
  };
  static const std::string too_long(300, 'a');
  host("a NULL name", SALLY_INVALID_ARGUMENT, nullptr, &World::server, &World::no_credential);
  host("a NULL host", SALLY_INVALID_ARGUMENT, "a.test", &World::server, nullptr);
  host("an empty name", SALLY_INVALID_ARGUMENT, "", &World::server, &World::no_credential);
  host("a name of bytes that are no letters", SALLY_INVALID_ARGUMENT, "\xff\xfe", &World::server,
       &World::no_credential);
  host("a name that is too long", SALLY_INVALID_ARGUMENT, too_long.c_str(), &World::server,
       &World::no_credential);
  host("a wildcard for a top-level domain", SALLY_INVALID_ARGUMENT, "*.test", &World::server,
       &World::no_credential);
  host("a client's config as the host", SALLY_INVALID_ARGUMENT, "a.test", &World::server,
       &World::client);
  host("a client's config", SALLY_INVALID_STATE, "a.test", &World::client, &World::no_credential);
  host("itself", SALLY_INVALID_STATE, "a.test", &World::server, &World::server);
}

void append_ca_hint_cases(ArgumentCases& cases) {
  const char* name = "sally_tls_config_set_ca_hints";
  append_setter_cases(cases, name, [](auto* config, World&, sally_error** error) {
    return sally_tls_config_set_ca_hints(config, SALLY_CA_HINTS_NONE, nullptr, error);
  });
  const auto hints = [&](const char* what, sally_status status, std::int32_t mode, bool with_store,
                         Owned<sally_tls_config> World::*config) {
    cases.push_back(answers(name, what, status, [=](World& world, Outputs&, sally_error** error) {
      sally_trust_store* store = with_store ? world.trust.get() : nullptr;
      return sally_tls_config_set_ca_hints((world.*config).get(), mode, store, error);
    }));
  };
  for (const std::int32_t mode : {0, 4, -1, INT32_MIN}) {
    hints("a mode that does not exist", SALLY_INVALID_ARGUMENT, mode, false, &World::server);
  }
  hints("no store", SALLY_INVALID_ARGUMENT, SALLY_CA_HINTS_STORE, false, &World::server);
  hints("a store for nothing", SALLY_INVALID_ARGUMENT, SALLY_CA_HINTS_TRUST, true, &World::server);
  hints("a client's config", SALLY_INVALID_STATE, SALLY_CA_HINTS_STORE, true, &World::client);
  hints("a store", SALLY_OK, SALLY_CA_HINTS_STORE, true, &World::server);
}

void append_authentication_cases(ArgumentCases& cases) {
  append_setter_cases(cases, "sally_tls_config_allow_post_handshake_auth",
                      [](auto* config, World&, sally_error** error) {
                        return sally_tls_config_allow_post_handshake_auth(config, error);
                      });
  cases.push_back(answers("sally_tls_config_allow_post_handshake_auth", "a server's config",
                          SALLY_INVALID_STATE, [](World& world, Outputs&, sally_error** error) {
                            return sally_tls_config_allow_post_handshake_auth(world.server.get(),
                                                                              error);
                          }));

  const char* name = "sally_stream_authenticate";
  const TimedCall authenticate = [](sally_stream* stream, Outputs&, std::int64_t timeout_ms,
                                    sally_error** error) {
    return sally_stream_authenticate(stream, timeout_ms, error);
  };
  append_timed_cases(cases, name, authenticate);
  append_state_case(cases, name, "a stream that is not connected", SALLY_INVALID_STATE,
                    &World::idle, authenticate);
  append_state_case(cases, name, "a closed stream", SALLY_CLOSED, &World::closed, authenticate);
  const auto refused = [&](const char* what, sally_status status, auto stream) {
    cases.push_back(answers(name, what, status, [=](World& world, Outputs&, sally_error** error) {
      return sally_stream_authenticate(stream(world).get(), 0, error);
    }));
  };
  refused("a client's stream", SALLY_INVALID_STATE,
          [](World& world) -> Stream& { return world.open.client; });
  refused("a client that did not offer it", SALLY_NOT_SUPPORTED,
          [](World& world) -> Stream& { return world.open.server; });
  refused("a plain stream", SALLY_INVALID_STATE,
          [](World& world) -> Stream& { return world.plain.server; });
  refused("a read pending", SALLY_BUSY, [](World& world) -> Stream& { return world.busy.client; });
}

}  // namespace

ArgumentCases identity_cases() {
  ArgumentCases cases;
  append_unknown_name_cases(cases);
  append_host_cases(cases);
  append_ca_hint_cases(cases);
  append_authentication_cases(cases);
  return cases;
}

}  // namespace sally::test
