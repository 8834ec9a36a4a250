#include "tls/context.h"

#include "status/error.h"
#include "tls/callbacks.h"
#include "tls/error_queue.h"
#include "tls/openssl.h"
#include "transport/fork.h"

#include <sallyport/decision.h>

namespace sally::tls {

namespace {

// TLS 1.2 with ephemeral keys and authenticated encryption only; the quicker suites first.
constexpr const char* suites_1_2 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* suites_1_3 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
// The post-quantum hybrid first, where the library has it (OpenSSL 3.5 on).
constexpr const char* groups_hybrid = "X25519MLKEM768:X25519:P-256:P-384";
constexpr const char* groups_classic = "X25519:P-256:P-384";
constexpr const char* signatures =
    "ECDSA+SHA256:ed25519:rsa_pss_rsae_sha256:rsa_pss_pss_sha256:"
    "ECDSA+SHA384:rsa_pss_rsae_sha384:rsa_pss_pss_sha384:"
    "ECDSA+SHA512:ed448:rsa_pss_rsae_sha512:rsa_pss_pss_sha512:"
    "RSA+SHA256:RSA+SHA384:RSA+SHA512";
constexpr int security_level = 2;
constexpr int chain_depth = 10;
// Naming more CAs than this in a certificate request helps no client and delays every handshake.
constexpr std::size_t most_named_cas = 64;

struct SystemRoots {
  Ref<TrustStore> store = TrustStore::system();
};
transport::PerProcess<SystemRoots> system_roots;

void require(bool done, const char* what) {
  if (done) return;
  const NativeError error = take_error();
  throw Failure(SALLY_INTERNAL, {.message = std::string("OpenSSL refuses ") + what,
                                 .native_domain = SALLY_DOMAIN_OPENSSL,
                                 .native_code = static_cast<std::int64_t>(error.code),
                                 .native_name = error.name});
}

}  // namespace

Context::Context(Settings settings) : settings_(std::move(settings)) {
  check();
  const bool needs_roots = !is_server() && !settings_.trust && !settings_.skip_verification;
  if (needs_roots) settings_.trust = system_roots.get().store;

  clear_errors();
  context_.reset(checked(SSL_CTX_new_ex(library_context(), nullptr, TLS_method())));
  set_protocol();
  set_verification();
  set_credentials();
  set_alpn();
  install_callbacks(handle(), *this);
}

void Context::check() const {
  if (!is_server()) return;
  if (settings_.credentials.empty()) {
    throw Failure(
        SALLY_INVALID_STATE,
        {.message = "a server's TLS config needs a credential",
         .hint = "Add one with sally_tls_config_add_credential before the config is used."});
  }
  const bool asks_about_peer = (settings_.questions & SALLY_QUESTION_PEER) != 0;
  if (asks_about_peer && settings_.client_auth == SALLY_CLIENT_AUTH_NONE) {
    throw Failure(
        SALLY_INVALID_STATE,
        {.message = "a server that asks about its clients' certificates must ask for them",
         .hint = "Set SALLY_CLIENT_AUTH_REQUIRE or SALLY_CLIENT_AUTH_REQUEST."});
  }
  const bool judges =
      settings_.client_auth != SALLY_CLIENT_AUTH_NONE && !settings_.skip_verification;
  if (judges && !settings_.trust) {
    throw Failure(
        SALLY_INVALID_STATE,
        {.message = "a server that asks for client certificates needs a trust store",
         .hint =
             "Set the CA that issues your clients' certificates with sally_tls_config_set_trust."});
  }
}

// The machine's openssl.cnf reaches a private context too (its ssl_conf section), so nothing is
// left at its default.
void Context::set_protocol() {
  SSL_CTX* ctx = handle();
  require(SSL_CTX_set_min_proto_version(ctx, settings_.min_version) == 1, "the lowest TLS version");
  require(SSL_CTX_set_max_proto_version(ctx, settings_.max_version) == 1,
          "the highest TLS version");
  SSL_CTX_clear_options(ctx, SSL_CTX_get_options(ctx));
  SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
  SSL_CTX_clear_mode(ctx, SSL_CTX_get_mode(ctx));
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY |
                            SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_security_level(ctx, security_level);
  require(SSL_CTX_set_cipher_list(ctx, suites_1_2) == 1, "the TLS 1.2 suites");
  require(SSL_CTX_set_ciphersuites(ctx, suites_1_3) == 1, "the TLS 1.3 suites");
  const bool hybrid = SSL_CTX_set1_groups_list(ctx, groups_hybrid) == 1;
  clear_errors();
  require(hybrid || SSL_CTX_set1_groups_list(ctx, groups_classic) == 1, "the groups");
  require(SSL_CTX_set1_sigalgs_list(ctx, signatures) == 1, "the signature schemes");
  require(SSL_CTX_set1_client_sigalgs_list(ctx, signatures) == 1, "the clients' signature schemes");
  SSL_CTX_set_read_ahead(ctx, 1);
  SSL_CTX_set_quiet_shutdown(ctx, 0);
  require(SSL_CTX_set_block_padding(ctx, 0) == 1, "records without padding");
  require(SSL_CTX_set_max_early_data(ctx, 0) == 1, "the absence of early data");
  // No resumption yet: a session that could resume would have to be bound to the trust that made
  // it.
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  require(SSL_CTX_set_num_tickets(ctx, 0) == 1, "the absence of tickets");
}

void Context::set_verification() {
  SSL_CTX* ctx = handle();
  int mode = SSL_VERIFY_NONE;
  if (is_server()) {
    if (settings_.client_auth != SALLY_CLIENT_AUTH_NONE) mode |= SSL_VERIFY_PEER;
    if (settings_.client_auth == SALLY_CLIENT_AUTH_REQUIRE) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  } else if (!settings_.skip_verification || (settings_.questions & SALLY_QUESTION_PEER) != 0) {
    mode = SSL_VERIFY_PEER;  // without it a denial would count for nothing
  }
  SSL_CTX_set_verify(ctx, mode, nullptr);
  SSL_CTX_set_verify_depth(ctx, chain_depth);

  X509_VERIFY_PARAM* param = SSL_CTX_get0_param(ctx);
  X509_VERIFY_PARAM_clear_flags(param, X509_VERIFY_PARAM_get_flags(param));
  require(
      X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT | X509_V_FLAG_TRUSTED_FIRST) == 1,
      "strict verification");
  // RFC 9525: only subjectAltName counts, and a wildcard stands for one whole label.
  X509_VERIFY_PARAM_set_hostflags(
      param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);

