// OpenSSL on epoll.
//
//   --mode tuned     what somebody sets who knows it (the default)
//   --mode packed    the same, and what was read in several records is echoed in as few as will do
//   --mode defaults  as SSL_CTX_new gives it
#include "epoll_server.h"

#include <csignal>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace bench {

namespace {

void require(bool good, const char* what) {
  if (!good)
    throw std::runtime_error(std::string(what) + ": " +
                             ERR_error_string(ERR_peek_last_error(), nullptr));
}

class OpenSslChannel {
 public:
  OpenSslChannel(SSL_CTX& context, int descriptor) : ssl_(SSL_new(&context)) {
    require(ssl_ != nullptr && SSL_set_fd(ssl_, descriptor) == 1, "SSL_new");
    SSL_set_accept_state(ssl_);
  }
  OpenSslChannel(const OpenSslChannel&) = delete;
  OpenSslChannel& operator=(const OpenSslChannel&) = delete;
  ~OpenSslChannel() { SSL_free(ssl_); }

  Step shake_hands() {
    ERR_clear_error();
    return step(SSL_do_handshake(ssl_));
  }
  Step read(void* buffer, std::size_t capacity, std::size_t& size) {
    ERR_clear_error();
    return step(SSL_read_ex(ssl_, buffer, capacity, &size));
  }
  Step write(const void* data, std::size_t wanted, std::size_t& size) {
    ERR_clear_error();
    return step(SSL_write_ex(ssl_, data, wanted, &size));
  }
  bool has_more() { return SSL_has_pending(ssl_) == 1; }
  void say_goodbye() {
    if (!failed_) SSL_shutdown(ssl_);
  }

 private:
  Step step(int result) {
    if (result == 1) return Step::done;
    switch (SSL_get_error(ssl_, result)) {
      case SSL_ERROR_WANT_READ:
        return Step::want_read;
      case SSL_ERROR_WANT_WRITE:
        return Step::want_write;
      case SSL_ERROR_ZERO_RETURN:
        return Step::end;
      default:
        failed_ = true;
        return Step::end;
    }
  }

  SSL* const ssl_;
  bool failed_ = false;
};

SSL_CTX* make_context(const Options& options) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  require(context != nullptr, "SSL_CTX_new");
  require(SSL_CTX_use_certificate_chain_file(context, options.file("server.pem").c_str()) == 1,
          "server.pem");
  require(SSL_CTX_use_PrivateKey_file(context, options.file("server.key").c_str(),
                                      SSL_FILETYPE_PEM) == 1,
          "server.key");
  require(SSL_CTX_load_verify_locations(context, options.file("ca.pem").c_str(), nullptr) == 1,
          "ca.pem");
  SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(options.file("ca.pem").c_str()));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  // Without it no session of a client with a certificate is resumed.
  require(SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>("bench"),
                                         5) == 1,
          "session id context");
  if (options.mode == "defaults") return context;
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // the tickets hold the sessions
  SSL_CTX_set_num_tickets(context, 1);
  return context;
}

}  // namespace

}  // namespace bench

int main(int count, char** arguments) {
  const auto options = bench::Options::parse(count, arguments);
  std::signal(SIGPIPE, SIG_IGN);
  SSL_CTX* context = bench::make_context(options);
  bench::serve_all<bench::OpenSslChannel>(*context, options, options.mode == "packed");
}
