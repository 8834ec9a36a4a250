// What traces tell of connections that go well, and of those that do not.
#include "abi/decision_support.h"
#include "abi/trace_support.h"
#include "lib/raw_tcp.h"
#include "lib/threads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace sally::test;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

constexpr const char* spoken = "a word that only the two of them may know";

TlsSetup serving(std::int32_t version) {
  return of_version(version,
                    {.credential = "server-good", .client_auth = SALLY_CLIENT_AUTH_REQUIRE});
}

// Both ends say something, the client says goodbye first.
void talk_and_close(Pair& pair) {
  ASSERT_EQ(pair.client.write(spoken), SALLY_OK);
  ASSERT_EQ(pair.server.read_text(std::strlen(spoken)), spoken);
  ASSERT_EQ(pair.server.write("!"), SALLY_OK);
  ASSERT_EQ(pair.client.read_text(1), "!");
  ASSERT_EQ(pair.client.shutdown(), SALLY_OK);
  ASSERT_EQ(pair.server.read_status(), SALLY_END_OF_STREAM);
  ASSERT_EQ(pair.server.close(SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
  ASSERT_EQ(pair.client.close(), SALLY_OK);
}

class Trace : public OnBothVersions {
 protected:
  bool of_1_3() const { return GetParam() == SALLY_TLS_1_3; }
  Recorder clients, servers;
};
INSTANTIATE_TEST_SUITE_P(OnEachVersion, Trace, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         name_of);

TEST_P(Trace, TellsTheStepsOfAGoodMutualHandshakeOnBothSides) {
  Listener listener(servers.trace(server_config(serving(GetParam()))));
  const auto config = clients.trace(client_config());
  Pair pair = connect_pair(listener, config.get());
  talk_and_close(pair);
  const Records client = clients.until_end();
  const Records server = servers.until_end();
  if (of_1_3()) {
    EXPECT_THAT(steps_of(client),
                ElementsAre("connect", "state handshake", "sent client_hello",
                            "received server_hello encrypted_extensions certificate_request "
                            "certificate certificate_verify finished",
                            "sent certificate certificate_verify finished", "state established",
                            "received new_session_ticket", "sent close", "received close", "end"));
    EXPECT_THAT(
        steps_of(server),
        ElementsAre("connect", "state handshake", "received client_hello",
                    "sent server_hello encrypted_extensions certificate_request "
                    "certificate certificate_verify finished",
                    "received certificate certificate_verify finished", "sent new_session_ticket",
                    "state established", "received close", "sent close", "end"));
  } else {
    EXPECT_THAT(
        steps_of(client),
        ElementsAre("connect", "state handshake", "sent client_hello",
                    "received server_hello certificate server_key_exchange certificate_request "
                    "server_hello_done",
                    "sent certificate client_key_exchange certificate_verify "
                    "finished",
                    "received finished", "state established", "sent close", "received close",
                    "end"));
    EXPECT_THAT(
        steps_of(server),
        ElementsAre("connect", "state handshake", "received client_hello",
                    "sent server_hello certificate server_key_exchange certificate_request "
                    "server_hello_done",
                    "received certificate client_key_exchange certificate_verify "
                    "finished",
                    "sent finished", "state established", "received close", "sent close", "end"));
  }
}

TEST_P(Trace, SaysTheSameOfAConnectionOnBothSides) {
  Listener listener(servers.trace(server_config(serving(GetParam()))));
  const auto config = clients.trace(client_config());
  Pair pair = connect_pair(listener, config.get());
  const auto info = pair.client.info();
  const std::string id = sally_stream_info_correlation_id(info.get());
  talk_and_close(pair);
  const JsonSchema schema = JsonSchema::of_traces();
  for (auto* recorder : {&clients, &servers}) {
    const bool is_client = recorder == &clients;
    std::int64_t before = 0;
    const Records records = recorder->until_end();
    for (const Record& record : records) {
      SCOPED_TRACE(record.text());
      EXPECT_THAT(schema.faults(record.json), IsEmpty());
      EXPECT_EQ(sally_trace_record_correlation_id(record.record.get()), id);
      EXPECT_EQ(record.json.at("correlation_id"), id);
      EXPECT_EQ(sally_trace_record_connection(record.record.get()), 1u);
      EXPECT_EQ(sally_trace_record_side(record.record.get()),
                is_client ? SALLY_ROLE_CLIENT : SALLY_ROLE_SERVER);
      const std::int64_t time = sally_trace_record_time_us(record.record.get());
      EXPECT_EQ(record.json.at("time_us"), time);
      EXPECT_GE(time, before);
      before = time;
    }
    EXPECT_EQ(first(records, SALLY_TRACE_CONNECT).contains("resolve_us"), is_client);
    EXPECT_EQ(established(records).at("version"), of_1_3() ? "TLSv1.3" : "TLSv1.2");
    EXPECT_EQ(established(records).at("resumed"), false);
    const Json end = records.back().json;
    EXPECT_EQ(end.at("status"), "SALLY_OK");
    EXPECT_EQ(end.at("close_notify"), "both");
    EXPECT_EQ(end.at(is_client ? "bytes_sent" : "bytes_received"), std::strlen(spoken));
    EXPECT_EQ(end.at(is_client ? "bytes_received" : "bytes_sent"), 1);
    EXPECT_GT(end.at("wire_sent"), end.at("bytes_sent"));
    EXPECT_EQ(end.at("records"), records.size());
    EXPECT_EQ(recorder->dropped(), 0u);
  }
}

TEST_P(Trace, ShowsTheAlertOfARefusalAndItsDirection) {
  Listener listener(servers.trace(server_config(serving(GetParam()))));
  const auto config = clients.trace(client_config({}));
  Stream client = listener.stream(config.get());
  EXPECT_FALSE(refused(client).ok());
  client.release();
  const char* name = of_1_3() ? "certificate_required" : "handshake_failure";
  const Records seen = clients.until_end();
  const Records said = servers.until_end();
  for (const Records* records : {&seen, &said}) {
    const Json alert = first(*records, SALLY_TRACE_ALERT);
    EXPECT_EQ(alert.at("direction"), records == &seen ? "received" : "sent");
    EXPECT_EQ(alert.at("alert"), name);
    EXPECT_EQ(alert.at("level"), "fatal");
    const Json end = records->back().json;
    EXPECT_EQ(end.at("close_notify"), "none");
    EXPECT_EQ(end.at("established"), of_1_3() && records == &seen);
  }
  EXPECT_EQ(said.back().json.at("status"), "SALLY_CLIENT_CERTIFICATE_REQUIRED");
  EXPECT_EQ(seen.back().json.at("correlation_id"), said.back().json.at("correlation_id"));
  EXPECT_THAT(steps_of(seen), testing::Contains("state failed"));
}

TEST_P(Trace, ShowsWhatWasAskedAndAnswered) {
  Desk client_desk, server_desk;
  Listener listener(servers.trace(asking(server_config(serving(GetParam())), SALLY_QUESTION_PEER)),
                    asked_at(server_desk));
  const auto config =
      clients.trace(asking(client_config(), SALLY_QUESTION_PEER | SALLY_QUESTION_CREDENTIAL));
  Stream client = asking_stream(listener, config.get(), client_desk.completion());
  auto connecting = sally::test::connecting(client);
  EXPECT_EQ(client_desk.next().insecure_accept(), SALLY_OK);
  EXPECT_EQ(client_desk.next().accept(), SALLY_OK);
  EXPECT_EQ(server_desk.next().deny(SALLY_CERTIFICATE_REVOKED), SALLY_OK);
  connecting.wait();
  client.release();
  Json answers = Json::array();
  for (const Record& record : clients.until_end()) {
    if (record.kind() == SALLY_TRACE_DECISION) {
      answers.push_back({record.json.at("question"), record.json.at("step"),
                         record.json.value("verdict", ""), record.json.value("answer", "")});
    }
  }
  EXPECT_EQ(answers, Json::parse(R"([["peer", "asked", "SALLY_OK", ""],
                                     ["peer", "answered", "", "insecure_accept"],
                                     ["credential", "asked", "", ""],
                                     ["credential", "answered", "", "accept"]])"));
  const Records server = servers.until_end();
  EXPECT_THAT(steps_of(server), testing::IsSupersetOf({"asked peer", "answered peer",
                                                       "sent alert certificate_revoked"}));
  Json last;
  for (const Record& record : server) {
    if (record.kind() == SALLY_TRACE_DECISION) last = record.json;
  }
  EXPECT_EQ(last.at("answer"), "deny");
  EXPECT_EQ(last.at("reason"), "SALLY_CERTIFICATE_REVOKED");
  EXPECT_EQ(server.back().json.at("status"), "SALLY_DECISION_DENIED");
}

TEST_P(Trace, ShowsThatNobodyAnswered) {
  Desk desk;
  Listener listener(server_config(serving(GetParam())));
  const auto config = clients.trace(asking(client_config(), SALLY_QUESTION_PEER));
  Stream client = asking_stream(listener, config.get(), desk.completion());
  auto connecting = sally::test::connecting(client);
  desk.next().drop();
  EXPECT_EQ(connecting.get(), SALLY_DECISION_DENIED);
  const Records records = clients.until_end();
  EXPECT_THAT(steps_of(records), testing::IsSupersetOf({"asked peer", "answered peer"}));
  Json last;
  for (const Record& record : records) {
    if (record.kind() == SALLY_TRACE_DECISION) last = record.json;
  }
  EXPECT_EQ(last.at("answer"), "nobody");
}

TEST_P(Trace, ShowsOnceAHelloThatAnotherConfigAnswers) {
  Desk desk;
  Listener listener(
      servers.trace(asking(server_config(serving(GetParam())), SALLY_QUESTION_CLIENT_HELLO)),
      asked_at(desk));
  const auto chosen = server_config(serving(GetParam()));
  const auto config = client_config();
  Stream client = listener.stream(config.get());
  auto connecting = sally::test::connecting(client);
  EXPECT_EQ(desk.next().use_config(chosen.get()), SALLY_OK);
  EXPECT_EQ(connecting.get(), SALLY_OK);
  Stream server = listener.accept();
  client.close(SALLY_TIMEOUT_ATTEMPT);
  server.close(SALLY_TIMEOUT_ATTEMPT);
  const auto seen = steps_of(servers.until_end());
  EXPECT_EQ(std::count(seen.begin(), seen.end(), "received client_hello"), 1);
  EXPECT_THAT(seen, testing::IsSupersetOf(
                        {"asked client_hello", "answered client_hello", "state established"}));
}

TEST_P(Trace, ShowsASessionThatIsResumed) {
  Listener listener(servers.trace(server_config(serving(GetParam()))));
  const auto config = clients.trace(client_config());
  for (int i = 0; i < 2; ++i) {
    Pair pair = connect_pair(listener, config.get());
    talk_and_close(pair);
  }
  const Records client = clients.until_end(2);
  const Records server = servers.until_end(2);
  EXPECT_THAT(steps_of(client), testing::IsSupersetOf({"session offered", "session accepted"}));
  EXPECT_THAT(steps_of(server), testing::Contains("session accepted"));
  for (const Record& record : client) {
    if (record.kind() == SALLY_TRACE_RESUMPTION) {
      EXPECT_EQ(record.json.at("connection"), 2);
    }
  }
}

TEST(TraceOfKeys, ShowsThatADirectionHasNewOnes) {
  Recorder clients, servers;
  Listener listener(servers.trace(server_config()));
  const auto config = clients.trace(client_config());
  Pair pair = connect_pair(listener, config.get());
  ASSERT_EQ(sally_stream_update_keys(pair.client.get(), 0, nullptr), SALLY_OK);
  talk_and_close(pair);
  EXPECT_THAT(steps_of(clients.until_end()), testing::Contains("sent key_update"));
  EXPECT_THAT(steps_of(servers.until_end()), testing::Contains("received key_update"));
}

TEST(TraceOfTimeouts, ShowsWhyAHandshakeEnded) {
  Recorder clients;
  sally_listener_options options{};
  options.flags = SALLY_STREAM_PLAIN;
  Listener listener({}, options);
  const auto config = clients.trace(client_config());
  Stream client = listener.stream(config.get());
  EXPECT_EQ(client.connect(20 * short_ms), SALLY_TIMED_OUT) << "it is connected long before";
  const Records records = clients.until_end();
  EXPECT_THAT(steps_of(records), ElementsAre("connect", "state handshake", "sent client_hello",
                                             "state failed", "end"));
  EXPECT_EQ(records.back().json.at("status"), "SALLY_TIMED_OUT");
}

TEST(TraceOfTimeouts, ShowsWhyAClientWasRefused) {
  Recorder servers;
  sally_listener_options options{};
  options.handshake_timeout_ms = 20 * short_ms;
  Listener listener(servers.trace(server_config()), options);
  RawSocket silent = RawSocket::connect(listener.port());
  ASSERT_TRUE(silent.send({"\x16\x03\x01\x01", 4})) << "a part of a record";
  EXPECT_EQ(listener.next_refusal().status(), SALLY_TIMED_OUT);
  const Records records = servers.until_end();
  EXPECT_THAT(steps_of(records), ElementsAre("connect", "state handshake", "state failed", "end"));
  EXPECT_EQ(records.back().json.at("status"), "SALLY_TIMED_OUT");
}

TEST(TraceOfUpgrades, BeginsWithTheHandshake) {
  Recorder clients;
  Pair pair = plain_pair();
  const auto server = server_config();
  const auto config = clients.trace(client_config());
  auto serving = on_thread([&] {
    return called([&](sally_error** error) {
      return sally_stream_upgrade(pair.server.get(), server.get(), nullptr, generous_ms, error);
    });
  });
  EXPECT_EQ(called([&](sally_error** error) {
              return sally_stream_upgrade(pair.client.get(), config.get(), "localhost", generous_ms,
                                          error);
            }),
            SALLY_OK);
  EXPECT_EQ(serving.get(), SALLY_OK);
  pair.client.close(SALLY_TIMEOUT_ATTEMPT);
  const auto steps = steps_of(clients.until_end());
  EXPECT_THAT(steps, testing::Not(testing::Contains("connect")));
  EXPECT_EQ(steps.front(), "state handshake");
}

}  // namespace
