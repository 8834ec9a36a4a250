// Decisions that are answered late, twice or never, and handshakes that end without an answer.
#include "abi/decision_support.h"
#include "abi/fork_support.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <thread>

using namespace sally::test;

namespace {

constexpr std::uint32_t peer = SALLY_QUESTION_PEER;
constexpr std::uint32_t credential = SALLY_QUESTION_CREDENTIAL;
constexpr std::uint32_t hello = SALLY_QUESTION_CLIENT_HELLO;

const TlsSetup mutual{.credential = "server-good", .client_auth = SALLY_CLIENT_AUTH_REQUIRE};

struct Case {
  const char* name;
  std::int32_t version;
  std::int32_t role;  // of who asks
  std::uint32_t question;
};

void PrintTo(const Case& which, std::ostream* out) {
  *out << which.name;
}

constexpr std::array cases = {Case{"ClientPeer12", SALLY_TLS_1_2, SALLY_ROLE_CLIENT, peer},
                              Case{"ClientPeer13", SALLY_TLS_1_3, SALLY_ROLE_CLIENT, peer},
                              Case{"Credential12", SALLY_TLS_1_2, SALLY_ROLE_CLIENT, credential},
                              Case{"Credential13", SALLY_TLS_1_3, SALLY_ROLE_CLIENT, credential},
                              Case{"ServerPeer12", SALLY_TLS_1_2, SALLY_ROLE_SERVER, peer},
                              Case{"ServerPeer13", SALLY_TLS_1_3, SALLY_ROLE_SERVER, peer},
                              Case{"Hello12", SALLY_TLS_1_2, SALLY_ROLE_SERVER, hello},
                              Case{"Hello13", SALLY_TLS_1_3, SALLY_ROLE_SERVER, hello}};

// A handshake in which one side waits for an answer.
class Undecided : public testing::TestWithParam<Case> {
 protected:
  bool client_asks() const { return GetParam().role == SALLY_ROLE_CLIENT; }
  // Of the alert that the side which did not ask receives.
  sally_status alert() const {
    return GetParam().question == credential ? SALLY_ALERT_INTERNAL_ERROR
                                             : SALLY_ALERT_HANDSHAKE_FAILURE;
  }
  void meet(std::int64_t decision_ms = 0, std::int64_t handshake_ms = 0,
            std::int64_t connect_ms = generous_ms) {
    auto server = server_config(of_version(GetParam().version, mutual));
    auto client = client_config(of_version(GetParam().version, {.credential = "client-good"}));
    sally_listener_options options{};
    options.handshake_timeout_ms = handshake_ms;
    if (client_asks()) {
      client = asking(std::move(client), GetParam().question, decision_ms);
    } else {
      server = asking(std::move(server), GetParam().question, decision_ms);
      options.decisions = desk_.completion();
    }
    listener_ = std::make_unique<Listener>(server, options);
    config_ = std::move(client);
    client_ =
        asking_stream(*listener_, config_.get(), client_asks() ? desk_.completion() : nullptr);
    connecting_ = on_thread([this, connect_ms] {
      Result result = client_.connect(connect_ms);
      // In TLS 1.3 a server's refusal comes later.
      return result.ok() && !client_asks() ? client_.read_status() : std::move(result);
    });
    decision_ = desk_.next();
    ASSERT_TRUE(decision_);
  }
  // Of the side that asked, and of the other one.
  std::pair<sally_status, sally_status> statuses() {
    const sally_status of_client = connecting_.get().status;
    const sally_status of_server = listener_->next_refusal().status();
    return client_asks() ? std::pair{of_client, of_server} : std::pair{of_server, of_client};
  }
  void expect_denied(sally_status asking_side) {
    const auto [asked, other] = statuses();
    EXPECT_EQ(asked, asking_side);
    EXPECT_EQ(other, alert());
  }

