// How OpenSSL serves, for the modes of raw_openssl.cpp.
#pragma once

#include "openssl_channel.h"
#include "program.h"

namespace bench {

inline SSL_CTX* make_server_context(const Options& options) {
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

}  // namespace bench
