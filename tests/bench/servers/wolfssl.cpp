// wolfSSL on epoll.
#include "epoll_server.h"

#include <csignal>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

namespace bench {

namespace {

void require(bool good, const char* what) {
  if (!good) throw std::runtime_error(what);
}

class WolfChannel {
 public:
  WolfChannel(WOLFSSL_CTX& context, int descriptor) : ssl_(wolfSSL_new(&context)) {
    require(ssl_ != nullptr && wolfSSL_set_fd(ssl_, descriptor) == WOLFSSL_SUCCESS, "wolfSSL_new");
    wolfSSL_set_using_nonblock(ssl_, 1);
  }
  WolfChannel(const WolfChannel&) = delete;
  WolfChannel& operator=(const WolfChannel&) = delete;
  ~WolfChannel() { wolfSSL_free(ssl_); }

  Step shake_hands() {
    const int result = wolfSSL_accept(ssl_);
    return result == WOLFSSL_SUCCESS ? Step::done : waited(result);
  }
  Step read(void* buffer, std::size_t capacity, std::size_t& size) {
    const int result = wolfSSL_read(ssl_, buffer, static_cast<int>(capacity));
    if (result > 0) size = static_cast<std::size_t>(result);
    return result > 0 ? Step::done : waited(result);
  }
  Step write(const void* data, std::size_t wanted, std::size_t& size) {
    const int result = wolfSSL_write(ssl_, data, static_cast<int>(wanted));
    if (result > 0) size = static_cast<std::size_t>(result);
    return result > 0 ? Step::done : waited(result);
  }
  bool has_more() { return wolfSSL_pending(ssl_) > 0; }
  void say_goodbye() { wolfSSL_shutdown(ssl_); }

 private:
  Step waited(int result) {
    switch (wolfSSL_get_error(ssl_, result)) {
      case WOLFSSL_ERROR_WANT_READ:
        return Step::want_read;
      case WOLFSSL_ERROR_WANT_WRITE:
        return Step::want_write;
      default:
        return Step::end;
    }
  }

  WOLFSSL* const ssl_;
};

}  // namespace

}  // namespace bench

int main(int count, char** arguments) {
  using bench::require;
  const auto options = bench::Options::parse(count, arguments);
  std::signal(SIGPIPE, SIG_IGN);
  wolfSSL_Init();
  WOLFSSL_CTX* context = wolfSSL_CTX_new(wolfTLS_server_method());
  require(context != nullptr, "wolfSSL_CTX_new");
  require(wolfSSL_CTX_use_certificate_chain_file(context, options.file("server.pem").c_str()) ==
              WOLFSSL_SUCCESS,
          "server.pem");
  require(wolfSSL_CTX_use_PrivateKey_file(context, options.file("server.key").c_str(),
                                          WOLFSSL_FILETYPE_PEM) == WOLFSSL_SUCCESS,
          "server.key");
  require(wolfSSL_CTX_load_verify_locations(context, options.file("ca.pem").c_str(), nullptr) ==
              WOLFSSL_SUCCESS,
          "ca.pem");
  wolfSSL_CTX_set_verify(context, WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                         nullptr);
  bench::serve_all<bench::WolfChannel>(*context, options);
}
