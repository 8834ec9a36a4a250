// A forked child: what it inherited answers SALLY_FORKED and can be let go of without harm to the
// parent; what it makes itself works.
#include "abi/fork_support.h"
#include "lib/raw_tcp.h"
#include "lib/threads.h"
#include "lib/too_much.h"
#include "lib/zoo.h"

#include <atomic>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace sally::test;

#if defined(__SANITIZE_THREAD__)
// A child may go on, although other threads ran at the fork: that is what is tested.
extern "C" __attribute__((visibility("default"))) const char* __tsan_default_options() {
  return "die_after_fork=0";
}
#endif

namespace {

bool echoes(Pair& pair) {
  return pair.client.write("ping").ok() && pair.server.read_text(4) == "ping" &&
         pair.server.write("pong").ok() && pair.client.read_text(4) == "pong";
}

// All of it made here and now.
bool echoes_with_handles_of_its_own() {
  Listener listener(server_config());
  const auto config = client_config();
  Pair pair = connect_pair(listener, config.get());
  return echoes(pair);
}

// A pair whose streams both have waited on the event loop, which then has them registered with its
// poller.
Pair pair_known_to_the_loop() {
  Pair pair = tls_pair();
  const std::string bytes = pattern(too_much);
  for (auto [from, to] :
       {std::pair(&pair.client, &pair.server), std::pair(&pair.server, &pair.client)}) {
    std::size_t taken = 0;
    EXPECT_EQ(from->write(bytes, short_ms, &taken), SALLY_TIMED_OUT);
    EXPECT_EQ(to->read_text(taken), bytes.substr(0, taken));
  }
  return pair;
}

}  // namespace

TEST(Fork, MakesEveryInheritedHandleAnswerForked) {
  Listener listener(server_config());
  const auto config = client_config();
  const auto fresh = client_config({});
  const auto credential = Zoo::credential("client-good");
  const auto trust = Zoo::trust("ca-root");
  ASSERT_EQ(sally_credential_watch(credential.get(), nullptr), SALLY_OK);
  Pair pair = connect_pair(listener, config.get());
  Stream idle = listener.stream(config.get());

  EXPECT_TRUE(in_child([&] {
    std::size_t taken = 1;
    REQUIRE(pair.client.read_status() == SALLY_FORKED);
    REQUIRE(pair.client.write("x", 0, &taken) == SALLY_FORKED && taken == 0);
    REQUIRE(pair.client.shutdown() == SALLY_FORKED);
    REQUIRE(pair.client.cancel(SALLY_DIRECTION_READ) == SALLY_FORKED);
    REQUIRE(pair.client.close() == SALLY_FORKED);
    REQUIRE(idle.connect() == SALLY_FORKED);
    Result no_info;
    REQUIRE(!pair.client.info(&no_info) && no_info == SALLY_FORKED);
    REQUIRE(listener.accept_status() == SALLY_FORKED);
    REQUIRE(listener.next_refusal().result == SALLY_FORKED);
    REQUIRE(listener.close() == SALLY_FORKED);
    REQUIRE(sally_listener_dropped_refusals(listener.get()) == 0);
    Owned<sally_certificate> certificate;
    REQUIRE(sally_credential_copy_certificate(credential.get(), Out(certificate), nullptr) ==
            SALLY_FORKED);
    REQUIRE(sally_credential_reload(credential.get(), nullptr) == SALLY_FORKED);
    REQUIRE(sally_credential_reload_status(credential.get(), nullptr) == SALLY_FORKED);
    REQUIRE(sally_credential_generation(credential.get()) == 0);
    REQUIRE(sally_trust_store_reload(trust.get(), nullptr) == SALLY_FORKED);
    REQUIRE(sally_trust_store_size(trust.get()) == 0);
    REQUIRE(sally_tls_config_set_trust(fresh.get(), trust.get(), nullptr) == SALLY_FORKED);
    REQUIRE(sally_tls_config_add_credential(fresh.get(), credential.get(), nullptr) ==
            SALLY_FORKED);
    REQUIRE(sally_tls_config_set_client_auth(fresh.get(), 1, nullptr) == SALLY_FORKED);
    REQUIRE(sally_tls_config_set_versions(fresh.get(), 0, 0, nullptr) == SALLY_FORKED);
    REQUIRE(sally_tls_config_set_alpn(fresh.get(), nullptr, 0, nullptr) == SALLY_FORKED);
    REQUIRE(sally_tls_config_insecure_skip_verification(fresh.get(), nullptr) == SALLY_FORKED);
    Owned<sally_bytes> json;
    REQUIRE(sally_tls_config_to_json(config.get(), Out(json), nullptr) == SALLY_FORKED);
    sally_stream_options options{};
    options.struct_size = sizeof options;
    options.host = "localhost";
    options.service = "443";
    options.tls = config.get();
    Owned<sally_stream> stream;
    REQUIRE(sally_stream_create(&options, Out(stream), nullptr) == SALLY_FORKED);
    // A child's own config does not take what its parent made.
    const auto own = client_config({});
    REQUIRE(sally_tls_config_set_trust(own.get(), trust.get(), nullptr) == SALLY_FORKED);
    return true;
  }));
  EXPECT_TRUE(echoes(pair));
}

