// Where questions go, and on which threads handshakes that ask them run.
#include "abi/decision_support.h"
#include "lib/raw_tcp.h"

#include <cstdlib>

using namespace sally::test;

namespace {

constexpr std::uint32_t peer = SALLY_QUESTION_PEER;
constexpr std::uint32_t hello = SALLY_QUESTION_CLIENT_HELLO;

const TlsSetup mutual{.credential = "server-good", .client_auth = SALLY_CLIENT_AUTH_REQUIRE};

Result create(sally_stream_options options, Owned<sally_stream>& stream) {
  options.struct_size = sizeof options;
  options.host = "127.0.0.1";
  options.service = "443";
  return called(
      [&](sally_error** error) { return sally_stream_create(&options, Out(stream), error); });
}

void run_once(sally_runtime* runtime) {
  const sally_status status = sally_runtime_run(runtime, 1, nullptr);
  EXPECT_TRUE(status == SALLY_OK || status == SALLY_TIMED_OUT) << status;
}

// Runs the loop on this thread until something has come about.
template <class Condition>
bool run_until(sally_runtime* runtime, Condition&& condition) {
  const StopWatch watch;
  while (!condition()) {
    if (watch.milliseconds() > generous_ms) return false;
    run_once(runtime);
  }
  return true;
}

// What is left of a listener on a loop goes when that is run.
void clear_away(sally_runtime* runtime, Listener& listener, Stream& client) {
  client.release();
  listener.release();
  for (int i = 0; i < 20; ++i) run_once(runtime);
}

}  // namespace

TEST(Questions, NeedAPlaceToGoTo) {
  const auto client = asking(client_config(), peer);
  sally_stream_options options{};
  options.tls = client.get();
  Owned<sally_stream> stream;
  EXPECT_EQ(create(options, stream), SALLY_INVALID_ARGUMENT);

  const auto server = asking(server_config(), hello);
  sally_listener_options listening{};
  listening.struct_size = sizeof listening;
  listening.host = "127.0.0.1";
  listening.service = "0";
  listening.tls = server.get();
  Owned<sally_listener> listener;
  EXPECT_EQ(sally_listener_bind(&listening, Out(listener), nullptr), SALLY_INVALID_ARGUMENT);

  Pair plain = plain_pair();
  EXPECT_EQ(sally_stream_upgrade(plain.client.get(), client.get(), "localhost", 0, nullptr),
            SALLY_INVALID_ARGUMENT);
  EXPECT_EQ(sally_stream_upgrade(plain.server.get(), server.get(), nullptr, 0, nullptr),
            SALLY_INVALID_ARGUMENT);
  ASSERT_EQ(plain.server.write("still plain"), SALLY_OK);
  EXPECT_EQ(plain.client.read_text(11), "still plain");
}

TEST(Questions, GiveBackWhatBelongsToTheirPlaceWhateverFails) {
  Spy spy;
  const sally_completion completion = spy.completion();
  sally_completion both = completion;
  const Queue queue;
  both.queue = queue.get();
  Owned<sally_stream> stream;
  sally_stream_options options{};
  options.decisions = &completion;
  EXPECT_EQ(create(options, stream), SALLY_INVALID_ARGUMENT) << "no config";
  EXPECT_EQ(spy.frees, 1);
  options.decisions = &both;
  options.flags = SALLY_STREAM_PLAIN;
  EXPECT_EQ(create(options, stream), SALLY_INVALID_ARGUMENT) << "two places";
  EXPECT_EQ(spy.frees, 2);
  sally_listener_options listening{};
  listening.struct_size = sizeof listening;
  listening.decisions = &completion;
  Owned<sally_listener> listener;
  EXPECT_EQ(sally_listener_bind(&listening, Out(listener), nullptr), SALLY_INVALID_ARGUMENT);
  EXPECT_EQ(spy.frees, 3);
  options.decisions = &completion;
  EXPECT_EQ(create(options, stream), SALLY_OK);
  EXPECT_EQ(spy.frees, 3);
  stream.reset();
  EXPECT_EQ(spy.frees, 4);
  EXPECT_EQ(spy.calls, 0);
}

TEST(Questions, FindAClosedQueueClosed) {
  Listener listener(server_config());
  const auto config = asking(client_config(), peer);
  Desk desk;
  Stream client = asking_stream(listener, config.get(), desk.completion());
  ASSERT_EQ(desk.queue().close(), SALLY_OK);
  EXPECT_EQ(client.connect(), SALLY_CLOSED);

  Desk other;
  Listener asking_listener(asking(server_config(), hello), asked_at(other));
  ASSERT_EQ(other.queue().close(), SALLY_OK);
  const auto plain_config = client_config();
  Stream refused_client = asking_listener.stream(plain_config.get());
  EXPECT_FALSE(refused_client.connect().ok());
  EXPECT_EQ(asking_listener.next_refusal().status(), SALLY_CLOSED);
}

