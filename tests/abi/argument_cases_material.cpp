#include "abi/argument_cases.h"
#include "lib/zoo.h"

namespace sally::test {

namespace {

void append_credential_cases(ArgumentCases& cases) {
  // The text stands in for the chain's URI; the key is good.
  const auto load = [&](const char* what, sally_status status,
                        std::function<const char*(World&)> chain) {
    cases.push_back(answers("sally_credential_load", what, status,
                            [=](World& world, Outputs& out, sally_error** error) {
                              static const std::string key = Zoo::key_path("client-good");
                              return sally_credential_load(chain(world), key.c_str(), nullptr,
                                                           out.handle<sally_credential>(), error);
                            }));
  };
  load("a NULL chain", SALLY_INVALID_ARGUMENT, [](World&) { return nullptr; });
  load("an empty chain", SALLY_INVALID_ARGUMENT, [](World&) { return ""; });
  load("a file that is not there", SALLY_FILE_NOT_FOUND,
       [](World&) { return "/no/such/file.pem"; });
  load("a path that is not UTF-8", SALLY_FILE_NOT_FOUND,
       [](World& world) { return world.not_utf8.c_str(); });
  load("a path of 10 MB", SALLY_FILE_UNREADABLE,
       [](World& world) { return world.long_text.c_str(); });
  load("a folder", SALLY_FILE_UNREADABLE, [](World&) { return "/"; });
  load("a scheme that is not known", SALLY_NOT_SUPPORTED,
       [](World&) { return "https://example.test/client.pem"; });
  cases.push_back(answers("sally_credential_load", "a NULL output", SALLY_INVALID_ARGUMENT,
                          [](World&, Outputs&, sally_error** error) {
                            return sally_credential_load("x", nullptr, nullptr, nullptr, error);
                          }));
  const auto open = [&](const char* what, sally_status status,
                        std::function<const char*(World&)> passphrase) {
    cases.push_back(answers("sally_credential_load", what, status,
                            [=](World& world, Outputs& out, sally_error** error) {
                              return sally_credential_load(
                                  Zoo::chain_path("file-encrypted").c_str(),
                                  Zoo::key_path("file-encrypted").c_str(), passphrase(world),
                                  out.handle<sally_credential>(), error);
                            }));
  };
  open("the right passphrase", SALLY_OK, [](World&) { return "sallyport"; });
  open("no passphrase", SALLY_CREDENTIAL_PASSPHRASE_NEEDED, [](World&) { return nullptr; });
  open("an empty passphrase", SALLY_CREDENTIAL_WRONG_PASSPHRASE, [](World&) { return ""; });
  open("a passphrase of 10 MB", SALLY_CREDENTIAL_WRONG_PASSPHRASE,
       [](World& world) { return world.long_text.c_str(); });

  struct Memory {
    const void* chain;
    std::size_t chain_size;
    const void* key;
    std::size_t key_size;
  };
  const auto memory = [&](const char* what, sally_status status,
                          std::function<Memory(World&)> given) {
    cases.push_back(answers("sally_credential_from_memory", what, status,
                            [=](World& world, Outputs& out, sally_error** error) {
                              const Memory m = given(world);
                              return sally_credential_from_memory(
                                  m.chain, m.chain_size, m.key, m.key_size, nullptr,
                                  out.handle<sally_credential>(), error);
                            }));
  };
  memory("a NULL chain", SALLY_INVALID_ARGUMENT, [](World&) { return Memory{nullptr, 0, "x", 1}; });
  memory("a NULL key with a size", SALLY_INVALID_ARGUMENT, [](World&) {
    return Memory{"x", 1, nullptr, 1};
  });
  memory("sizes of 0", SALLY_CREDENTIAL_NO_CERTIFICATE, [](World&) {
    return Memory{"", 0, "", 0};
  });
  memory("a size that cannot be", SALLY_LIMIT_EXCEEDED, [](World&) {
    return Memory{"x", SIZE_MAX, nullptr, 0};
  });
  memory("10 MB of text", SALLY_CREDENTIAL_NO_CERTIFICATE, [](World& world) {
    return Memory{world.long_text.data(), world.long_text.size(), nullptr, 0};
  });
  memory("a chain without a key", SALLY_CREDENTIAL_NO_KEY, [](World& world) {
    return Memory{sally_bytes_data(world.bytes.get()), sally_bytes_size(world.bytes.get()), nullptr,
                  0};
  });
  cases.push_back(answers("sally_credential_from_memory", "a NULL output", SALLY_INVALID_ARGUMENT,
                          [](World&, Outputs&, sally_error** error) {
                            return sally_credential_from_memory("x", 1, nullptr, 0, nullptr,
                                                                nullptr, error);
                          }));
  const auto certificates = [&](const char* what, sally_status status, const void* chain,
                                std::size_t size) {
    cases.push_back(answers("sally_credential_from_certificates", what, status,
                            [=](World&, Outputs& out, sally_error** error) {
                              return sally_credential_from_certificates(
                                  chain, size, out.handle<sally_credential>(), error);
                            }));
  };
  certificates("a NULL chain", SALLY_INVALID_ARGUMENT, nullptr, 0);
  certificates("no bytes", SALLY_CREDENTIAL_NO_CERTIFICATE, "", 0);
  certificates("a size that cannot be", SALLY_LIMIT_EXCEEDED, "x", SIZE_MAX);
  cases.push_back(answers("sally_credential_from_certificates", "a NULL output",
                          SALLY_INVALID_ARGUMENT, [](World&, Outputs&, sally_error** error) {
                            return sally_credential_from_certificates("x", 1, nullptr, error);
                          }));
  const auto load_certificates = [&](const char* what, sally_status status, const char* uri) {
    cases.push_back(answers("sally_credential_load_certificates", what, status,
                            [=](World&, Outputs& out, sally_error** error) {
                              return sally_credential_load_certificates(
                                  uri, out.handle<sally_credential>(), error);
                            }));
  };
  load_certificates("a NULL chain", SALLY_INVALID_ARGUMENT, nullptr);
  load_certificates("an empty chain", SALLY_INVALID_ARGUMENT, "");
  load_certificates("a file that is not there", SALLY_FILE_NOT_FOUND, "/no/such/file.pem");
  load_certificates("a scheme that is not known", SALLY_NOT_SUPPORTED, "https://example.test/");
  cases.push_back(answers("sally_credential_load_certificates", "a NULL output",
                          SALLY_INVALID_ARGUMENT, [](World&, Outputs&, sally_error** error) {
                            return sally_credential_load_certificates("x", nullptr, error);
                          }));
  cases.push_back(answers("sally_credential_copy_warnings", "a NULL handle", SALLY_INVALID_ARGUMENT,
                          [](World&, Outputs& out, sally_error** error) {
                            return sally_credential_copy_warnings(nullptr,
                                                                  out.handle<sally_bytes>(), error);
                          }));
  cases.push_back(answers("sally_credential_copy_warnings", "a NULL output", SALLY_INVALID_ARGUMENT,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_credential_copy_warnings(world.credential.get(), nullptr,
                                                                  error);
                          }));
  cases.push_back(answers("sally_credential_copy_certificate", "a NULL handle",
                          SALLY_INVALID_ARGUMENT, [](World&, Outputs& out, sally_error** error) {
                            return sally_credential_copy_certificate(
                                nullptr, out.handle<sally_certificate>(), error);
                          }));
  cases.push_back(answers("sally_credential_copy_certificate", "a NULL output",
                          SALLY_INVALID_ARGUMENT, [](World& world, Outputs&, sally_error** error) {
                            return sally_credential_copy_certificate(world.credential.get(),
                                                                     nullptr, error);
                          }));
  append_lifetime_cases<sally_credential, sally_credential>(
      cases, "sally_credential_retain", sally_credential_retain, "sally_credential_release",
      sally_credential_release, [](World& world) { return world.credential.get(); });
}

void append_trust_change_cases(ArgumentCases& cases) {
  cases.push_back(answers("sally_trust_store_merge", "a NULL handle", SALLY_INVALID_ARGUMENT,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_trust_store_merge(nullptr, world.trust.get(), error);
                          }));
  cases.push_back(answers("sally_trust_store_merge", "a NULL other", SALLY_INVALID_ARGUMENT,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_trust_store_merge(world.trust.get(), nullptr, error);
                          }));
  cases.push_back(answers("sally_trust_store_merge", "itself", SALLY_OK,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_trust_store_merge(world.trust.get(), world.trust.get(),
                                                           error);
                          }));
  const auto add = [&](const char* what, sally_status status,
                       std::function<const char*(World&)> uri) {
    cases.push_back(answers("sally_trust_store_add_crl", what, status,
                            [=](World& world, Outputs&, sally_error** error) {
                              return sally_trust_store_add_crl(world.trust.get(), uri(world),
                                                               error);
                            }));
  };
  add("NULL", SALLY_INVALID_ARGUMENT, [](World&) { return nullptr; });
  add("an empty URI", SALLY_INVALID_ARGUMENT, [](World&) { return ""; });
  add("a file that is not there", SALLY_FILE_NOT_FOUND, [](World&) { return "/no/such/file.crl"; });
  add("a path of 10 MB", SALLY_FILE_UNREADABLE,
      [](World& world) { return world.long_text.c_str(); });
  add("a file without CRLs", SALLY_CRL_EMPTY, [](World&) { return "/dev/null"; });
  add("a scheme that is not known", SALLY_NOT_SUPPORTED,
      [](World&) { return "https://example.test/ca.crl"; });
  cases.push_back(answers("sally_trust_store_add_crl", "a NULL handle", SALLY_INVALID_ARGUMENT,
                          [](World&, Outputs&, sally_error** error) {
                            return sally_trust_store_add_crl(nullptr, "x", error);
                          }));
  const auto memory = [&](const char* what, sally_status status, const char* data,
                          std::size_t size) {
    cases.push_back(answers("sally_trust_store_add_crl_from_memory", what, status,
                            [=](World& world, Outputs&, sally_error** error) {
                              return sally_trust_store_add_crl_from_memory(world.trust.get(), data,
                                                                           size, error);
                            }));
  };
  memory("NULL", SALLY_INVALID_ARGUMENT, nullptr, 0);
  memory("a size of 0", SALLY_CRL_EMPTY, "", 0);
  memory("a size that cannot be", SALLY_LIMIT_EXCEEDED, "x", SIZE_MAX);
  memory("what does not decode", SALLY_CRL_BAD_FORMAT,
         "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n", 54);
  cases.push_back(answers("sally_trust_store_add_crl_from_memory", "a NULL handle",
                          SALLY_INVALID_ARGUMENT, [](World&, Outputs&, sally_error** error) {
                            return sally_trust_store_add_crl_from_memory(nullptr, "x", 1, error);
                          }));
}

