// Several threads at once, on sources that change and on decisions of handshakes, while connections come
// and go: nothing crashes, hangs or races (the sanitizers look), no call finds an impossible state, and
// every asynchronous operation gives its one event.
#include "abi/decision_support.h"
#include "lib/async.h"
#include "lib/folder.h"
#include "lib/threads.h"
#include "lib/zoo.h"

#include <array>
#include <atomic>
#include <gtest/gtest.h>
#include <mutex>
#include <optional>
#include <random>
#include <utility>
#include <vector>

using namespace sally::test;

namespace {

constexpr unsigned hands = 4;
constexpr unsigned blows = 400;
constexpr std::size_t most_kept = 8;

// Handles that any hand may take out again, or use where they are.
template <class Handle, Handle* (*retain)(Handle*)>
class Shelf {
 public:
  // The one that it pushes out, if any, goes.
  void put(Owned<Handle> handle) {
    Owned<Handle> oldest;
    const std::lock_guard lock(mutex_);
    kept_.push_back(std::move(handle));
    if (kept_.size() <= most_kept) return;
    oldest = std::move(kept_.front());
    kept_.erase(kept_.begin());
  }
  Owned<Handle> share(std::uint32_t which) {
    const std::lock_guard lock(mutex_);
    if (kept_.empty()) return {};
    return Owned<Handle>(retain(kept_[which % kept_.size()].get()));
  }

 private:
  std::mutex mutex_;
  std::vector<Owned<Handle>> kept_;
};

// What all of them hold.
struct Forge {
  explicit Forge(std::int32_t trust_change) {
    for (const std::uint32_t which : {0u, 1u, 2u}) put(which, 0);
    EXPECT_EQ(sally_credential_load(folder.path("server.pem").c_str(), nullptr, nullptr,
                                    Out(credential), nullptr),
              SALLY_OK);
    EXPECT_EQ(sally_trust_store_load(folder.path("ca.pem").c_str(), Out(trust), nullptr), SALLY_OK);
    EXPECT_EQ(sally_ticket_keys_load(folder.path("keys").c_str(), Out(keys), nullptr), SALLY_OK);
    as_server = asking(serving(trust_change), SALLY_QUESTION_PEER | SALLY_QUESTION_CLIENT_HELLO,
                       patience_ms);
    EXPECT_EQ(sally_tls_config_set_ticket_keys(as_server.get(), keys.get(), nullptr), SALLY_OK);
    instead = serving(SALLY_TRUST_CHANGE_DRAIN);
    as_client = client_config({.credential = "client-good", .trust = ""});
    follow(as_client, trust_change);
    asking_client = client_config({.credential = "client-good", .trust = ""});
    follow(asking_client, trust_change);
    asking_client = asking(std::move(asking_client),
                           SALLY_QUESTION_CREDENTIAL | SALLY_QUESTION_PEER, patience_ms);
    to_questions = questions.completion(1);
    sally_listener_options options{};
    options.runtime = runtime.get();
    options.decisions = &to_questions;
    options.handshake_timeout_ms = 10 * patience_ms;
    options.max_connections = 32;
    listener.emplace(as_server, options);
  }

  void follow(const Owned<sally_tls_config>& config, std::int32_t trust_change) const {
    EXPECT_EQ(sally_tls_config_set_trust(config.get(), trust.get(), nullptr), SALLY_OK);
    const std::int64_t drain_ms = trust_change == SALLY_TRUST_CHANGE_DRAIN ? 5 : 0;
    EXPECT_EQ(sally_tls_config_set_trust_change(config.get(), trust_change, drain_ms, nullptr),
              SALLY_OK);
  }
  Owned<sally_tls_config> serving(std::int32_t trust_change) const {
    auto config =
        server_config({.credential = "", .trust = "", .client_auth = SALLY_CLIENT_AUTH_REQUIRE});
    EXPECT_EQ(sally_tls_config_add_credential(config.get(), credential.get(), nullptr), SALLY_OK);
    follow(config, trust_change);
    return config;
  }
  // The files of a source, in one of their states; 2 is torn.
  void put(std::uint32_t which, std::uint32_t state) {
    const std::lock_guard lock(folder_mutex);
    const auto write = [&](const char* file, const std::string& first, const std::string& second) {
      folder.replace(file, state == 0 ? first : state == 1 ? second : "torn");
    };
    const auto both = [](const char* name) {
      return read_file(Zoo::chain_path(name)) + read_file(Zoo::key_path(name));
    };
    if (which == 0) write("server.pem", both("server-good"), both("server-good-ed25519"));
    if (which == 1) {
      const std::string one = read_file(Zoo::ca_path("ca-root"));
      write("ca.pem", one, one + read_file(Zoo::ca_path("ca-other")));
    }
    if (which == 2) write("keys", std::string(80, 'a'), std::string(80, 'b'));
  }

  static constexpr std::int64_t patience_ms = 20;

