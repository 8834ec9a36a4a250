// Several threads at once, on the same handles, with whatever may be called on them: nothing
// crashes, hangs or races (the sanitizers look), no call finds an impossible state, and every
// asynchronous operation gives its one event.
#include "lib/async.h"
#include "lib/secure.h"
#include "lib/threads.h"

#include <array>
#include <gtest/gtest.h>
#include <optional>
#include <random>
#include <vector>

using namespace sally::test;

namespace {

constexpr unsigned hands = 4;
constexpr unsigned blows = 300;

// What all of them hold.
struct Anvil {
  Anvil() : runtime(make_runtime(0, 2)), listener(server_config(), options()) {}

  sally_listener_options options() const {
    sally_listener_options limited{};
    limited.runtime = runtime.get();
    limited.max_connections = 6;
    return limited;
  }

  Owned<sally_runtime> runtime;
  Listener listener;
  Owned<sally_tls_config> as_client = client_config();
  Owned<sally_tls_config> as_server = server_config();
  Pair secured = connect_pair(listener, as_client.get());
  Pair plain = plain_pair();
  std::array<sally_stream*, 4> streams = {secured.client.get(), secured.server.get(),
                                          plain.client.get(), plain.server.get()};
  // Only one read of a stream goes on at a time.
  std::array<std::array<char, 16>, 4> read_into{};
  Queue queue;
};

class Hand {
 public:
  Hand(Anvil& on, unsigned seed) : on_(on), completion_(on.queue.completion(seed)), random_(seed) {}

  void strike(bool late) {
    const unsigned which = pick(4);
    sally_stream* const stream = on_.streams[which];
    const std::int64_t soon = 2;
    std::size_t moved = 0;
    const sally_status status = [&]() -> sally_status {
      switch (pick(late ? 24 : 20)) {
        case 0:
          return sally_stream_read_some(stream, mine_.data(), 64, &moved, SALLY_TIMEOUT_ATTEMPT,
                                        nullptr);
        case 1:
          return sally_stream_read_exactly(stream, mine_.data(), 16, &moved, soon, nullptr);
        case 2:
          return sally_stream_read_until(stream, mine_.data(), mine_.size(), "\1", 1, &moved, soon,
                                         nullptr);
        case 3:
          return sally_stream_write(stream, sent_.data(), pick(5000), pick(2), &moved, soon,
                                    nullptr);
        case 4:
          return sally_stream_flush(stream, soon, nullptr);
        case 5: {
          std::uint32_t ready = 0;
          return sally_stream_wait(stream, 1 + pick(3), &ready, soon, nullptr);
        }
        case 6:
          return sally_stream_wait_async(stream, 1 + pick(3), soon, &completion_, &operation_,
                                         nullptr);
        case 7:
        case 8:
          return sally_stream_write_async(stream, sent_.data(), pick(20'000), pick(2), soon,
                                          &completion_, &operation_, nullptr);
        case 9:
          return sally_stream_flush_async(stream, soon, &completion_, nullptr, nullptr);
        case 10:
        case 11:
          return sally_stream_read_some_async(stream, on_.read_into[which].data(), 16, soon,
                                              &completion_, &operation_, nullptr);
        case 12:
          return sally_stream_cancel(stream, 1 + pick(3), nullptr);
        case 13: {
          Owned<sally_stream_info> info;
          return sally_stream_copy_info(stream, Out(info), nullptr);
        }
        case 14:
          return sally_stream_require_protection(stream, sally_stream_protection(stream), nullptr);
        case 15:
          return sally_queue_fd(on_.queue.get()) < 0 ? SALLY_INTERNAL : SALLY_OK;
        case 16:
          return sally_listener_accept_async(on_.listener.get(), soon, &completion_, &operation_,
                                             nullptr);
        case 17:
          return sally_listener_next_refusal_async(on_.listener.get(), soon, &completion_,
                                                   &operation_, nullptr);
        case 18: {
          const Stream passing = on_.listener.stream(on_.as_client.get());
          return sally_stream_connect_async(passing.get(), 20, &completion_, &operation_, nullptr);
        }
        case 19:
          return take();
        case 20:
          return sally_stream_upgrade(stream, pick(2) ? on_.as_client.get() : on_.as_server.get(),
                                      nullptr, soon, nullptr);
        case 21:
          return sally_stream_close(stream, pick(2) ? soon : SALLY_TIMEOUT_ATTEMPT, nullptr);
        case 22:
          return sally_listener_drain(on_.listener.get(), soon, nullptr);
        default:
          return sally_listener_close(on_.listener.get(), nullptr);
      }
    }();
    EXPECT_NE(status, SALLY_INTERNAL);
    if (operation_ && pick(3) == 0) sally_operation_cancel(operation_);
    sally_operation_release(std::exchange(operation_, nullptr));
  }

 private:
  std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }

  sally_status take() {
    std::array<sally_event, 8> events{};
    std::size_t count = 0;
    const sally_status status =
        sally_queue_take(on_.queue.get(), events.data(), sizeof events[0], events.size(), &count,
                         SALLY_TIMEOUT_ATTEMPT, nullptr);
    for (std::size_t i = 0; i < count; ++i) sally_event_dispose(&events[i]);
    return status;
  }

  Anvil& on_;
  const sally_completion completion_;
  std::mt19937 random_;
  sally_operation* operation_ = nullptr;
  std::array<char, 256> mine_{};
  const std::vector<char> sent_ = std::vector<char>(20'000);
};

}  // namespace

TEST(Handles, StandWhateverSeveralThreadsDoAtOnce) {
  for (unsigned round = 0; round < 8; ++round) {
    Anvil anvil;
    std::array<std::optional<Hand>, hands> all;  // until the last event: their buffers are lent
    std::vector<std::future<void>> striking;
    for (unsigned i = 0; i < hands; ++i) {
      Hand& hand = all[i].emplace(anvil, round * hands + i);
      striking.push_back(on_thread([&hand] {
        for (unsigned blow = 0; blow < blows; ++blow) hand.strike(blow > blows * 9 / 10);
      }));
    }
    for (auto& each : striking) each.get();
    ASSERT_EQ(anvil.queue.close(), SALLY_OK);
    Result result;
    while (result.ok()) anvil.queue.take(64, generous_ms, &result);
    EXPECT_EQ(result, SALLY_CLOSED);
    EXPECT_EQ(sally_queue_pending(anvil.queue.get()), 0u);
  }
}
