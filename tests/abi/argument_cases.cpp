#include "abi/argument_cases.h"

#include "lib/zoo.h"

#include <cstring>
#include <nlohmann/json.hpp>

namespace sally::test {

namespace {

sally_error* poison() {
  return reinterpret_cast<sally_error*>(std::uintptr_t{0x5a5a5a58});
}

// Errors that quote an argument of 10 MB are left alone: a sanitizer takes seconds over each.
constexpr std::size_t longest_parsed = 100'000;

void check_error(const sally_error* error, sally_status status) {
  ASSERT_NE(error, poison()) << "a failure must set *error";
  EXPECT_EQ(sally_error_status(error), status);
  EXPECT_STRNE(sally_error_message(error), "");
  if (std::strlen(sally_error_message(error)) > longest_parsed) return;
  const auto json =
      nlohmann::json::parse(sally_error_json(error), nullptr, /*allow_exceptions=*/false);
  ASSERT_FALSE(json.is_discarded()) << "the error is not JSON";
  EXPECT_EQ(json.value("status", ""), sally_status_name(status));
}

}  // namespace

World::World()
    : credential(Zoo::credential("client-good")),
      trust(Zoo::trust("ca-root")),
      client(client_config()),
      server(server_config()),
      frozen(client_config()),
      no_credential(server_config({})),
      no_trust(server_config(
          {.credential = "server-good", .trust = "", .client_auth = SALLY_CLIENT_AUTH_REQUIRE})),
      listener(std::make_unique<Listener>(server_config())),
      closed_listener(std::make_unique<Listener>(server_config())),
      open(connect_pair(*listener, frozen.get())),
      plain(plain_pair()),
      busy(connect_pair(*listener, frozen.get())),
      busy_plain(plain_pair()),
      idle(frozen.get(), "127.0.0.1", listener->service()),
      closed(frozen.get(), "127.0.0.1", listener->service()),
      info(open.client.info()) {
  closed_listener->close();
  EXPECT_EQ(closed_queue.close(), SALLY_OK);
  static char never_read[16];
  const sally_completion completion = queue.completion(0);
  for (const Stream* reading : {&busy.client, &busy_plain.client}) {
    EXPECT_EQ(sally_stream_read_some_async(reading->get(), never_read, sizeof never_read, 0,
                                           &completion, Out(operation), nullptr),
              SALLY_OK);
  }
  EXPECT_EQ(closed.close(), SALLY_OK);
  const std::string keys(80, 'k');
  EXPECT_EQ(sally_ticket_keys_from_memory(keys.data(), keys.size(), Out(ticket_keys), nullptr),
            SALLY_OK);
  sally_stream* none = nullptr;
  sally_error* why = nullptr;
  EXPECT_EQ(sally_stream_create(nullptr, &none, &why), SALLY_INVALID_ARGUMENT);
  error.reset(why);
  certificate.reset(sally_certificate_retain(sally_stream_info_peer_certificate(info.get(), 0)));
  EXPECT_EQ(sally_certificate_copy_pem(certificate.get(), Out(bytes), nullptr), SALLY_OK);
}

ArgumentCase answers(const char* function, const char* what, sally_status status, Call call) {
  return {function, what, [=](World& world) {
            {
              Outputs outputs;
              sally_error* error = poison();
              ASSERT_EQ(call(world, outputs, &error), status)
                  << sally_error_json(error != poison() ? error : nullptr);
              if (status == SALLY_OK) {
                EXPECT_EQ(error, poison()) << "success must leave *error alone";
              } else {
                EXPECT_TRUE(outputs.as_after_a_failure())
                    << "a failure must leave its outputs alone";
                check_error(error, status);
                if (error != poison()) sally_error_release(error);
              }
            }
            Outputs outputs;
            EXPECT_EQ(call(world, outputs, nullptr), status) << "without a place for the error";
            EXPECT_TRUE(status == SALLY_OK || outputs.as_after_a_failure());
          }};
}

ArgumentCase gives(const char* function, const char* what, std::function<void(World&)> check) {
  return {function, what, std::move(check)};
}

void append_timed_cases(ArgumentCases& cases, const char* name, const TimedCall& call) {
  cases.push_back(answers(
      name, "a NULL handle", SALLY_INVALID_ARGUMENT,
      [=](World&, Outputs& out, sally_error** error) { return call(nullptr, out, 0, error); }));
  for (const std::int64_t timeout_ms : bad_timeouts) {
    cases.push_back(answers(name, "a negative time-out", SALLY_INVALID_ARGUMENT,
                            [=](World& world, Outputs& out, sally_error** error) {
                              return call(world.open.client.get(), out, timeout_ms, error);
                            }));
  }
}

void append_state_case(ArgumentCases& cases, const char* name, const char* what,
                       sally_status status, Stream World::*stream, const TimedCall& call) {
  cases.push_back(answers(name, what, status, [=](World& world, Outputs& out, sally_error** error) {
    return call((world.*stream).get(), out, SALLY_TIMEOUT_DEFAULT, error);
  }));
}

}  // namespace sally::test
