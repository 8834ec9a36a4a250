// Draining a listener whose last connections end in unusual ways.
#include "abi/trust_change_support.h"
#include "lib/zoo.h"

#include <gtest/gtest.h>

using namespace sally::test;

namespace {

// Whose full handshake is over on the server's side too when the client's is.
const TlsSetup older_client{.credential = "client-good", .max_version = SALLY_TLS_1_2};

sally_listener_options on(const Owned<sally_runtime>& runtime) {
  sally_listener_options options{};
  options.runtime = runtime.get();
  return options;
}

// One stream waits at the listener when it returns, and is the only connection.
Stream client_that_nobody_accepts(Listener& listener) {
  const auto config = client_config(older_client);
  EXPECT_EQ(sally_tls_config_set_resumption(config.get(), SALLY_RESUMPTION_OFF, 0, nullptr),
            SALLY_OK);
  Pair first = connect_pair(listener, config.get());
  Stream client = listener.stream(config.get());
  EXPECT_EQ(client.connect(), SALLY_OK);
  let_review(first.server);
  EXPECT_EQ(first.client.close(SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
  EXPECT_EQ(first.server.close(), SALLY_OK);
  return client;
}

}  // namespace

TEST(Drain, EndsWithAClientThatIsNoLongerTrustedAndThatNobodyAccepted) {
  const auto trust = Zoo::trust("ca-root");
  const auto one_loop = make_runtime(0, 1);
  Listener listener(trusting(server_config({.credential = "server-good",
                                            .trust = "",
                                            .client_auth = SALLY_CLIENT_AUTH_REQUIRE}),
                             trust.get(), SALLY_TRUST_CHANGE_DROP),
                    on(one_loop));
  const Stream client = client_that_nobody_accepts(listener);
  Queue queue;
  const sally_completion drained = queue.completion(1);
  ASSERT_EQ(
      sally_listener_drain_async(listener.get(), SALLY_TIMEOUT_NEVER, &drained, nullptr, nullptr),
      SALLY_OK);
  const auto other = Zoo::trust("ca-other");
  ASSERT_EQ(sally_trust_store_replace(trust.get(), other.get(), nullptr), SALLY_OK);
  const Event event = queue.next();
  EXPECT_EQ(event->tag, 1u) << "it never completed";
  EXPECT_EQ(event->status, SALLY_OK);
  EXPECT_EQ(listener.accept_status(), SALLY_CLOSED);
}

TEST(Drain, ThatGivesUpEndsTheOthers) {
  const auto one_loop = make_runtime(0, 1);
  Listener listener(server_config(), on(one_loop));
  Stream client = client_that_nobody_accepts(listener);
  Queue queue;
  const sally_completion patient = queue.completion(1);
  ASSERT_EQ(
      sally_listener_drain_async(listener.get(), SALLY_TIMEOUT_NEVER, &patient, nullptr, nullptr),
      SALLY_OK);
  EXPECT_EQ(sally_listener_drain(listener.get(), SALLY_TIMEOUT_ATTEMPT, nullptr),
            SALLY_WOULD_BLOCK);
  const Event event = queue.next();
  EXPECT_EQ(event->tag, 1u);
  EXPECT_EQ(event->status, SALLY_CLOSED);
  EXPECT_EQ(client.read_status(), SALLY_END_OF_STREAM) << "what was left is closed";
}
