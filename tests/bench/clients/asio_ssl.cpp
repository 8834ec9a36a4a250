// asio::ssl::stream as its documentation and examples show it: a handler a step.
#include "callback_peer.h"
#include "crowd.h"
#include "openssl_sessions.h"

#include <asio.hpp>
#include <asio/ssl.hpp>

namespace bench {

namespace {

using asio::ip::tcp;

struct World {
  explicit World(const Options& options) : server(asio::ip::address_v4::loopback(), options.port) {
    for (auto* context : {&full, &resuming}) {
      context->use_certificate_chain_file(options.file("client.pem"));
      context->use_private_key_file(options.file("client.key"), asio::ssl::context::pem);
      context->load_verify_file(options.file("ca.pem"));
      context->set_verify_mode(asio::ssl::verify_peer);
    }
    sessions.keep_those_of(resuming.native_handle());
  }
  void wait(Plan& plan) {
    loop.restart();
    while (!plan.over()) loop.run_one();
  }

  const tcp::endpoint server;
  asio::io_context loop{1};
  asio::ssl::context full{asio::ssl::context::tls_client};
  asio::ssl::context resuming{asio::ssl::context::tls_client};
  OpenSslSessions sessions;
};

class Peer final : public CallbackPeer<Peer> {
  auto next() {
    return [this](const asio::error_code& error, std::size_t size) {
      if (error) fail(error.message());
      completed(size);
    };
  }

 public:
  Peer(World& world, bool strict) : CallbackPeer(strict), world_(world) {}

  void connect(bool resume) {
    stream_.emplace(world_.loop, resume ? world_.resuming : world_.full);
    stream_->set_verify_callback(asio::ssl::host_name_verification("localhost"));
    SSL_set_tlsext_host_name(stream_->native_handle(), "localhost");
    if (resume) world_.sessions.offer_one(stream_->native_handle());
    stream_->lowest_layer().async_connect(world_.server, [this](const asio::error_code& error) {
      if (error) fail("connect: " + error.message());
      stream_->lowest_layer().set_option(tcp::no_delay(true));
      stream_->async_handshake(asio::ssl::stream_base::client, [this](const asio::error_code& why) {
        if (why) fail("handshake: " + why.message());
        completed(0);
      });
    });
  }
  void write(Bytes data) {
    asio::async_write(*stream_, asio::buffer(data.data(), data.size()), next());
  }
  void write_all(const Bytes* pieces, std::size_t count) {
    std::vector<asio::const_buffer> buffers;
    buffers.reserve(count);
    for (std::size_t i = 0; i < count; ++i)
      buffers.push_back(asio::buffer(pieces[i].data(), pieces[i].size()));
    asio::async_write(*stream_, buffers, next());
  }
  void read_some(unsigned char* buffer, std::size_t size) {
    stream_->async_read_some(asio::buffer(buffer, size), next());
  }
  void close() {
    stream_->async_shutdown([this](const asio::error_code& error) {
      if (error && error != asio::error::eof) fail("shutdown: " + error.message());
      completed(0);
    });
  }

 private:
  World& world_;
  std::optional<asio::ssl::stream<tcp::socket>> stream_;
};

}  // namespace

}  // namespace bench

int main(int count, char** arguments) {
  const auto options = bench::Options::parse(count, arguments);
  bench::World world(options);
  return bench::Crowd<bench::Peer, bench::World>(world, options).obey_all();
}