  std::mutex folder_mutex;
  Folder folder;
  Owned<sally_runtime> runtime = make_runtime(0, 2);
  Owned<sally_credential> credential;
  Owned<sally_trust_store> trust;
  Owned<sally_ticket_keys> keys;
  const Owned<sally_credential> next_credential = Zoo::credential("server-good-rsa");
  const Owned<sally_credential> clients_own = Zoo::credential("client-good-rsa");
  const Owned<sally_trust_store> root = Zoo::trust("ca-root");
  const Owned<sally_trust_store> other = Zoo::trust("ca-other");
  Owned<sally_tls_config> as_server, instead, as_client, asking_client;
  Queue queue;
  Queue questions;
  sally_completion to_questions{};
  std::optional<Listener> listener;
  Shelf<sally_stream, sally_stream_retain> streams;
  Shelf<sally_decision, sally_decision_retain> decisions;
  std::atomic<int> accepted{0};
  std::atomic<int> answered{0};
};

class Smith {
 public:
  Smith(Forge& at, unsigned seed)
      : at_(at), completion_(at.queue.completion(seed)), random_(seed) {}

  void strike() {
    const sally_status status = [&]() -> sally_status {
      switch (pick(16)) {
        case 0:
        case 1:
          return connect();
        case 2:
          return sally_listener_accept_async(at_.listener->get(), 50, &completion_, &operation_,
                                             nullptr);
        case 3:
        case 4:
          return take_event();
        case 5:
        case 6:
        case 7:
          return take_question();
        case 8:
          return answer(at_.decisions.share(pick(most_kept)).get());
        case 9:
        case 10:
          return use(at_.streams.share(pick(most_kept)).get());
        case 11:
          return change_trust();
        case 12:
          return reload();
        case 13:
          at_.put(pick(3), pick(3));
          return watch();
        case 14:
          return look();
        default:
          return wait_change();
      }
    }();
    EXPECT_NE(status, SALLY_INTERNAL);
    if (operation_ && pick(4) == 0) sally_operation_cancel(operation_);
    sally_operation_release(std::exchange(operation_, nullptr));
  }

 private:
  std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }

  sally_status connect() {
    const bool asks = pick(2) == 0;
    const Stream stream =
        asking_stream(*at_.listener, asks ? at_.asking_client.get() : at_.as_client.get(),
                      asks ? &at_.to_questions : nullptr, at_.runtime.get());
    const sally_status status =
        sally_stream_connect_async(stream.get(), 100, &completion_, &operation_, nullptr);
    at_.streams.put(Owned<sally_stream>(sally_stream_retain(stream.get())));
    return status;
  }

  sally_status take_event() {
    sally_event event{};
    std::size_t count = 0;
    const sally_status status =
        sally_queue_take(at_.queue.get(), &event, sizeof event, 1, &count, 2, nullptr);
    if (count == 1 && event.object != nullptr) {
      ++at_.accepted;
      at_.streams.put(
          Owned<sally_stream>(static_cast<sally_stream*>(std::exchange(event.object, nullptr))));
    }
    sally_event_dispose(&event);
    return status;
  }

  // Answers it at once, or leaves it to others, or drops it.
  sally_status take_question() {
    sally_event event{};
    std::size_t count = 0;
    const sally_status status =
        sally_queue_take(at_.questions.get(), &event, sizeof event, 1, &count, 2, nullptr);
    Decision decision = Decision::take(event);
    sally_event_dispose(&event);
    if (!decision) return status;
    switch (pick(8)) {
      case 0:
        return status;
      case 1:
      case 2:
        at_.decisions.put(Owned<sally_decision>(sally_decision_retain(decision.get())));
        return status;
      default:
        return answer(decision.get());
    }
  }

  sally_status answer(sally_decision* decision) {
    if (decision == nullptr) return SALLY_OK;
    static_cast<void>(sally_decision_verdict_error(decision));
    static_cast<void>(sally_decision_peer_certificate(decision, 0));
    const sally_status status = [&] {
      switch (pick(10)) {
        case 0:
          return sally_decision_deny(decision, SALLY_CERTIFICATE_REVOKED, nullptr);
        case 1:
          return sally_decision_insecure_accept(decision, nullptr);
        case 2:
          return sally_decision_use_credential(decision, at_.clients_own.get(), nullptr);
        case 3:
          return sally_decision_use_config(decision, at_.instead.get(), nullptr);
        default:
          return sally_decision_accept(decision, nullptr);
      }
    }();
    if (status == SALLY_OK) ++at_.answered;
    return status;
  }

