// Waiting for what becomes of credentials, trust stores and ticket keys.
#include "lib/async.h"
#include "lib/folder.h"
#include "lib/threads.h"
#include "lib/zoo.h"

#include <array>
#include <future>
#include <gtest/gtest.h>

#include <sallyport/sallyport.hpp>

using namespace sally::test;

namespace {

// One source of each kind, in files, and the functions that all of them have.
struct OfCredentials {
  using Handle = sally_credential;
  static constexpr auto reload = sally_credential_reload;
  static constexpr auto watch = sally_credential_watch;
  static constexpr auto replace = sally_credential_replace;
  static constexpr auto wait = sally_credential_wait_change;
  static constexpr auto wait_async = sally_credential_wait_change_async;
  static constexpr sally_status torn = SALLY_CREDENTIAL_NO_CERTIFICATE;

  static void put(Folder& folder, bool other) {
    const char* name = other ? "server-good-rsa" : "server-good";
    folder.replace("both.pem", read_file(Zoo::chain_path(name)) + read_file(Zoo::key_path(name)));
  }
  static void tear(Folder& folder) { folder.replace("both.pem", "torn"); }
  static Owned<Handle> load(Folder& folder) {
    Owned<Handle> credential;
    EXPECT_EQ(sally_credential_load(folder.path("both.pem").c_str(), nullptr, nullptr,
                                    Out(credential), nullptr),
              SALLY_OK);
    return credential;
  }
};

struct OfTrust {
  using Handle = sally_trust_store;
  static constexpr auto reload = sally_trust_store_reload;
  static constexpr auto watch = sally_trust_store_watch;
  static constexpr auto replace = sally_trust_store_replace;
  static constexpr auto wait = sally_trust_store_wait_change;
  static constexpr auto wait_async = sally_trust_store_wait_change_async;
  static constexpr sally_status torn = SALLY_TRUST_STORE_EMPTY;

  static void put(Folder& folder, bool other) {
    folder.replace("ca.pem", read_file(Zoo::ca_path(other ? "ca-other" : "ca-root")));
  }
  static void tear(Folder& folder) { folder.replace("ca.pem", "torn"); }
  static Owned<Handle> load(Folder& folder) {
    Owned<Handle> trust;
    EXPECT_EQ(sally_trust_store_load(folder.path("ca.pem").c_str(), Out(trust), nullptr), SALLY_OK);
    return trust;
  }
};

struct OfTicketKeys {
  using Handle = sally_ticket_keys;
  static constexpr auto reload = sally_ticket_keys_reload;
  static constexpr auto watch = sally_ticket_keys_watch;
  static constexpr auto replace = sally_ticket_keys_replace;
  static constexpr auto wait = sally_ticket_keys_wait_change;
  static constexpr auto wait_async = sally_ticket_keys_wait_change_async;
  static constexpr sally_status torn = SALLY_TICKET_KEYS_BAD_FORMAT;

  static void put(Folder& folder, bool other) {
    folder.replace("keys", std::string(80, other ? 'b' : 'a'));
  }
  static void tear(Folder& folder) { folder.replace("keys", "torn"); }
  static Owned<Handle> load(Folder& folder) {
    Owned<Handle> keys;
    EXPECT_EQ(sally_ticket_keys_load(folder.path("keys").c_str(), Out(keys), nullptr), SALLY_OK);
    return keys;
  }
};

template <class Kind>
class SourceWait : public testing::Test {
 protected:
  SourceWait() {
    Kind::put(folder, false);
    source = Kind::load(folder);
  }

  Result wait(std::uint64_t generation, std::int64_t timeout_ms = generous_ms) {
    return called([&](sally_error** error) {
      return Kind::wait(source.get(), generation, &now, timeout_ms, error);
    });
  }
  Result wait_async(std::uint64_t generation, const sally_completion& completion,
                    std::int64_t timeout_ms = 0, sally_operation** operation = nullptr) {
    return called([&](sally_error** error) {
      return Kind::wait_async(source.get(), generation, timeout_ms, &completion, operation, error);
    });
  }
  sally_status reload() { return Kind::reload(source.get(), nullptr); }

