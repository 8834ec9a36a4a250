#include "abi/argument_cases.h"
#include "lib/zoo.h"

#include <deque>

namespace sally::test {

namespace {

// The functions that credentials and trust stores have alike.
template <class Handle>
struct SourceFunctions {
  const char* noun;
  sally_status (*reload)(Handle*, sally_error**);
  sally_status (*replace)(Handle*, const Handle*, sally_error**);
  sally_status (*watch)(Handle*, sally_error**);
  sally_status (*reload_status)(const Handle*, sally_error**);
  std::uint64_t (*generation)(const Handle*);
  sally_status (*wait_change)(Handle*, std::uint64_t, std::uint64_t*, std::int64_t, sally_error**);
  std::function<Handle*(World&)> of;
  sally_status reloaded = SALLY_OK;  // what the reload of that one answers
};

template <class Handle>
void append_source_cases(ArgumentCases& cases, const SourceFunctions<Handle>& functions) {
  static std::deque<std::string> names;  // the cases keep them by address
  const auto name = [&](const char* verb) {
    return names.emplace_back(std::string("sally_") + functions.noun + "_" + verb).c_str();
  };
  const auto of = functions.of;
  const auto takes_one = [&](const char* verb, sally_status status, auto function) {
    const char* full = name(verb);
    cases.push_back(
        answers(full, "a NULL handle", SALLY_INVALID_ARGUMENT,
                [=](World&, Outputs&, sally_error** error) { return function(nullptr, error); }));
    cases.push_back(answers(
        full, "its handle", status,
        [=](World& world, Outputs&, sally_error** error) { return function(of(world), error); }));
  };
  takes_one("reload", functions.reloaded, functions.reload);
  takes_one("watch", functions.reloaded, functions.watch);
  takes_one("reload_status", SALLY_OK, functions.reload_status);
  const char* replace = name("replace");
  cases.push_back(answers(replace, "a NULL handle", SALLY_INVALID_ARGUMENT,
                          [=](World& world, Outputs&, sally_error** error) {
                            return functions.replace(nullptr, of(world), error);
                          }));
  cases.push_back(answers(replace, "NULL instead of the next", SALLY_INVALID_ARGUMENT,
                          [=](World& world, Outputs&, sally_error** error) {
                            return functions.replace(of(world), nullptr, error);
                          }));
  cases.push_back(
      answers(replace, "itself", SALLY_OK, [=](World& world, Outputs&, sally_error** error) {
        return functions.replace(of(world), of(world), error);
      }));
  const char* wait_change = name("wait_change");
  const auto waits = [&](const char* what, sally_status status, bool on_handle,
                         std::int64_t timeout_ms) {
    cases.push_back(
        answers(wait_change, what, status, [=](World& world, Outputs& out, sally_error** error) {
          return functions.wait_change(on_handle ? of(world) : nullptr, UINT64_MAX,
                                       out.value<std::uint64_t>(), timeout_ms, error);
        }));
  };
  waits("a NULL handle", SALLY_INVALID_ARGUMENT, false, 0);
  for (const std::int64_t timeout_ms : bad_timeouts) {
    waits("a negative time-out", SALLY_INVALID_ARGUMENT, true, timeout_ms);
  }
  waits("an attempt in vain", SALLY_WOULD_BLOCK, true, SALLY_TIMEOUT_ATTEMPT);
  waits("a time-out", SALLY_TIMED_OUT, true, 1);
  cases.push_back(answers(wait_change, "a NULL output", SALLY_INVALID_ARGUMENT,
                          [=](World& world, Outputs&, sally_error** error) {
                            return functions.wait_change(of(world), 0, nullptr, 0, error);
                          }));
  for (const std::int64_t timeout_ms : absurd_timeouts) {
    cases.push_back(answers(wait_change, "an absurd time-out", SALLY_OK,
                            [=](World& world, Outputs& out, sally_error** error) {
                              return functions.wait_change(of(world), 0, out.value<std::uint64_t>(),
                                                           timeout_ms, error);
                            }));
  }
  cases.push_back(gives(name("generation"), "NULL and its handle", [=](World& world) {
    EXPECT_EQ(functions.generation(nullptr), 0u);
    EXPECT_GE(functions.generation(of(world)), 1u);
  }));
}

void append_ticket_key_cases(ArgumentCases& cases) {
  const auto load = [&](const char* what, sally_status status,
                        std::function<const char*(World&)> uri) {
    cases.push_back(answers("sally_ticket_keys_load", what, status,
                            [=](World& world, Outputs& out, sally_error** error) {
                              return sally_ticket_keys_load(uri(world),
                                                            out.handle<sally_ticket_keys>(), error);
                            }));
  };
  load("a NULL URI", SALLY_INVALID_ARGUMENT, [](World&) { return nullptr; });
  load("an empty URI", SALLY_INVALID_ARGUMENT, [](World&) { return ""; });
  load("a file that is not there", SALLY_FILE_NOT_FOUND, [](World&) { return "/no/such/file"; });
  load("a path of 10 MB", SALLY_FILE_UNREADABLE,
       [](World& world) { return world.long_text.c_str(); });
  cases.push_back(answers("sally_ticket_keys_load", "a NULL output", SALLY_INVALID_ARGUMENT,
                          [](World&, Outputs&, sally_error** error) {
                            return sally_ticket_keys_load("x", nullptr, error);
                          }));
  const auto memory = [&](const char* what, sally_status status, const void* data,
                          std::size_t size) {
    cases.push_back(answers("sally_ticket_keys_from_memory", what, status,
                            [=](World&, Outputs& out, sally_error** error) {
                              return sally_ticket_keys_from_memory(
                                  data, size, out.handle<sally_ticket_keys>(), error);
                            }));
  };
  memory("NULL", SALLY_INVALID_ARGUMENT, nullptr, 80);
  memory("no bytes", SALLY_TICKET_KEYS_BAD_FORMAT, "", 0);
  memory("a huge size", SALLY_LIMIT_EXCEEDED, "", SIZE_MAX);
  cases.push_back(answers("sally_ticket_keys_from_memory", "a NULL output", SALLY_INVALID_ARGUMENT,
                          [](World&, Outputs&, sally_error** error) {
                            return sally_ticket_keys_from_memory("x", 1, nullptr, error);
                          }));
  cases.push_back(gives("sally_ticket_keys_size", "NULL and its handle", [](World& world) {
    EXPECT_EQ(sally_ticket_keys_size(nullptr), 0u);
    EXPECT_EQ(sally_ticket_keys_size(world.ticket_keys.get()), 1u);
  }));
  append_lifetime_cases<sally_ticket_keys, sally_ticket_keys>(
      cases, "sally_ticket_keys_retain", sally_ticket_keys_retain, "sally_ticket_keys_release",
      sally_ticket_keys_release, [](World& world) { return world.ticket_keys.get(); });

  const auto set = [&](const char* function, const char* what, sally_status status,
                       std::function<sally_status(World&, sally_error**)> call) {
    cases.push_back(
        answers(function, what, status,
                [=](World& world, Outputs&, sally_error** error) { return call(world, error); }));
  };
  const char* resumption = "sally_tls_config_set_resumption";
  set(resumption, "a NULL config", SALLY_INVALID_ARGUMENT, [](World&, sally_error** error) {
    return sally_tls_config_set_resumption(nullptr, SALLY_RESUMPTION_ON, 0, error);
  });
  for (const std::int32_t mode : {-1, 0, 3}) {
    set(resumption, "no mode", SALLY_INVALID_ARGUMENT, [=](World& world, sally_error** error) {
      return sally_tls_config_set_resumption(world.client.get(), mode, 0, error);
    });
  }
  set(resumption, "a config in use", SALLY_INVALID_STATE, [](World& world, sally_error** error) {
    return sally_tls_config_set_resumption(world.frozen.get(), SALLY_RESUMPTION_ON, 0, error);
  });
  const char* lifetime = "sally_tls_config_set_session_lifetime";
  for (const std::int64_t seconds : {INT64_MIN, std::int64_t{0}, std::int64_t{604801}}) {
    set(lifetime, "a lifetime out of bounds", SALLY_INVALID_ARGUMENT,
        [=](World& world, sally_error** error) {
          return sally_tls_config_set_session_lifetime(world.client.get(), seconds, error);
        });
  }
  set(lifetime, "a NULL config", SALLY_INVALID_ARGUMENT, [](World&, sally_error** error) {
    return sally_tls_config_set_session_lifetime(nullptr, 1, error);
  });
  const char* keys = "sally_tls_config_set_ticket_keys";
  set(keys, "a NULL config", SALLY_INVALID_ARGUMENT, [](World& world, sally_error** error) {
    return sally_tls_config_set_ticket_keys(nullptr, world.ticket_keys.get(), error);
  });
  set(keys, "NULL keys", SALLY_INVALID_ARGUMENT, [](World& world, sally_error** error) {
    return sally_tls_config_set_ticket_keys(world.server.get(), nullptr, error);
  });
  set(keys, "a config for clients", SALLY_INVALID_STATE, [](World& world, sally_error** error) {
    return sally_tls_config_set_ticket_keys(world.client.get(), world.ticket_keys.get(), error);
  });
  cases.push_back(gives("sally_tls_config_cached_sessions", "NULL",
                        [](World&) { EXPECT_EQ(sally_tls_config_cached_sessions(nullptr), 0u); }));
}

}  // namespace

ArgumentCases source_cases() {
  ArgumentCases cases;
  append_source_cases<sally_credential>(
      cases, {"credential", sally_credential_reload, sally_credential_replace,
              sally_credential_watch, sally_credential_reload_status, sally_credential_generation,
              sally_credential_wait_change, [](World& world) { return world.credential.get(); }});
  append_source_cases<sally_trust_store>(
      cases,
      {"trust_store", sally_trust_store_reload, sally_trust_store_replace, sally_trust_store_watch,
       sally_trust_store_reload_status, sally_trust_store_generation, sally_trust_store_wait_change,
       [](World& world) { return world.trust.get(); }});
  append_source_cases<sally_ticket_keys>(
      cases,
      {"ticket_keys", sally_ticket_keys_reload, sally_ticket_keys_replace, sally_ticket_keys_watch,
       sally_ticket_keys_reload_status, sally_ticket_keys_generation, sally_ticket_keys_wait_change,
       [](World& world) { return world.ticket_keys.get(); }, SALLY_INVALID_STATE});
  append_ticket_key_cases(cases);
  cases.push_back(gives("sally_credential_not_after", "NULL", [](World& world) {
    EXPECT_EQ(sally_credential_not_after(nullptr), 0);
    EXPECT_GT(sally_credential_not_after(world.credential.get()), 0);
  }));
  cases.push_back(gives("sally_trust_store_not_after", "NULL",
                        [](World&) { EXPECT_EQ(sally_trust_store_not_after(nullptr), 0); }));
  cases.push_back(gives("sally_trust_store_next_update", "NULL",
                        [](World&) { EXPECT_EQ(sally_trust_store_next_update(nullptr), 0); }));
  cases.push_back(gives("sally_trust_store_not_after", "a trust store", [](World& world) {
    EXPECT_GT(sally_trust_store_not_after(world.trust.get()), 0);
  }));
  cases.push_back(gives("sally_trust_store_next_update", "no CRLs", [](World& world) {
    EXPECT_EQ(sally_trust_store_next_update(world.trust.get()), 0);
  }));
  return cases;
}

}  // namespace sally::test
