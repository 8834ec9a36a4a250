// Decisions through the C++ wrappers.
#include "abi/cpp_support.h"

#include <atomic>
#include <future>
#include <gtest/gtest.h>
#include <optional>
#include <thread>

namespace sally::cpp {
namespace {

TEST(CppDecision, OfAClientIsMadeInAFunctionAndTellsWhatIsToKnow) {
  const auto listener = listen();
  std::atomic<int> asked = 0;
  const sally::Decider decider([&](sally::Decision decision) {
    ++asked;
    if (decision.question() == SALLY_QUESTION_PEER) {
      EXPECT_EQ(decision.verdict(), SALLY_OK);
      EXPECT_EQ(decision.verdict_error(), std::nullopt);
      EXPECT_EQ(decision.server_name(), "localhost");
      EXPECT_EQ(decision.peer_address(), listener.address());
      EXPECT_EQ(decision.peer_certificates().size(), 2u);
      EXPECT_TRUE(decision.alpn().empty());
      decision.accept();
      EXPECT_THROW(decision.accept(), sally::Error);
    } else {
      EXPECT_EQ(decision.acceptable_cas().size(), 1u);
      // Later, from another thread.
      std::thread([decision] { decision.use_credential(credential("client-good")); }).detach();
    }
  });
  auto socket = sally::StreamSocket::connect(
      {.host = "127.0.0.1",
       .service = std::to_string(listener.port()),
       .tls = anonymous_config().questions(SALLY_QUESTION_PEER | SALLY_QUESTION_CREDENTIAL),
       .verify_name = "localhost",
       .decisions = decider},
      soon);
  EXPECT_EQ(asked, 2);
  EXPECT_TRUE(socket.info().client_certificate_sent());
}

TEST(CppDecision, OfAServerComesThroughAQueue) {
  const auto queue = sally::CompletionQueue::create();
  auto listener = sally::StreamListener::bind(
      {.host = "127.0.0.1",
       .service = "0",
       .tls = server_config()
                  .questions(SALLY_QUESTION_CLIENT_HELLO | SALLY_QUESTION_PEER)
                  .decision_timeout(soon),
       .decisions = sally::Decider(queue, 12)});
  auto connecting = std::async(std::launch::async, [&] { return connect(listener); });
  {
    sally::Event event = sally::CompletionQueue(queue).take(soon);
    EXPECT_EQ(event.tag(), 12u);
    EXPECT_EQ(event.kind(), SALLY_EVENT_DECISION);
    const auto hello = event.take<sally::Decision>();
    EXPECT_EQ(hello.question(), SALLY_QUESTION_CLIENT_HELLO);
    EXPECT_THROW(event.take<sally::Decision>(), std::invalid_argument);
    hello.use_config(server_config().questions(SALLY_QUESTION_PEER));
  }
  const auto peer = sally::CompletionQueue(queue).take(soon).take<sally::Decision>();
  EXPECT_EQ(peer.question(), SALLY_QUESTION_PEER);
  EXPECT_THROW(peer.use_no_credential(), sally::Error);
  peer.insecure_accept();
  auto server = listener.accept(soon);
  auto client = connecting.get();
  server.write("hello");
  std::array<std::byte, 5> buffer{};
  EXPECT_EQ(client.read_some(buffer, soon), 5u);
}

TEST(CppDecision, ThatIsDeniedOrDroppedEndsTheHandshake) {
  const auto listener = listen();
  for (const bool drops : {true, false}) {
    const sally::Decider decider([=](const sally::Decision& decision) {
      if (!drops) decision.deny(SALLY_CERTIFICATE_REVOKED);
    });
    try {
      static_cast<void>(
          sally::StreamSocket::connect({.host = "127.0.0.1",
                                        .service = std::to_string(listener.port()),
                                        .tls = client_config().questions(SALLY_QUESTION_PEER),
                                        .verify_name = "localhost",
                                        .decisions = decider},
                                       soon));
      ADD_FAILURE() << "connected";
    } catch (const sally::Error& error) {
      EXPECT_EQ(error.status(), SALLY_DECISION_DENIED);
    }
  }
}

}  // namespace
}  // namespace sally::cpp
