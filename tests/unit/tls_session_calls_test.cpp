// What a session asks of its channel: how often it sends and receives, and when it does neither.
#include "lib/tls_pair.h"
#include "transport/send_queue.h"

#include <cerrno>
#include <gtest/gtest.h>
#include <initializer_list>
#include <malloc.h>
#include <optional>
#include <string>
#include <utility>

namespace sally::test {
namespace {

using transport::Channel;
using transport::Transfer;
using transport::TransferState;

// Passes on what it is asked for, and counts it.
class CountingChannel final : public Channel {
 public:
  explicit CountingChannel(std::unique_ptr<transport::MemoryTransport> below)
      : below_(std::move(below)) {}

  Transfer try_receive(std::span<std::byte> buffer) noexcept override {
    ++receives;
    return below_->try_receive(buffer);
  }
  Transfer try_send(std::span<const std::span<const std::byte>> buffers) noexcept override {
    ++sends;
    if (send_error != 0) return {TransferState::failed, 0, std::exchange(send_error, EPIPE)};
    return below_->try_send(buffers);
  }
  bool would_receive_nothing() const noexcept override { return nothing_there; }
  transport::MemoryTransport& below() { return *below_; }

  int receives = 0;
  int sends = 0;
  int send_error = 0;  // of the next send; later ones meet a broken pipe
  bool nothing_there = false;

 private:
  std::unique_ptr<transport::MemoryTransport> below_;
};

struct End {
  End(Ref<tls::Context> context, const char* name,
      std::unique_ptr<transport::MemoryTransport> transport)
      : channel(std::move(transport)), session(std::move(context), tls::PeerName{name}, channel) {}

  // One attempt; "" where it has to wait.
  std::string read(std::size_t capacity = 16 * 1024) {
    std::vector<std::byte> buffer(capacity);
    last = session.read(buffer);
    if (last.state != tls::Progress::State::done) return {};
    return {reinterpret_cast<const char*>(buffer.data()), last.size};
  }
  std::size_t write(std::string_view text, bool more = false) {
    last = session.write(bytes_of(text), more);
    return last.size;
  }

  CountingChannel channel;
  tls::Session session;
  tls::Progress last;
};

class SessionCalls : public testing::TestWithParam<std::int32_t> {
 protected:
  SessionCalls() {
    const Parties parties{.version = GetParam()};
    auto [near, far] = transport::make_memory_transports(transport::EventLoop::shared());
    client.emplace(client_config(parties)->freeze(), "localhost", std::move(near));
    server.emplace(server_config(parties)->freeze(), "", std::move(far));
    for (int turn = 0; turn < 6; ++turn) {
      client->session.handshake();
      server->session.handshake();
    }
    EXPECT_TRUE(client->session.established() && server->session.established());
    EXPECT_EQ(client->read(), "") << "but for what TLS itself has left to say";
    client->channel.sends = server->channel.receives = 0;
  }

  // Into a channel that takes all of it.
  void write_all(const std::string& text) {
    client->channel.below().set_faults({.capacity = 2 * text.size()});
    for (std::size_t taken = 0; taken < text.size();) {
      ASSERT_GT(client->write(std::string_view(text).substr(taken)), 0u);
      taken += client->last.size;
    }
  }

  // A text without a period that records could hide.
  static std::string text_of(std::size_t size) {
    std::string text(size, '\0');
    unsigned state = 1;
    for (char& each : text) each = static_cast<char>((state = state * 1103515245 + 12345) >> 16);
    return text;
  }

