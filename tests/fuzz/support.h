// What the fuzz programs share: bytes as a channel, flights of real handshakes to start from, and
// what must always hold.
#pragma once

#include "lib/zoo_index.h"
#include "status/error.h"
#include "tls/config.h"
#include "tls/context.h"
#include "tls/session.h"
#include "transport/channel.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sally::fuzz {

using Bytes = std::vector<std::byte>;

inline void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

// A failure that the library has no word for is one that nobody thought of.
inline void require_explained(const ErrorRef& error) {
  require(static_cast<bool>(error), "a failure comes with its error");
  require(error->status() != SALLY_UNKNOWN && error->status() != SALLY_INTERNAL &&
              error->status() != SALLY_OK,
          "an error says what happened");
  require(error->json() != nullptr && error->json()[0] == '{', "an error can be shown");
}

// Gives the peer's bytes, then the end of the stream; keeps what is sent.
class ByteChannel final : public transport::Channel {
 public:
  ByteChannel(std::span<const std::byte> incoming, bool ends) : incoming_(incoming), ends_(ends) {}

  transport::Transfer try_receive(std::span<std::byte> buffer) noexcept override {
    const std::size_t size = std::min(buffer.size(), incoming_.size());
    if (size == 0)
      return {ends_ ? transport::TransferState::ended : transport::TransferState::would_block, 0,
              0};
    std::copy_n(incoming_.begin(), size, buffer.begin());
    incoming_ = incoming_.subspan(size);
    return {transport::TransferState::moved, size, 0};
  }
  transport::Transfer try_send(
      std::span<const std::span<const std::byte>> buffers) noexcept override {
    std::size_t size = 0;
    for (const auto buffer : buffers) {
      sent.insert(sent.end(), buffer.begin(), buffer.end());
      size += buffer.size();
    }
    return {transport::TransferState::moved, size, 0};
  }
  // What comes next.
  void feed(const Bytes& bytes) { incoming_ = bytes; }

  Bytes sent;

 private:
  std::span<const std::byte> incoming_;
  bool ends_;
};

inline Ref<tls::Context> client_context(std::int32_t version) {
  const auto config = make_ref<tls::Config>(SALLY_ROLE_CLIENT);
  config->set_versions(version, SALLY_TLS_1_3);
  config->set_trust(test::trust("root"));
  config->set_alpn({"h2", "http/1.1"});
  config->add_credential(test::credential("client-good"));
  return config->freeze();
}

inline Ref<tls::Context> server_context(std::int32_t highest) {
  const auto config = make_ref<tls::Config>(SALLY_ROLE_SERVER);
  config->set_versions(SALLY_TLS_1_2, highest);
  config->set_trust(test::trust("root"));
  config->set_client_auth(SALLY_CLIENT_AUTH_REQUIRE);
  config->set_alpn({"h2"});
  config->add_credential(test::credential("server-good"));
  return config->freeze();
}

struct Flights {
  Bytes client;
  Bytes server;
};

// All that both sides send in a good handshake whose highest version the server sets.
inline Flights record_flights(std::int32_t highest) {
  ByteChannel to_client({}, false);
  ByteChannel to_server({}, false);
  tls::Session client(client_context(SALLY_TLS_1_2), {.text = "localhost"}, to_client);
  tls::Session server(server_context(highest), {}, to_server);
  Flights flights;
  for (int turn = 0; turn < 4; ++turn) {
    client.handshake();
    const Bytes said = std::exchange(to_client.sent, {});
    flights.client.insert(flights.client.end(), said.begin(), said.end());
    to_server.feed(said);
    server.handshake();
    const Bytes answer = std::exchange(to_server.sent, {});
    flights.server.insert(flights.server.end(), answer.begin(), answer.end());
    to_client.feed(answer);
    client.handshake();
  }
  require(client.established() && server.established(), "the good handshake is good");
  return flights;
}

// The first byte says what to start from: nothing (the rest are the bytes themselves), or a flight
// in which each further four bytes change one byte, cut the rest off, or insert one.
inline Bytes to_flight(std::span<const std::uint8_t> input, const Bytes& tls12,
                       const Bytes& tls13) {
  if (input.empty()) return {};
  const std::uint8_t base = input.front() % 3;
  input = input.subspan(1);
  if (base == 0) {
    const auto bytes = std::as_bytes(input);
    return Bytes(bytes.begin(), bytes.end());
  }
  Bytes flight = base == 1 ? tls12 : tls13;
  for (; input.size() >= 4; input = input.subspan(4)) {
    if (flight.empty()) break;
    const std::size_t at = static_cast<std::size_t>(input[0] << 8 | input[1]) % flight.size();
    const auto place = flight.begin() + static_cast<std::ptrdiff_t>(at);
    switch (input[2] % 4) {
      case 0:
        *place = std::byte{input[3]};
        break;
      case 1:
        *place ^= std::byte{input[3]};
        break;
      case 2:
        flight.insert(place, std::byte{input[3]});
        break;
      case 3:
        input[3] % 2 == 0 ? flight.erase(place, flight.end()) : flight.erase(place);
        break;
    }
  }
  return flight;
}

// Drives a session over `flight` until it has failed; it must never succeed.
inline void shake(const Ref<tls::Context>& context, const tls::PeerName& name,
                  const Bytes& flight) {
  ByteChannel channel(flight, /*ends=*/true);
  tls::Session session(context, name, channel);
  tls::Progress progress = session.handshake();
  for (int turn = 0; progress.state == tls::Progress::State::waiting; ++turn) {
    require(turn < 100, "a stream that ended ends the handshake");
    progress = session.handshake();
  }
  require(progress.state == tls::Progress::State::failed, "a replayed handshake never succeeds");
  require_explained(progress.error);
  require(!session.established(), "what failed is not established");
  require(session.handshake().error == progress.error, "errors are sticky");
  std::array<std::byte, 16> buffer{};
  require(session.read(buffer).state == tls::Progress::State::failed,
          "nothing is read from what failed");
}

}  // namespace sally::fuzz