  Desk desk_;
  std::unique_ptr<Listener> listener_;
  Owned<sally_tls_config> config_;
  Stream client_;
  std::future<Result> connecting_;
  Decision decision_;
};

INSTANTIATE_TEST_SUITE_P(Questions, Undecided, testing::ValuesIn(cases),
                         [](const auto& which) { return std::string(which.param.name); });

}  // namespace

TEST_P(Undecided, IsDeniedWhenTheLastReferenceGoes) {
  meet();
  sally_decision_release(sally_decision_retain(decision_.get()));
  EXPECT_TRUE(goes_on(connecting_)) << "not the last one";
  decision_.drop();
  expect_denied(SALLY_DECISION_DENIED);
}

TEST_P(Undecided, IsDeniedWhenTimeIsOver) {
  meet(short_ms);
  expect_denied(SALLY_TIMED_OUT);
  EXPECT_EQ(decision_.accept(), SALLY_CLOSED);
  EXPECT_EQ(decision_.deny(), SALLY_CLOSED);
}

TEST_P(Undecided, IsDeniedAtTheDeadlineOfTheHandshake) {
  constexpr std::int64_t long_enough_to_get_there = 60 * short_ms;
  if (client_asks())
    meet(SALLY_TIMEOUT_NEVER, 0, long_enough_to_get_there);
  else
    meet(SALLY_TIMEOUT_NEVER, long_enough_to_get_there);
  expect_denied(SALLY_TIMED_OUT);
  EXPECT_EQ(decision_.accept(), SALLY_CLOSED);
}

TEST_P(Undecided, IsAnsweredOnce) {
  meet();
  EXPECT_EQ(decision_.deny(SALLY_CERTIFICATE_REVOKED), SALLY_OK);
  EXPECT_EQ(decision_.accept(), SALLY_INVALID_STATE);
  EXPECT_EQ(decision_.deny(), SALLY_INVALID_STATE);
  EXPECT_EQ(statuses().first, SALLY_DECISION_DENIED);
  EXPECT_EQ(decision_.accept(), SALLY_INVALID_STATE);
}

TEST_P(Undecided, IsAnsweredByOneOfSeveralThreads) {
  for (int round = 0; round < 10; ++round) {
    meet();
    std::vector<std::future<bool>> answers;
    for (int i = 0; i < 4; ++i) {
      answers.push_back(on_thread([this, i] {
        const Result result = i % 2 == 0 ? decision_.accept() : decision_.deny();
        EXPECT_TRUE(result.ok() || result == SALLY_INVALID_STATE) << result.status;
        return result.ok();
      }));
    }
    int wins = 0;
    bool accepted = false;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const bool won = answers[i].get();
      wins += won ? 1 : 0;
      accepted = accepted || (won && i % 2 == 0);
    }
    EXPECT_EQ(wins, 1);
    if (accepted) {
      Stream server = listener_->accept();
      ASSERT_EQ(server.write("x"), SALLY_OK);
      EXPECT_EQ(connecting_.get(), SALLY_OK);
    } else {
      expect_denied(SALLY_DECISION_DENIED);
    }
  }
}

TEST_P(Undecided, EndsWhenTheSideThatAskedIsClosed) {
  meet();
  if (client_asks()) {
    EXPECT_EQ(client_.close(), SALLY_OK);
    expect_denied(SALLY_CLOSED);
  } else {
    EXPECT_EQ(listener_->close(), SALLY_OK);
    EXPECT_FALSE(connecting_.get().ok());
  }
  EXPECT_EQ(decision_.accept(), SALLY_CLOSED);
}

TEST_P(Undecided, EndsWhenTheClientIsCanceled) {
  if (!client_asks()) return;
  meet();
  EXPECT_EQ(client_.cancel(SALLY_DIRECTION_READ | SALLY_DIRECTION_WRITE), SALLY_OK);
  expect_denied(SALLY_CANCELED);
  EXPECT_EQ(decision_.accept(), SALLY_CLOSED);
}

