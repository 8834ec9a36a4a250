// Asynchronous operations of the wrappers, told to callbacks and to queues.
#include "abi/cpp_support.h"
#include "lib/raw_tcp.h"

#include <array>
#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <thread>

namespace sally::cpp {
namespace {

// A callback that keeps its result for a thread that waits.
template <class T>
class Told {
 public:
  auto callback() {
    return [promise = promise_](sally::Result<T> result) { promise->set_value(std::move(result)); };
  }
  sally::Result<T> get() {
    auto future = promise_->get_future();
    if (future.wait_for(soon) != std::future_status::ready) {
      throw std::runtime_error("nothing was told");
    }
    return future.get();
  }

 private:
  std::shared_ptr<std::promise<sally::Result<T>>> promise_ =
      std::make_shared<std::promise<sally::Result<T>>>();
};

TEST(CppCallback, IsToldTheResultOfEachOperation) {
  Pair pair;
  std::array<char, 64> buffer;
  Told<std::size_t> read;
  pair.server.async_read_some(buffer, soon).start(read.callback());
  Told<std::size_t> written;
  pair.client.async_write("hello\nworld").start(written.callback());
  EXPECT_EQ(written.get().value(), 11u);
  EXPECT_EQ(read.get().value(), 11u);

  Told<std::size_t> gathered;
  pair.client.async_writev({"a", "b\n"}, sally::more).start(gathered.callback());
  EXPECT_EQ(gathered.get().size(), 3u);
  Told<void> flushed;
  pair.client.async_flush(soon).start(flushed.callback());
  EXPECT_NO_THROW(flushed.get().value());
  Told<std::uint32_t> ready;
  pair.server.async_wait(SALLY_DIRECTION_READ).start(ready.callback());
  EXPECT_EQ(ready.get().value(), std::uint32_t{SALLY_DIRECTION_READ});
  Told<std::size_t> until;
  pair.server.async_read_until(buffer, "\n").start(until.callback());
  EXPECT_EQ(until.get().value(), 3u);
  Told<std::size_t> exactly;
  pair.server.async_read_exactly(std::span(buffer).first(2)).start(exactly.callback());
  pair.client.write("xy");
  EXPECT_EQ(exactly.get().value(), 2u);

  Told<void> shut;
  pair.client.async_shutdown().start(shut.callback());
  EXPECT_TRUE(shut.get());
  Told<std::size_t> end;
  pair.server.async_read_some(buffer).start(end.callback());
  const auto at_end = end.get();
  EXPECT_TRUE(at_end) << "a proper end is no failure";
  EXPECT_EQ(at_end.value(), 0u);
  EXPECT_FALSE(at_end.error());
  Told<void> closed;
  pair.server.async_close().start(closed.callback());
  EXPECT_TRUE(closed.get());
}

TEST(CppCallback, GetsStreamsAndRefusalsToKeep) {
  auto listener = listen();
  Told<sally::StreamSocket> accepted;
  listener.async_accept(soon).start(accepted.callback());
  auto client = sally::StreamSocket::create({.host = "127.0.0.1",
                                             .service = std::to_string(listener.port()),
                                             .tls = client_config(),
                                             .verify_name = "localhost"});
  Told<void> connected;
  client.async_connect(soon).start(connected.callback());
  EXPECT_TRUE(connected.get());
  auto result = accepted.get();
  sally::StreamSocket server = result.value();
  EXPECT_THROW(static_cast<void>(result.value()), std::invalid_argument) << "it can be taken once";
  server.write("x");
  std::array<char, 1> buffer;
  EXPECT_EQ(client.read_some(buffer, soon), 1u);

  Told<sally::Refusal> refused;
  listener.async_next_refusal(soon).start(refused.callback());
  const auto stranger = connect(listener, anonymous_config());
  const sally::Refusal refusal = refused.get().value();
  EXPECT_EQ(refusal.reason.status(), SALLY_CLIENT_CERTIFICATE_REQUIRED);
  EXPECT_EQ(refusal.peer.text(), stranger.info().local_address());

  Told<void> drained;
  listener.async_drain(1ms).start(drained.callback());
  EXPECT_EQ(drained.get().status(), SALLY_TIMED_OUT);
}

TEST(CppCallback, LearnsOfFailuresAndOfWhatCameBefore) {
  Pair pair;
  std::array<char, 8> buffer;
  pair.client.write("abc");
  EXPECT_EQ(pair.server.wait(SALLY_DIRECTION_READ, soon), unsigned{SALLY_DIRECTION_READ});
  Told<std::size_t> late;
  pair.server.async_read_exactly(buffer, 20ms).start(late.callback());
  const auto result = late.get();
  EXPECT_EQ(result.status(), SALLY_TIMED_OUT);
  EXPECT_EQ(result.size(), 3u);
  EXPECT_EQ(result.error()->name(), "SALLY_TIMED_OUT");
  EXPECT_EQ(status_of([&] { return result.value(); }), SALLY_TIMED_OUT);

  Told<std::size_t> canceled;
  const sally::Operation operation = pair.server.async_read_some(buffer).start(canceled.callback());
  operation.cancel();
  EXPECT_EQ(canceled.get().status(), SALLY_CANCELED);
  operation.cancel();  // nothing is left to do

  Told<std::size_t> orphaned;
  pair.server.async_read_some(buffer).start(orphaned.callback());
  { const sally::StreamSocket gone = std::move(pair.server); }
  EXPECT_EQ(orphaned.get().status(), SALLY_CANCELED) << "its stream was destroyed";
}

TEST(CppCallback, IsDestroyedAfterItsCallAndWhereItWillNeverBeCalled) {
  Pair pair;
  std::array<char, 8> buffer;
  const auto witness = std::make_shared<int>(0);
  std::promise<void> called;
  pair.server.async_wait(SALLY_DIRECTION_WRITE)
      .start([held = std::make_unique<std::shared_ptr<int>>(witness), &called](auto&&) {
        called.set_value();
      });
  called.get_future().get();
  while (witness.use_count() != 1) std::this_thread::yield();

  EXPECT_EQ(status_of([&] {
              return pair.server.async_read_some(buffer, sally::Timeout::attempt())
                  .start([witness](const sally::Result<std::size_t>&) { FAIL(); });
            }),
            SALLY_INVALID_ARGUMENT);
  EXPECT_EQ(witness.use_count(), 1);
}

TEST(CppCallback, MayKeepItsOwnStreamAlive) {
  Pair pair;
  std::promise<std::string> said;
  struct Reader {
    sally::StreamSocket socket;
    std::string text;
    std::array<char, 4> buffer{};
    std::promise<std::string>& said;

    static void read(std::shared_ptr<Reader> self) {
      auto& here = *self;
      here.socket.async_read_some(here.buffer)
          .start([self = std::move(self)](sally::Result<std::size_t> result) mutable {
            self->text.append(self->buffer.data(), result.value());
            if (result.size() == 0) return self->said.set_value(self->text);
            read(std::move(self));
          });
    }
  };
  Reader::read(std::make_shared<Reader>(Reader{std::move(pair.server), {}, {}, said}));
  pair.client.write("one after another");
  pair.client.shutdown();
  EXPECT_EQ(said.get_future().get(), "one after another");
}

TEST(CppCallbackDeathTest, EndsTheProgramByAnExceptionThatLeavesIt) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        Pair pair;
        pair.client.async_flush().start(
            [](const sally::Result<>&) { throw std::runtime_error("out of a callback"); });
        while (true) std::this_thread::sleep_for(1s);
      },
      "out of a callback");
}