  if (!settings_.trust) return;
  SSL_CTX_set1_cert_store(ctx, settings_.trust->store());
  if (!is_server() || settings_.trust->size() > most_named_cas) return;
  for (const X509Owner& anchor : settings_.trust->anchors()) {
    require(SSL_CTX_add_client_CA(ctx, anchor.get()) == 1, "the names of the clients' CAs");
  }
}

void Context::set_credentials() {
  for (const Ref<Credential>& credential : settings_.credentials) {
    STACK_OF(X509)* issuers = sk_X509_new_null();
    const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> owner(
        checked(issuers), [](STACK_OF(X509) * stack) { sk_X509_free(stack); });
    const auto& chain = credential->chain();
    for (std::size_t i = 1; i < chain.size(); ++i) {
      if (sk_X509_push(issuers, chain[i].get()) == 0) throw std::bad_alloc();
    }
    require(
        SSL_CTX_use_cert_and_key(handle(), credential->certificate(), credential->key(), issuers,
                                 /*override=*/0) == 1,
        "the credential");
  }
}

void Context::set_alpn() {
  for (const std::string& protocol : settings_.alpn) {
    alpn_wire_ += static_cast<char>(protocol.size());
    alpn_wire_ += protocol;
  }
  if (is_server() || alpn_wire_.empty()) return;
  // Zero is success here, unlike everywhere else.
  require(
      SSL_CTX_set_alpn_protos(handle(), reinterpret_cast<const unsigned char*>(alpn_wire_.data()),
                              static_cast<unsigned int>(alpn_wire_.size())) == 0,
      "the application protocols");
}

}  // namespace sally::tls
