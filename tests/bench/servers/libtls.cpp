// LibreSSL's simpler API as LibreTLS has it, on OpenSSL; on epoll.
#include "epoll_server.h"

#include <csignal>
#include <tls.h>

namespace bench {

namespace {

void require(bool good, const char* what, const char* why) {
  if (!good) throw std::runtime_error(std::string(what) + ": " + (why != nullptr ? why : "failed"));
}

class LibtlsChannel {
 public:
  LibtlsChannel(tls& server, int descriptor) {
    require(tls_accept_socket(&server, &tls_, descriptor) == 0, "accept", tls_error(&server));
  }
  LibtlsChannel(const LibtlsChannel&) = delete;
  LibtlsChannel& operator=(const LibtlsChannel&) = delete;
  ~LibtlsChannel() { tls_free(tls_); }

  Step shake_hands() {
    const int result = tls_handshake(tls_);
    return result == 0 ? Step::done : waited(result);
  }
  Step read(void* buffer, std::size_t capacity, std::size_t& size) {
    const ssize_t result = tls_read(tls_, buffer, capacity);
    if (result > 0) size = static_cast<std::size_t>(result);
    more_ = result == static_cast<ssize_t>(capacity);
    return result > 0 ? Step::done : waited(result);
  }
  Step write(const void* data, std::size_t wanted, std::size_t& size) {
    const ssize_t result = tls_write(tls_, data, wanted);
    if (result > 0) size = static_cast<std::size_t>(result);
    return result > 0 ? Step::done : waited(result);
  }
  // It reads no further than a record, which fits the buffers here.
  bool has_more() { return more_; }
  void say_goodbye() { tls_close(tls_); }

 private:
  static Step waited(ssize_t result) {
    if (result == TLS_WANT_POLLIN) return Step::want_read;
    return result == TLS_WANT_POLLOUT ? Step::want_write : Step::end;
  }

  tls* tls_ = nullptr;
  bool more_ = false;
};

}  // namespace

}  // namespace bench

int main(int count, char** arguments) {
  using bench::require;
  const auto options = bench::Options::parse(count, arguments);
  std::signal(SIGPIPE, SIG_IGN);
  tls_config* config = tls_config_new();
  require(tls_config_set_keypair_file(config, options.file("server.pem").c_str(),
                                      options.file("server.key").c_str()) == 0,
          "server.pem", tls_config_error(config));
  require(tls_config_set_ca_file(config, options.file("ca.pem").c_str()) == 0, "ca.pem",
          tls_config_error(config));
  require(tls_config_set_session_lifetime(config, 7200) == 0, "tickets", tls_config_error(config));
  const std::string session_id = "bench";
  require(
      tls_config_set_session_id(config, reinterpret_cast<const unsigned char*>(session_id.data()),
                                session_id.size()) == 0,
      "session id", tls_config_error(config));
  tls_config_verify_client(config);
  tls* server = tls_server();
  require(tls_configure(server, config) == 0, "configure", tls_error(server));
  bench::serve_all<bench::LibtlsChannel>(*server, options);
}
