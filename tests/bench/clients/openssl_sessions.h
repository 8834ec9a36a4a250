// What a client that uses OpenSSL has to keep itself to resume: the sessions that servers gave.
#pragma once

#include <openssl/ssl.h>
#include <vector>

namespace bench {

class OpenSslSessions {
 public:
  // From now on those of this context are kept.
  void keep_those_of(SSL_CTX* context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_set_ex_data(context, index(), this);
    SSL_CTX_sess_set_new_cb(context, [](SSL* ssl, SSL_SESSION* session) {
      static_cast<OpenSslSessions*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), index()))
          ->kept_.push_back(session);
      return 1;
    });
  }
  // Each is used once (RFC 8446 appendix C.4).
  void offer_one(SSL* ssl) {
    if (kept_.empty()) return;
    SSL_set_session(ssl, kept_.back());
    SSL_SESSION_free(kept_.back());
    kept_.pop_back();
  }

 private:
  static int index() {
    static const int made = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return made;
  }

  std::vector<SSL_SESSION*> kept_;
};

}  // namespace bench
