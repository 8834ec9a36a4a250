// A TLS client and a TLS server joined in memory and driven by one thread, with faults in between.
#pragma once

#include "lib/zoo_index.h"
#include "status/table.h"
#include "tls/config.h"
#include "tls/context.h"
#include "tls/session.h"
#include "transport/event_loop.h"
#include "transport/memory.h"

#include <array>
#include <cstddef>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sally::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr std::uint64_t byte_step = 7;
#else
inline constexpr std::uint64_t byte_step = 1;
#endif

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// For messages of failed tests.
inline std::string name_of(sally_status status) {
  const status::Row* row = status::find(status);
  return row != nullptr ? row->name : "status " + std::to_string(status);
}

// What a connection is made of: by default both sides show a good certificate and demand one.
struct Parties {
  std::int32_t version = SALLY_TLS_1_3;
  std::int32_t client_auth = SALLY_CLIENT_AUTH_REQUIRE;
  std::string client = "client-good";  // "": none
  std::string server = "server-good";
  std::string trust = "root";         // of the client
  std::string client_trust = "root";  // of the server, for clients
  std::vector<std::string> client_alpn = {};
  std::vector<std::string> server_alpn = {};
  std::string name = "localhost";
  bool resumption = true;
};

inline Ref<tls::Config> client_config(const Parties& parties) {
  auto config = make_ref<tls::Config>(SALLY_ROLE_CLIENT);
  config->set_versions(parties.version, parties.version);
  config->set_resumption(parties.resumption, 0);
  config->set_trust(trust(parties.trust));
  config->set_alpn(parties.client_alpn);
  if (!parties.client.empty()) config->add_credential(credential(parties.client));
  return config;
}

inline Ref<tls::Config> server_config(const Parties& parties) {
  auto config = make_ref<tls::Config>(SALLY_ROLE_SERVER);
  config->set_versions(parties.version, parties.version);
  config->set_resumption(parties.resumption, 0);
  config->set_trust(trust(parties.client_trust));
  config->set_client_auth(parties.client_auth);
  config->set_alpn(parties.server_alpn);
  config->add_credential(credential(parties.server));
  return config;
}

// One end: a session over a memory transport.
class TlsEnd {
 public:
  TlsEnd(Ref<tls::Context> context, tls::PeerName name,
         std::unique_ptr<transport::MemoryTransport> transport)
      : transport_(std::move(transport)),
        session_(std::make_unique<tls::Session>(std::move(context), std::move(name), *transport_)) {
  }

  tls::Session& session() { return *session_; }
  transport::MemoryTransport& transport() { return *transport_; }

  // Of the handshake: SALLY_WOULD_BLOCK while it waits.
  sally_status status() const { return status_; }
  bool failed() const { return error_.get() != nullptr; }
  const ErrorRef& error() const { return error_; }

  // As a stream would: a failure is followed by an end of what this side sends.
  void shake() {
    if (failed()) return;
    const tls::Progress progress = session_->handshake();
    status_ = SALLY_WOULD_BLOCK;
    if (progress.state == tls::Progress::State::done) status_ = SALLY_OK;
    if (progress.state == tls::Progress::State::failed) fail(progress.error);
  }

  // Attempts once; "" where nothing came.
  std::string read(std::size_t capacity = 64 * 1024) {
    std::vector<std::byte> buffer(capacity);
    last_ = session_->read(buffer);
    if (last_.state == tls::Progress::State::failed) end_sending();
    if (last_.state != tls::Progress::State::done) return {};
    return {reinterpret_cast<const char*>(buffer.data()), last_.size};
  }
  std::string read_all() {
    std::string all;
    for (std::string part = read(); !part.empty(); part = read()) all += part;
    return all;
  }
  // The status of one attempt, SALLY_WOULD_BLOCK for waiting.
  sally_status read_status() {
    read();
    return last_status();
  }
  std::size_t write(std::string_view text) {
    last_ = session_->write(bytes_of(text));
    return last_.size;
  }
  sally_status write_status(std::string_view text = "x") {
    write(text);
    return last_status();
  }
  sally_status flush_status() {
    last_ = session_->flush();
    return last_status();
  }
  const tls::Progress& last() const { return last_; }
  sally_status last_status() const {
    if (last_.state == tls::Progress::State::done) return SALLY_OK;
    return last_.error ? last_.error->status() : SALLY_WOULD_BLOCK;
  }

  // Gives both away, to a stream.
  std::unique_ptr<transport::MemoryTransport> take_transport() { return std::move(transport_); }
  std::unique_ptr<tls::Session> take_session() { return std::move(session_); }

 private:
  void fail(const ErrorRef& error) {
    error_ = error;
    status_ = error->status();
    end_sending();
  }
  void end_sending() {
    if (session_->flush().state != tls::Progress::State::waiting) transport_->shutdown_send();
  }

  std::unique_ptr<transport::MemoryTransport> transport_;
  std::unique_ptr<tls::Session> session_;  // after the transport: it must go first
  sally_status status_ = SALLY_WOULD_BLOCK;
  ErrorRef error_;
  tls::Progress last_;
};

class TlsPair {
 public:
  explicit TlsPair(const Parties& parties = {})
      : TlsPair(client_config(parties)->freeze(), server_config(parties)->freeze(), parties.name) {}
  TlsPair(Ref<tls::Context> client_context, Ref<tls::Context> server_context,
          const std::string& name = "localhost") {
    auto [near, far] = transport::make_memory_transports(transport::EventLoop::shared());
    client_.emplace(std::move(client_context), tls::PeerName{name}, std::move(near));
    server_.emplace(std::move(server_context), tls::PeerName{}, std::move(far));
  }

  TlsEnd& client() { return *client_; }
  TlsEnd& server() { return *server_; }

  // Attempts both handshakes until neither gets any further.
  void shake_hands() {
    for (int idle = 0; idle < 2; ++idle) {
      const auto before = traffic();
      client_->shake();
      server_->shake();
      if (traffic() != before) idle = -1;
    }
  }
  TlsPair& established() {
    shake_hands();
    EXPECT_EQ(name_of(client_->status()), "SALLY_OK");
    EXPECT_EQ(name_of(server_->status()), "SALLY_OK");
    return *this;
  }

 private:
  std::array<std::uint64_t, 4> traffic() {
    return {client_->transport().sent(), server_->transport().sent(),
            static_cast<std::uint64_t>(client_->status()),
            static_cast<std::uint64_t>(server_->status())};
  }

  std::optional<TlsEnd> client_;
  std::optional<TlsEnd> server_;
};

}  // namespace sally::test
