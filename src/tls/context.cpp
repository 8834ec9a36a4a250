#include "tls/context.h"

#include "status/error.h"
#include "tls/callbacks.h"
#include "tls/error_queue.h"
#include "tls/installing.h"
#include "tls/openssl.h"
#include "tls/provider.h"
#include "tls/resumption.h"
#include "tls/signer_provider.h"
#include "tls/verification_cache.h"
#include "tls/verifier.h"
#include "transport/fork.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string_view>

#include <sallyport/decision.h>

namespace sally::tls {

namespace {

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

Ref<TrustStore> default_trust() {
  return system_roots.get().store;
}

Context::~Context() = default;

Context::Context(Settings settings)
    : settings_(std::move(settings)),
      given_trust_(settings_.trust),
      verified_(std::make_unique<VerificationCache>(settings_.rules.cache_entries)),
      // A server has one of each client's.
      sessions_(settings_.session_cache, settings_.role == SALLY_ROLE_SERVER
                                             ? SessionCache::Form::packed
                                             : SessionCache::Form::as_they_are) {
  signs_elsewhere_ = std::ranges::any_of(settings_.credentials,
                                         [](const auto& each) { return each->signs_elsewhere(); });
  check();
  const bool needs_roots = !is_server() && !settings_.trust && !settings_.skip_verification;
  if (needs_roots) settings_.trust = default_trust();

  clear_errors();
  const std::string& query = settings_.provider_query;
  context_.reset(
      SSL_CTX_new_ex(library_context(), query.empty() ? nullptr : query.c_str(), TLS_method()));
  if (!context_ && !query.empty()) fail_provider_query(query);
  checked(handle());
  set_protocol();
  set_verification();
  check_signers();
  name_cas();
  set_credentials();
  set_alpn();
  install_callbacks(handle(), *this);
  if (!is_server()) notice_sessions(handle());
  if (!resumes()) return;
  if (is_server()) resumption_scope_ = tls::resumption_scope(*this);
  enable_resumption(handle(), *this);
}

std::shared_ptr<VerificationCache> Context::verified_under(const Ref<TrustStore>& trust) const {
  const std::lock_guard lock(later_mutex_);
  if (later_trust_ != trust) {
    later_verified_ = std::make_shared<VerificationCache>(settings_.rules.cache_entries);
    later_trust_ = trust;
  }
  return later_verified_;
}

// Hybrid groups are TLS 1.3's (draft-ietf-tls-hybrid-design).
std::pair<std::int32_t, std::int32_t> Context::versions() const {
  const Policy& policy = *settings_.policy;
  std::int32_t min = std::max(settings_.min_version, policy.min_version);
  const std::int32_t max = std::min(settings_.max_version, policy.max_version);
  if (settings_.require_post_quantum) min = std::max(min, std::int32_t{SALLY_TLS_1_3});
  return {min, max};
}

void Context::check() const {
  const auto [min, max] = versions();
  if (min > max) {
    throw Failure(
        SALLY_INVALID_STATE,
        {.message = "no TLS version is left: those of sally_tls_config_set_versions are none of "
                    "what the policy and the groups allow",
         .expected = std::string("a version of the policy ") + settings_.policy->name});
  }
  const bool asks_for_signatures = (settings_.questions & SALLY_QUESTION_SIGNATURE) != 0;
  const bool needs_them = std::ranges::any_of(
      settings_.credentials, [](const auto& each) { return each->asks_program(); });
  if (needs_them && !asks_for_signatures) {
    throw Failure(SALLY_INVALID_STATE,
                  {.message = "the program has the key of a credential, and is not asked to sign",
                   .hint = "Set SALLY_QUESTION_SIGNATURE with sally_tls_config_set_questions."});
  }
  if (settings_.post_handshake_auth && (settings_.questions & SALLY_QUESTION_CREDENTIAL) != 0) {
    throw Failure(
        SALLY_INVALID_STATE,
        {.message =
             "a client that is asked for a certificate after the handshake asks nobody which"});
  }
  if (settings_.post_handshake_auth && signs_elsewhere_) {
    throw Failure(
        SALLY_INVALID_STATE,
        {.message = "a client that is asked for a certificate after the handshake cannot wait for "
                    "a signature by a token or by the program"});
  }
  if (!is_server()) return;
  if (settings_.credentials.empty()) {
    throw Failure(
        SALLY_INVALID_STATE,
        {.message = "a server's TLS config needs a credential",
         .hint = "Add one with sally_tls_config_add_credential before the config is used."});
  }
  if (settings_.client_auth == SALLY_CLIENT_AUTH_NONE && !settings_.rules.policy.empty()) {
    throw Failure(
        SALLY_INVALID_STATE,
        {.message = "a server that asks for no client certificates cannot keep to rules for them",
         .hint = "Ask for them with sally_tls_config_set_client_auth."});
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

// RFC 8879, which OpenSSL knows since 3.2. A peer could have its certificate unpacked before anybody
// knows who it is, and what is shown to it would look different to those who observe messages. By
// number, since it may be a later OpenSSL that runs than the one that we are compiled with; an earlier
// one keeps the bits and does nothing.
constexpr std::uint64_t no_certificate_compression = std::uint64_t{3} << 32;
#if defined(SSL_OP_NO_TX_CERTIFICATE_COMPRESSION)
static_assert(no_certificate_compression ==
              (SSL_OP_NO_TX_CERTIFICATE_COMPRESSION | SSL_OP_NO_RX_CERTIFICATE_COMPRESSION));
#endif

// The machine's openssl.cnf reaches a private context too (its ssl_conf section), so nothing is
// left at its default.
void Context::set_protocol() {
  SSL_CTX* ctx = handle();
  const Policy& policy = *settings_.policy;
  const auto [min, max] = versions();
  require(SSL_CTX_set_min_proto_version(ctx, min) == 1, "the lowest TLS version");
  require(SSL_CTX_set_max_proto_version(ctx, max) == 1, "the highest TLS version");
  SSL_CTX_clear_options(ctx, SSL_CTX_get_options(ctx));
  SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_ENABLE_MIDDLEBOX_COMPAT |
                               no_certificate_compression);
  SSL_CTX_clear_mode(ctx, SSL_CTX_get_mode(ctx));
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY |
                            SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_security_level(ctx, settings_.rules.security_level);
  require(SSL_CTX_set_cipher_list(ctx, policy.suites_1_2) == 1, "the TLS 1.2 suites");
  require(SSL_CTX_set_ciphersuites(ctx, policy.suites_1_3) == 1, "the TLS 1.3 suites");
  groups_ = set_groups(ctx, policy, settings_.require_post_quantum);
  require(SSL_CTX_set1_sigalgs_list(ctx, policy.signatures) == 1, "the signature schemes");
  require(SSL_CTX_set1_client_sigalgs_list(ctx, policy.signatures) == 1,
          "the clients' signature schemes");
  SSL_CTX_set_read_ahead(ctx, 1);
  SSL_CTX_set_quiet_shutdown(ctx, 0);
  require(SSL_CTX_set_block_padding(ctx, 0) == 1, "records without padding");
  SSL_CTX_set_post_handshake_auth(ctx, settings_.post_handshake_auth ? 1 : 0);
  require(SSL_CTX_set_max_early_data(ctx, 0) == 1, "the absence of early data");
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
  // What OpenSSL is told here is what a judgement is made by (tls/chain.h), and can be read back.
  apply_rules(SSL_CTX_get0_param(ctx), settings_.rules,
              is_server() ? Purpose::client : Purpose::server, settings_.trust.get());

  if (!settings_.trust) return;
  SSL_CTX_set1_cert_store(ctx, settings_.trust->store());
}

void Context::name_cas() {
  if (!is_server() || settings_.ca_hints == SALLY_CA_HINTS_NONE) return;
  const bool others = settings_.ca_hints == SALLY_CA_HINTS_STORE;
  const TrustStore* named = others ? settings_.hinted.get() : settings_.trust.get();
  if (named == nullptr || named->size() > most_named_cas) return;
  for (const X509Owner& anchor : named->anchors()) {
    require(SSL_CTX_add_client_CA(handle(), anchor.get()) == 1, "the names of the clients' CAs");
  }
}

// A query that rules out all providers but some rules out the one that hands on signatures too.
void Context::check_signers() const {
  if (!signs_elsewhere_ || settings_.provider_query.empty()) return;
  for (const Ref<Credential>& credential : settings_.credentials) {
    if (credential->signs_elsewhere() && !can_sign(credential->key(), settings_.provider_query))
      fail_provider_query(settings_.provider_query);
  }
}

// What a server shows where it has no choice. A client shows nothing before it is asked: what fits
// the server is chosen then.
void Context::set_credentials() {
  if (!is_server()) return;
  credentials_ = ServerCredentials(settings_.credentials);
  std::set<std::string_view> taken;
  for (const Ref<Credential>& credential : settings_.credentials) {
    if (!taken.insert(credential->key_type()).second) continue;
    require(install(handle(), *credential), "the credential");
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
