// What traces keep to themselves, and how much they say at most.
#include "abi/trace_support.h"
#include "lib/folder.h"
#include "lib/threads.h"
#include "lib/zoo.h"

#include <condition_variable>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mutex>
#include <set>
#include <sstream>
#include <thread>

using namespace sally::test;
using testing::IsEmpty;

namespace {

// Connects, talks and closes; both ends of it.
void visit(Listener& listener, sally_tls_config* config, const std::string& words = "hello") {
  Pair pair = connect_pair(listener, config);
  ASSERT_EQ(pair.server.write(words), SALLY_OK);
  ASSERT_EQ(pair.client.read_text(words.size()), words);
  ASSERT_EQ(pair.client.write(words), SALLY_OK);
  ASSERT_EQ(pair.server.read_text(words.size()), words);
  ASSERT_EQ(pair.client.close(SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
  pair.server.close(SALLY_TIMEOUT_ATTEMPT);
}

void gather_texts(const Json& json, std::vector<std::string>& texts) {
  if (json.is_string()) texts.push_back(json);
  if (!json.is_structured()) return;
  for (const Json& part : json) gather_texts(part, texts);
}

std::string lower(std::string text) {
  for (char& letter : text) letter = static_cast<char>(std::tolower(letter));
  return text;
}

// Whatever is secret about connections whose keys were logged, in the forms that it could be told in.
std::vector<std::string> secrets(const std::string& key_log, const std::string& words) {
  std::vector<std::string> all{words, words.substr(0, 12)};
  std::istringstream lines(read_file(key_log));
  for (std::string label, random, secret; lines >> label >> random >> secret;) {
    all.push_back(lower(secret));
    all.push_back(lower(secret.substr(0, 16)));
  }
  for (const char* name : {"client-good", "server-good"}) {
    std::istringstream key(read_file(Zoo::key_path(name)));
    for (std::string line; std::getline(key, line);) {
      if (line.rfind("---", 0) != 0 && line.size() > 16) {
        all.push_back(lower(line));
        all.push_back(lower(line.substr(0, 16)));
      }
    }
  }
  return all;
}

class TraceSecrets : public testing::TestWithParam<std::int32_t> {};
INSTANTIATE_TEST_SUITE_P(OnEachVersion, TraceSecrets, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         [](const auto& each) {
                           return each.param == SALLY_TLS_1_2 ? "Tls12" : "Tls13";
                         });

TEST_P(TraceSecrets, AreNotTold) {
  const Folder folder;
  const std::string log = folder.path("keys");
  const std::string words = "the launch code is 0000";
  Recorder recorder;
  const TlsSetup setup{.credential = "server-good",
                       .client_auth = SALLY_CLIENT_AUTH_REQUIRE,
                       .min_version = GetParam(),
                       .max_version = GetParam()};
  auto server = recorder.trace(server_config(setup));
  auto client = recorder.trace(client_config());
  // With tickets that hold the session, in TLS 1.2 too.
  Owned<sally_ticket_keys> keys;
  const std::string key_bytes(80, 'k');
  ASSERT_EQ(sally_ticket_keys_from_memory(key_bytes.data(), key_bytes.size(), Out(keys), nullptr),
            SALLY_OK);
  ASSERT_EQ(sally_tls_config_set_ticket_keys(server.get(), keys.get(), nullptr), SALLY_OK);
  ASSERT_EQ(sally_tls_config_insecure_log_keys(client.get(), log.c_str(), nullptr), SALLY_OK);
  Listener listener(server);
  visit(listener, client.get(), words);
  visit(listener, client.get(), words);

  const std::vector<std::string> hidden = secrets(log, words);
  ASSERT_GT(hidden.size(), 8u);
  // The longest names are those of statuses; whatever was encoded would be of other letters.
  const std::string letters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.: []-";
  std::size_t tickets = 0;
  for (const Record& record : recorder.until_end(4)) {
    SCOPED_TRACE(record.text());
    for (const std::string& secret : hidden) {
      EXPECT_EQ(lower(record.json.dump()).find(secret), std::string::npos);
      EXPECT_EQ(lower(record.text()).find(secret), std::string::npos);
    }
    std::vector<std::string> texts;
    gather_texts(record.json, texts);
    for (const std::string& text : texts) {
      EXPECT_LE(text.size(), 64u) << text;
      EXPECT_EQ(text.find_first_not_of(letters), std::string::npos) << text;
    }
    if (record.json.dump().find("new_session_ticket") != std::string::npos) ++tickets;
  }
  EXPECT_GT(tickets, 0u);
}

TEST(TraceBounds, LetAConnectionLeaveSoManyRecordsOfWhichTheLastIsItsEnd) {
  Recorder recorder(0, 3);
  Listener listener(server_config());
  const auto config = recorder.trace(client_config());
  std::uint64_t dropped = 0;
  for (int i = 0; i < 2; ++i) {
    visit(listener, config.get());
    const Records records = recorder.until_end();
    ASSERT_EQ(records.size(), 3u);
    EXPECT_EQ(records[2].json.at("records"), 3);
    EXPECT_GT(records[2].json.at("dropped"), 0);
    dropped += records[2].json.at("dropped").get<std::uint64_t>();
  }
  EXPECT_EQ(recorder.dropped(), dropped);
}

TEST(TraceBounds, LetSoManyRecordsWait) {
  Recorder recorder(2, 0);
  Listener listener(server_config());
  const auto config = recorder.trace(client_config());
  visit(listener, config.get());
  EXPECT_EQ(sally_queue_pending(recorder.queue().get()), 2u);
  const std::uint64_t dropped = recorder.dropped();
  EXPECT_GE(dropped, 5u);
  EXPECT_EQ(recorder.queue().take(10).size(), 2u);
  // There is room again.
  visit(listener, config.get());
  EXPECT_EQ(recorder.queue().take(10).size(), 2u);
  EXPECT_GT(recorder.dropped(), dropped);
}

TEST(TraceBounds, DoNotOutliveTheQueue) {
  Recorder recorder;
  Listener listener(server_config());
  const auto config = recorder.trace(client_config());
  Pair pair = connect_pair(listener, config.get());
  EXPECT_EQ(recorder.queue().close(), SALLY_OK);
  const std::size_t waiting = recorder.queue().take(100).size();
  EXPECT_GT(waiting, 3u);
  EXPECT_EQ(recorder.queue().take_status(), SALLY_CLOSED);
  EXPECT_EQ(pair.client.close(SALLY_TIMEOUT_ATTEMPT), SALLY_OK);
  EXPECT_GE(recorder.dropped(), 2u);
}

TEST(TraceBounds, LeaveRecordsToWhoHasThem) {
  // A loop lets go of the last one a moment after it has told of it.
  const auto settle_to = [](std::int64_t expected) {
    for (const StopWatch watch; sally_library_live_handles(SALLY_HANDLE_TRACE_RECORD) != expected &&
                                watch.milliseconds() < generous_ms;) {
      std::this_thread::yield();
    }
    EXPECT_EQ(sally_library_live_handles(SALLY_HANDLE_TRACE_RECORD), expected);
  };
  const std::int64_t before = sally_library_live_handles(SALLY_HANDLE_TRACE_RECORD);
  {
    Recorder recorder;
    Listener listener(server_config());
    {
      const auto config = recorder.trace(client_config());
      visit(listener, config.get());
    }
    recorder.release();
    const Records records = recorder.until_end();
    settle_to(before + static_cast<std::int64_t>(records.size()));
    // And one that nobody takes.
    Recorder abandoned;
    visit(listener, abandoned.trace(client_config()).get());
  }
  settle_to(before);
}

TEST(TraceOff, LeavesNoRecord) {
  Recorder recorder;
  const auto traced = recorder.trace(client_config());
  const auto untraced = client_config();
  Listener listener(server_config());
  const std::int64_t before = sally_library_live_handles(SALLY_HANDLE_TRACE_RECORD);
  visit(listener, untraced.get());
  EXPECT_EQ(recorder.queue().take_status(), SALLY_WOULD_BLOCK);
  EXPECT_EQ(sally_library_live_handles(SALLY_HANDLE_TRACE_RECORD), before);
  visit(listener, traced.get());
  EXPECT_EQ(recorder.until_end().front().json.at("connection"), 1);
}

// What a function was told, from its loop.
struct Told {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> texts;
  std::set<std::thread::id> threads;
  int ends = 0;
  int frees = 0;

  sally_completion completion() {
    sally_completion completion{};
    completion.struct_size = sizeof completion;
    completion.function = [](void* user, sally_event* event) {
      static_cast<Told*>(user)->note(static_cast<sally_trace_record*>(event->object));
    };
    completion.user = this;
    completion.free_user = [](void* user) {
      const std::lock_guard lock(static_cast<Told*>(user)->mutex);
      ++static_cast<Told*>(user)->frees;
      static_cast<Told*>(user)->changed.notify_all();
    };
    return completion;
  }
  void note(const sally_trace_record* record) {
    const std::lock_guard lock(mutex);
    texts.emplace_back(sally_trace_record_text(record));
    threads.insert(std::this_thread::get_id());
    if (sally_trace_record_kind(record) == SALLY_TRACE_END) ++ends;
    changed.notify_all();
  }
  template <class Ready>
  bool wait(Ready ready) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::milliseconds(generous_ms), ready);
  }
};

TEST(TraceToAFunction, ComesInItsOrderOnOneThreadAndIsFreedOnce) {
  Told told;
  {
    const auto trace = make_trace(told.completion());
    Listener listener(server_config());
    const auto config = traced(client_config(), trace.get());
    visit(listener, config.get());
    ASSERT_TRUE(told.wait([&] { return told.ends == 1; }));
    EXPECT_EQ(told.frees, 0);
  }
  ASSERT_TRUE(told.wait([&] { return told.frees == 1; }));
  EXPECT_EQ(told.threads.size(), 1u);
  EXPECT_EQ(told.threads.count(std::this_thread::get_id()), 0u);
  EXPECT_NE(told.texts.front().find("connected to 127.0.0.1:"), std::string::npos);
  EXPECT_NE(told.texts.back().find("5 bytes sent"), std::string::npos) << told.texts.back();
}

}  // namespace
