// Streams that end, or are let go of, in the middle of what they do.
#include "lib/stream_pair.h"
#include "unit/forwarding_transport.h"

#include <array>
#include <cstdint>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <thread>

#include <sallyport/stream.h>

namespace sally::test {
namespace {

using socket::Patience;

constexpr auto moment = std::chrono::milliseconds(1);

enum class End { cancel, close, abandon, cut, reset };

const char* label(End end) {
  constexpr std::array labels = {"Cancel", "Close", "Abandon", "Cut", "Reset"};
  return labels[static_cast<std::size_t>(end)];
}

class StreamEnding : public testing::TestWithParam<End> {};

INSTANTIATE_TEST_SUITE_P(By, StreamEnding,
                         testing::Values(End::cancel, End::close, End::abandon, End::cut,
                                         End::reset),
                         [](const auto& row) { return label(row.param); });

void end_by(End end, StreamPair& pair) {
  switch (end) {
    case End::cancel:
      return pair.client->cancel(SALLY_DIRECTION_READ | SALLY_DIRECTION_WRITE);
    case End::close:
      static_cast<void>(pair.client->close(within(10)));
      return;
    case End::abandon:
      return pair.client->abandon();
    case End::cut:
      pair.server.wire->resume();  // a stall would hide it
      pair.client.wire->cut();
      return pair.server.wire->cut();
    case End::reset:
      pair.client.wire->set_faults({.reset_at = 0});
      return pair.server.wire->set_faults({.reset_at = 0});
  }
}

TEST_P(StreamEnding, AtAnyByteEndsEveryCallOfEveryThread) {
  const Ref<tls::Context> client = client_config({})->freeze();
  const Ref<tls::Context> server = server_config({})->freeze();
  const std::string text(100'000, 'x');
  for (std::uint64_t offset = 0; offset < 120; offset += 3 * byte_step) {
    StreamPair pair{TlsPair(client, server)};
    pair.server.wire->set_faults({.stall_at = pair.server.wire->sent() + offset});
    pair.client.wire->set_faults({.capacity = 1 + offset});
    const std::uint64_t before = pair.client.wire->sent();
    // Each thread holds a reference of its own, as a handle's owner would.
    auto reading = start([stream = pair.client.stream] {
      std::string last;
      while ((last = read(*stream).status()) == "SALLY_OK") continue;
      return last;
    });
    auto writing =
        start([stream = pair.client.stream, &text] { return write(*stream, text).status(); });
    auto queued =
        start([stream = pair.client.stream, &text] { return write(*stream, text).status(); });
    write(*pair.server, "three", Patience::none());
    write(*pair.server, "records", Patience::none());
    if (offset % 2 == 0) {
      while (pair.client.wire->sent() == before) std::this_thread::yield();
    }

    do {
      end_by(GetParam(), pair);
    } while (!is_over(reading, moment) || !is_over(writing, moment) || !is_over(queued, moment));
    EXPECT_NE(awaited(reading), "SALLY_INTERNAL");
    EXPECT_NE(awaited(writing), "SALLY_UNKNOWN");
    EXPECT_NE(awaited(queued), "SALLY_UNKNOWN");
  }
}

TEST(StreamAbandon, WithABackgroundFlushUnderWayEndsIt) {
  for (int round = 0; round < 20; ++round) {
    StreamPair pair;
    pair.client.wire->set_faults({.capacity = 10});
    write(*pair.client, std::string(1000, 'x'), Patience::none());
    if (round % 2 == 0) pair.client.wire->set_faults({});
    pair.client->abandon();
    pair.client.stream = {};
  }
}

// Has the peer send more whenever something is received.
class Flood final : public Forwarding {
 public:
  Flood(std::unique_ptr<transport::Transport> below, TlsEnd& peer)
      : Forwarding(std::move(below)), peer_(peer) {}

  transport::Transfer try_receive(std::span<std::byte> buffer) noexcept override {
    if (receives_++ < most) peer_.write(std::string(16'000, 'x'));
    return Forwarding::try_receive(buffer);
  }
  int receives() const { return receives_; }

  static constexpr int most = 10'000;

 private:
  TlsEnd& peer_;
  int receives_ = 0;
};

TEST(StreamAbandon, OfAPeerThatNeverStopsSendingDoesNotListenForLong) {
  auto [near, far] = transport::make_memory_transports(transport::EventLoop::shared());
  TlsEnd server(server_config({})->freeze(), {}, std::move(far));
  auto flood = std::make_unique<Flood>(std::move(near), server);
  Flood& flooding = *flood;
  auto session = std::make_unique<tls::Session>(client_config({})->freeze(),
                                                tls::PeerName{.text = "localhost"}, *flood);
  for (int turn = 0; turn < 4; ++turn) {
    session->handshake();
    server.shake();
  }
  ASSERT_TRUE(session->established());
  ASSERT_EQ(server.status(), SALLY_OK);
  const int before = flooding.receives();
  const auto stream = make_ref<socket::Stream>(std::move(flood), std::move(session));
  stream->abandon();
  EXPECT_LT(flooding.receives() - before, 1000);
}

}  // namespace
}  // namespace sally::test