  sally_status use(sally_stream* stream) {
    if (stream == nullptr) return SALLY_OK;
    std::array<char, 64> bytes{};
    std::size_t moved = 0;
    switch (pick(8)) {
      case 0:
        return sally_stream_close(stream, 2, nullptr);
      case 1:
        return sally_stream_read_some(stream, bytes.data(), bytes.size(), &moved, 2, nullptr);
      case 2:
        return sally_stream_write(stream, bytes.data(), bytes.size(), pick(2), &moved, 2, nullptr);
      case 3:
        return sally_stream_wait_async(stream, 1 + pick(3), 5, &completion_, &operation_, nullptr);
      case 4:
        return sally_stream_cancel(stream, 1 + pick(3), nullptr);
      case 5:
        return sally_stream_shutdown_async(stream, 5, &completion_, &operation_, nullptr);
      case 6:
        return sally_stream_write_async(stream, sent_.data(), pick(20'000), pick(2), 5,
                                        &completion_, &operation_, nullptr);
      default: {
        Owned<sally_stream_info> info;
        return sally_stream_copy_info(stream, Out(info), nullptr);
      }
    }
  }

  // Mostly to one by which everybody is good.
  sally_status change_trust() {
    const bool bad = pick(4) == 0;
    const sally_status status =
        sally_trust_store_replace(at_.trust.get(), bad ? at_.other.get() : at_.root.get(), nullptr);
    return bad ? sally_trust_store_replace(at_.trust.get(), at_.root.get(), nullptr) : status;
  }
  sally_status reload() {
    switch (pick(4)) {
      case 0:
        return sally_credential_reload(at_.credential.get(), nullptr);
      case 1:
        return sally_trust_store_reload(at_.trust.get(), nullptr);
      case 2:
        return sally_ticket_keys_reload(at_.keys.get(), nullptr);
      default:
        return sally_credential_replace(at_.credential.get(), at_.next_credential.get(), nullptr);
    }
  }
  sally_status watch() {
    switch (pick(3)) {
      case 0:
        return sally_credential_watch(at_.credential.get(), nullptr);
      case 1:
        return sally_trust_store_watch(at_.trust.get(), nullptr);
      default:
        return sally_ticket_keys_watch(at_.keys.get(), nullptr);
    }
  }
  sally_status look() {
    EXPECT_GE(sally_credential_generation(at_.credential.get()), 1u);
    EXPECT_GE(sally_trust_store_size(at_.trust.get()), 1u);
    static_cast<void>(sally_tls_config_cached_sessions(at_.as_client.get()));
    static_cast<void>(sally_tls_config_verification_cache_hits(at_.as_server.get()));
    switch (pick(3)) {
      case 0:
        return sally_credential_reload_status(at_.credential.get(), nullptr);
      case 1:
        return sally_trust_store_reload_status(at_.trust.get(), nullptr);
      default: {
        Owned<sally_bytes> json;
        return sally_tls_config_to_json(at_.as_server.get(), Out(json), nullptr);
      }
    }
  }
  sally_status wait_change() {
    std::uint64_t now = sally_trust_store_generation(at_.trust.get());
    switch (pick(4)) {
      case 0:
        return sally_trust_store_wait_change(at_.trust.get(), now, &now, 2, nullptr);
      case 1:
        return sally_credential_wait_change_async(at_.credential.get(),
                                                  sally_credential_generation(at_.credential.get()),
                                                  20, &completion_, &operation_, nullptr);
      case 2:
        return sally_ticket_keys_wait_change_async(at_.keys.get(), 1, 20, &completion_, &operation_,
                                                   nullptr);
      default:
        return sally_trust_store_wait_change_async(at_.trust.get(), now, 0, &completion_,
                                                   &operation_, nullptr);
    }
  }

  Forge& at_;
  const sally_completion completion_;
  std::mt19937 random_;
  sally_operation* operation_ = nullptr;
  const std::vector<char> sent_ = std::vector<char>(20'000);
};

}  // namespace

TEST(Handles, StandHandshakesThatAreDecidedWhileTheirSourcesChange) {
  int accepted = 0;
  int answered = 0;
  for (unsigned round = 0; round < 6; ++round) {
    constexpr std::array modes = {SALLY_TRUST_CHANGE_DROP, SALLY_TRUST_CHANGE_DRAIN,
                                  SALLY_TRUST_CHANGE_KEEP};
    Forge forge(modes[round % modes.size()]);
    std::array<std::optional<Smith>, hands> all;  // until the last event: their buffers are lent
    std::vector<std::future<void>> striking;
    for (unsigned i = 0; i < hands; ++i) {
      Smith& smith = all[i].emplace(forge, round * hands + i);
      striking.push_back(on_thread([&smith] {
        for (unsigned blow = 0; blow < blows; ++blow) smith.strike();
      }));
    }
    for (auto& each : striking) each.get();
    for (Queue* queue : {&forge.queue, &forge.questions}) {
      ASSERT_EQ(queue->close(), SALLY_OK);
      Result result;
      while (result.ok()) queue->take(64, generous_ms, &result);
      EXPECT_EQ(result, SALLY_CLOSED);
      EXPECT_EQ(sally_queue_pending(queue->get()), 0u);
    }
    accepted += forge.accepted;
    answered += forge.answered;
  }
  RecordProperty("accepted", accepted);
  RecordProperty("answered", answered);
  EXPECT_GT(accepted, 0);
  EXPECT_GT(answered, 0);
}
