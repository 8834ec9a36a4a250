// The asynchronous half of the C ABI for tests: completion queues, their events, completions.
#pragma once

#include "lib/secure.h"

#include <atomic>
#include <poll.h>
#include <stdexcept>
#include <utility>
#include <vector>

namespace sally::test {

// What a queue handed out; releases what nobody took out of it.
class Event {
 public:
  Event() = default;
  explicit Event(const sally_event& event) : event_(event) {}
  Event(Event&& other) noexcept : event_(std::exchange(other.event_, {})) {}
  Event& operator=(Event&& other) noexcept {
    std::swap(event_, other.event_);
    return *this;
  }
  ~Event() { sally_event_dispose(&event_); }

  const sally_event* operator->() const { return &event_; }
  // The stream of an accept that succeeded.
  Stream take_stream() {
    return Stream(
        Owned<sally_stream>(static_cast<sally_stream*>(std::exchange(event_.object, nullptr))));
  }

 private:
  sally_event event_{};
};

class Queue {
 public:
  // Throws where it cannot be made.
  Queue() {
    const Result made =
        called([&](sally_error** error) { return sally_queue_create(Out(handle_), error); });
    if (!made.ok()) throw std::runtime_error(sally_error_json(made.error.get()));
  }

  explicit Queue(Owned<sally_queue> queue) : handle_(std::move(queue)) {}

  sally_queue* get() const { return handle_.get(); }
  void release() { handle_.reset(); }
  int descriptor() const { return static_cast<int>(sally_queue_fd(get())); }
  bool is_readable() const {
    pollfd polled{descriptor(), POLLIN, 0};
    return ::poll(&polled, 1, 0) == 1;
  }
  Result close() {
    return called([&](sally_error** error) { return sally_queue_close(get(), error); });
  }

  sally_completion completion(std::uint64_t tag) const {
    sally_completion completion{};
    completion.struct_size = sizeof completion;
    completion.tag = tag;
    completion.queue = get();
    return completion;
  }

  // Up to `capacity` events, none where the result is a failure.
  std::vector<Event> take(std::size_t capacity, std::int64_t timeout_ms = generous_ms,
                          Result* result = nullptr) {
    std::vector<sally_event> raw(capacity);
    std::size_t count = 0;
    Result outcome = called([&](sally_error** error) {
      return sally_queue_take(get(), raw.data(), sizeof(sally_event), capacity, &count, timeout_ms,
                              error);
    });
    if (result != nullptr) *result = std::move(outcome);
    std::vector<Event> events;
    for (std::size_t i = 0; i < count; ++i) events.emplace_back(raw[i]);
    return events;
  }
  // What taking answers where no event may be there.
  Result take_status(std::int64_t timeout_ms = SALLY_TIMEOUT_ATTEMPT) {
    Result result;
    take(1, timeout_ms, &result);
    return result;
  }
  // The oldest event; one of kind 0 where none comes.
  Event next(std::int64_t timeout_ms = generous_ms) {
    std::vector<Event> events = take(1, timeout_ms);
    return events.empty() ? Event() : std::move(events.front());
  }

 private:
  Owned<sally_queue> handle_;
};

// Counts what the library does with a completion that goes to a function. Outlives the operation.
struct Spy {
  std::atomic<int> calls = 0;
  std::atomic<int> frees = 0;

  sally_completion completion() {
    sally_completion completion{};
    completion.struct_size = sizeof completion;
    completion.function = [](void* user, sally_event*) { ++static_cast<Spy*>(user)->calls; };
    completion.user = this;
    completion.free_user = [](void* user) { ++static_cast<Spy*>(user)->frees; };
    return completion;
  }
};

// The two ends of a connection that is not under TLS.
inline Pair plain_pair(sally_listener_options listening = {}) {
  listening.flags = SALLY_STREAM_PLAIN;
  Listener listener({}, listening);
  const std::string service = listener.service();
  sally_stream_options options{};
  options.struct_size = sizeof options;
  options.flags = SALLY_STREAM_PLAIN;
  options.host = "127.0.0.1";
  options.service = service.c_str();
  Owned<sally_stream> client;
  const sally_status created = sally_stream_create(&options, Out(client), nullptr);
  if (created != SALLY_OK || sally_stream_connect(client.get(), generous_ms, nullptr) != SALLY_OK) {
    throw std::runtime_error("a plain stream cannot be connected");
  }
  return {Stream(std::move(client)), listener.accept()};
}

inline Owned<sally_runtime> make_runtime(std::uint32_t flags, std::uint32_t loops = 0) {
  sally_runtime_options options{};
  options.struct_size = sizeof options;
  options.flags = flags;
  options.loops = loops;
  Owned<sally_runtime> runtime;
  if (sally_runtime_create(&options, Out(runtime), nullptr) != SALLY_OK) {
    throw std::runtime_error("a runtime cannot be made");
  }
  return runtime;
}

}  // namespace sally::test
