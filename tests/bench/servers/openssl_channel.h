// A session of OpenSSL's over a descriptor, of either side.
#pragma once

#include "step.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace bench {

inline void require(bool good, const char* what) {
  if (!good)
    throw std::runtime_error(std::string(what) + ": " +
                             ERR_error_string(ERR_peek_last_error(), nullptr));
}

class OpenSslChannel {
 public:
  OpenSslChannel(SSL_CTX& context, int descriptor) : ssl_(SSL_new(&context)) {
    require(ssl_ != nullptr && SSL_set_fd(ssl_, descriptor) == 1, "SSL_new");
    if (SSL_is_server(ssl_))
      SSL_set_accept_state(ssl_);
    else
      SSL_set_connect_state(ssl_);
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
  // Both ways: done when the peer has said it, too.
  Step close() {
    ERR_clear_error();
    const int result = SSL_shutdown(ssl_);
    return result == 0 ? Step::want_read : step(result);
  }
  SSL& ssl() { return *ssl_; }

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

}  // namespace bench