TEST(CppQueue, HandsOutEventsUnderTheirTags) {
  Pair pair;
  auto queue = sally::CompletionQueue::create();
  EXPECT_FALSE(queue.try_take());
  EXPECT_FALSE(queue.try_take(1ms));
  EXPECT_EQ(status_of([&] { return queue.take(1ms); }), SALLY_TIMED_OUT);

  std::array<char, 8> buffer;
  pair.server.async_read_some(buffer).start(queue, 7);
  pair.client.async_write("hello").start(queue, 8);
  ::pollfd watched{static_cast<int>(queue.fd()), POLLIN, 0};
  EXPECT_EQ(::poll(&watched, 1, 30'000), 1);
  for (int i = 0; i < 2; ++i) {
    sally::Event event = queue.take(soon);
    EXPECT_EQ(event.kind(), SALLY_EVENT_DONE);
    EXPECT_TRUE(event.tag() == 7 || event.tag() == 8);
    EXPECT_EQ(event.take<std::size_t>(), 5u);
    EXPECT_THROW(static_cast<void>(event.take<sally::StreamSocket>()), std::invalid_argument);
  }
}

TEST(CppQueue, HandsOutSeveralEventsAtOnceAndWhatTheyCarry) {
  auto listener = listen();
  auto queue = sally::CompletionQueue::create();
  listener.async_accept().start(queue, 1);
  listener.async_accept().start(queue, 2);
  const auto first = connect(listener);
  const auto second = connect(listener);
  std::array<sally::Event, 4> events;
  for (std::size_t count = 0; count < 2;) {
    count += queue.take(std::span(events).subspan(count), soon);
  }
  // Each loop tells what it accepted in its own time.
  sally::Event& event = events[events[0].tag() == 1u ? 0 : 1];
  EXPECT_EQ(event.kind(), SALLY_EVENT_ACCEPTED);
  EXPECT_EQ(event.tag(), 1u);
  auto accepted = event.take<sally::StreamSocket>();
  // Handshakes end in any order.
  const std::string peer(accepted.info().peer_address());
  EXPECT_TRUE(peer == std::string(first.info().local_address()) ||
              peer == std::string(second.info().local_address()));
  EXPECT_EQ(events[2].kind(), 0) << "not filled";
  // The other one goes with its event.

  listener.async_next_refusal().start(queue, 3);
  const auto stranger = connect(listener, anonymous_config());
  EXPECT_EQ(queue.take(soon).take<sally::Refusal>().reason.status(),
            SALLY_CLIENT_CERTIFICATE_REQUIRED);
}

TEST(CppQueue, CancelsWhatIsPendingWhenItCloses) {
  Pair pair;
  auto queue = sally::CompletionQueue::create();
  std::array<char, 8> buffer;
  pair.server.async_read_some(buffer).start(queue, 5);
  queue.close();
  EXPECT_EQ(status_of([&] { return pair.server.async_flush().start(queue); }), SALLY_CLOSED);
  sally::Event event = queue.take(soon);
  EXPECT_EQ(event.status(), SALLY_CANCELED);
  EXPECT_EQ(status_of([&] { event.take<void>(); }), SALLY_CANCELED);
  EXPECT_EQ(status_of([&] { return queue.take(soon); }), SALLY_CLOSED);
}

TEST(CppRuntime, ServesOnTheThreadThatRunsIt) {
  auto runtime = sally::Runtime::caller_run();
  EXPECT_EQ(runtime.loops(), 1u);
  EXPECT_FALSE(runtime.run(sally::Timeout::attempt()));
  auto listener = listen();
  auto client = sally::StreamSocket::create({.host = "127.0.0.1",
                                             .service = std::to_string(listener.port()),
                                             .tls = client_config(),
                                             .verify_name = "localhost",
                                             .runtime = runtime});
  bool connected = false;
  client.async_connect(soon).start([&](const sally::Result<>& result) {
    EXPECT_TRUE(result);
    connected = true;
    EXPECT_EQ(status_of([&] { runtime.run(); }), SALLY_BUSY) << "not from within itself";
  });
  while (!connected) ASSERT_TRUE(runtime.run(soon));

  auto waking = std::async(std::launch::async, [runtime]() mutable { runtime.wake(); });
  while (!runtime.run(soon)) {
  }
  waking.get();
}

TEST(CppRuntime, HasAsManyLoopsAsAskedFor) {
  auto runtime = sally::Runtime::threads(3);
  EXPECT_EQ(runtime.loops(), 3u);
  EXPECT_GE(sally::Runtime::threads().loops(), 1u);
  EXPECT_EQ(status_of([&] { runtime.run(1ms); }), SALLY_INVALID_STATE);
  auto listener = sally::StreamListener::bind(
      {.host = "127.0.0.1", .service = "0", .tls = server_config(), .runtime = runtime});
  const auto client = connect(listener);
  EXPECT_EQ(listener.accept(soon).info().peer_address(), client.info().local_address());
}

}  // namespace
}  // namespace sally::cpp
