// OpenSSL on sockets, as it is used without a library around it.
#include "bench/contender.h"
#include "bench/openssl_context.h"

#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace sally::bench {

namespace {

int system_check(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

class RawConnection final : public Connection {
 public:
  RawConnection(SSL_CTX* context, int descriptor)
      : descriptor_(descriptor), ssl_(SSL_new(context)) {
    check(ssl_ != nullptr && SSL_set_fd(ssl_, descriptor) == 1, "SSL_new");
    const int on = 1;
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  ~RawConnection() override {
    SSL_free(ssl_);
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  void shake_hands(bool server) {
    if (!server) set_peer_name(ssl_);
    server ? SSL_set_accept_state(ssl_) : SSL_set_connect_state(ssl_);
    until_done([](SSL* ssl) { return SSL_do_handshake(ssl); }, "handshake");
  }

  std::size_t read_some(std::span<std::byte> buffer) override {
    std::size_t size = 0;
    until_done([&](SSL* ssl) { return SSL_read_ex(ssl, buffer.data(), buffer.size(), &size); },
               "read");
    return size;
  }

  void write(std::span<const std::byte> data) override {
    std::size_t size = 0;
    until_done([&](SSL* ssl) { return SSL_write_ex(ssl, data.data(), data.size(), &size); },
               "write");
  }

  void close() override {
    if (SSL_shutdown(ssl_) != 1) {
      std::byte byte{};
      while (read_some({&byte, 1}) != 0) {
      }
    }
    ::close(descriptor_);
    descriptor_ = -1;
  }

 private:
  // What ends the peer's direction is no failure here.
  template <class Call>
  void until_done(Call&& call, const char* what) {
    while (true) {
      const int result = call(ssl_);
      if (result > 0) return;
      const int reason = SSL_get_error(ssl_, result);
      if (reason == SSL_ERROR_ZERO_RETURN) return;
      if (reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE) fail(what);
      const bool reads = reason == SSL_ERROR_WANT_READ;
      pollfd polled{descriptor_, static_cast<short>(reads ? POLLIN : POLLOUT), 0};
      system_check(::poll(&polled, 1, -1), "poll");
    }
  }

  int descriptor_;
  SSL* ssl_;
};

class RawOpenssl final : public Contender {
 public:
  explicit RawOpenssl(RawMode mode) : mode_(mode) {}

  std::uint16_t listen() override {
    context_ = make_context(true);
    listening_ = system_check(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    system_check(::bind(listening_, generic, size), "bind");
    system_check(::listen(listening_, SOMAXCONN), "listen");
    system_check(::getsockname(listening_, generic, &size), "getsockname");
    return ntohs(address.sin_port);
  }

  std::unique_ptr<Connection> accept() override {
    return secured(system_check(::accept4(listening_, nullptr, nullptr, socket_flags()), "accept"),
                   true);
  }

  std::unique_ptr<Connection> connect(std::uint16_t port) override {
    if (context_ == nullptr) context_ = make_context(false);
    const int descriptor =
        system_check(::socket(AF_INET, SOCK_STREAM | socket_flags(), 0), "socket");
    const sockaddr_in address = loopback(port);
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      if (errno != EINPROGRESS) system_check(-1, "connect");
      pollfd polled{descriptor, POLLOUT, 0};
      system_check(::poll(&polled, 1, -1), "poll");
    }
    return secured(descriptor, false);
  }

 private:
  int socket_flags() const {
    return SOCK_CLOEXEC | (mode_ == RawMode::non_blocking ? SOCK_NONBLOCK : 0);
  }

  SSL_CTX* make_context(bool server) const {
    SSL_CTX* context = SSL_CTX_new(TLS_method());
    check(context != nullptr, "SSL_CTX_new");
    configure(context, server);
    if (mode_ == RawMode::lean) SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    return context;
  }

  std::unique_ptr<Connection> secured(int descriptor, bool server) const {
    auto connection = std::make_unique<RawConnection>(context_, descriptor);
    connection->shake_hands(server);
    return connection;
  }

  const RawMode mode_;
  SSL_CTX* context_ = nullptr;  // for the life of the process
  int listening_ = -1;
};

}  // namespace

std::unique_ptr<Contender> make_raw_openssl(RawMode mode) {
  return std::make_unique<RawOpenssl>(mode);
}

}  // namespace sally::bench