TEST(Fork, LeavesPlainDataReadable) {
  const auto info = tls_pair().client.info();
  const auto config = client_config();
  const Result error = Stream(config.get(), "127.0.0.1", "no-such-service").connect();
  ASSERT_EQ(error, SALLY_SERVICE_NOT_FOUND);
  const sally_certificate* certificate = sally_stream_info_peer_certificate(info.get(), 0);
  Owned<sally_bytes> pem;
  ASSERT_EQ(sally_certificate_copy_pem(certificate, Out(pem), nullptr), SALLY_OK);
  const std::string fingerprint = sally_certificate_fingerprint(certificate);

  EXPECT_TRUE(in_child([&] {
    REQUIRE(sally_stream_info_version(info.get()) == SALLY_TLS_1_3);
    REQUIRE(sally_certificate_fingerprint(certificate) == fingerprint);
    Owned<sally_bytes> again;
    REQUIRE(sally_certificate_copy_pem(certificate, Out(again), nullptr) == SALLY_OK);
    REQUIRE(sally_bytes_size(again.get()) == sally_bytes_size(pem.get()));
    REQUIRE(sally_error_status(error.error.get()) == SALLY_SERVICE_NOT_FOUND);
    REQUIRE(std::string(sally_error_json(error.error.get())).find("SALLY_SERVICE_NOT_FOUND") !=
            std::string::npos);
    return true;
  }));
}

TEST(Fork, LetsTheChildReleaseWithoutHarmToTheParent) {
  Listener listener(server_config());
  const auto config = client_config();
  Pair pair = pair_known_to_the_loop();
  EXPECT_TRUE(in_child([&] {
    pair.client.release();
    pair.server.release();
    listener.release();
    return true;
  }));
  // Neither an end nor a close_notify has reached the other side, and the poller still knows the
  // streams.
  EXPECT_EQ(pair.client.read_status(SALLY_TIMEOUT_ATTEMPT), SALLY_WOULD_BLOCK);
  EXPECT_EQ(pair.server.read_status(SALLY_TIMEOUT_ATTEMPT), SALLY_WOULD_BLOCK);
  EXPECT_TRUE(echoes(pair));
  const std::string bytes = pattern(too_much);
  std::size_t taken = 0;
  EXPECT_EQ(pair.client.write(bytes, short_ms, &taken), SALLY_TIMED_OUT);
  EXPECT_EQ(pair.server.read_text(taken), bytes.substr(0, taken)) << "sent by the event loop";
  Pair accepted = connect_pair(listener, config.get());
  EXPECT_TRUE(echoes(accepted));
}

TEST(Fork, LetsTheChildReleaseEverythingElse) {
  const auto config = client_config();
  auto frozen = client_config();
  Stream idle(frozen.get(), "127.0.0.1", "443");
  auto credential = Zoo::credential("client-good");
  auto trust = Zoo::trust("ca-root");
  EXPECT_TRUE(in_child([&] {
    idle.release();
    frozen.reset();
    credential.reset();
    trust.reset();
    return true;
  }));
  EXPECT_EQ(sally_trust_store_size(trust.get()), 1u);
}

TEST(Fork, GivesTheChildARuntimeOfItsOwn) {
  if (!child_may_start_threads) GTEST_SKIP() << "ThreadSanitizer knows no threads after fork";
  Pair pair = tls_pair();
  EXPECT_TRUE(in_child([&] {
    REQUIRE(echoes_with_handles_of_its_own());
    REQUIRE(pair.client.read_status() == SALLY_FORKED);
    REQUIRE(in_child([] { return echoes_with_handles_of_its_own(); }));  // a grandchild
    return true;
  }));
  EXPECT_TRUE(echoes(pair));
}

TEST(Fork, InAProgramThatNeverUsedTheLibraryBeforeIsNothingSpecial) {
  if (!child_may_start_threads) GTEST_SKIP() << "ThreadSanitizer knows no threads after fork";
  // Holds where this test runs in a process of its own, as ctest has it.
  EXPECT_TRUE(in_child([] { return echoes_with_handles_of_its_own(); }));
  EXPECT_TRUE(echoes_with_handles_of_its_own());
}

TEST(Fork, TellsThePeerOfTheParentsCloseWhileTheChildLives) {
  Pair pair = tls_pair();
  int go[2];
  ASSERT_EQ(::pipe(go), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(30);
    char byte;
    ::close(go[1]);
    ::_exit(::read(go[0], &byte, 1) == 0
                ? 0
                : 1);  // holds on to what it inherited until the parent is done
  }
  EXPECT_EQ(pair.client.close(SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
  EXPECT_EQ(pair.server.read_status(), SALLY_END_OF_STREAM);
  ::close(go[0]);
  ::close(go[1]);
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
}

TEST(Fork, WhileOtherThreadsAreInTheLibraryNeverHangsTheChild) {
  if (!child_of_busy_threads_may_allocate) GTEST_SKIP() << "AddressSanitizer's locks are not ours";
  constexpr int forks = 40;
  std::atomic<bool> over = false;
  Listener listener(server_config());
  std::vector<std::future<void>> busy;
  busy.push_back(on_thread([&] {
    while (!over) {
      const auto config = client_config();
      Pair pair = connect_pair(listener, config.get());
      EXPECT_TRUE(echoes(pair));
    }
  }));
  busy.push_back(on_thread([&] {
    Pair pair = tls_pair();
    const std::string bytes = pattern(100'000);
    while (!over) {
      auto writing = on_thread([&] { return pair.client.write(bytes); });
      EXPECT_EQ(pair.server.read_text(bytes.size()), bytes);
      EXPECT_EQ(writing.get(), SALLY_OK);
    }
  }));

  Pair pair = tls_pair();
  for (int i = 0; i < forks && !testing::Test::HasFailure(); ++i) {
    EXPECT_TRUE(in_child([&] {
      REQUIRE(pair.client.read_status() == SALLY_FORKED);
      pair.client.release();
      pair.server.release();
      listener.release();
      return i % 4 != 0 || !child_may_start_threads || echoes_with_handles_of_its_own();
    })) << "fork "
        << i;
  }
  over = true;
  for (auto& thread : busy) thread.get();
  EXPECT_TRUE(echoes(pair));
}
