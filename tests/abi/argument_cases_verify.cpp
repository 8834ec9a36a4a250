#include "abi/argument_cases.h"
#include "lib/zoo.h"

namespace sally::test {

namespace {

using Setter = std::function<sally_status(sally_tls_config*, sally_error**)>;

// Cases of a setter: no config, one in use, arguments that are wrong, and the last that are right.
void append_rule_cases(ArgumentCases& cases, const char* name, const Setter& good,
                       const std::vector<Setter>& bad) {
  cases.push_back(
      answers(name, "a NULL handle", SALLY_INVALID_ARGUMENT,
              [=](World&, Outputs&, sally_error** error) { return good(nullptr, error); }));
  cases.push_back(answers(name, "a config in use", SALLY_INVALID_STATE,
                          [=](World& world, Outputs&, sally_error** error) {
                            return good(world.frozen.get(), error);
                          }));
  for (const Setter& set : bad) {
    cases.push_back(answers(name, "a value that is none", SALLY_INVALID_ARGUMENT,
                            [=](World& world, Outputs&, sally_error** error) {
                              return set(world.no_credential.get(), error);
                            }));
  }
  cases.push_back(
      answers(name, "a good value", SALLY_OK, [=](World& world, Outputs&, sally_error** error) {
        return good(world.no_credential.get(), error);
      }));
}

template <class Function, class Value>
Setter with(Function function, Value value) {
  return
      [=](sally_tls_config* config, sally_error** error) { return function(config, value, error); };
}

Setter allowing(std::int32_t kind, const char* pattern) {
  return [=](sally_tls_config* config, sally_error** error) {
    return sally_tls_config_allow_peer(config, kind, pattern, error);
  };
}

Setter pinning(const char* pin, std::uint32_t flags) {
  return [=](sally_tls_config* config, sally_error** error) {
    return sally_tls_config_add_pin(config, pin, flags, error);
  };
}

void append_setters(ArgumentCases& cases) {
  append_rule_cases(cases, "sally_tls_config_set_verification_time",
                    with(sally_tls_config_set_verification_time, std::int64_t{253'402'300'799}),
                    {with(sally_tls_config_set_verification_time, std::int64_t{-1}),
                     with(sally_tls_config_set_verification_time, INT64_MIN),
                     with(sally_tls_config_set_verification_time, INT64_MAX)});
  append_rule_cases(cases, "sally_tls_config_set_clock",
                    [](sally_tls_config* config, sally_error** error) {
                      return sally_tls_config_set_clock(config, nullptr, nullptr, nullptr, error);
                    },
                    {});
  cases.push_back(gives("sally_tls_config_set_clock", "no config", [](World&) {
    int frees = 0;
    const auto now = [](void*) -> std::int64_t { return 0; };
    const auto free_user = [](void* user) { ++*static_cast<int*>(user); };
    EXPECT_EQ(sally_tls_config_set_clock(nullptr, now, &frees, free_user, nullptr),
              SALLY_INVALID_ARGUMENT);
    EXPECT_EQ(frees, 1) << "also where it fails";
  }));
  append_rule_cases(
      cases, "sally_tls_config_set_max_depth", with(sally_tls_config_set_max_depth, 0),
      {with(sally_tls_config_set_max_depth, -1), with(sally_tls_config_set_max_depth, 101),
       with(sally_tls_config_set_max_depth, INT32_MAX)});
  append_rule_cases(
      cases, "sally_tls_config_set_security_level", with(sally_tls_config_set_security_level, 2),
      {with(sally_tls_config_set_security_level, 1), with(sally_tls_config_set_security_level, 5),
       with(sally_tls_config_set_security_level, INT32_MIN)});
  append_rule_cases(cases, "sally_tls_config_insecure_set_security_level",
                    with(sally_tls_config_insecure_set_security_level, 1),
                    {with(sally_tls_config_insecure_set_security_level, 2),
                     with(sally_tls_config_insecure_set_security_level, -1)});
  append_rule_cases(
      cases, "sally_tls_config_set_revocation",
      with(sally_tls_config_set_revocation, SALLY_REVOCATION_CHAIN),
      {with(sally_tls_config_set_revocation, 0), with(sally_tls_config_set_revocation, 4),
       with(sally_tls_config_set_revocation, INT32_MIN)});
  append_rule_cases(cases, "sally_tls_config_allow_partial_chain",
                    sally_tls_config_allow_partial_chain, {});
  append_rule_cases(cases, "sally_tls_config_insecure_ignore",
                    with(sally_tls_config_insecure_ignore, SALLY_CERTIFICATE_NOT_YET_VALID),
                    {with(sally_tls_config_insecure_ignore, SALLY_OK),
                     with(sally_tls_config_insecure_ignore, SALLY_CERTIFICATE_UNKNOWN_CA),
                     with(sally_tls_config_insecure_ignore, SALLY_CERTIFICATE_SELF_SIGNED),
                     with(sally_tls_config_insecure_ignore, SALLY_CERTIFICATE_BAD_SIGNATURE),
                     with(sally_tls_config_insecure_ignore, SALLY_CERTIFICATE_REVOKED),
                     with(sally_tls_config_insecure_ignore, SALLY_CERTIFICATE_WEAK_KEY),
                     with(sally_tls_config_insecure_ignore, SALLY_PEER_NOT_ALLOWED),
                     with(sally_tls_config_insecure_ignore, -1)});
  append_rule_cases(cases, "sally_tls_config_allow_peer",
                    allowing(SALLY_NAME_DNS, "a.example.test"),
                    {allowing(SALLY_NAME_DNS, nullptr), allowing(SALLY_NAME_DNS, ""),
                     allowing(SALLY_NAME_DNS, "\xff"), allowing(SALLY_NAME_IP, "a"),
                     allowing(0, "a"), allowing(SALLY_NAME_OTHER, "a"), allowing(INT32_MIN, "a")});
  cases.push_back(answers("sally_tls_config_allow_peer", "a name of 10 MB", SALLY_INVALID_ARGUMENT,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_tls_config_allow_peer(world.no_credential.get(),
                                                               SALLY_NAME_DNS,
                                                               world.long_text.c_str(), error);
                          }));
  static const std::string digest(64, 'a');
  append_rule_cases(
      cases, "sally_tls_config_add_pin", pinning(digest.c_str(), SALLY_PIN_REPORT_ONLY),
      {pinning(nullptr, 0), pinning("", 0), pinning("sha256/", 0), pinning(digest.c_str() + 1, 0),
       pinning(digest.c_str(), 4), pinning(digest.c_str(), UINT32_MAX)});
  const auto on_change = [](std::int32_t mode, std::int64_t drain_ms) -> Setter {
    return [=](sally_tls_config* config, sally_error** error) {
      return sally_tls_config_set_trust_change(config, mode, drain_ms, error);
    };
  };
  append_rule_cases(
      cases, "sally_tls_config_set_trust_change", on_change(SALLY_TRUST_CHANGE_DRAIN, INT64_MAX),
      {on_change(0, 0), on_change(4, 0), on_change(-1, 0), on_change(SALLY_TRUST_CHANGE_KEEP, 1),
       on_change(SALLY_TRUST_CHANGE_DROP, SALLY_TIMEOUT_NEVER),
       on_change(SALLY_TRUST_CHANGE_DRAIN, SALLY_TIMEOUT_ATTEMPT),
       on_change(SALLY_TRUST_CHANGE_DRAIN, INT64_MIN)});
  append_rule_cases(cases, "sally_tls_config_set_verification_cache",
                    with(sally_tls_config_set_verification_cache, std::size_t{1'000'000}),
                    {with(sally_tls_config_set_verification_cache, std::size_t{1'000'001}),
                     with(sally_tls_config_set_verification_cache, SIZE_MAX)});
  cases.push_back(
      gives("sally_tls_config_verification_cache_hits", "NULL and a config", [](World& world) {
        EXPECT_EQ(sally_tls_config_verification_cache_hits(nullptr), 0u);
        EXPECT_EQ(sally_tls_config_verification_cache_hits(world.server.get()), 0u);
        EXPECT_GE(sally_tls_config_verification_cache_hits(world.frozen.get()), 1u)
            << "it connected twice";
      }));
}

sally_verify_options good_options(World& world) {
  sally_verify_options options{};
  options.struct_size = sizeof options;
  options.trust = world.trust.get();
  options.leaf = sally_bytes_data(world.bytes.get());
  options.leaf_size = sally_bytes_size(world.bytes.get());
  return options;
}

void append_verify(ArgumentCases& cases) {
  using Change = std::function<void(World&, sally_verify_options&)>;
  const auto verify = [&](const char* what, sally_status status, const Change& change) {
    cases.push_back(
        answers("sally_verify", what, status, [=](World& world, Outputs& out, sally_error** error) {
          sally_verify_options options = good_options(world);
          change(world, options);
          return sally_verify(&options, out.handle<sally_verdict>(), error);
        }));
  };
  verify("good options", SALLY_OK, [](World&, auto&) {});
  verify("a struct_size of 0", SALLY_INVALID_ARGUMENT, [](World&, auto& o) { o.struct_size = 0; });
  verify("a struct_size that is absurd", SALLY_INVALID_ARGUMENT,
         [](World&, auto& o) { o.struct_size = UINT32_MAX; });
  verify("a flag that does not exist", SALLY_INVALID_ARGUMENT,
         [](World&, auto& o) { o.flags = 1; });
  verify("a NULL leaf", SALLY_INVALID_ARGUMENT, [](World&, auto& o) { o.leaf = nullptr; });
  verify("no leaf", SALLY_CREDENTIAL_NO_CERTIFICATE, [](World&, auto& o) { o.leaf_size = 0; });
  verify("a leaf that cannot be", SALLY_LIMIT_EXCEEDED,
         [](World&, auto& o) { o.leaf_size = SIZE_MAX; });
  verify("a leaf that is cut off", SALLY_CERTIFICATE_MALFORMED,
         [](World&, auto& o) { o.leaf_size /= 2; });
  verify("DER that is none", SALLY_CERTIFICATE_MALFORMED, [](World&, auto& o) {
    o.leaf = "\x30\x82\x01\x00garbage";
    o.leaf_size = 11;
  });
  verify("a leaf of 10 MB", SALLY_CREDENTIAL_NO_CERTIFICATE, [](World& world, auto& o) {
    o.leaf = world.long_text.data();
    o.leaf_size = world.long_text.size();
  });
  verify("NULL intermediates with a size", SALLY_INVALID_ARGUMENT,
         [](World&, auto& o) { o.intermediates_size = 1; });
  for (const std::int32_t purpose : {-1, 4, INT32_MAX}) {
    verify("a purpose that does not exist", SALLY_INVALID_ARGUMENT,
           [=](World&, auto& o) { o.purpose = purpose; });
  }
  for (const std::int32_t kind : {-1, int{SALLY_NAME_URI}, int{SALLY_NAME_OTHER}, INT32_MAX}) {
    verify("a kind of name that cannot be asked for", SALLY_INVALID_ARGUMENT,
           [=](World&, auto& o) { o.name_kind = kind; });
  }
  verify("a negative time", SALLY_INVALID_ARGUMENT, [](World&, auto& o) { o.time = -1; });
  verify("a time beyond all calendars", SALLY_INVALID_ARGUMENT,
         [](World&, auto& o) { o.time = INT64_MAX; });
  verify("an empty name", SALLY_INVALID_ARGUMENT, [](World&, auto& o) { o.name = ""; });
  verify("a name that is none", SALLY_INVALID_ARGUMENT, [](World&, auto& o) { o.name = "a b"; });
  verify("a name of another kind", SALLY_INVALID_ARGUMENT, [](World&, auto& o) {
    o.name = "localhost";
    o.name_kind = SALLY_NAME_IP;
  });
  verify("an e-mail address that is none", SALLY_INVALID_ARGUMENT, [](World&, auto& o) {
    o.name = "localhost";
    o.name_kind = SALLY_NAME_EMAIL;
  });
  verify("a config that is not complete", SALLY_OK,
         [](World& world, auto& o) { o.config = world.no_trust.get(); });
  cases.push_back(answers("sally_verify", "NULL options", SALLY_INVALID_ARGUMENT,
                          [](World&, Outputs& out, sally_error** error) {
                            return sally_verify(nullptr, out.handle<sally_verdict>(), error);
                          }));
  cases.push_back(answers("sally_verify", "a NULL output", SALLY_INVALID_ARGUMENT,
                          [](World& world, Outputs&, sally_error** error) {
                            const sally_verify_options options = good_options(world);
                            return sally_verify(&options, nullptr, error);
                          }));
}

Owned<sally_verdict> verdict_of(World& world) {
  const sally_verify_options options = good_options(world);
  Owned<sally_verdict> verdict;
  EXPECT_EQ(sally_verify(&options, Out(verdict), nullptr), SALLY_OK);
  return verdict;
}

void append_verdict(ArgumentCases& cases) {
  cases.push_back(gives("sally_verdict_status", "NULL", [](World& world) {
    EXPECT_EQ(sally_verdict_status(nullptr), SALLY_INVALID_ARGUMENT);
    EXPECT_EQ(sally_verdict_status(verdict_of(world).get()), SALLY_CERTIFICATE_UNKNOWN_CA)
        << "the leaf came without its intermediate";
  }));
  cases.push_back(gives("sally_verdict_error", "NULL",
                        [](World&) { EXPECT_EQ(sally_verdict_error(nullptr), nullptr); }));
  cases.push_back(gives("sally_verdict_chain_count", "NULL",
                        [](World&) { EXPECT_EQ(sally_verdict_chain_count(nullptr), 0u); }));
  cases.push_back(gives("sally_verdict_chain", "NULL and beyond the last", [](World& world) {
    EXPECT_EQ(sally_verdict_chain(nullptr, 0), nullptr);
    const auto verdict = verdict_of(world);
    const std::size_t count = sally_verdict_chain_count(verdict.get());
    EXPECT_NE(sally_verdict_chain(verdict.get(), count - 1), nullptr);
    EXPECT_EQ(sally_verdict_chain(verdict.get(), count), nullptr);
    EXPECT_EQ(sally_verdict_chain(verdict.get(), SIZE_MAX), nullptr);
  }));
  cases.push_back(gives("sally_verdict_pin_matched", "NULL", [](World& world) {
    EXPECT_EQ(sally_verdict_pin_matched(nullptr), 0);
    EXPECT_EQ(sally_verdict_pin_matched(verdict_of(world).get()), 0);
  }));
  cases.push_back(gives("sally_verdict_json", "NULL",
                        [](World&) { EXPECT_STREQ(sally_verdict_json(nullptr), "null"); }));
  cases.push_back(gives("sally_verdict_retain", "NULL and a handle", [](World& world) {
    EXPECT_EQ(sally_verdict_retain(nullptr), nullptr);
    const auto verdict = verdict_of(world);
    EXPECT_EQ(sally_verdict_retain(verdict.get()), verdict.get());
    sally_verdict_release(verdict.get());
  }));
  cases.push_back(
      gives("sally_verdict_release", "NULL", [](World&) { sally_verdict_release(nullptr); }));
}

void append_fault_cases(ArgumentCases& cases) {
  const auto beyond = [&](const char* name,
                          std::function<void(const sally_error*, std::size_t)> check) {
    cases.push_back(gives(name, "NULL and faults that are not there", [=](World& world) {
      check(nullptr, 0);
      check(world.error.get(), 0);
      const auto verdict = verdict_of(world);
      const sally_error* error = sally_verdict_error(verdict.get());
      check(error, sally_error_fault_count(error));
      check(error, SIZE_MAX);
    }));
  };
  cases.push_back(gives("sally_error_fault_count", "NULL", [](World& world) {
    EXPECT_EQ(sally_error_fault_count(nullptr), 0u);
    EXPECT_EQ(sally_error_fault_count(world.error.get()), 0u);
  }));
  beyond("sally_error_fault_status", [](const sally_error* error, std::size_t i) {
    EXPECT_EQ(sally_error_fault_status(error, i), SALLY_OK);
  });
  beyond("sally_error_fault_depth", [](const sally_error* error, std::size_t i) {
    EXPECT_EQ(sally_error_fault_depth(error, i), -1);
  });
  beyond("sally_error_fault_subject", [](const sally_error* error, std::size_t i) {
    EXPECT_EQ(sally_error_fault_subject(error, i), nullptr);
  });
  beyond("sally_error_fault_message", [](const sally_error* error, std::size_t i) {
    EXPECT_EQ(sally_error_fault_message(error, i), nullptr);
  });
  beyond("sally_error_fault_is_ignored", [](const sally_error* error, std::size_t i) {
    EXPECT_EQ(sally_error_fault_is_ignored(error, i), 0);
  });
}

void append_certificate_cases(ArgumentCases& cases) {
  cases.push_back(gives("sally_certificate_is_ca", "NULL", [](World& world) {
    EXPECT_EQ(sally_certificate_is_ca(nullptr), 0);
    EXPECT_EQ(sally_certificate_is_ca(world.certificate.get()), 0);
  }));
  cases.push_back(gives("sally_certificate_key_usage", "NULL",
                        [](World&) { EXPECT_EQ(sally_certificate_key_usage(nullptr), 0u); }));
  cases.push_back(gives("sally_certificate_extended_usage_count", "NULL", [](World&) {
    EXPECT_EQ(sally_certificate_extended_usage_count(nullptr), 0u);
  }));
  using Text = const char* (*)(const sally_certificate*, std::size_t);
  for (const auto& [name, function] :
       {std::pair<const char*, Text>{"sally_certificate_extended_usage",
                                     sally_certificate_extended_usage},
        {"sally_certificate_extended_usage_name", sally_certificate_extended_usage_name}}) {
    cases.push_back(gives(name, "NULL and beyond the last", [f = function](World& world) {
      EXPECT_EQ(f(nullptr, 0), nullptr);
      EXPECT_EQ(f(world.certificate.get(), 1), nullptr);
      EXPECT_EQ(f(world.certificate.get(), SIZE_MAX), nullptr);
    }));
  }
  cases.push_back(gives("sally_certificate_spki_pin", "NULL",
                        [](World&) { EXPECT_STREQ(sally_certificate_spki_pin(nullptr), ""); }));
  cases.push_back(gives("sally_certificate_signature_algorithm", "NULL", [](World&) {
    EXPECT_STREQ(sally_certificate_signature_algorithm(nullptr), "");
  }));
  cases.push_back(answers("sally_certificate_copy_json", "a NULL handle", SALLY_INVALID_ARGUMENT,
                          [](World&, Outputs& out, sally_error** error) {
                            return sally_certificate_copy_json(nullptr, out.handle<sally_bytes>(),
                                                               error);
                          }));
  cases.push_back(answers("sally_certificate_copy_json", "a NULL output", SALLY_INVALID_ARGUMENT,
                          [](World& world, Outputs&, sally_error** error) {
                            return sally_certificate_copy_json(world.certificate.get(), nullptr,
                                                               error);
                          }));
}

void append_info_cases(ArgumentCases& cases) {
  cases.push_back(gives("sally_stream_info_verified_count", "NULL", [](World& world) {
    EXPECT_EQ(sally_stream_info_verified_count(nullptr), 0u);
    EXPECT_EQ(sally_stream_info_verified_count(world.info.get()), 3u);
  }));
  cases.push_back(gives("sally_stream_info_verified", "NULL and beyond the last", [](World& world) {
    EXPECT_EQ(sally_stream_info_verified(nullptr, 0), nullptr);
    EXPECT_EQ(sally_stream_info_verified(world.info.get(), 3), nullptr);
    EXPECT_EQ(sally_stream_info_verified(world.info.get(), SIZE_MAX), nullptr);
  }));
  cases.push_back(gives("sally_stream_info_peer_findings", "NULL", [](World& world) {
    EXPECT_EQ(sally_stream_info_peer_findings(nullptr), nullptr);
    EXPECT_EQ(sally_stream_info_peer_findings(world.info.get()), nullptr);
  }));
  cases.push_back(gives("sally_stream_info_pin_matched", "NULL", [](World& world) {
    EXPECT_EQ(sally_stream_info_pin_matched(nullptr), 0);
    EXPECT_EQ(sally_stream_info_pin_matched(world.info.get()), 0);
  }));
}

}  // namespace

ArgumentCases verification_cases() {
  ArgumentCases cases;
  append_setters(cases);
  append_verify(cases);
  append_verdict(cases);
  append_fault_cases(cases);
  append_certificate_cases(cases);
  append_info_cases(cases);
  return cases;
}

}  // namespace sally::test