void append_trust_store_cases(ArgumentCases& cases) {
  cases.push_back(answers("sally_trust_store_system", "a NULL output", SALLY_INVALID_ARGUMENT,
                          [](World&, Outputs&, sally_error** error) {
                            return sally_trust_store_system(nullptr, error);
                          }));
  const auto load = [&](const char* what, sally_status status,
                        std::function<const char*(World&)> uri) {
    cases.push_back(answers("sally_trust_store_load", what, status,
                            [=](World& world, Outputs& out, sally_error** error) {
                              return sally_trust_store_load(uri(world),
                                                            out.handle<sally_trust_store>(), error);
                            }));
  };
  load("NULL", SALLY_INVALID_ARGUMENT, [](World&) { return nullptr; });
  load("an empty URI", SALLY_INVALID_ARGUMENT, [](World&) { return ""; });
  load("a file that is not there", SALLY_FILE_NOT_FOUND,
       [](World&) { return "/no/such/file.pem"; });
  load("a path that is not UTF-8", SALLY_FILE_NOT_FOUND,
       [](World& world) { return world.not_utf8.c_str(); });
  load("a path of 10 MB", SALLY_FILE_UNREADABLE,
       [](World& world) { return world.long_text.c_str(); });
  load("a file without certificates", SALLY_TRUST_STORE_EMPTY, [](World&) { return "/dev/null"; });
  load("a scheme that is not known", SALLY_NOT_SUPPORTED, [](World&) { return "ldap:ca"; });
  load("a folder that is not there", SALLY_FILE_NOT_FOUND,
       [](World&) { return "dir:/no/such/folder"; });
  load("a file in a folder's stead", SALLY_FILE_UNREADABLE, [](World&) { return "dir:/dev/null"; });
  cases.push_back(answers("sally_trust_store_load", "a NULL output", SALLY_INVALID_ARGUMENT,
                          [](World&, Outputs&, sally_error** error) {
                            return sally_trust_store_load("x", nullptr, error);
                          }));
  const auto memory = [&](const char* what, sally_status status, const char* pem,
                          std::size_t size) {
    cases.push_back(answers("sally_trust_store_from_memory", what, status,
                            [=](World&, Outputs& out, sally_error** error) {
                              return sally_trust_store_from_memory(
                                  pem, size, out.handle<sally_trust_store>(), error);
                            }));
  };
  memory("NULL", SALLY_INVALID_ARGUMENT, nullptr, 0);
  memory("a size of 0", SALLY_TRUST_STORE_EMPTY, "", 0);
  memory("a size that cannot be", SALLY_LIMIT_EXCEEDED, "x", SIZE_MAX);
  cases.push_back(answers("sally_trust_store_from_memory", "a NULL output", SALLY_INVALID_ARGUMENT,
                          [](World&, Outputs&, sally_error** error) {
                            return sally_trust_store_from_memory("x", 1, nullptr, error);
                          }));
  append_trust_change_cases(cases);
  cases.push_back(gives("sally_trust_store_crl_count", "NULL", [](World& world) {
    EXPECT_EQ(sally_trust_store_crl_count(nullptr), 0u);
    EXPECT_EQ(sally_trust_store_crl_count(world.trust.get()), 0u);
  }));
  cases.push_back(gives("sally_trust_store_size", "NULL", [](World& world) {
    EXPECT_EQ(sally_trust_store_size(nullptr), 0u);
    EXPECT_EQ(sally_trust_store_size(world.trust.get()), 1u);
  }));
  append_lifetime_cases<sally_trust_store, sally_trust_store>(
      cases, "sally_trust_store_retain", sally_trust_store_retain, "sally_trust_store_release",
      sally_trust_store_release, [](World& world) { return world.trust.get(); });
}

