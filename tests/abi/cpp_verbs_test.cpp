// What the wrappers make of lines, exact amounts, several buffers, upgrades and connecting in two
// steps.
#include "abi/cpp_support.h"
#include "lib/raw_tcp.h"

#include <array>
#include <future>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace sally::cpp {
namespace {

TEST(CppLine, IsReadWithoutItsEnd) {
  Pair pair;
  pair.client.write("first\nsecond\r\n\n\r\nhalf\rway\r\r\nrest");
  EXPECT_EQ(pair.server.read_line(soon), "first");
  EXPECT_EQ(pair.server.read_line(soon), "second");
  EXPECT_EQ(pair.server.read_line(soon), "");
  EXPECT_EQ(pair.server.read_line(soon), "");
  EXPECT_EQ(pair.server.read_line(soon), "half\rway\r") << "only what ends the line goes";
  std::string rest(4, '\0');
  pair.server.read_exactly(rest, soon);
  EXPECT_EQ(rest, "rest") << "what came behind the lines stays for the next read";
}

TEST(CppLine, GrowsWithItsText) {
  Pair pair;
  for (const std::size_t size : {255u, 256u, 257u, 511u, 512u, 40000u, 65535u}) {
    const std::string text(size, 'x');
    auto writing = std::async(std::launch::async, [&] { pair.client.writev({text, "\n"}); });
    EXPECT_EQ(pair.server.read_line(soon), text);
    writing.get();
  }
}

TEST(CppLine, IsBounded) {
  Pair pair;
  pair.client.write("12345678\n");
  EXPECT_EQ(pair.server.read_line(soon, 9), "12345678") << "the limit counts the end of the line";
  pair.client.write("12345678\n");
  EXPECT_EQ(status_of([&] { return pair.server.read_line(soon, 8); }), SALLY_LIMIT_EXCEEDED);
  EXPECT_EQ(pair.server.read_line(soon), "") << "the stream goes on behind what was read";

  const std::string endless(sally::StreamSocket::line_limit, 'x');
  auto writing = std::async(std::launch::async, [&] { pair.client.write(endless); });
  EXPECT_EQ(status_of([&] { return pair.server.read_line(soon); }), SALLY_LIMIT_EXCEEDED);
  writing.get();
  EXPECT_THROW(static_cast<void>(pair.server.read_line(soon, 0)), std::length_error);
}

TEST(CppLine, ThrowsWhereThePeerClosesBeforeItsEnd) {
  Pair pair;
  pair.client.write("whole\nhalf");
  pair.client.shutdown();
  EXPECT_EQ(pair.server.read_line(soon), "whole");
  EXPECT_EQ(status_of([&] { return pair.server.read_line(soon); }), SALLY_END_OF_STREAM);
}

TEST(CppLine, CanBeCollectedPieceByPiece) {
  Pair pair;
  std::string line;
  EXPECT_FALSE(pair.server.try_read_line(line));
  pair.client.write("one ");
  while (line.empty()) EXPECT_FALSE(pair.server.try_read_line(line, 1ms));
  EXPECT_EQ(line, "one ");
  pair.client.write("two\r");
  while (line.size() < 8) EXPECT_FALSE(pair.server.try_read_line(line, 1ms));
  pair.client.write("\n");
  EXPECT_TRUE(pair.server.try_read_line(line, soon));
  EXPECT_EQ(line, "one two");
}

TEST(CppLine, KeepsWhatCameWhereCollectingFails) {
  Pair pair;
  pair.client.write("half");
  pair.client.shutdown();
  std::string line;
  EXPECT_EQ(status_of([&] { return pair.server.try_read_line(line, soon); }), SALLY_END_OF_STREAM);
  EXPECT_EQ(line, "half");
}

TEST(CppExactRead, TellsHowMuchCameAndGoesOnBehindIt) {
  Pair pair;
  pair.client.write("abc");
  std::string buffer(6, '.');
  std::size_t came = 0;
  while (came < 3) {
    const auto read = pair.server.try_read_exactly(std::span(buffer).subspan(came), 1ms);
    EXPECT_EQ(read.status(), SALLY_TIMED_OUT);
    EXPECT_FALSE(read);
    came += read.size();
  }
  EXPECT_EQ(buffer, "abc...");
  EXPECT_EQ(pair.server.try_read_exactly(std::span(buffer).subspan(3)).status(), SALLY_WOULD_BLOCK);

  pair.client.write("de");
  pair.client.shutdown();
  const auto rest = pair.server.try_read_exactly(std::span(buffer).subspan(3), soon);
  EXPECT_EQ(rest.status(), SALLY_END_OF_STREAM);
  EXPECT_EQ(rest.error()->status(), SALLY_END_OF_STREAM);
  EXPECT_EQ(rest.size(), 2u);
  EXPECT_EQ(buffer, "abcde.");
  EXPECT_EQ(status_of([&] { return rest.value(); }), SALLY_END_OF_STREAM);
}

TEST(CppReadUntil, StopsBehindTheDelimiter) {
  Pair pair;
  pair.client.write("head\r\n\r\nbody");
  std::array<char, 64> buffer;
  const std::size_t size = pair.server.read_until(buffer, "\r\n\r\n", soon);
  EXPECT_EQ(std::string_view(buffer.data(), size), "head\r\n\r\n");
  EXPECT_EQ(pair.server.read_some(buffer, soon), 4u);

  pair.client.write("too long");
  const auto read = pair.server.try_read_until(std::span(buffer).first(3), ";", soon);
  EXPECT_EQ(read.status(), SALLY_LIMIT_EXCEEDED);
  EXPECT_EQ(read.size(), 3u);
}

TEST(CppWrite, HoldsBackWhatMoreWillFollow) {
  Pair pair;
  std::array<char, 64> buffer;
  pair.client.write("held ", sally::more);
  EXPECT_EQ(pair.client.try_write("back ", sally::more), 5u);
  EXPECT_EQ(pair.server.try_wait(SALLY_DIRECTION_READ, 20ms), 0u) << "nothing was sent yet";
  pair.client.flush();
  EXPECT_EQ(pair.server.read_some(buffer, soon), 10u) << "both in one record";

  pair.client.write("a", sally::more);
  pair.client.write("b");
  EXPECT_EQ(pair.server.read_some(buffer, soon), 2u);
}

TEST(CppWrite, TakesSeveralBuffersAtOnce) {
  Pair pair;
  std::array<char, 64> buffer;
  const std::string header = "header:";
  const std::vector<std::byte> body(3, std::byte{'b'});
  pair.client.writev({header, body, ""});
  EXPECT_EQ(pair.server.read_some(buffer, soon), 10u) << "small ones share a record";
  EXPECT_EQ(std::string_view(buffer.data(), 10), "header:bbb");

  const std::vector<sally::ConstBuffer> many(20, "xy");
  EXPECT_EQ(pair.client.try_writev(many), 40u);
  EXPECT_EQ(pair.server.read_some(buffer, soon), 40u);
  pair.client.writev(many, sally::more, soon);
  pair.client.flush();
  EXPECT_EQ(pair.server.read_some(buffer, soon), 40u);
}

TEST(CppWait, TellsWhatWouldDoSomething) {
  Pair pair;
  constexpr std::uint32_t both = SALLY_DIRECTION_READ | SALLY_DIRECTION_WRITE;
  EXPECT_EQ(pair.server.wait(both, soon), std::uint32_t{SALLY_DIRECTION_WRITE});
  EXPECT_EQ(status_of([&] { return pair.server.wait(SALLY_DIRECTION_READ, 1ms); }),
            SALLY_TIMED_OUT);
  pair.client.write("x");
  EXPECT_EQ(pair.server.wait(SALLY_DIRECTION_READ, soon), std::uint32_t{SALLY_DIRECTION_READ});
  std::array<char, 4> buffer;
  EXPECT_EQ(pair.server.try_read_some(buffer), 1u);
}

TEST(CppUpgrade, SecuresAPlainStream) {
  PlainPair pair;
  EXPECT_FALSE(pair.client.info().secured());
  pair.client.write("STARTTLS\r\n");
  EXPECT_EQ(pair.server.read_line(soon), "STARTTLS");
  pair.server.write("220 go ahead\r\n");
  EXPECT_EQ(pair.client.read_line(soon), "220 go ahead");

  auto serving =
      std::async(std::launch::async, [&] { pair.server.upgrade(server_config(), {}, soon); });
  pair.client.upgrade(client_config(), "localhost", soon);
  serving.get();
  EXPECT_TRUE(pair.client.info().secured() && pair.client.info().peer_verified());
  EXPECT_EQ(pair.server.info().correlation_id(), pair.client.info().correlation_id());
  pair.client.write("secret\n");
  EXPECT_EQ(pair.server.read_line(soon), "secret");
}

TEST(CppUpgrade, RefusesPlaintextBehindTheAgreement) {
  PlainPair pair;
  pair.server.write("220 go ahead\r\ninjected\r\n");
  EXPECT_EQ(pair.client.read_line(soon), "220 go ahead");
  EXPECT_EQ(pair.client.wait(SALLY_DIRECTION_READ, soon), std::uint32_t{SALLY_DIRECTION_READ});
  EXPECT_EQ(status_of([&] { pair.client.upgrade(client_config(), "localhost", soon); }),
            SALLY_PLAINTEXT_BEFORE_TLS);
}

TEST(CppConnect, CanBeCanceledByAnotherThread) {
  test::RawListener silent;
  auto socket = sally::StreamSocket::create(
      {.host = "127.0.0.1", .service = silent.service(), .tls = client_config()});
  EXPECT_EQ(status_of([&] { socket.write("too early"); }), SALLY_INVALID_STATE);
  auto connecting =
      std::async(std::launch::async, [&] { return status_of([&] { socket.connect(soon); }); });
  auto peer = silent.accept();
  // A cancel before the connect has begun ends nothing.
  while (connecting.wait_for(1ms) != std::future_status::ready) socket.cancel();
  EXPECT_EQ(connecting.get(), SALLY_CANCELED);
  EXPECT_EQ(status_of([&] { socket.connect(soon); }), SALLY_CLOSED);
}

TEST(CppConnect, SaysWhatItTook) {
  Pair pair;
  const sally::StreamInfo info = pair.client.info();
  EXPECT_TRUE(info.secured());
  EXPECT_GT(info.duration(SALLY_DURATION_HANDSHAKE), 0us);
  EXPECT_EQ(info.round_trips(), 1);
  ASSERT_EQ(info.attempt_count(), 1u);
  EXPECT_EQ(info.attempt(0)->address, pair.listener.address());
  EXPECT_EQ(info.attempt(0)->status, SALLY_OK);
  EXPECT_FALSE(info.attempt(1));
  EXPECT_GT(info.bytes(SALLY_BYTES_WIRE_SENT), 0u);
  EXPECT_EQ(info.bytes(SALLY_BYTES_WRITTEN), 0u);
}

TEST(CppOptions, ReachTheStream) {
  EXPECT_EQ(
      status_of([] { return sally::StreamSocket::create({.host = "localhost", .service = "1"}); }),
      SALLY_INVALID_ARGUMENT)
      << "neither a config nor plain";
  EXPECT_EQ(status_of([] {
              return sally::StreamSocket::create({.host = "localhost",
                                                  .service = "1",
                                                  .tls = client_config(),
                                                  .high_watermark = 10,
                                                  .low_watermark = 10});
            }),
            SALLY_INVALID_ARGUMENT);

  auto listener = listen();
  auto socket = sally::StreamSocket::create({.host = "127.0.0.1",
                                             .service = std::to_string(listener.port()),
                                             .tls = client_config(),
                                             .verify_name = "localhost",
                                             .runtime = sally::Runtime::threads(1),
                                             .high_watermark = 2048,
                                             .low_watermark = 512,
                                             .low_latency = true});
  socket.connect(soon);
  auto server = listener.accept(soon);
  const std::string block(1024, 'x');
  for (int i = 0; i < 3; ++i) socket.write(block, sally::more, soon);
  EXPECT_EQ(server.wait(SALLY_DIRECTION_READ, soon), std::uint32_t{SALLY_DIRECTION_READ})
      << "what is above the watermark is not held back";
}

TEST(CppDrain, WaitsForTheLastConnection) {
  Pair pair;
  auto draining = std::async(std::launch::async, [&] { pair.listener.drain(soon); });
  EXPECT_EQ(draining.wait_for(20ms), std::future_status::timeout);
  pair.server.close(sally::Timeout::attempt());
  draining.get();
  EXPECT_EQ(status_of([&] { return pair.listener.accept(soon); }), SALLY_CLOSED);
}

TEST(CppDrain, ClosesWhatIsLeftAtItsDeadline) {
  Pair pair;
  EXPECT_FALSE(pair.listener.try_drain(1ms));
  std::array<char, 1> buffer;
  EXPECT_EQ(status_of([&] { return pair.server.read_some(buffer, soon); }), SALLY_CLOSED);
}

TEST(CppListener, TakesNoMoreConnectionsThanItMay) {
  auto listener = sally::StreamListener::bind({.host = "127.0.0.1",
                                               .service = "0",
                                               .tls = server_config(),
                                               .max_connections_per_source = 1});
  auto client = connect(listener);
  auto server = listener.accept(soon);
  EXPECT_EQ(status_of([&] { connect(listener); }), SALLY_CONNECTION_RESET);
  EXPECT_EQ(listener.next_refusal(soon).reason.status(), SALLY_LIMIT_EXCEEDED);
  server.close(sally::Timeout::attempt());
  const auto next = connect(listener);
  EXPECT_NE(listener.try_accept(soon), std::nullopt) << "there is room again";
}

}  // namespace
}  // namespace sally::cpp
