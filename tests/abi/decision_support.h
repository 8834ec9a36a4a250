// Handshakes that wait for decisions, for tests.
#pragma once

#include "lib/async.h"
#include "lib/threads.h"
#include "lib/zoo.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <gtest/gtest.h>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace sally::test {

class Decision {
 public:
  Decision() = default;
  explicit Decision(Owned<sally_decision> decision) : handle_(std::move(decision)) {}
  // Out of an event of kind SALLY_EVENT_DECISION.
  static Decision take(sally_event& event) {
    if (event.kind != SALLY_EVENT_DECISION) return {};
    return Decision(
        Owned<sally_decision>(static_cast<sally_decision*>(std::exchange(event.object, nullptr))));
  }

  sally_decision* get() const { return handle_.get(); }
  explicit operator bool() const { return handle_ != nullptr; }
  void drop() { handle_.reset(); }
  std::int32_t question() const { return sally_decision_question(get()); }
  sally_status verdict() const { return sally_decision_verdict(get()); }

  Result accept() const {
    return called([&](sally_error** error) { return sally_decision_accept(get(), error); });
  }
  Result insecure_accept() const {
    return called(
        [&](sally_error** error) { return sally_decision_insecure_accept(get(), error); });
  }
  Result deny(sally_status why = SALLY_OK) const {
    return called([&](sally_error** error) { return sally_decision_deny(get(), why, error); });
  }
  Result use_credential(sally_credential* credential) const {
    return called([&](sally_error** error) {
      return sally_decision_use_credential(get(), credential, error);
    });
  }
  Result use_config(sally_tls_config* config) const {
    return called(
        [&](sally_error** error) { return sally_decision_use_config(get(), config, error); });
  }

 private:
  Owned<sally_decision> handle_;
};

// Where questions go: to a queue, or to a function that keeps them until somebody asks.
class Desk {
 public:
  enum class Form { queue, function };
  explicit Desk(Form form = Form::queue) : form_(form) {}

  const sally_completion* completion() {
    completion_ = queue_.completion(tag);
    if (form_ == Form::function) {
      completion_ = {};
      completion_.struct_size = sizeof completion_;
      completion_.function = [](void* user, sally_event* event) {
        static_cast<Desk*>(user)->put(Decision::take(*event));
      };
      completion_.user = this;
    }
    return &completion_;
  }
  // An empty one where none comes.
  Decision next(std::int64_t timeout_ms = generous_ms) {
    if (form_ == Form::function) return next_told(timeout_ms);
    std::size_t count = 0;
    sally_event event{};
    if (sally_queue_take(queue_.get(), &event, sizeof event, 1, &count, timeout_ms, nullptr) !=
        SALLY_OK) {
      return {};
    }
    EXPECT_EQ(event.tag, tag);
    EXPECT_EQ(event.status, SALLY_OK);
    Decision decision = Decision::take(event);
    sally_event_dispose(&event);
    return decision;
  }
  Queue& queue() { return queue_; }

  static constexpr std::uint64_t tag = 77;

 private:
  void put(Decision decision) {
    {
      const std::lock_guard lock(mutex_);
      told_.push_back(std::move(decision));
    }
    changed_.notify_all();
  }
  Decision next_told(std::int64_t timeout_ms) {
    std::unique_lock lock(mutex_);
    const auto patience = std::chrono::milliseconds(timeout_ms);
    if (!changed_.wait_for(lock, patience, [&] { return !told_.empty(); })) return {};
    Decision first = std::move(told_.front());
    told_.pop_front();
    return first;
  }

  const Form form_;
  sally_completion completion_{};
  Queue queue_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Decision> told_;
};

// The same config, asking.
// Whether the peer of the question says that it accepts this signature scheme.
inline bool accepts_scheme(const Decision& decision, std::string_view name) {
  for (std::size_t i = 0; i < sally_decision_acceptable_scheme_count(decision.get()); ++i) {
    if (sally_decision_acceptable_scheme(decision.get(), i) == name) return true;
  }
  return false;
}

inline Owned<sally_tls_config> asking(Owned<sally_tls_config> config, std::uint32_t questions,
                                      std::int64_t decision_ms = 0) {
  EXPECT_EQ(sally_tls_config_set_questions(config.get(), questions, nullptr), SALLY_OK);
  EXPECT_EQ(sally_tls_config_set_decision_timeout(config.get(), decision_ms, nullptr), SALLY_OK);
  return config;
}

// A stream of this listener, whose questions go to the desk.
inline Stream asking_stream(const Listener& listener, sally_tls_config* config,
                            const sally_completion* decisions, sally_runtime* runtime = nullptr) {
  const std::string service = listener.service();
  sally_stream_options options{};
  options.struct_size = sizeof options;
  options.host = "127.0.0.1";
  options.verify_name = "localhost";
  options.service = service.c_str();
  options.tls = config;
  options.runtime = runtime;
  options.decisions = decisions;
  Owned<sally_stream> stream;
  const Result created = called(
      [&](sally_error** error) { return sally_stream_create(&options, Out(stream), error); });
  EXPECT_EQ(created, SALLY_OK);
  return Stream(std::move(stream));
}

inline sally_listener_options asked_at(Desk& desk) {
  sally_listener_options options{};
  options.decisions = desk.completion();
  return options;
}

inline TlsSetup of_version(std::int32_t version, TlsSetup setup) {
  setup.min_version = setup.max_version = version;
  return setup;
}

inline std::future<Result> connecting(Stream& stream) {
  return on_thread([&stream] { return stream.connect(); });
}

// What a client sees of a server that refuses it in its handshake: in TLS 1.3 only afterwards.
inline Result refused(Stream& client) {
  Result result = client.connect();
  return result.ok() ? client.read_status() : std::move(result);
}

inline std::string peer_subject(const Stream& stream) {
  const auto info = stream.info();
  return sally_certificate_subject(sally_stream_info_peer_certificate(info.get(), 0));
}

inline std::string name_of(const testing::TestParamInfo<std::int32_t>& version) {
  return version.param == SALLY_TLS_1_2 ? "Tls12" : "Tls13";
}

class OnBothVersions : public testing::TestWithParam<std::int32_t> {};

}  // namespace sally::test