using Setter = std::function<sally_status(sally_tls_config*, World&, sally_error**)>;

// What every setter refuses: no config, and one that is in use.
void append_setter_cases(ArgumentCases& cases, const char* name, const Setter& set) {
  cases.push_back(answers(
      name, "a NULL handle", SALLY_INVALID_ARGUMENT,
      [=](World& world, Outputs&, sally_error** error) { return set(nullptr, world, error); }));
  cases.push_back(answers(name, "a config in use", SALLY_INVALID_STATE,
                          [=](World& world, Outputs&, sally_error** error) {
                            return set(world.frozen.get(), world, error);
                          }));
}

void append_tls_config_cases(ArgumentCases& cases) {
  for (const std::int32_t role : {0, 3, -1, INT32_MAX}) {
    cases.push_back(answers("sally_tls_config_create", "a role that does not exist",
                            SALLY_INVALID_ARGUMENT, [=](World&, Outputs& out, sally_error** error) {
                              return sally_tls_config_create(role, out.handle<sally_tls_config>(),
                                                             error);
                            }));
  }
  cases.push_back(answers("sally_tls_config_create", "a NULL output", SALLY_INVALID_ARGUMENT,
                          [](World&, Outputs&, sally_error** error) {
                            return sally_tls_config_create(SALLY_ROLE_CLIENT, nullptr, error);
                          }));

  append_setter_cases(cases, "sally_tls_config_add_credential",
                      [](auto* config, World& world, sally_error** error) {
                        return sally_tls_config_add_credential(config, world.credential.get(),
                                                               error);
                      });
  cases.push_back(answers("sally_tls_config_add_credential", "a NULL credential",
                          SALLY_INVALID_ARGUMENT, [](World& world, Outputs&, sally_error** error) {
                            return sally_tls_config_add_credential(world.client.get(), nullptr,
                                                                   error);
                          }));
  cases.push_back(answers("sally_tls_config_add_credential", "a second one of a key type", SALLY_OK,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_tls_config_add_credential(world.client.get(),
                                                                   world.credential.get(), error);
                          }));
  append_setter_cases(cases, "sally_tls_config_set_trust",
                      [](auto* config, World& world, sally_error** error) {
                        return sally_tls_config_set_trust(config, world.trust.get(), error);
                      });
  cases.push_back(answers("sally_tls_config_set_trust", "a NULL store", SALLY_INVALID_ARGUMENT,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_tls_config_set_trust(world.client.get(), nullptr, error);
                          }));
  append_setter_cases(cases, "sally_tls_config_insecure_skip_verification",
                      [](auto* config, World&, sally_error** error) {
                        return sally_tls_config_insecure_skip_verification(config, error);
                      });

  append_setter_cases(
      cases, "sally_tls_config_set_client_auth", [](auto* config, World&, sally_error** error) {
        return sally_tls_config_set_client_auth(config, SALLY_CLIENT_AUTH_REQUIRE, error);
      });
  const auto auth = [&](const char* what, sally_status status, std::int32_t mode,
                        Owned<sally_tls_config> World::*config) {
    cases.push_back(answers("sally_tls_config_set_client_auth", what, status,
                            [=](World& world, Outputs&, sally_error** error) {
                              return sally_tls_config_set_client_auth((world.*config).get(), mode,
                                                                      error);
                            }));
  };
  for (const std::int32_t mode : {0, 4, -1, INT32_MIN}) {
    auth("a mode that does not exist", SALLY_INVALID_ARGUMENT, mode, &World::server);
  }
  auth("a client's config", SALLY_INVALID_STATE, SALLY_CLIENT_AUTH_REQUIRE, &World::client);

  append_setter_cases(cases, "sally_tls_config_set_versions",
                      [](auto* config, World&, sally_error** error) {
                        return sally_tls_config_set_versions(config, 0, 0, error);
                      });
  const auto versions = [&](const char* what, sally_status status, std::int32_t min,
                            std::int32_t max) {
    cases.push_back(answers("sally_tls_config_set_versions", what, status,
                            [=](World& world, Outputs&, sally_error** error) {
                              return sally_tls_config_set_versions(world.client.get(), min, max,
                                                                   error);
                            }));
  };
  versions("an older version", SALLY_INVALID_ARGUMENT, 0x0302, SALLY_TLS_1_3);
  versions("a version that does not exist", SALLY_INVALID_ARGUMENT, SALLY_TLS_1_2, 0x0305);
  versions("a negative version", SALLY_INVALID_ARGUMENT, -1, -1);
  versions("min above max", SALLY_INVALID_ARGUMENT, SALLY_TLS_1_3, SALLY_TLS_1_2);
  versions("zeroes", SALLY_OK, 0, 0);
}