  std::optional<End> client, server;
};

INSTANTIATE_TEST_SUITE_P(Versions, SessionCalls, testing::Values(SALLY_TLS_1_2, SALLY_TLS_1_3),
                         [](const auto& row) {
                           return row.param == SALLY_TLS_1_2 ? "Tls12" : "Tls13";
                         });

TEST_P(SessionCalls, AreOneForASmallWriteAndNoneAreLeftToTheFlush) {
  ASSERT_EQ(client->write("ping"), 4u);
  EXPECT_EQ(client->channel.sends, 1);
  EXPECT_EQ(client->session.flush().state, tls::Progress::State::done);
  EXPECT_EQ(client->channel.sends, 1);
  EXPECT_EQ(server->read(), "ping");
}

TEST_P(SessionCalls, AreOneForManySmallWritesThatFollowOneAnother) {
  for (int i = 0; i < 31; ++i) ASSERT_EQ(client->write(std::string(64, 'x'), /*more=*/true), 64u);
  EXPECT_EQ(client->channel.sends, 0);
  ASSERT_EQ(client->write(std::string(64, 'x')), 64u);
  EXPECT_EQ(client->channel.sends, 1);
  EXPECT_EQ(server->read().size(), 32u * 64u);
}

TEST_P(SessionCalls, AreOneForTheSmallRecordsOfALowLatencyWrite) {
  client->session.set_limits({.low_latency = true});
  ASSERT_EQ(client->write(text_of(13'600)), 13'600u);
  EXPECT_EQ(client->channel.sends, 1);
}

TEST_P(SessionCalls, OfAWriteThatIsHeldUpTellOfAllThatWaits) {
  client->channel.below().set_faults({.capacity = 20'000});
  const std::string text = text_of(60'000);
  ASSERT_EQ(client->write(text), text.size());
  const transport::Traffic traffic = client->session.traffic();
  EXPECT_EQ(traffic.wire_sent, client->channel.below().sent());
  EXPECT_EQ(traffic.wire_queued - traffic.wire_sent, client->session.pending_output());
  std::string arrived;
  while (arrived.size() < text.size()) {
    const std::string part = server->read();
    const std::size_t waited = client->session.pending_output();
    client->session.flush();
    ASSERT_TRUE(!part.empty() || client->session.pending_output() < waited);
    arrived += part;
  }
  EXPECT_EQ(arrived, text);
  EXPECT_EQ(client->session.pending_output(), 0u);
}

TEST_P(SessionCalls, ToSendTellTheErrorThatTheFirstOfThemMet) {
  client->channel.send_error = ECONNRESET;
  client->write(text_of(40'000));
  ASSERT_EQ(client->last.state, tls::Progress::State::failed);
  EXPECT_EQ(name_of(client->last.error->status()), "SALLY_CONNECTION_RESET");
  EXPECT_EQ(client->last.error->detail().native_code, ECONNRESET);
  EXPECT_EQ(client->channel.sends, 1);
}

TEST_P(SessionCalls, ToReceiveAreFewerThanTheRecordsOfAStream) {
  const std::string text = text_of(std::size_t{48} * 16 * 1024);
  std::string arrived;
  write_all(text);
  while (arrived.size() < text.size()) {
    const std::string part = server->read();
    ASSERT_NE(part, "");
    arrived += part;
  }
  EXPECT_EQ(arrived, text);
  EXPECT_FALSE(server->session.has_more());
  EXPECT_LT(server->channel.receives, 48 / 2);
  EXPECT_EQ(server->session.traffic().wire_received, client->session.traffic().wire_sent);
}

TEST_P(SessionCalls, LeaveTheEndOfAStreamBehindAllThatCameBeforeIt) {
  const std::string text = text_of(100'000);
  write_all(text);
  client->session.end_sending();
  client->session.flush();
  client->channel.below().shutdown_send();
  std::string arrived;
  for (std::string part = server->read(); !part.empty(); part = server->read()) arrived += part;
  EXPECT_EQ(arrived, text);
  ASSERT_EQ(server->last.state, tls::Progress::State::failed);
  EXPECT_EQ(name_of(server->last.error->status()), "SALLY_END_OF_STREAM");
}

TEST_P(SessionCalls, AreSparedWhereNothingIsThereAndWhatWaitsIsSentAllTheSame) {
  server->channel.nothing_there = true;
  EXPECT_EQ(server->write("packed", /*more=*/true), 6u);
  EXPECT_EQ(server->read(), "");
  EXPECT_EQ(server->last.state, tls::Progress::State::waiting);
  EXPECT_EQ(server->last.interest, transport::Interest::read);
  EXPECT_EQ(server->session.peek().state, tls::Progress::State::waiting);
  EXPECT_EQ(server->channel.receives, 0);
  EXPECT_EQ(client->read(), "packed");
  client->write("x");
  server->channel.nothing_there = false;
  EXPECT_EQ(server->read(), "x");
}

// What OpenSSL, or the session, holds already is not in the channel any more.
TEST_P(SessionCalls, ThatWouldBringNothingKeepNothingBackThatCameBefore) {
  const std::string text = text_of(std::size_t{8} * 16 * 1024);
  write_all(text);
  std::string arrived;
  for (int i = 0; i < 40; ++i) arrived += server->read(1000);
  server->channel.nothing_there = true;
  for (std::string part = server->read(1000); !part.empty(); part = server->read(1000)) {
    arrived += part;
  }
  server->channel.nothing_there = false;
  for (std::string part = server->read(); !part.empty(); part = server->read()) arrived += part;
  EXPECT_EQ(arrived, text);
}

// What came behind the ticket, in the same call into OpenSSL, is in no channel any more either.
TEST(SessionOfAConfirmedClient, IsToldOfTheEndThatCameWithItsConfirmation) {
  for (const bool well : {true, false}) {
    auto [near, far] = transport::make_memory_transports(transport::EventLoop::shared());
    End client(client_config({})->freeze(), "localhost", std::move(near));
    End server(server_config({})->freeze(), "", std::move(far));
    client.session.await_confirmation();
    for (int turn = 0; turn < 2; ++turn) {
      client.session.handshake();
      if (turn == 1 && !well) {
        const std::string junk = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
        client.channel.below().try_send(std::array{bytes_of(junk)});
      }
      server.session.handshake();
    }
    ASSERT_TRUE(server.session.established());
    if (well) server.session.end_sending();
    server.read();
    server.session.flush();
    ASSERT_EQ(client.session.handshake().state, tls::Progress::State::done);

    client.channel.nothing_there = true;
    EXPECT_EQ(client.read(), "");
    ASSERT_EQ(client.last.state, tls::Progress::State::failed);
    EXPECT_EQ(name_of(client.last.error->status()),
              well ? "SALLY_END_OF_STREAM" : "SALLY_ALERT_BAD_RECORD_MAC");
  }
}

TEST_P(SessionCalls, CarryRecordsOfAllSizesInTurn) {
  for (const std::size_t size :
       std::initializer_list<std::size_t>{1, 40'000, 768, 769, 16'384, 5, 16'385, 600, 65'000, 2}) {
    const std::string text = text_of(size);
    ASSERT_EQ(client->write(text), size);
    std::string arrived;
    while (arrived.size() < size) {
      const std::string part = server->read();
      ASSERT_NE(part, "") << size;
      arrived += part;
    }
    ASSERT_EQ(arrived, text);
  }
}

TEST(SendQueue, KeepsTheOrderOfWhatItPassesAndWhatItKeeps) {
  auto [near, far] = transport::make_memory_transports(transport::EventLoop::shared());
  near->set_faults({.capacity = 3});
  transport::SendQueue queue;
  queue.pass(*near, bytes_of("ab"));
  EXPECT_TRUE(queue.empty());
  queue.pass(*near, bytes_of("cd"));
  queue.pass(*near, bytes_of("ef"));
  EXPECT_EQ(queue.size(), 3u);
  EXPECT_EQ(queue.queued(), 6u);
  EXPECT_EQ(queue.sent(), 3u);
  std::string arrived;
  std::array<std::byte, 2> buffer;
  while (true) {
    const Transfer transfer = far->try_receive(buffer);
    if (transfer.state != TransferState::moved) break;
    arrived.append(reinterpret_cast<const char*>(buffer.data()), transfer.size);
    if (!queue.empty()) queue.send(*near);
  }
  EXPECT_EQ(arrived, "abcdef");
  EXPECT_EQ(queue.sent(), 6u);
}

TEST(SendQueue, KeepsNothingOfWhatWasSentWhereASlowPeerNeverEmptiesIt) {
  constexpr std::size_t piece = 1000;
  auto [near, far] = transport::make_memory_transports(transport::EventLoop::shared());
  near->set_faults({.capacity = piece});
  transport::SendQueue queue;
  std::vector<std::byte> bytes(piece);
  std::vector<std::byte> buffer(2 * piece);
  const auto held = [] {
    const auto info = mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  queue.append(bytes);
  const std::size_t before = held();
  for (int i = 0; i < 20'000; ++i) {
    bytes.assign(piece, static_cast<std::byte>(i + 1));
    queue.append(bytes);
    queue.send(*near);
    ASSERT_EQ(far->try_receive(buffer).size, piece);
    ASSERT_EQ(buffer.front(), static_cast<std::byte>(i));
    ASSERT_EQ(queue.size(), piece);
  }
  EXPECT_LT(held(), before + 100 * piece);
}

}  // namespace
}  // namespace sally::test
