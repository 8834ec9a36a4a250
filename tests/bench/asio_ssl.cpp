// asio::ssl::stream, asynchronous, on an io_context that this thread runs.
#include "bench/contender.h"
#include "bench/openssl_context.h"

#include <array>
#include <asio.hpp>
#include <asio/ssl.hpp>
#include <optional>
#include <system_error>

namespace sally::bench {

namespace {

using asio::ip::tcp;
using Socket = asio::ssl::stream<tcp::socket>;

// Runs the loop until the operation that `begin` starts has completed.
template <class Begin>
std::size_t completed(asio::io_context& loop, const char* what, Begin&& begin) {
  bool done = false;
  asio::error_code error;
  std::size_t size = 0;
  begin([&](const asio::error_code& code, std::size_t moved) {
    done = true;
    error = code;
    size = moved;
  });
  loop.restart();
  while (!done) loop.run_one();
  if (error == asio::error::eof) return 0;
  if (error) throw std::system_error(error, what);
  return size;
}

class AsioConnection final : public Connection {
 public:
  AsioConnection(asio::io_context& loop, asio::ssl::context& context, tcp::socket socket)
      : loop_(loop), stream_(std::move(socket), context) {
    stream_.next_layer().set_option(tcp::no_delay(true));
  }

  void shake_hands(bool server) {
    if (!server) set_peer_name(stream_.native_handle());
    completed(loop_, "handshake", [&](auto done) {
      stream_.async_handshake(
          server ? asio::ssl::stream_base::server : asio::ssl::stream_base::client,
          [done](const asio::error_code& error) mutable { done(error, 0); });
    });
  }

  std::size_t read_some(std::span<std::byte> buffer) override {
    return completed(loop_, "read", [&](auto done) {
      stream_.async_read_some(asio::buffer(buffer.data(), buffer.size()), done);
    });
  }

  void write(std::span<const std::byte> data) override {
    completed(loop_, "write", [&](auto done) {
      asio::async_write(stream_, asio::buffer(data.data(), data.size()), done);
    });
  }

  void park() override {
    stream_.async_read_some(asio::buffer(idle_), [](const asio::error_code&, std::size_t) {});
    loop_.restart();
    loop_.poll();
  }

  void close() override {
    completed(loop_, "shutdown", [&](auto done) {
      stream_.async_shutdown([done](const asio::error_code& error) mutable { done(error, 0); });
    });
    stream_.next_layer().close();
  }

 private:
  asio::io_context& loop_;
  Socket stream_;
  std::array<std::byte, 16> idle_{};
};

class Asio final : public Contender {
 public:
  std::uint16_t listen() override {
    configure(context_.native_handle(), true);
    acceptor_.emplace(loop_, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    return acceptor_->local_endpoint().port();
  }

  std::unique_ptr<Connection> accept() override {
    tcp::socket socket(loop_);
    completed(loop_, "accept", [&](auto done) {
      acceptor_->async_accept(socket,
                              [done](const asio::error_code& error) mutable { done(error, 0); });
    });
    return secured(std::move(socket), true);
  }

  std::unique_ptr<Connection> connect(std::uint16_t port) override {
    if (!std::exchange(configured_, true)) configure(context_.native_handle(), false);
    tcp::socket socket(loop_);
    completed(loop_, "connect", [&](auto done) {
      socket.async_connect({asio::ip::address_v4::loopback(), port},
                           [done](const asio::error_code& error) mutable { done(error, 0); });
    });
    return secured(std::move(socket), false);
  }

 private:
  std::unique_ptr<Connection> secured(tcp::socket socket, bool server) {
    auto connection = std::make_unique<AsioConnection>(loop_, context_, std::move(socket));
    connection->shake_hands(server);
    return connection;
  }

  asio::io_context loop_{1};
  asio::ssl::context context_{asio::ssl::context::tls};
  std::optional<tcp::acceptor> acceptor_;
  bool configured_ = false;
};

}  // namespace

std::unique_ptr<Contender> make_asio() {
  return std::make_unique<Asio>();
}

}  // namespace sally::bench
