#include "client.h"

#include <cerrno>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bench::load {

namespace {

constexpr int patience_ms = 20000;
unsigned char scratch[1 << 17];

void check(bool good, const char* what) {
  if (good) return;
  const auto code = ERR_peek_last_error();
  fail(std::string(what) + ": " +
       (code != 0 ? ERR_error_string(code, nullptr) : std::strerror(errno)));
}

int target_index() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

int keep(SSL* ssl, SSL_SESSION* session) {
  static_cast<Target*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), target_index()))
      ->keep_session(session);
  return 1;
}

// One version, suite, group and kind of signature: what servers would pick otherwise is not
// compared.
SSL_CTX* make_context(Target& target, const std::string& directory) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  check(context != nullptr, "SSL_CTX_new");
  check(SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1, "version");
  check(SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") == 1, "suite");
  check(SSL_CTX_set1_groups_list(context, "X25519") == 1, "group");
  check(SSL_CTX_set1_sigalgs_list(context, "ECDSA+SHA256") == 1, "signatures");
  check(SSL_CTX_use_certificate_chain_file(context, (directory + "/client.pem").c_str()) == 1,
        "client.pem");
  check(SSL_CTX_use_PrivateKey_file(context, (directory + "/client.key").c_str(),
                                    SSL_FILETYPE_PEM) == 1,
        "client.key");
  check(SSL_CTX_load_verify_locations(context, (directory + "/ca.pem").c_str(), nullptr) == 1,
        "ca.pem");
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_default_read_buffer_len(context, 1 << 16);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, &keep);
  SSL_CTX_set_ex_data(context, target_index(), &target);
  return context;
}

}  // namespace

void fail(const std::string& what) {
  throw std::runtime_error(what);
}

std::uint64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1000000000u +
         static_cast<std::uint64_t>(time.tv_nsec);
}

Poller::Poller() : poller_(::epoll_create1(EPOLL_CLOEXEC)) {
  check(poller_ >= 0, "epoll_create1");
}

void Poller::add(int descriptor, void* owner, std::uint32_t interest) {
  epoll_event event{.events = interest, .data = {.ptr = owner}};
  check(::epoll_ctl(poller_, EPOLL_CTL_ADD, descriptor, &event) == 0, "epoll_ctl");
}

void Poller::change(int descriptor, void* owner, std::uint32_t interest) {
  epoll_event event{.events = interest, .data = {.ptr = owner}};
  check(::epoll_ctl(poller_, EPOLL_CTL_MOD, descriptor, &event) == 0, "epoll_ctl");
}

void Poller::run_once() {
  epoll_event events[256];
  const int count = ::epoll_wait(poller_, events, 256, patience_ms);
  if (count == 0) fail("the server is silent");
  for (int i = 0; i < count; ++i)
    static_cast<Connection*>(events[i].data.ptr)->ready(events[i].events);
}

Target::Target(Poller& poller_to_use, std::uint16_t port, pid_t process,
               const std::string& directory, bool tls)
    : poller(poller_to_use),
      address{.sin_family = AF_INET,
              .sin_port = htons(port),
              .sin_addr = {htonl(INADDR_LOOPBACK)},
              .sin_zero = {}},
      process_(process) {
  if (tls) context = make_context(*this, directory);
}

Target::~Target() {
  connections.clear();
  forget_sessions();
  SSL_CTX_free(context);
}

std::uint64_t Target::server_cpu_ns() const {
  clockid_t clock{};
  timespec time{};
  check(::clock_getcpuclockid(process_, &clock) == 0 && ::clock_gettime(clock, &time) == 0,
        "the server has ended");
  return static_cast<std::uint64_t>(time.tv_sec) * 1000000000u +
         static_cast<std::uint64_t>(time.tv_nsec);
}

SSL_SESSION* Target::take_session() {
  if (sessions_.empty()) return nullptr;
  SSL_SESSION* session = sessions_.back();
  // Some servers give no ticket where one was used.
  if (sessions_.size() == 1)
    SSL_SESSION_up_ref(session);
  else
    sessions_.pop_back();
  return session;
}

void Target::keep_session(SSL_SESSION* session) {
  constexpr std::size_t enough = 256;
  if (sessions_.size() >= enough) {
    SSL_SESSION_free(sessions_.front());
    sessions_.erase(sessions_.begin());
  }
  sessions_.push_back(session);
}

void Target::forget_sessions() {
  for (SSL_SESSION* session : sessions_) SSL_SESSION_free(session);
  sessions_.clear();
}

