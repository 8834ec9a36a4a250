// One table with a case, or several, for every function of the C ABI: what it answers to arguments
// and states that are wrong.
#pragma once

#include "lib/async.h"
#include "lib/secure.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sally::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr std::size_t long_size = 1 << 20;  // under a sanitizer each byte takes its time
#else
inline constexpr std::size_t long_size = 10 << 20;
#endif

// One of everything, for cases to break.
struct World {
  World();

  const std::string long_text = std::string(long_size, 'a');
  const std::string not_utf8 = "\xff\xfe.example.test";
  std::string buffer = std::string(4096, 'x');

  Owned<sally_runtime> runtime = make_runtime(0, 2);
  Owned<sally_runtime> caller_run = make_runtime(SALLY_RUNTIME_CALLER_RUN);  // nobody runs it
  Queue queue;  // where nothing completes before the world ends
  Queue closed_queue;
  Spy spy;  // of completions that are refused

  Owned<sally_credential> credential;
  Owned<sally_trust_store> trust;
  Owned<sally_ticket_keys> ticket_keys;
  Owned<sally_tls_config> client;         // complete; not yet in use
  Owned<sally_tls_config> server;         // likewise
  Owned<sally_tls_config> frozen;         // a client's, in use
  Owned<sally_tls_config> no_credential;  // a server's that is not complete
  Owned<sally_tls_config>
      no_trust;  // a server's that asks for certificates without knowing whom to trust
  std::unique_ptr<Listener> listener;
  std::unique_ptr<Listener> closed_listener;
  Pair open;
  Pair plain;
  Pair busy;                         // the client's end reads
  Pair busy_plain;                   // likewise
  Owned<sally_operation> operation;  // one of these reads
  Stream idle;
  Stream closed;
  Owned<sally_stream_info> info;
  Owned<sally_error> error;
  Owned<sally_bytes> bytes;
  Owned<sally_certificate> certificate;
};

class Output {
 public:
  virtual ~Output() = default;
  virtual bool as_after_a_failure() const = 0;
};

// Where a function puts what it makes. Poisoned before the call, so that a write shows.
class Outputs {
 public:
  template <class Handle>
  Handle** handle() {
    auto place = std::make_unique<HandlePlace<Handle>>();
    Handle** value = &place->value;
    places_.push_back(std::move(place));
    return value;
  }
  // A byte count, which is written in any case.
  std::size_t* count() {
    auto place = std::make_unique<CountPlace>();
    std::size_t* value = &place->value;
    places_.push_back(std::move(place));
    return value;
  }
  // Plain data, which is written on success only.
  template <class Value>
  Value* value(std::size_t count = 1) {
    auto place = std::make_unique<ValuePlace<Value>>(count);
    Value* first = place->values.data();
    places_.push_back(std::move(place));
    return first;
  }
  bool as_after_a_failure() const {
    for (const auto& place : places_) {
      if (!place->as_after_a_failure()) return false;
    }
    return true;
  }

 private:
  template <class Handle>
  struct HandlePlace final : Output {
    HandlePlace() = default;
    ~HandlePlace() override {
      if (!as_after_a_failure()) Releaser()(value);
    }
    HandlePlace(const HandlePlace&) = delete;
    HandlePlace& operator=(const HandlePlace&) = delete;
    bool as_after_a_failure() const override { return value == poison(); }
    static Handle* poison() { return reinterpret_cast<Handle*>(std::uintptr_t{0x5a5a5a58}); }
    Handle* value = poison();
  };
  struct CountPlace final : Output {
    bool as_after_a_failure() const override { return value == 0; }
    std::size_t value = 0x5a5a5a58;
  };
  template <class Value>
  struct ValuePlace final : Output {
    explicit ValuePlace(std::size_t count) : values(count) {
      std::memset(values.data(), 0x5a, count * sizeof(Value));
    }
    bool as_after_a_failure() const override {
      const auto* bytes = reinterpret_cast<const unsigned char*>(values.data());
      return std::all_of(bytes, bytes + values.size() * sizeof(Value),
                         [](unsigned char byte) { return byte == 0x5a; });
    }
    std::vector<Value> values;
  };

  std::vector<std::unique_ptr<Output>> places_;
};

struct ArgumentCase {
  const char* function;
  const char* what;
  std::function<void(World&)> check;
};
using ArgumentCases = std::vector<ArgumentCase>;

// The function answers `status` (SALLY_OK, even, for what must not be refused), and keeps the
// promises that all functions make.
using Call = std::function<sally_status(World&, Outputs&, sally_error**)>;
ArgumentCase answers(const char* function, const char* what, sally_status status, Call call);

// The function cannot fail: `check` looks at what it gives.
ArgumentCase gives(const char* function, const char* what, std::function<void(World&)> check);

// retain(NULL) is NULL, retain gives its argument back, release(NULL) does nothing.
template <class Handle, class Retained>
void append_lifetime_cases(ArgumentCases& cases, const char* retain_name,
                           Handle* (*retain)(Retained*), const char* release_name,
                           void (*release)(Handle*), std::function<Handle*(World&)> one);

// Time-outs that no function takes.
inline constexpr std::int64_t bad_timeouts[] = {-3, -1000, INT64_MIN};
// Time-outs beyond what any clock holds.
inline constexpr std::int64_t absurd_timeouts[] = {INT64_MAX, INT64_MAX / 2, 9'223'372'036'854,
                                                   1'000'000'000'000'000};

// What each blocking function of a stream that takes a time refuses: no stream, bad time-outs.
using TimedCall = std::function<sally_status(sally_stream*, Outputs&, std::int64_t, sally_error**)>;
void append_timed_cases(ArgumentCases& cases, const char* name, const TimedCall& call);
void append_state_case(ArgumentCases& cases, const char* name, const char* what,
                       sally_status status, Stream World::*stream, const TimedCall& call);

ArgumentCases plain_cases();         // status, error, bytes, certificate, stream_info, library
ArgumentCases material_cases();      // credential, trust_store, tls_config
ArgumentCases source_cases();        // reloading these
ArgumentCases verification_cases();  // verify, faults, the rules of a tls_config
ArgumentCases runtime_cases();       // runtime, queue, event, operation
ArgumentCases stream_cases();        // blocking forms
ArgumentCases stream_verb_cases();   // likewise, of the verbs that came after reading and writing
ArgumentCases listener_cases();
ArgumentCases key_cases();       // what decides about keys, and what is derived from them
ArgumentCases decision_cases();  // decision, and what asks for one
ArgumentCases identity_cases();  // the names of a server, and the client's certificate afterwards
ArgumentCases trace_cases();
ArgumentCases async_cases();  // asynchronous forms, of streams and listeners

}  // namespace sally::test

#include <gtest/gtest.h>

template <class Handle, class Retained>
void sally::test::append_lifetime_cases(ArgumentCases& cases, const char* retain_name,
                                        Handle* (*retain)(Retained*), const char* release_name,
                                        void (*release)(Handle*),
                                        std::function<Handle*(World&)> one) {
  cases.push_back(gives(retain_name, "NULL and a handle", [=](World& world) {
    EXPECT_EQ(retain(nullptr), nullptr);
    Handle* handle = one(world);
    EXPECT_EQ(retain(handle), handle);
    release(handle);
  }));
  cases.push_back(gives(release_name, "NULL", [=](World&) { release(nullptr); }));
}
