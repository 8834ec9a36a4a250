// The same TLS that Sallyport does by default, for those who use OpenSSL themselves.
#pragma once

#include <openssl/ssl.h>

namespace sally::bench {

// TLS 1.3, TLS_AES_128_GCM_SHA256, X25519, no tickets, the peer's certificate demanded and verified
// against the zoo's root; with the zoo's good credential of that role.
void configure(SSL_CTX* context, bool server);
// What a client says and verifies besides.
void set_peer_name(SSL* ssl);
// Throws, with what OpenSSL has to say.
[[noreturn]] void fail(const char* what);
inline void check(bool good, const char* what) {
  if (!good) fail(what);
}

}  // namespace sally::bench
