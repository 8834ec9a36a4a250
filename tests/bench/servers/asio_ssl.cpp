// asio::ssl::stream as its documentation and examples show it: a session an object, a handler a
// step.
#include "program.h"

#include <algorithm>
#include <asio.hpp>
#include <asio/ssl.hpp>
#include <memory>
#include <thread>
#include <vector>

namespace bench {

namespace {

using asio::ip::tcp;

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, asio::ssl::context& context) : stream_(std::move(socket), context) {}

  void start() {
    stream_.async_handshake(asio::ssl::stream_base::server,
                            [self = shared_from_this()](const asio::error_code& error) {
                              if (!error) self->read_command();
                            });
  }

 private:
  void read_command() {
    asio::async_read(stream_, asio::buffer(header_),
                     [self = shared_from_this()](const asio::error_code& error, std::size_t) {
                       if (error) return self->close(error);
                       self->begin();
                     });
  }

  void begin() {
    command_ = Command::parse(header_);
    if (command_.work == Work::idle) return answer();
    if (buffer_.empty()) buffer_.resize(Command::buffer_size);
    if (command_.work == Work::echo) return echo();
    if (command_.work == Work::upload) return take();
    give();
  }

  void echo() {
    stream_.async_read_some(
        asio::buffer(buffer_),
        [self = shared_from_this()](const asio::error_code& error, std::size_t size) {
          if (error) return self->close(error);
          asio::async_write(self->stream_, asio::buffer(self->buffer_, size),
                            [self](const asio::error_code& failure, std::size_t) {
                              if (!failure) self->echo();
                            });
        });
  }

  void take() {
    if (command_.count == 0) return answer();
    stream_.async_read_some(
        asio::buffer(buffer_),
        [self = shared_from_this()](const asio::error_code& error, std::size_t size) {
          if (error) return self->close(error);
          self->command_.count -= std::min<std::uint64_t>(self->command_.count, size);
          self->take();
        });
  }

  void give() {
    if (command_.count == 0) return read_command();
    if (command_.work == Work::batches) return give_batch();
    std::size_t size = command_.size;
    if (command_.work == Work::download) size = std::min<std::uint64_t>(size, command_.count);
    command_.count -= command_.work == Work::download ? size : 1;
    asio::async_write(stream_, asio::buffer(buffer_, size),
                      [self = shared_from_this()](const asio::error_code& error, std::size_t) {
                        if (!error) self->give();
                      });
  }

  void give_batch() {
    const std::size_t messages = std::min<std::uint64_t>(Command::batch, command_.count);
    command_.count -= messages;
    std::vector<asio::const_buffer> pieces;
    for (std::size_t i = 0; i < messages; ++i)
      pieces.push_back(asio::buffer(buffer_.data() + i * command_.size, command_.size));
    asio::async_write(stream_, pieces,
                      [self = shared_from_this()](const asio::error_code& error, std::size_t) {
                        if (!error) self->give();
                      });
  }

  void answer() {
    asio::async_write(stream_, asio::buffer("y", 1),
                      [self = shared_from_this()](const asio::error_code& error, std::size_t) {
                        if (!error) self->read_command();
                      });
  }

  void close(const asio::error_code& why) {
    if (why != asio::error::eof) return;
    stream_.async_shutdown([self = shared_from_this()](const asio::error_code&) {});
  }

  asio::ssl::stream<tcp::socket> stream_;
  unsigned char header_[Command::size_on_wire];
  Command command_;
  std::vector<unsigned char> buffer_;
};

using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

class Server {
 public:
  Server(asio::ssl::context& context, std::uint16_t port) : context_(context), acceptor_(loop_) {
    acceptor_.open(tcp::v4());
    acceptor_.set_option(ReusePort(true));
    acceptor_.bind({asio::ip::address_v4::loopback(), port});
    acceptor_.listen();
    accept();
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  void run() { loop_.run(); }

 private:
  void accept() {
    acceptor_.async_accept([this](const asio::error_code& error, tcp::socket socket) {
      if (!error) {
        socket.set_option(tcp::no_delay(true));
        std::make_shared<Session>(std::move(socket), context_)->start();
      }
      accept();
    });
  }

  asio::io_context loop_{1};
  asio::ssl::context& context_;
  tcp::acceptor acceptor_;
};

void configure(asio::ssl::context& context, const Options& options) {
  context.use_certificate_chain_file(options.file("server.pem"));
  context.use_private_key_file(options.file("server.key"), asio::ssl::context::pem);
  context.load_verify_file(options.file("ca.pem"));
  context.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
  // Without it no session of a client with a certificate is resumed.
  SSL_CTX_set_session_id_context(context.native_handle(),
                                 reinterpret_cast<const unsigned char*>("bench"), 5);
}

}  // namespace

}  // namespace bench

int main(int count, char** arguments) {
  const auto options = bench::Options::parse(count, arguments);
  asio::ssl::context context(asio::ssl::context::tls_server);
  bench::configure(context, options);
  std::vector<std::unique_ptr<bench::Server>> servers;
  for (unsigned i = 0; i < options.loops; ++i)
    servers.push_back(
        std::make_unique<bench::Server>(context, i > 0 ? servers[0]->port() : std::uint16_t{0}));
  bench::announce(servers[0]->port());
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < options.loops; ++i) threads.emplace_back([&, i] { servers[i]->run(); });
  servers[0]->run();
}