void append_alpn_cases(ArgumentCases& cases) {
  append_setter_cases(cases, "sally_tls_config_set_alpn",
                      [](auto* config, World&, sally_error** error) {
                        return sally_tls_config_set_alpn(config, nullptr, 0, error);
                      });
  const auto alpn = [&](const char* what, sally_status status,
                        std::function<std::vector<const char*>(World&)> protocols) {
    cases.push_back(answers("sally_tls_config_set_alpn", what, status,
                            [=](World& world, Outputs&, sally_error** error) {
                              const std::vector<const char*> list = protocols(world);
                              return sally_tls_config_set_alpn(world.client.get(), list.data(),
                                                               list.size(), error);
                            }));
  };
  static const std::string longest(255, 'p');
  static const std::string too_long(256, 'p');
  using List = std::vector<const char*>;
  alpn("a NULL protocol", SALLY_INVALID_ARGUMENT, [](World&) { return List{"h2", nullptr}; });
  alpn("an empty protocol", SALLY_INVALID_ARGUMENT, [](World&) { return List{"h2", ""}; });
  alpn("the longest protocol", SALLY_OK, [](World&) { return List{longest.c_str()}; });
  alpn("a protocol that is too long", SALLY_INVALID_ARGUMENT,
       [](World&) { return List{too_long.c_str()}; });
  alpn("a protocol of 10 MB", SALLY_INVALID_ARGUMENT,
       [](World& world) { return List{world.long_text.c_str()}; });
  alpn("protocols that are not UTF-8", SALLY_OK,
       [](World& world) { return List{world.not_utf8.c_str()}; });
  alpn("as many as there may be", SALLY_OK, [](World&) { return List(255, longest.c_str()); });
  alpn("too many", SALLY_INVALID_ARGUMENT, [](World&) { return List(256, longest.c_str()); });
  alpn("none", SALLY_OK, [](World&) { return List{}; });
  cases.push_back(answers("sally_tls_config_set_alpn", "a NULL list with a count",
                          SALLY_INVALID_ARGUMENT, [](World& world, Outputs&, sally_error** error) {
                            return sally_tls_config_set_alpn(world.client.get(), nullptr, 1, error);
                          }));
}