Connection::Connection(Target& target, Listener& who, SSL_SESSION* session)
    : listener(&who),
      target_(target),
      descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
  check(descriptor_ >= 0, "socket");
  const int on = 1;
  ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto* address = reinterpret_cast<const sockaddr*>(&target.address);
  check(::connect(descriptor_, address, sizeof target.address) == 0 || errno == EINPROGRESS,
        "connect");
  if (target.context != nullptr) {
    ssl_ = SSL_new(target.context);
    sealed_ = BIO_new(BIO_s_mem());
    check(ssl_ != nullptr && sealed_ != nullptr, "SSL_new");
    SSL_set_bio(ssl_, BIO_new_socket(descriptor_, BIO_NOCLOSE), sealed_);
    SSL_set_connect_state(ssl_);
    SSL_set1_host(ssl_, "localhost");
    SSL_set_tlsext_host_name(ssl_, "localhost");
    if (session != nullptr) {
      SSL_set_session(ssl_, session);
      SSL_SESSION_free(session);
    }
  }
  // Writable: connected.
  wants_room_ = true;
  target.poller.add(descriptor_, this, EPOLLIN | EPOLLOUT);
}

Connection::~Connection() {
  SSL_free(ssl_);
  ::close(descriptor_);
}

void Connection::ready(std::uint32_t events) {
  if (!established_) return shake_hands();
  if (events & EPOLLOUT) flush();
  if (events & ~static_cast<std::uint32_t>(EPOLLOUT)) read_all();
}

void Connection::shake_hands() {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_);
    if (result != 1) check(SSL_get_error(ssl_, result) == SSL_ERROR_WANT_READ, "handshake");
    flush();
    if (result != 1) return;
    if (target_.agreed.empty())
      target_.agreed = std::string(SSL_get_version(ssl_)) + " " + SSL_get_cipher_name(ssl_) + " " +
                       OBJ_nid2sn(static_cast<int>(SSL_get_negotiated_group(ssl_)));
  } else {
    target_.agreed = "no TLS";
    flush();
  }
  established_ = true;
  listener->connected(*this);
}

void Connection::read_all() {
  while (!ended_) {
    std::size_t size = 0;
    if (ssl_ == nullptr) {
      const ssize_t result = ::recv(descriptor_, scratch, sizeof scratch, 0);
      if (result < 0 && errno == EAGAIN) return;
      if (result <= 0) break;
      listener->received(*this, scratch, static_cast<std::size_t>(result));
      return;
    }
    ERR_clear_error();
    const int result = SSL_read_ex(ssl_, scratch, sizeof scratch, &size);
    if (result == 1) {
      listener->received(*this, scratch, size);
      if (!SSL_has_pending(ssl_)) return;
      continue;
    }
    const int error = SSL_get_error(ssl_, result);
    if (error == SSL_ERROR_WANT_READ) return;
    // Who has said goodbye waits for the transport to end, and with it for the server to be done.
    if (error == SSL_ERROR_ZERO_RETURN) {
      char byte;
      if (::recv(descriptor_, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN) return;
    }
    break;
  }
  if (ended_) return;
  ended_ = true;
  listener->ended(*this);  // which may delete this
}

void Connection::write(const void* data, std::size_t size) {
  if (ssl_ == nullptr)
    plain_.append(static_cast<const char*>(data), size);
  else
    check(SSL_write(ssl_, data, static_cast<int>(size)) == static_cast<int>(size), "SSL_write");
}

void Connection::flush() {
  char* data = plain_.data();
  std::size_t size = plain_.size();
  if (ssl_ != nullptr) size = static_cast<std::size_t>(BIO_get_mem_data(sealed_, &data));
  std::size_t sent = 0;
  while (sent < size) {
    const ssize_t result = ::send(descriptor_, data + sent, size - sent, MSG_NOSIGNAL);
    if (result <= 0) {
      if (errno == EAGAIN) break;
      // Why is what reading tells.
      sent = size;
      break;
    }
    sent += static_cast<std::size_t>(result);
  }
  const bool left = sent < size;
  if (ssl_ == nullptr)
    plain_.erase(0, sent);
  else if (!left)
    static_cast<void>(BIO_reset(sealed_));
  else
    for (std::size_t gone = 0; gone < sent;) {
      const int read =
          BIO_read(sealed_, scratch, static_cast<int>(std::min(sent - gone, sizeof scratch)));
      gone += static_cast<std::size_t>(read);
    }
  if (left == wants_room_) return;
  wants_room_ = left;
  target_.poller.change(descriptor_, this, left ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void Connection::say_goodbye() {
  if (ssl_ != nullptr) {
    SSL_shutdown(ssl_);
    flush();
  } else {
    ::shutdown(descriptor_, SHUT_WR);
  }
}

bool Connection::resumed() const {
  return ssl_ != nullptr && SSL_session_reused(ssl_) == 1;
}

}  // namespace bench::load