TEST_P(Undecided, EndsWhenItsPeerGoesAwayAndAnAnswerComes) {
  meet();
  if (client_asks())
    listener_->release();
  else
    client_.close(SALLY_TIMEOUT_ATTEMPT);
  const Result answered = decision_.accept();
  EXPECT_TRUE(answered.ok() || answered == SALLY_CLOSED);
  connecting_.wait();
}

TEST_P(Undecided, LetsEverythingGoInAnyOrder) {
  std::array order = {0, 1, 2, 3};
  do {
    {
      meet();
      auto* queue = &desk_.queue();
      // The blocking call of the other thread holds no reference of its own.
      if (client_asks()) {
        client_.cancel(SALLY_DIRECTION_READ | SALLY_DIRECTION_WRITE);
        connecting_.wait();
      }
      for (const int what : order) {
        if (what == 0) decision_.drop();
        if (what == 1) listener_.reset();
        if (what == 2) queue->release();
        if (what == 3) config_.reset();
      }
      connecting_.wait();
      client_.release();
      *queue = Queue();
    }
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_P(Undecided, IsDeniedWhenItsEventIsDisposedOf) {
  sally_event event{};
  auto server = server_config(of_version(GetParam().version, mutual));
  auto client = client_config(of_version(GetParam().version, {.credential = "client-good"}));
  (client_asks() ? client : server) =
      asking(std::move(client_asks() ? client : server), GetParam().question);
  Queue queue;
  const sally_completion completion = queue.completion(3);
  sally_listener_options options{};
  if (!client_asks()) options.decisions = &completion;
  Listener listener(server, options);
  for (const bool taken : {true, false}) {
    Stream stream = asking_stream(listener, client.get(), client_asks() ? &completion : nullptr);
    auto connecting = on_thread([&] { return refused(stream); });
    if (taken) {
      std::size_t count = 0;
      ASSERT_EQ(
          sally_queue_take(queue.get(), &event, sizeof event, 1, &count, generous_ms, nullptr),
          SALLY_OK);
      EXPECT_EQ(event.kind, SALLY_EVENT_DECISION);
      EXPECT_EQ(event.tag, 3u);
      sally_event_dispose(&event);
      EXPECT_EQ(event.object, nullptr);
    } else {
      pollfd polled{queue.descriptor(), POLLIN, 0};
      ASSERT_EQ(::poll(&polled, 1, static_cast<int>(generous_ms)), 1);
      queue.release();
    }
    EXPECT_EQ(connecting.get(), client_asks() ? SALLY_DECISION_DENIED : alert());
    EXPECT_EQ(listener.next_refusal().status(), client_asks() ? alert() : SALLY_DECISION_DENIED);
  }
}

TEST_P(Undecided, AnswersForkedInAChild) {
  meet();
  EXPECT_TRUE(in_child([&] {
    REQUIRE(decision_.accept() == SALLY_FORKED);
    REQUIRE(decision_.insecure_accept() == SALLY_FORKED);
    REQUIRE(decision_.deny() == SALLY_FORKED);
    REQUIRE(decision_.use_credential(nullptr) == SALLY_FORKED);
    REQUIRE(decision_.use_config(nullptr) == SALLY_FORKED);
    REQUIRE(decision_.question() == static_cast<std::int32_t>(GetParam().question));
    decision_.drop();
    return true;
  }));
  EXPECT_EQ(decision_.accept(), SALLY_OK) << "what the child let go was its own";
  Stream server = listener_->accept();
  ASSERT_EQ(server.write("x"), SALLY_OK);
  EXPECT_EQ(connecting_.get(), SALLY_OK);
}

// --- A hundred at once.

TEST_P(Undecided, ManyDelayNobodyOnTheSameLoop) {
  constexpr std::size_t many = 100;
  const auto runtime = make_runtime(0, 1);
  auto server = server_config(of_version(GetParam().version, mutual));
  auto client = client_config(of_version(GetParam().version, {.credential = "client-good"}));
  sally_listener_options options{};
  options.runtime = runtime.get();
  options.handshake_timeout_ms = generous_ms;
  if (client_asks()) {
    client = asking(std::move(client), GetParam().question, SALLY_TIMEOUT_NEVER);
  } else {
    server = asking(std::move(server), GetParam().question, SALLY_TIMEOUT_NEVER);
    options.decisions = desk_.completion();
  }
  Listener listener(server, options);
  const auto* decisions = client_asks() ? desk_.completion() : nullptr;
  Queue results;
  const auto connect = [&](std::uint64_t tag) {
    Stream stream = asking_stream(listener, client.get(), decisions, runtime.get());
    const sally_completion completion = results.completion(tag);
    EXPECT_EQ(sally_stream_connect_async(stream.get(), generous_ms, &completion, nullptr, nullptr),
              SALLY_OK);
    return stream;
  };
  Stream first = connect(0);
  EXPECT_EQ(desk_.next().accept(), SALLY_OK);
  EXPECT_EQ(results.next()->status, SALLY_OK);
  Stream served = listener.accept();

  std::vector<Stream> waiting;
  for (std::size_t i = 1; i <= many; ++i) waiting.push_back(connect(i));
  std::vector<Decision> undecided;
  while (undecided.size() < many) {
    undecided.push_back(desk_.next());
    ASSERT_TRUE(undecided.back());
  }
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(first.write("ping"), SALLY_OK);
    ASSERT_EQ(served.read_text(4), "ping");
    ASSERT_EQ(served.write("pong"), SALLY_OK);
    ASSERT_EQ(first.read_text(4), "pong");
  }
  EXPECT_EQ(listener.accept_status(SALLY_TIMEOUT_ATTEMPT), SALLY_WOULD_BLOCK);
  for (const Decision& decision : undecided) EXPECT_EQ(decision.accept(), SALLY_OK);
  for (std::size_t i = 0; i < many; ++i) EXPECT_EQ(results.next()->status, SALLY_OK);
  for (std::size_t i = 0; i < many; ++i) EXPECT_EQ(listener.accept_status(), SALLY_OK);
}

// What a program gave for its decisions goes with no lock held, whoever has the listener last.
TEST(DecisionsUser, MayUseTheStreamWithWhichTheListenerGoes) {
  struct Keeper {
    sally_stream* stream = nullptr;
    std::promise<std::int32_t> protection;
  } keeper;
  sally_completion decisions{};
  decisions.struct_size = sizeof decisions;
  decisions.function = [](void*, sally_event*) {};
  decisions.user = &keeper;
  decisions.free_user = [](void* user) {
    auto& it = *static_cast<Keeper*>(user);
    it.protection.set_value(sally_stream_protection(it.stream));
  };
  const auto one_loop = make_runtime(0, 1);
  sally_listener_options options{};
  options.runtime = one_loop.get();
  options.decisions = &decisions;
  Listener listener(server_config(mutual), options);
  const auto config = client_config();
  Pair pair = connect_pair(listener, config.get());
  keeper.stream = pair.server.get();
  listener.release();
  // Its loop has let go of it when it has done what was posted before.
  Queue queue;
  const sally_completion flushed = queue.completion(1);
  for (int turn = 0; turn < 5; ++turn) {
    ASSERT_EQ(sally_stream_flush_async(pair.server.get(), 0, &flushed, nullptr, nullptr), SALLY_OK);
    ASSERT_EQ(queue.next()->status, SALLY_OK);
  }
  ASSERT_EQ(pair.client.close(SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
  EXPECT_EQ(pair.server.close(), SALLY_OK);
  EXPECT_EQ(keeper.protection.get_future().get(), SALLY_TLS_1_3);
}