void append_json_cases(ArgumentCases& cases) {
  const auto json = [&](const char* what, sally_status status,
                        Owned<sally_tls_config> World::*config) {
    cases.push_back(answers("sally_tls_config_to_json", what, status,
                            [=](World& world, Outputs& out, sally_error** error) {
                              return sally_tls_config_to_json((world.*config).get(),
                                                              out.handle<sally_bytes>(), error);
                            }));
  };
  json("a server's config without credential", SALLY_INVALID_STATE, &World::no_credential);
  json("a server's config without trust", SALLY_INVALID_STATE, &World::no_trust);
  json("a config in use", SALLY_OK, &World::frozen);
  cases.push_back(answers("sally_tls_config_to_json", "a NULL handle", SALLY_INVALID_ARGUMENT,
                          [](World&, Outputs& out, sally_error** error) {
                            return sally_tls_config_to_json(nullptr, out.handle<sally_bytes>(),
                                                            error);
                          }));
  cases.push_back(answers("sally_tls_config_to_json", "a NULL output", SALLY_INVALID_ARGUMENT,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_tls_config_to_json(world.frozen.get(), nullptr, error);
                          }));
}

}  // namespace

ArgumentCases material_cases() {
  ArgumentCases cases;
  append_credential_cases(cases);
  append_trust_store_cases(cases);
  append_tls_config_cases(cases);
  append_alpn_cases(cases);
  append_json_cases(cases);
  append_lifetime_cases<sally_tls_config, sally_tls_config>(
      cases, "sally_tls_config_retain", sally_tls_config_retain, "sally_tls_config_release",
      sally_tls_config_release, [](World& world) { return world.frozen.get(); });
  return cases;
}

}  // namespace sally::test