TEST(Questions, AreDeniedWhereTheirQueueWasClosedMeanwhile) {
  Listener listener(server_config());
  Proxy proxy(listener.port());
  const auto config = asking(client_config(), peer);
  Desk desk;
  const std::string service = proxy.service();
  sally_stream_options options{};
  options.struct_size = sizeof options;
  options.host = "127.0.0.1";
  options.verify_name = "localhost";
  options.service = service.c_str();
  options.tls = config.get();
  options.decisions = desk.completion();
  Owned<sally_stream> raw;
  ASSERT_EQ(sally_stream_create(&options, Out(raw), nullptr), SALLY_OK);
  Stream client(std::move(raw));
  proxy.stall();
  auto connecting = sally::test::connecting(client);
  while (sally_queue_pending(desk.queue().get()) == 0) std::this_thread::yield();
  ASSERT_EQ(desk.queue().close(), SALLY_OK);
  EXPECT_EQ(desk.queue().take_status(), SALLY_CLOSED) << "nothing will come";
  proxy.resume();
  EXPECT_EQ(connecting.get(), SALLY_DECISION_DENIED);
  EXPECT_EQ(listener.next_refusal().status(), SALLY_ALERT_HANDSHAKE_FAILURE);
}

TEST(Questions, OfABlockingCallOnItsOwnLoopAreRefused) {
  const auto runtime = make_runtime(SALLY_RUNTIME_CALLER_RUN);
  Listener listener(server_config());
  const auto config = asking(client_config(), peer);
  Desk desk;
  Stream nobody = asking_stream(listener, config.get(), desk.completion(), runtime.get());
  EXPECT_EQ(nobody.connect(), SALLY_INVALID_STATE) << "nobody runs the loop";
  EXPECT_EQ(nobody.connect(), SALLY_CLOSED);
  for (int i = 0; i < 10; ++i) run_once(runtime.get());
}

TEST(Questions, OfACallerRunLoopComeWhileItIsRun) {
  const auto runtime = make_runtime(SALLY_RUNTIME_CALLER_RUN);
  Desk desk(Desk::Form::function);
  sally_listener_options options = asked_at(desk);
  options.runtime = runtime.get();
  Listener listener(asking(server_config(), peer), options);
  const auto config = client_config();
  Stream client = listener.stream(config.get());
  auto connecting = on_thread([&] { return refused(client); });
  Decision decision;
  EXPECT_TRUE(run_until(runtime.get(), [&] {
    if (!decision) decision = desk.next(0);
    return bool(decision);
  }));
  EXPECT_EQ(decision.deny(SALLY_CERTIFICATE_REVOKED), SALLY_OK);
  EXPECT_TRUE(run_until(runtime.get(), [&] { return !goes_on(connecting); }));
  EXPECT_EQ(connecting.get(), SALLY_ALERT_CERTIFICATE_REVOKED);
  clear_away(runtime.get(), listener, client);
}

// The stack of a suspended verification belongs to the thread that began it.
TEST(Questions, OfACallerRunLoopWaitForTheThreadThatAskedThem) {
  const auto runtime = make_runtime(SALLY_RUNTIME_CALLER_RUN);
  Desk desk(Desk::Form::function);
  sally_listener_options options = asked_at(desk);
  options.runtime = runtime.get();
  options.handshake_timeout_ms = 60 * short_ms;
  Listener listener(asking(server_config(), peer), options);
  const auto config = client_config();
  Stream client = listener.stream(config.get());
  auto connecting = on_thread([&] { return refused(client); });
  Decision decision;
  EXPECT_TRUE(run_until(runtime.get(), [&] {
    if (!decision) decision = desk.next(0);
    return bool(decision);
  }));
  EXPECT_EQ(decision.accept(), SALLY_OK);
  on_thread([&] { run_once(runtime.get()); }).get();
  Refusal refusal;
  EXPECT_TRUE(run_until(runtime.get(), [&] {
    refusal = listener.next_refusal(SALLY_TIMEOUT_ATTEMPT);
    return refusal.result.ok();
  }));
  EXPECT_EQ(refusal.status(), SALLY_TIMED_OUT);
  EXPECT_TRUE(run_until(runtime.get(), [&] { return !goes_on(connecting); }));
  EXPECT_FALSE(connecting.get().ok());
  clear_away(runtime.get(), listener, client);
}

namespace {

struct Remains {
  Desk desk;
  Owned<sally_tls_config> config;
  std::unique_ptr<Listener> listener;
  Stream client;
  Queue results;
  Decision decision;
};

[[noreturn]] void exit_undecided() {
  static Remains remains;
  remains.listener =
      std::make_unique<Listener>(asking(server_config(mutual), peer), asked_at(remains.desk));
  remains.config = client_config();
  remains.client = remains.listener->stream(remains.config.get());
  const sally_completion completion = remains.results.completion(0);
  if (sally_stream_connect_async(remains.client.get(), 0, &completion, nullptr, nullptr) !=
      SALLY_OK) {
    std::exit(1);
  }
  remains.decision = remains.desk.next();
  std::exit(remains.decision ? 0 : 1);
}

}  // namespace

TEST(QuestionsDeathTest, AreLeftOpenByAProgramThatExits) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(exit_undecided(), testing::ExitedWithCode(0), "");
}
