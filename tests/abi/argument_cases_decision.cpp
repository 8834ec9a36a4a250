#include "abi/argument_cases.h"
#include "abi/decision_support.h"

namespace sally::test {

namespace {

// A handshake that waits for its answer, on one side or the other.
class Waiting {
 public:
  explicit Waiting(std::uint32_t question) {
    const bool client_asks = question != SALLY_QUESTION_CLIENT_HELLO;
    client_ = client_config();
    auto server = server_config();
    sally_listener_options options{};
    if (client_asks) {
      client_ = asking(std::move(client_), question);
    } else {
      server = asking(std::move(server), question);
      options.decisions = desk_.completion();
    }
    listener_ = std::make_unique<Listener>(server, options);
    stream_ = asking_stream(*listener_, client_.get(), client_asks ? desk_.completion() : nullptr);
    const sally_completion completion = results_.completion(0);
    EXPECT_EQ(sally_stream_connect_async(stream_.get(), 0, &completion, nullptr, nullptr),
              SALLY_OK);
    decision_ = desk_.next();
    EXPECT_TRUE(decision_);
  }
  sally_decision* get() const { return decision_.get(); }

 private:
  Desk desk_;
  Queue results_;
  Owned<sally_tls_config> client_;
  std::unique_ptr<Listener> listener_;
  Stream stream_;
  Decision decision_;
};

using Answering = std::function<sally_status(sally_decision*, World&, sally_error**)>;

void append_answer(ArgumentCases& cases, const char* name, const char* what, sally_status status,
                   std::uint32_t question, const Answering& answer) {
  cases.push_back(answers(name, what, status, [=](World& world, Outputs&, sally_error** error) {
    const Waiting waiting(question);
    return answer(waiting.get(), world, error);
  }));
}

// What every way to answer refuses.
void append_common(ArgumentCases& cases, const char* name, const Answering& answer) {
  cases.push_back(answers(
      name, "a NULL handle", SALLY_INVALID_ARGUMENT,
      [=](World& world, Outputs&, sally_error** error) { return answer(nullptr, world, error); }));
  append_answer(cases, name, "a decision that was answered", SALLY_INVALID_STATE,
                SALLY_QUESTION_PEER, [=](auto* decision, World& world, sally_error** error) {
                  EXPECT_EQ(sally_decision_deny(decision, SALLY_OK, nullptr), SALLY_OK);
                  return answer(decision, world, error);
                });
}

void append_answer_cases(ArgumentCases& cases) {
  append_common(cases, "sally_decision_accept", [](auto* decision, World&, sally_error** error) {
    return sally_decision_accept(decision, error);
  });
  append_common(cases, "sally_decision_insecure_accept",
                [](auto* decision, World&, sally_error** error) {
                  return sally_decision_insecure_accept(decision, error);
                });
  append_answer(cases, "sally_decision_insecure_accept", "another question", SALLY_INVALID_STATE,
                SALLY_QUESTION_CLIENT_HELLO, [](auto* decision, World&, sally_error** error) {
                  return sally_decision_insecure_accept(decision, error);
                });

  const char* deny = "sally_decision_deny";
  append_common(cases, deny, [](auto* decision, World&, sally_error** error) {
    return sally_decision_deny(decision, SALLY_CERTIFICATE_REVOKED, error);
  });
  for (const sally_status why : {-1, 299, INT32_MAX, INT32_MIN}) {
    append_answer(cases, deny, "a status that does not exist", SALLY_INVALID_ARGUMENT,
                  SALLY_QUESTION_PEER, [=](auto* decision, World&, sally_error** error) {
                    return sally_decision_deny(decision, why, error);
                  });
  }

  const char* show = "sally_decision_use_credential";
  const Answering use_credential = [](auto* decision, World& world, sally_error** error) {
    return sally_decision_use_credential(decision, world.credential.get(), error);
  };
  append_common(cases, show, use_credential);
  append_answer(cases, show, "another question", SALLY_INVALID_STATE, SALLY_QUESTION_PEER,
                use_credential);
  append_answer(cases, show, "no credential", SALLY_OK, SALLY_QUESTION_CREDENTIAL,
                [](auto* decision, World&, sally_error** error) {
                  return sally_decision_use_credential(decision, nullptr, error);
                });

  const char* sign = "sally_decision_signature";
  const auto sign_with = [](const void* signature, std::size_t size) -> Answering {
    return [=](auto* decision, World&, sally_error** error) {
      return sally_decision_signature(decision, signature, size, error);
    };
  };
  append_common(cases, sign, sign_with("x", 1));
  append_answer(cases, sign, "another question", SALLY_INVALID_STATE, SALLY_QUESTION_PEER,
                sign_with("x", 1));
  append_answer(cases, sign, "NULL", SALLY_INVALID_ARGUMENT, SALLY_QUESTION_PEER,
                sign_with(nullptr, 1));
  append_answer(cases, sign, "no bytes", SALLY_INVALID_ARGUMENT, SALLY_QUESTION_PEER,
                sign_with("x", 0));
  append_answer(cases, sign, "a huge size", SALLY_INVALID_ARGUMENT, SALLY_QUESTION_PEER,
                sign_with("x", SIZE_MAX));

  const char* serve = "sally_decision_use_config";
  const auto use_config = [](Owned<sally_tls_config> World::*config) -> Answering {
    return [=](auto* decision, World& world, sally_error** error) {
      return sally_decision_use_config(decision, (world.*config).get(), error);
    };
  };
  append_common(cases, serve, use_config(&World::server));
  append_answer(cases, serve, "another question", SALLY_INVALID_STATE, SALLY_QUESTION_PEER,
                use_config(&World::server));
  append_answer(cases, serve, "a config for clients", SALLY_INVALID_ARGUMENT,
                SALLY_QUESTION_CLIENT_HELLO, use_config(&World::client));
  append_answer(cases, serve, "a config without a credential", SALLY_INVALID_STATE,
                SALLY_QUESTION_CLIENT_HELLO, use_config(&World::no_credential));
  append_answer(cases, serve, "a NULL config", SALLY_INVALID_ARGUMENT, SALLY_QUESTION_CLIENT_HELLO,
                [](auto* decision, World&, sally_error** error) {
                  return sally_decision_use_config(decision, nullptr, error);
                });
}

void append_getter_cases(ArgumentCases& cases) {
  const auto text = [&](const char* name, const char* (*get)(const sally_decision*)) {
    cases.push_back(gives(name, "NULL", [=](World&) { EXPECT_STREQ(get(nullptr), ""); }));
  };
  text("sally_decision_server_name", sally_decision_server_name);
  text("sally_decision_peer_address", sally_decision_peer_address);
  text("sally_decision_signature_scheme_name", sally_decision_signature_scheme_name);
  cases.push_back(gives("sally_decision_signed_content", "NULL and another question", [](World&) {
    const Waiting waiting(SALLY_QUESTION_PEER);
    for (sally_decision* decision : {static_cast<sally_decision*>(nullptr), waiting.get()})
      EXPECT_EQ(sally_decision_signed_content(decision), nullptr);
  }));
  cases.push_back(
      gives("sally_decision_signed_content_size", "NULL and another question", [](World&) {
        const Waiting waiting(SALLY_QUESTION_PEER);
        for (sally_decision* decision : {static_cast<sally_decision*>(nullptr), waiting.get()})
          EXPECT_EQ(sally_decision_signed_content_size(decision), 0u);
      }));
  cases.push_back(gives("sally_decision_signature_scheme", "NULL and another question", [](World&) {
    const Waiting waiting(SALLY_QUESTION_PEER);
    for (sally_decision* decision : {static_cast<sally_decision*>(nullptr), waiting.get()})
      EXPECT_EQ(sally_decision_signature_scheme(decision), 0);
  }));
  cases.push_back(
      gives("sally_decision_signing_certificate", "NULL and another question", [](World&) {
        const Waiting waiting(SALLY_QUESTION_PEER);
        for (sally_decision* decision : {static_cast<sally_decision*>(nullptr), waiting.get()})
          EXPECT_EQ(sally_decision_signing_certificate(decision), nullptr);
      }));
  const auto list = [&](const char* count_name, std::size_t (*count)(const sally_decision*),
                        const char* name, auto get) {
    cases.push_back(gives(count_name, "NULL", [=](World&) { EXPECT_EQ(count(nullptr), 0u); }));
    cases.push_back(gives(name, "NULL and an index that is too large", [=](World&) {
      EXPECT_EQ(get(nullptr, 0), nullptr);
      const Waiting waiting(SALLY_QUESTION_PEER);
      EXPECT_EQ(get(waiting.get(), count(waiting.get())), nullptr);
      EXPECT_EQ(get(waiting.get(), SIZE_MAX), nullptr);
    }));
  };
  list("sally_decision_acceptable_ca_count", sally_decision_acceptable_ca_count,
       "sally_decision_acceptable_ca", sally_decision_acceptable_ca);
  list("sally_decision_acceptable_scheme_count", sally_decision_acceptable_scheme_count,
       "sally_decision_acceptable_scheme", sally_decision_acceptable_scheme);
  list("sally_decision_alpn_count", sally_decision_alpn_count, "sally_decision_alpn",
       sally_decision_alpn);
  list("sally_decision_peer_certificate_count", sally_decision_peer_certificate_count,
       "sally_decision_peer_certificate", sally_decision_peer_certificate);
  cases.push_back(gives("sally_decision_question", "NULL",
                        [](World&) { EXPECT_EQ(sally_decision_question(nullptr), 0); }));
  cases.push_back(gives("sally_decision_verdict", "NULL", [](World&) {
    EXPECT_EQ(sally_decision_verdict(nullptr), SALLY_INVALID_ARGUMENT);
  }));
  cases.push_back(gives("sally_decision_verdict_error", "NULL",
                        [](World&) { EXPECT_EQ(sally_decision_verdict_error(nullptr), nullptr); }));
  cases.push_back(gives("sally_decision_retain", "NULL and a handle", [](World&) {
    EXPECT_EQ(sally_decision_retain(nullptr), nullptr);
    const Waiting waiting(SALLY_QUESTION_PEER);
    EXPECT_EQ(sally_decision_retain(waiting.get()), waiting.get());
    sally_decision_release(waiting.get());
  }));
  cases.push_back(
      gives("sally_decision_release", "NULL", [](World&) { sally_decision_release(nullptr); }));
}

void append_config_cases(ArgumentCases& cases) {
  const auto questions = [&](const char* what, sally_status status, std::uint32_t asked,
                             Owned<sally_tls_config> World::*config) {
    cases.push_back(answers("sally_tls_config_set_questions", what, status,
                            [=](World& world, Outputs&, sally_error** error) {
                              return sally_tls_config_set_questions((world.*config).get(), asked,
                                                                    error);
                            }));
  };
  for (const std::uint32_t unknown : {16u, 32u, UINT32_MAX}) {
    questions("a question that is not asked", SALLY_INVALID_ARGUMENT, unknown, &World::server);
  }
  questions("a question of clients", SALLY_INVALID_STATE, SALLY_QUESTION_CREDENTIAL,
            &World::server);
  questions("a question of servers", SALLY_INVALID_STATE, SALLY_QUESTION_CLIENT_HELLO,
            &World::client);
  questions("a config in use", SALLY_INVALID_STATE, 0, &World::frozen);
  questions("none", SALLY_OK, 0, &World::server);
  cases.push_back(answers("sally_tls_config_set_questions", "a NULL handle", SALLY_INVALID_ARGUMENT,
                          [](World&, Outputs&, sally_error** error) {
                            return sally_tls_config_set_questions(nullptr, 0, error);
                          }));

  const auto timeout = [&](const char* what, sally_status status, std::int64_t timeout_ms,
                           Owned<sally_tls_config> World::*config) {
    cases.push_back(answers("sally_tls_config_set_decision_timeout", what, status,
                            [=](World& world, Outputs&, sally_error** error) {
                              return sally_tls_config_set_decision_timeout((world.*config).get(),
                                                                           timeout_ms, error);
                            }));
  };
  for (const std::int64_t bad : bad_timeouts) {
    timeout("a bad time-out", SALLY_INVALID_ARGUMENT, bad, &World::server);
  }
  timeout("an attempt", SALLY_INVALID_ARGUMENT, SALLY_TIMEOUT_ATTEMPT, &World::server);
  for (const std::int64_t absurd : absurd_timeouts) {
    timeout("an absurd time-out", SALLY_OK, absurd, &World::server);
  }
  timeout("no limit", SALLY_OK, SALLY_TIMEOUT_NEVER, &World::server);
  timeout("a config in use", SALLY_INVALID_STATE, 0, &World::frozen);
  timeout("the default", SALLY_OK, 0, &World::server);
  cases.push_back(answers("sally_tls_config_set_decision_timeout", "a NULL handle",
                          SALLY_INVALID_ARGUMENT, [](World&, Outputs&, sally_error** error) {
                            return sally_tls_config_set_decision_timeout(nullptr, 0, error);
                          }));
}

}  // namespace

ArgumentCases decision_cases() {
  ArgumentCases cases;
  append_config_cases(cases);  // first: an answer freezes a config
  append_answer_cases(cases);
  append_getter_cases(cases);
  return cases;
}

}  // namespace sally::test
