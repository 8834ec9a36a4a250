// Random traffic both ways between two sessions, over channels that take and give little at a time and
// say where they have nothing: whatever is written arrives, once and in order.
#include "lib/tls_pair.h"

#include <gtest/gtest.h>
#include <random>
#include <string>

namespace sally::test {
namespace {

// Knows what the other one has sent.
class KnowingChannel final : public transport::Channel {
 public:
  explicit KnowingChannel(std::unique_ptr<transport::MemoryTransport> below)
      : below_(std::move(below)) {}

  transport::Transfer try_receive(std::span<std::byte> buffer) noexcept override {
    const transport::Transfer transfer = below_->try_receive(buffer);
    received_ += transfer.size;
    return transfer;
  }
  transport::Transfer try_send(std::span<const std::span<const std::byte>> all) noexcept override {
    return below_->try_send(all);
  }
  bool would_receive_nothing() const noexcept override {
    return other_->below_->sent() == received_;
  }
  void join(KnowingChannel& other) {
    other_ = &other;
    other.other_ = this;
  }
  transport::MemoryTransport& below() { return *below_; }

 private:
  std::unique_ptr<transport::MemoryTransport> below_;
  KnowingChannel* other_ = nullptr;
  std::uint64_t received_ = 0;
};

struct Talker {
  Talker(const Ref<tls::Config>& config, const char* name,
         std::unique_ptr<transport::MemoryTransport> transport)
      : channel(std::move(transport)),
        session(config->freeze(), tls::PeerName{.text = name}, channel) {}

  KnowingChannel channel;
  tls::Session session;
  std::string to_write;
  std::string written;
  std::string arrived;
};

class SessionScript : public testing::TestWithParam<unsigned> {
 protected:
  SessionScript() {
    client.channel.join(server.channel);
    for (int turn = 0; turn < 6; ++turn) {
      client.session.handshake();
      server.session.handshake();
    }
    EXPECT_TRUE(client.session.established() && server.session.established());
    for (Talker* talker : {&client, &server}) {
      talker->session.set_limits({.high_watermark = 1000 + below(100'000),
                                  .low_watermark = below(900),
                                  .low_latency = below(3) == 0});
    }
  }

  std::size_t below(std::size_t end) { return random_() % end; }
  // Small ones as often as large ones.
  std::size_t some_size() {
    constexpr std::array<std::size_t, 5> largest = {1, 30, 1400, 17'000, 70'000};
    return 1 + below(largest[below(largest.size())]);
  }
  std::string text_of(std::size_t size) {
    std::string text(size, '\0');
    for (char& each : text) each = static_cast<char>(random_());
    return text;
  }

  void read(Talker& talker) {
    std::vector<std::byte> buffer(some_size());
    const tls::Progress progress = talker.session.read(buffer);
    ASSERT_NE(progress.state, tls::Progress::State::failed) << progress.error->message();
    talker.arrived.append(reinterpret_cast<const char*>(buffer.data()), progress.size);
  }
  void write(Talker& talker) {
    if (talker.to_write.empty()) talker.to_write = text_of(some_size());
    const bool more = below(2) == 0;
    const tls::Progress progress = talker.session.write(bytes_of(talker.to_write), more);
    ASSERT_NE(progress.state, tls::Progress::State::failed) << progress.error->message();
    talker.written += talker.to_write.substr(0, progress.size);
    talker.to_write.erase(0, progress.size);
  }
  void pack(Talker& talker) {
    const std::string text = text_of(1 + below(300));
    if (talker.to_write.empty() && talker.session.pack(bytes_of(text))) talker.written += text;
  }
  void step(Talker& talker) {
    const auto limit = [this] { return below(3) == 0 ? some_size() : std::size_t{0}; };
    switch (below(9)) {
      case 0:
        return pack(talker);
      case 1:
        talker.session.flush();
        return;
      case 2:
        return talker.channel.below().set_faults(
            {.receive_limit = limit(), .send_limit = limit(), .capacity = some_size()});
      case 3:
        if (version == SALLY_TLS_1_3 && talker.session.is_writable())
          talker.session.update_keys(/*request_peer=*/below(2) == 0);
        return;
      case 4:
        talker.session.peek();
        return;
      case 5:
      case 6:
        return read(talker);
      default:
        return write(talker);
    }
  }
  std::size_t progress() {
    return client.arrived.size() + server.arrived.size() + client.channel.below().sent() +
           server.channel.below().sent();
  }

  const std::int32_t version = GetParam() % 3 == 0 ? SALLY_TLS_1_2 : SALLY_TLS_1_3;
  std::pair<std::unique_ptr<transport::MemoryTransport>,
            std::unique_ptr<transport::MemoryTransport>>
      wire = transport::make_memory_transports(transport::EventLoop::shared());
  Talker client{client_config({.version = version}), "localhost", std::move(wire.first)};
  Talker server{server_config({.version = version}), "", std::move(wire.second)};

 private:
  std::mt19937 random_{GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Seeds, SessionScript, testing::Range(0u, 30u));

TEST_P(SessionScript, BringsAllThatWasWrittenInOrder) {
  for (int i = 0; i < 1500 && !HasFatalFailure(); ++i) step(below(2) == 0 ? client : server);
  const auto is_over = [this] {
    return client.arrived == server.written && server.arrived == client.written;
  };
  for (std::size_t before = 0; !is_over() && !HasFatalFailure();) {
    for (Talker* talker : {&client, &server}) {
      talker->channel.below().set_faults({});
      talker->session.flush();
      read(*talker);
    }
    ASSERT_NE(progress(), std::exchange(before, progress())) << "nothing more comes";
  }
  EXPECT_TRUE(is_over());
}

}  // namespace
}  // namespace sally::test