  Folder folder;
  Owned<typename Kind::Handle> source;
  Queue queue;
  std::uint64_t now = 0;
};

class KindNames {
 public:
  template <class Kind>
  static std::string GetName(int /*unused*/) {
    if (std::is_same_v<Kind, OfCredentials>) return "Credential";
    return std::is_same_v<Kind, OfTrust> ? "TrustStore" : "TicketKeys";
  }
};
using Kinds = testing::Types<OfCredentials, OfTrust, OfTicketKeys>;
TYPED_TEST_SUITE(SourceWait, Kinds, KindNames);

TYPED_TEST(SourceWait, IsOverAtOnceWhereTheGenerationIsBeyond) {
  EXPECT_EQ(this->wait(0, SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
  EXPECT_EQ(this->now, 1u);
  ASSERT_EQ(this->reload(), SALLY_OK);
  ASSERT_EQ(this->reload(), SALLY_OK);
  EXPECT_EQ(this->wait(1, SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
  EXPECT_EQ(this->now, 3u);
  ASSERT_EQ(this->wait_async(2, this->queue.completion(7)), SALLY_OK);
  const Event event = this->queue.next();
  EXPECT_EQ(event->kind, SALLY_EVENT_DONE);
  EXPECT_EQ(event->status, SALLY_OK);
  EXPECT_EQ(event->tag, 7u);
  EXPECT_EQ(event->size, 3u);
}

TYPED_TEST(SourceWait, EndsWithTheNextGeneration) {
  using Kind = TypeParam;
  auto waiting = on_thread([&] { return this->wait(1); });
  ASSERT_EQ(this->wait_async(1, this->queue.completion(1)), SALLY_OK);
  ASSERT_EQ(this->wait_async(2, this->queue.completion(2)), SALLY_OK);
  EXPECT_TRUE(goes_on(waiting));
  EXPECT_EQ(this->queue.take_status(), SALLY_WOULD_BLOCK);
  ASSERT_EQ(this->reload(), SALLY_OK);
  EXPECT_EQ(waiting.get(), SALLY_OK);
  EXPECT_EQ(this->now, 2u);
  const Event first = this->queue.next();
  EXPECT_EQ(first->tag, 1u);
  EXPECT_EQ(first->size, 2u);
  EXPECT_EQ(this->queue.take_status(short_ms), SALLY_TIMED_OUT) << "the other one goes on";
  ASSERT_EQ(Kind::replace(this->source.get(), this->source.get(), nullptr), SALLY_OK);
  const Event second = this->queue.next();
  EXPECT_EQ(second->tag, 2u);
  EXPECT_EQ(second->size, 3u);
}

TYPED_TEST(SourceWait, SeesFilesThatAreWatched) {
  using Kind = TypeParam;
  ASSERT_EQ(Kind::watch(this->source.get(), nullptr), SALLY_OK);
  ASSERT_EQ(this->wait_async(1, this->queue.completion(1)), SALLY_OK);
  Kind::tear(this->folder);
  const Event failed = this->queue.next();
  EXPECT_EQ(failed->status, Kind::torn);
  EXPECT_EQ(sally_error_status(failed->error), Kind::torn);
  EXPECT_EQ(failed->size, 0u);
  Kind::put(this->folder, true);
  Result result;
  // The torn files may be looked at once more.
  do {
    result = this->wait(1);
  } while (result == Kind::torn);
  EXPECT_EQ(result, SALLY_OK);
  EXPECT_EQ(this->now, 2u);
}

TYPED_TEST(SourceWait, EndsWithWhatAReloadFailsWith) {
  using Kind = TypeParam;
  Kind::tear(this->folder);
  auto waiting = on_thread([&] { return this->wait(1); });
  ASSERT_EQ(this->wait_async(1, this->queue.completion(1)), SALLY_OK);
  EXPECT_TRUE(goes_on(waiting));
  // Again, where the thread has not begun: it is told only of what fails from then on.
  do {
    EXPECT_EQ(this->reload(), Kind::torn);
  } while (goes_on(waiting));
  const Result result = waiting.get();
  EXPECT_EQ(result, Kind::torn);
  EXPECT_FALSE(result.text(SALLY_ERROR_FIELD_SOURCE).empty());
  EXPECT_EQ(this->now, 0u);
  EXPECT_EQ(this->queue.next()->status, Kind::torn);
  EXPECT_EQ(this->wait(1, SALLY_TIMEOUT_ATTEMPT), SALLY_WOULD_BLOCK)
      << "what failed before is not told";
}

TYPED_TEST(SourceWait, HasItsTime) {
  EXPECT_EQ(this->wait(1, short_ms), SALLY_TIMED_OUT);
  EXPECT_EQ(this->wait(1, SALLY_TIMEOUT_ATTEMPT), SALLY_WOULD_BLOCK);
  EXPECT_EQ(this->now, 0u);
  ASSERT_EQ(this->wait_async(1, this->queue.completion(1), short_ms), SALLY_OK);
  EXPECT_EQ(this->queue.next()->status, SALLY_TIMED_OUT);
}

TYPED_TEST(SourceWait, IsCancelledByItsOperationAndItsQueue) {
  sally_operation* operation = nullptr;
  ASSERT_EQ(this->wait_async(1, this->queue.completion(1), 0, &operation), SALLY_OK);
  ASSERT_EQ(this->wait_async(1, this->queue.completion(2), generous_ms), SALLY_OK);
  sally_operation_cancel(operation);
  const Event canceled = this->queue.next();
  EXPECT_EQ(canceled->tag, 1u);
  EXPECT_EQ(canceled->status, SALLY_CANCELED);
  ASSERT_EQ(this->queue.close(), SALLY_OK);
  const Event closed = this->queue.next();
  EXPECT_EQ(closed->tag, 2u);
  EXPECT_EQ(closed->status, SALLY_CANCELED);
  EXPECT_EQ(this->queue.take_status(generous_ms), SALLY_CLOSED);
  sally_operation_cancel(operation);
  sally_operation_release(operation);
}

TYPED_TEST(SourceWait, KeepsTheSourceAndTellsAFunction) {
  using Kind = TypeParam;
  ASSERT_EQ(Kind::watch(this->source.get(), nullptr), SALLY_OK);
  struct Told {
    std::promise<std::uint64_t> generation;
    std::promise<void> freed;
  } told;
  sally_completion completion{};
  completion.struct_size = sizeof completion;
  completion.function = [](void* user, sally_event* event) {
    static_cast<Told*>(user)->generation.set_value(event->size);
  };
  completion.user = &told;
  completion.free_user = [](void* user) { static_cast<Told*>(user)->freed.set_value(); };
  ASSERT_EQ(this->wait_async(1, completion), SALLY_OK);
  this->source.reset();
  Kind::put(this->folder, true);
  EXPECT_EQ(told.generation.get_future().get(), 2u);
  told.freed.get_future().get();
}

}  // namespace

TEST(SourceWaitOfServers, ComesWhenHandshakesSeeTheNewGeneration) {
  const auto credential = Zoo::credential("server-good");
  auto config = server_config({.credential = "", .client_auth = SALLY_CLIENT_AUTH_REQUIRE});
  ASSERT_EQ(sally_tls_config_add_credential(config.get(), credential.get(), nullptr), SALLY_OK);
  Listener listener(config);
  const auto client = client_config();
  const std::array next = {Zoo::credential("server-good-rsa"), Zoo::credential("server-good")};
  const std::array keys = {"RSA 2048", "EC P-256"};
  for (std::uint64_t turn = 0; turn < 10; ++turn) {
    auto replacing = on_thread(
        [&] { return sally_credential_replace(credential.get(), next[turn % 2].get(), nullptr); });
    std::uint64_t now = 0;
    ASSERT_EQ(sally_credential_wait_change(credential.get(), turn + 1, &now, generous_ms, nullptr),
              SALLY_OK);
    EXPECT_EQ(now, turn + 2);
    const auto info = connect_pair(listener, client.get()).client.info();
    EXPECT_STREQ(sally_certificate_key(sally_stream_info_peer_certificate(info.get(), 0)),
                 keys[turn % 2]);
    EXPECT_EQ(replacing.get(), SALLY_OK);
  }
}

TEST(SourceWaitInCpp, HasTheSameForms) {
  Folder folder;
  OfTrust::put(folder, false);
  auto trust = sally::TrustStore::from_file(folder.path("ca.pem"));
  EXPECT_EQ(trust.try_wait_change(1), std::nullopt);
  const auto queue = sally::CompletionQueue::create();
  trust.async_wait_change(1).start(queue, 3);
  trust.reload();
  EXPECT_EQ(trust.wait_change(1), 2u);
  EXPECT_EQ(trust.try_wait_change(1), 2u);
  sally::Event event = sally::CompletionQueue(queue).take();
  EXPECT_EQ(event.tag(), 3u);
  EXPECT_EQ(event.take<std::size_t>(), 2u);

  const auto credential =
      sally::Credential::from_files(Zoo::chain_path("server-good"), Zoo::key_path("server-good"));
  EXPECT_EQ(credential.wait_change(0), 1u);
  EXPECT_EQ(sally::TicketKeys::from_memory(std::string(80, 'k')).wait_change(0), 1u);
  const auto config = sally::TlsConfig::client().trust(trust).trust_change(SALLY_TRUST_CHANGE_DRAIN,
                                                                           std::chrono::seconds(5));
  EXPECT_NE(config.get(), nullptr);
}
