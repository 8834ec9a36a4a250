// A queue for decisions that is told when no more will come.
#include "abi/decision_support.h"

#include <gtest/gtest.h>

#include <sallyport/sallyport.hpp>

using namespace sally::test;

namespace {

const TlsSetup mutual{.credential = "server-good", .client_auth = SALLY_CLIENT_AUTH_REQUIRE};

Owned<sally_tls_config> asking_client() {
  return asking(client_config({.credential = "client-good"}), SALLY_QUESTION_PEER);
}

// A queue to which decisions go, and what comes behind them.
struct LastDesk {
  Queue queue;
  sally_completion decisions = telling();

  sally_completion telling() const {
    sally_completion completion = queue.completion(7);
    completion.flags = SALLY_COMPLETION_TELL_END;
    return completion;
  }
  bool is_silent() { return queue.take_status() == SALLY_WOULD_BLOCK; }
  Decision next() {
    sally_event event{};
    std::size_t count = 0;
    if (sally_queue_take(queue.get(), &event, sizeof event, 1, &count, generous_ms, nullptr) !=
        SALLY_OK) {
      return {};
    }
    EXPECT_EQ(event.kind, SALLY_EVENT_DECISION);
    Decision decision = Decision::take(event);
    sally_event_dispose(&event);
    return decision;
  }
  void expect_end() {
    const Event event = queue.next();
    EXPECT_EQ(event->kind, SALLY_EVENT_DECISIONS_OVER);
    EXPECT_EQ(event->tag, 7u);
    EXPECT_EQ(event->status, SALLY_OK);
    EXPECT_EQ(event->object, nullptr);
    EXPECT_EQ(event->error, nullptr);
    EXPECT_EQ(sally_queue_pending(queue.get()), 0u);
    EXPECT_TRUE(is_silent()) << "once";
  }
};

}  // namespace

TEST(DecisionsOver, IsToldWhenTheStreamHasGone) {
  LastDesk desk;
  Listener listener(server_config(mutual));
  const auto config = asking_client();
  Stream stream = asking_stream(listener, config.get(), &desk.decisions);
  auto connecting_to = connecting(stream);
  EXPECT_EQ(desk.next().accept(), SALLY_OK);
  ASSERT_EQ(connecting_to.get(), SALLY_OK);
  EXPECT_EQ(sally_queue_pending(desk.queue.get()), 1u) << "it is still to come";
  ASSERT_EQ(stream.close(SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
  stream.release();
  desk.expect_end();
}

TEST(DecisionsOver, IsToldOfAStreamThatNeverAsked) {
  LastDesk desk;
  Listener listener(server_config(mutual));
  const auto config = asking_client();
  asking_stream(listener, config.get(), &desk.decisions).release();
  desk.expect_end();
}

TEST(DecisionsOver, ComesBehindADecisionThatNobodyTook) {
  LastDesk desk;
  Listener listener(server_config(mutual));
  const auto config = asking_client();
  Stream stream = asking_stream(listener, config.get(), &desk.decisions);
  const sally_completion done = desk.queue.completion(8);
  ASSERT_EQ(sally_stream_connect_async(stream.get(), 0, &done, nullptr, nullptr), SALLY_OK);
  while (!desk.queue.is_readable()) std::this_thread::yield();
  stream.release();
  bool ended = false;
  int decisions = 0;
  for (int i = 0; i < 3; ++i) {
    const Event event = desk.queue.next();
    if (event->kind == SALLY_EVENT_DECISION) {
      ++decisions;
      EXPECT_FALSE(ended);
    }
    if (event->kind == SALLY_EVENT_DECISIONS_OVER) ended = true;
  }
  EXPECT_EQ(decisions, 1);
  EXPECT_TRUE(ended);
}

TEST(DecisionsOver, IsToldWhenAListenerAndItsHandshakesHaveGone) {
  LastDesk desk;
  sally_listener_options options{};
  options.decisions = &desk.decisions;
  Listener listener(asking(server_config(mutual), SALLY_QUESTION_CLIENT_HELLO), options);
  const auto config = client_config();
  Stream client = listener.stream(config.get());
  auto connecting_to = connecting(client);
  Decision decision = desk.next();
  ASSERT_TRUE(decision);
  EXPECT_TRUE(desk.is_silent());
  EXPECT_EQ(decision.accept(), SALLY_OK);
  decision.drop();
  ASSERT_EQ(connecting_to.get(), SALLY_OK);
  Stream accepted = listener.accept();
  listener.release();
  EXPECT_TRUE(desk.is_silent()) << "what it accepted is part of it";
  accepted.release();
  desk.expect_end();
}

TEST(DecisionsOver, IsToldWhenTheQueueIsClosed) {
  LastDesk desk;
  Listener listener(server_config(mutual));
  const auto config = asking_client();
  Stream stream = asking_stream(listener, config.get(), &desk.decisions);
  ASSERT_EQ(desk.queue.close(), SALLY_OK);
  const Event event = desk.queue.next();
  EXPECT_EQ(event->kind, SALLY_EVENT_DECISIONS_OVER);
  EXPECT_EQ(desk.queue.take_status(), SALLY_CLOSED) << "the stream that there still is asks nobody";
  EXPECT_FALSE(stream.connect().ok());
}

TEST(DecisionsOver, IsNotToldOfWhatWasNeverMade) {
  LastDesk desk;
  sally_stream_options options{};
  options.struct_size = sizeof options;
  options.decisions = &desk.decisions;
  sally_stream* stream = nullptr;
  EXPECT_EQ(sally_stream_create(&options, &stream, nullptr), SALLY_INVALID_ARGUMENT);
  EXPECT_EQ(sally_queue_pending(desk.queue.get()), 0u);
  EXPECT_TRUE(desk.is_silent());
}

TEST(DecisionsOver, IsNotToldToAFunctionNorOfAnOperation) {
  Spy spy;
  sally_completion told = spy.completion();
  told.flags = SALLY_COMPLETION_TELL_END;
  Listener listener(server_config(mutual));
  const auto config = asking_client();
  const std::string service = listener.service();
  sally_stream_options options{};
  options.struct_size = sizeof options;
  options.host = "127.0.0.1";
  options.verify_name = "localhost";
  options.service = service.c_str();
  options.tls = config.get();
  options.decisions = &told;
  sally_stream* stream = nullptr;
  EXPECT_EQ(sally_stream_create(&options, &stream, nullptr), SALLY_INVALID_ARGUMENT);
  EXPECT_EQ(spy.frees, 1);

  LastDesk desk;
  Pair pair = tls_pair();
  EXPECT_EQ(sally_stream_flush_async(pair.client.get(), 0, &desk.decisions, nullptr, nullptr),
            SALLY_INVALID_ARGUMENT);
}

TEST(DecisionsOver, IsAskedForInCppToo) {
  auto queue = sally::CompletionQueue::create();
  Listener listener(server_config(mutual));
  {
    const auto config = sally::TlsConfig::client()
                            .trust(sally::TrustStore::from_file(Zoo::ca_path("ca-root")))
                            .questions(SALLY_QUESTION_PEER);
    const auto socket =
        sally::StreamSocket::create({.host = "127.0.0.1",
                                     .service = listener.service(),
                                     .tls = config,
                                     .decisions = sally::Decider(queue, 9, /*tell_end=*/true)});
  }
  const auto event = queue.take();
  EXPECT_EQ(event.kind(), SALLY_EVENT_DECISIONS_OVER);
  EXPECT_EQ(event.tag(), 9u);
}
