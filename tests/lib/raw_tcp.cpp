#include "lib/raw_tcp.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace sally::test {

namespace {

constexpr int patience_ms = 30'000;

int checked(int result, const char* what) {
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

sockaddr* generic(sockaddr_in& address) {
  return reinterpret_cast<sockaddr*>(&address);
}

sockaddr_in local_of(int descriptor) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  checked(::getsockname(descriptor, generic(address), &size), "getsockname");
  return address;
}

}  // namespace

RawSocket::RawSocket(RawSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

RawSocket& RawSocket::operator=(RawSocket&& other) noexcept {
  if (this == &other) return *this;
  close();
  descriptor_ = std::exchange(other.descriptor_, -1);
  return *this;
}

RawSocket RawSocket::connect(std::uint16_t port) {
  RawSocket socket(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  sockaddr_in address = loopback(port);
  checked(::connect(socket.get(), generic(address), sizeof address), "connect");
  return socket;
}

std::string RawSocket::local_address() const {
  return "127.0.0.1:" + std::to_string(ntohs(local_of(descriptor_).sin_port));
}

bool RawSocket::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string RawSocket::receive(std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t count = 0;
  while (count < size && readable(patience_ms)) {
    const ssize_t received = ::recv(descriptor_, bytes.data() + count, size - count, 0);
    if (received <= 0) break;
    count += static_cast<std::size_t>(received);
  }
  bytes.resize(count);
  return bytes;
}

bool RawSocket::ended() {
  std::array<char, 4096> scratch{};
  while (readable(patience_ms)) {
    if (::recv(descriptor_, scratch.data(), scratch.size(), 0) <= 0) return true;
  }
  return false;
}

bool RawSocket::readable(int timeout_ms) const {
  pollfd polled{descriptor_, POLLIN, 0};
  return ::poll(&polled, 1, timeout_ms) == 1;
}

void RawSocket::end_sending() {
  ::shutdown(descriptor_, SHUT_WR);
}

void RawSocket::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

void RawSocket::reset() {
  const linger at_once{1, 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

RawListener::RawListener(int receive_buffer)
    : socket_(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")) {
  if (receive_buffer > 0) {
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  sockaddr_in address = loopback(0);
  checked(::bind(socket_.get(), generic(address), sizeof address), "bind");
  checked(::listen(socket_.get(), 16), "listen");
  port_ = ntohs(local_of(socket_.get()).sin_port);
}

RawSocket RawListener::accept() {
  if (!socket_.readable(patience_ms)) throw std::runtime_error("nobody connected");
  return RawSocket(checked(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC), "accept"));
}

UnusedPort::UnusedPort() : socket_(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const int of_both = 0;
  sockaddr_in6 any{};  // IPv4's as well
  any.sin6_family = AF_INET6;
  socklen_t size = sizeof any;
  if (::setsockopt(socket_.get(), IPPROTO_IPV6, IPV6_V6ONLY, &of_both, sizeof of_both) == 0 &&
      ::bind(socket_.get(), reinterpret_cast<sockaddr*>(&any), size) == 0) {
    checked(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&any), &size), "getsockname");
    port_ = ntohs(any.sin6_port);
    return;
  }
  // There is no IPv6.
  socket_ = RawSocket(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  checked(::bind(socket_.get(), generic(address), sizeof address), "bind");
  port_ = ntohs(local_of(socket_.get()).sin_port);
}

Proxy::Proxy(std::uint16_t target) : target_(target) {
  checked(::pipe2(commands_, O_CLOEXEC), "pipe");
  checked(::pipe2(answers_, O_CLOEXEC), "pipe");
  thread_ = std::thread([this] { run(); });
}

Proxy::~Proxy() {
  command('q');
  thread_.join();
  for (const int descriptor : {commands_[0], commands_[1], answers_[0], answers_[1]})
    ::close(descriptor);
}

void Proxy::command(char what) {
  char answer = 0;
  checked(static_cast<int>(::write(commands_[1], &what, 1)), "command");
  checked(static_cast<int>(::read(answers_[0], &answer, 1)), "answer");
}

void Proxy::run() {
  while (!over_) {
    std::array<pollfd, 4> polled{{{commands_[0], POLLIN, 0},
                                  {listener_.socket_.get(), POLLIN, 0},
                                  {stalled_ ? -1 : client_.get(), POLLIN, 0},
                                  {stalled_ ? -1 : server_.get(), POLLIN, 0}}};
    if (::poll(polled.data(), polled.size(), -1) < 0) continue;
    if (polled[1].revents != 0) {
      client_ = listener_.accept();
      server_ = RawSocket::connect(target_);
      listener_.close();
    }
    // What came before a command is passed on before it.
    const bool from_client = polled[2].revents != 0;
    const bool from_server = polled[3].revents != 0;
    if (from_client && !forward(client_, server_)) obey('c');
    if (from_server && server_ && !forward(server_, client_)) obey('c');
    if (from_client || from_server || polled[0].revents == 0) continue;
    char what = 0;
    if (::read(commands_[0], &what, 1) != 1) return;
    obey(what);
    checked(static_cast<int>(::write(answers_[1], &what, 1)), "answer");
  }
}

bool Proxy::forward(RawSocket& from, RawSocket& to) {
  std::array<char, 16384> buffer{};
  const ssize_t size = ::recv(from.get(), buffer.data(), buffer.size(), 0);
  if (size <= 0) return false;
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(size));
  if (&from == &client_) said_ += bytes;
  return to.send(bytes);
}

void Proxy::obey(char what) {
  switch (what) {
    case 'q':
      over_ = true;
      [[fallthrough]];
    case 'c':
      client_.close();
      server_.close();
      return;
    case 'r':
      client_.reset();
      server_.reset();
      return;
    default:
      stalled_ = what == 's';
  }
}

}  // namespace sally::test
