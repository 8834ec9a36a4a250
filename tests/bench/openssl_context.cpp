#include "bench/openssl_context.h"

#include "lib/zoo.h"

#include <openssl/err.h>
#include <stdexcept>
#include <string>

namespace sally::bench {

using test::Zoo;

void fail(const char* what) {
  throw std::runtime_error(std::string(what) + ": " +
                           ERR_error_string(ERR_peek_last_error(), nullptr));
}

void configure(SSL_CTX* context, bool server) {
  const std::string name = server ? "server-good" : "client-good";
  const std::string root = Zoo::ca_path("ca-root");
  check(SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1, "version");
  check(SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") == 1, "suites");
  check(SSL_CTX_set1_groups_list(context, "X25519") == 1, "groups");
  check(SSL_CTX_use_certificate_chain_file(context, Zoo::chain_path(name).c_str()) == 1, "chain");
  check(SSL_CTX_use_PrivateKey_file(context, Zoo::key_path(name).c_str(), SSL_FILETYPE_PEM) == 1,
        "key");
  check(SSL_CTX_load_verify_locations(context, root.c_str(), nullptr) == 1, "root");
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
  if (server) SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(root.c_str()));
}

void set_peer_name(SSL* ssl) {
  check(SSL_set1_host(ssl, "localhost") == 1, "name");
  check(SSL_set_tlsext_host_name(ssl, "localhost") == 1, "server name");
}

}  // namespace sally::bench
