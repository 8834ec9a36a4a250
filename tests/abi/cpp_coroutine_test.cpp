// Coroutines over real connections: how they talk, are cancelled, run out of time, and fail.
#include "abi/cpp_support.h"
#include "lib/raw_tcp.h"

#include <array>
#include <atomic>
#include <functional>
#include <future>
#include <gtest/gtest.h>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace sally::cpp {
namespace {

// As the documentation shows it.
sally::Task<> serve(sally::StreamSocket peer) {
  std::array<std::byte, 4096> buffer;
  while (auto n = co_await peer.async_read_some(buffer)) {
    co_await peer.async_write(std::span(buffer).first(n));
  }
}

sally::Task<> accept_all(sally::StreamListener& listener, std::latch& ended) {
  while (true) {
    auto peer = co_await listener.async_accept();
    sally::spawn(serve(std::move(peer)), [&](std::exception_ptr failure) {
      EXPECT_FALSE(failure);
      ended.count_down();
    });
  }
}

sally::StreamOptions to(const sally::StreamListener& listener) {
  return {.host = "127.0.0.1",
          .service = std::to_string(listener.port()),
          .tls = client_config(),
          .verify_name = "localhost"};
}

sally::Task<> talk(sally::StreamOptions options, std::string text) {
  auto socket = co_await sally::StreamSocket::async_connect(options, soon);
  std::string answer(text.size(), '\0');
  for (int round = 0; round < 5; ++round) {
    co_await socket.async_write(text, soon);
    co_await socket.async_read_exactly(answer, soon);
    if (answer != text) throw std::runtime_error("another answer");
  }
  co_await socket.async_close(soon);
}

TEST(CppCoroutine, EchoesOverAHundredConnectionsAtOnce) {
  constexpr int many = 100;
  const auto runtime = sally::Runtime::threads(3);
  auto listener = sally::StreamListener::bind(
      {.host = "127.0.0.1", .service = "0", .tls = server_config(), .runtime = runtime});
  std::latch served(many);
  std::promise<std::exception_ptr> accepting;
  sally::spawn(accept_all(listener, served), [&](auto why) { accepting.set_value(why); });

  std::latch talked(many);
  std::atomic<int> failures = 0;
  for (int i = 0; i < many; ++i) {
    auto options = to(listener);
    options.runtime = runtime;
    sally::spawn(talk(std::move(options), std::string(1000, static_cast<char>('a' + i % 26))),
                 [&](std::exception_ptr failure) {
                   if (failure) ++failures;
                   talked.count_down();
                 });
  }
  talked.wait();
  served.wait();
  EXPECT_EQ(failures, 0);
  listener.close();
  EXPECT_EQ(status_of([&] {
              std::rethrow_exception(accepting.get_future().get());
              return 0;
            }),
            SALLY_CLOSED);
}

TEST(CppCoroutine, ConnectsToANameAndAService) {
  auto listener = listen();
  const auto connects = [](std::string service) -> sally::Task<std::string> {
    const auto socket =
        co_await sally::StreamSocket::async_connect("localhost", service, client_config(), soon);
    co_return std::string(socket.info().peer_address());
  };
  EXPECT_EQ(sally::sync_wait(connects(std::to_string(listener.port()))), listener.address());
}

TEST(CppCoroutine, ReadsLines) {
  Pair pair;
  const auto asks = [](sally::StreamSocket& socket) -> sally::Task<std::string> {
    co_await socket.async_writev({"first\r\n", std::string(5000, 'x'), "\nhalf"});
    co_await socket.async_shutdown();
    co_return co_await socket.async_read_line(soon);
  };
  const auto answers = [](sally::StreamSocket& socket) -> sally::Task<> {
    EXPECT_EQ(co_await socket.async_read_line(), "first");
    EXPECT_EQ((co_await socket.async_read_line(soon)).size(), 5000u);
    co_await socket.async_write("answer\n");
    static_cast<void>(co_await socket.async_read_line());
  };
  std::promise<std::exception_ptr> answered;
  sally::spawn(answers(pair.server), [&](auto why) { answered.set_value(why); });
  EXPECT_EQ(sally::sync_wait(asks(pair.client)), "answer");
  EXPECT_EQ(status_of([&] {
              std::rethrow_exception(answered.get_future().get());
              return 0;
            }),
            SALLY_END_OF_STREAM);
  EXPECT_EQ(status_of([&] { return sally::sync_wait(pair.client.async_read_line(1ms)); }),
            SALLY_TIMED_OUT);
}

TEST(CppCoroutine, UpgradesAPlainStream) {
  PlainPair pair;
  const auto server = [](sally::StreamSocket socket) -> sally::Task<> {
    EXPECT_EQ(co_await socket.async_read_line(soon), "STARTTLS");
    co_await socket.async_write("220 go ahead\r\n");
    co_await socket.async_upgrade(server_config());
    co_await socket.async_write("secret\r\n");
    co_await socket.async_close(soon);
  };
  const auto client = [](sally::StreamSocket socket) -> sally::Task<std::string> {
    co_await socket.async_write("STARTTLS\r\n");
    EXPECT_EQ(co_await socket.async_read_line(soon), "220 go ahead");
    co_await socket.async_upgrade(client_config(), "localhost", soon);
    auto line = co_await socket.async_read_line(soon);
    co_await socket.async_close(soon);
    co_return line;
  };
  std::promise<std::exception_ptr> served;
  sally::spawn(server(std::move(pair.server)), [&](auto why) { served.set_value(why); });
  EXPECT_EQ(sally::sync_wait(client(std::move(pair.client))), "secret");
  EXPECT_FALSE(served.get_future().get());
}

TEST(CppCoroutine, GetsResultsWhereItWantsNoExceptions) {
  Pair pair;
  pair.client.write("abc");
  EXPECT_EQ(pair.server.wait(SALLY_DIRECTION_READ, soon), unsigned{SALLY_DIRECTION_READ});
  const auto reads = [](sally::StreamSocket& socket) -> sally::Task<> {
    std::string buffer(8, '\0');
    const auto late = co_await socket.async_read_exactly(buffer, 20ms).as_result();
    EXPECT_EQ(late.status(), SALLY_TIMED_OUT);
    EXPECT_EQ(late.size(), 3u);
    const auto refused =
        co_await socket.async_read_some(buffer, sally::Timeout::attempt()).as_result();
    EXPECT_EQ(refused.status(), SALLY_INVALID_ARGUMENT) << "it could not even begin";
    EXPECT_TRUE(co_await socket.async_flush().as_result());
  };
  sally::sync_wait(reads(pair.server));
}

TEST(CppCoroutine, ThrowsWhatItsOperationFailsWith) {
  Pair pair;
  const auto reads = [](sally::StreamSocket& socket, sally::Timeout timeout) -> sally::Task<> {
    std::array<char, 8> buffer;
    co_await socket.async_read_exactly(buffer, timeout);
  };
  EXPECT_EQ(status_of([&] {
              sally::sync_wait(reads(pair.server, 1ms));
              return 0;
            }),
            SALLY_TIMED_OUT);
  EXPECT_EQ(status_of([&] {
              sally::sync_wait(reads(pair.server, sally::Timeout::attempt()));
              return 0;
            }),
            SALLY_INVALID_ARGUMENT);
  pair.client.shutdown();
  EXPECT_EQ(status_of([&] {
              sally::sync_wait(reads(pair.server, {}));
              return 0;
            }),
            SALLY_END_OF_STREAM);

  const auto connects = [](sally::StreamOptions options) -> sally::Task<sally::StreamSocket> {
    co_return co_await sally::StreamSocket::async_connect(options, soon);
  };
  auto options = to(pair.listener);
  options.verify_name = "elsewhere.example";
  EXPECT_EQ(status_of([&] { return sally::sync_wait(connects(options)); }),
            SALLY_CERTIFICATE_NAME_MISMATCH);
}

TEST(CppCoroutine, MayNotBlockItsOwnLoop) {
  Pair pair;
  const auto blocks = [](sally::StreamSocket& socket) -> sally::Task<> {
    co_await socket.async_flush();
    std::array<char, 8> buffer;
    static_cast<void>(socket.read_some(buffer));
  };
  EXPECT_EQ(status_of([&] {
              sally::sync_wait(blocks(pair.server));
              return 0;
            }),
            SALLY_INVALID_STATE);
}

TEST(CppCoroutine, MayHoldTheLastReferenceToTheRuntimeThatResumesIt) {
  auto listener = listen();
  std::latch served(1);
  std::promise<std::exception_ptr> accepting;
  sally::spawn(accept_all(listener, served), [&](auto why) { accepting.set_value(why); });
  std::promise<std::exception_ptr> over;
  auto options = to(listener);
  options.runtime = sally::Runtime::threads(1);
  sally::spawn(talk(std::move(options), "text"), [&](auto why) { over.set_value(why); });
  EXPECT_FALSE(over.get_future().get());
  served.wait();
  listener.close();
  static_cast<void>(accepting.get_future().get());
}

TEST(CppCoroutine, LosesItsStreamWhileItWaits) {
  Pair pair;
  const auto reads = [](sally::StreamSocket& socket) -> sally::Task<> {
    std::array<char, 8> buffer;
    static_cast<void>(co_await socket.async_read_some(buffer));
  };
  for (const bool destroys : {true, false}) {
    Pair other;
    std::optional<sally::StreamSocket> socket(std::move(other.server));
    std::promise<std::exception_ptr> over;
    sally::spawn(reads(*socket), [&](auto why) { over.set_value(why); });
    if (destroys)
      socket.reset();
    else
      socket->close(sally::Timeout::attempt());
    EXPECT_EQ(status_of([&] {
                std::rethrow_exception(over.get_future().get());
                return 0;
              }),
              destroys ? SALLY_CANCELED : SALLY_CLOSED);
  }
}

// Each operation that can wait, brought to where it waits for a peer that does nothing.
struct Waiting {
  const char* name;
  std::function<sally::Task<>(std::stop_token)> run;
};

class CppStop : public testing::Test {
 protected:
  sally::Task<> read_some(std::stop_token stop) {
    static_cast<void>(co_await pair_.server.async_read_some(buffer_).cancel_on(stop));
  }
  sally::Task<> read_exactly(std::stop_token stop) {
    co_await pair_.server.async_read_exactly(buffer_).cancel_on(stop);
  }
  sally::Task<> read_until(std::stop_token stop) {
    co_await pair_.server.async_read_until(buffer_, "\n").cancel_on(stop);
  }
  sally::Task<> read_line(std::stop_token stop) {
    static_cast<void>(co_await pair_.server.async_read_line({}, 100, stop));
  }
  sally::Task<> wait(std::stop_token stop) {
    co_await pair_.server.async_wait(SALLY_DIRECTION_READ).cancel_on(stop);
  }
  sally::Task<> write(std::stop_token stop) {
    while (true) co_await full_.client.async_write(block_).cancel_on(stop);
  }
  sally::Task<> writev(std::stop_token stop) {
    while (true) co_await full_.client.async_writev({block_, block_}).cancel_on(stop);
  }
  sally::Task<> close(std::stop_token stop) {
    Pair own;
    co_await own.client.async_close(sally::Timeout::never()).cancel_on(stop);
  }
  sally::Task<> accept(std::stop_token stop) {
    static_cast<void>(co_await pair_.listener.async_accept().cancel_on(stop));
  }
  sally::Task<> next_refusal(std::stop_token stop) {
    static_cast<void>(co_await pair_.listener.async_next_refusal().cancel_on(stop));
  }
  sally::Task<> drain(std::stop_token stop) {
    Pair own;
    co_await own.listener.async_drain().cancel_on(stop);
  }
  sally::Task<> connect_to_nobody(std::stop_token stop) {
    sally::StreamOptions options{
        .host = "127.0.0.1", .service = silent_.service(), .tls = client_config()};
    static_cast<void>(co_await sally::StreamSocket::async_connect(options, {}, stop));
  }
  sally::Task<> upgrade(std::stop_token stop) {
    PlainPair own;
    co_await own.client.async_upgrade(client_config(), "localhost").cancel_on(stop);
  }

  std::vector<Waiting> all() {
    const auto of = [this](auto method) {
      return [this, method](std::stop_token stop) { return (this->*method)(std::move(stop)); };
    };
    return {{"read_some", of(&CppStop::read_some)},
            {"read_exactly", of(&CppStop::read_exactly)},
            {"read_until", of(&CppStop::read_until)},
            {"read_line", of(&CppStop::read_line)},
            {"wait", of(&CppStop::wait)},
            {"write", of(&CppStop::write)},
            {"writev", of(&CppStop::writev)},
            {"close", of(&CppStop::close)},
            {"accept", of(&CppStop::accept)},
            {"next_refusal", of(&CppStop::next_refusal)},
            {"drain", of(&CppStop::drain)},
            {"connect", of(&CppStop::connect_to_nobody)},
            {"upgrade", of(&CppStop::upgrade)}};
  }

  Pair pair_;
  Pair full_;
  test::RawListener silent_;
  std::array<char, 16> buffer_{};
  const std::string block_ = std::string(1 << 20, 'x');
};

TEST_F(CppStop, RequestedBeforehandCancelsAtOnce) {
  std::stop_source source;
  source.request_stop();
  for (const Waiting& waiting : all()) {
    SCOPED_TRACE(waiting.name);
    EXPECT_EQ(status_of([&] {
                sally::sync_wait(waiting.run(source.get_token()));
                return 0;
              }),
              SALLY_CANCELED);
  }
}

TEST_F(CppStop, CancelsWhatIsWaiting) {
  for (const Waiting& waiting : all()) {
    SCOPED_TRACE(waiting.name);
    std::stop_source source;
    std::promise<std::exception_ptr> over;
    auto ended = over.get_future();
    sally::spawn(waiting.run(source.get_token()), [&](auto why) { over.set_value(why); });
    EXPECT_EQ(ended.wait_for(10ms), std::future_status::timeout) << "nothing ends it by itself";
    source.request_stop();
    EXPECT_EQ(status_of([&] {
                std::rethrow_exception(ended.get());
                return 0;
              }),
              SALLY_CANCELED);
  }
}

TEST_F(CppStop, RequestedAfterwardsDoesNothing) {
  std::stop_source source;
  pair_.client.write("x");
  sally::sync_wait(read_some(source.get_token()));
  source.request_stop();
  pair_.client.write("y");
  EXPECT_EQ(pair_.server.read_some(buffer_, soon), 1u) << "the stream stays usable";
}

TEST_F(CppStop, MayRaceWithTheCompletion) {
  for (int round = 0; round < 500; ++round) {
    std::stop_source source;
    std::latch go(2);
    std::promise<std::exception_ptr> over;
    sally::spawn(read_exactly(source.get_token()), [&](auto why) { over.set_value(why); });
    std::jthread stopping([&] {
      go.arrive_and_wait();
      source.request_stop();
    });
    go.arrive_and_wait();
    pair_.client.write(std::string(buffer_.size(), 'x'));
    const auto why = over.get_future().get();
    if (!why) continue;
    EXPECT_EQ(status_of([&] {
                std::rethrow_exception(why);
                return 0;
              }),
              SALLY_CANCELED);
    // What was written is still to be read, but for what the cancelled read had moved already.
    while (pair_.server.try_read_some(buffer_, 1ms)) {
    }
  }
}

TEST_F(CppStop, MayBeAskedForWhereTheOperationIsQuickerThanTheSuspension) {
  std::stop_source source;
  const auto flushes = [](sally::StreamSocket& socket, std::stop_token stop) -> sally::Task<> {
    co_await socket.async_flush().cancel_on(stop);
  };
  for (int round = 0; round < 3000; ++round) {
    sally::sync_wait(flushes(pair_.client, source.get_token()));
  }
}

TEST_F(CppStop, MayBeRequestedByACoroutineOfTheSameLoop) {
  std::stop_source source;
  std::promise<std::exception_ptr> over;
  sally::spawn(read_some(source.get_token()), [&](auto why) { over.set_value(why); });
  pair_.server.async_wait(SALLY_DIRECTION_WRITE).start([&](auto&&) { source.request_stop(); });
  EXPECT_EQ(status_of([&] {
              std::rethrow_exception(over.get_future().get());
              return 0;
            }),
            SALLY_CANCELED);
}

}  // namespace
}  // namespace sally::cpp
