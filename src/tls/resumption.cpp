#include "tls/resumption.h"

#include "tls/callbacks.h"
#include "tls/chain.h"
#include "tls/context.h"
#include "tls/error_queue.h"
#include "tls/handshake_record.h"
#include "tls/library.h"
#include "tls/openssl.h"
#include "tls/ticket_keys.h"
#include "tls/tracer.h"
#include "tls/verification_cache.h"

#include <algorithm>
#include <array>
#include <memory>
#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <span>
#include <utility>

namespace sally::tls {

namespace {

// Of the certificates that a peer sent beside its own, as a part of a ticket. More is not kept: what
// then cannot be checked again takes a full handshake.
constexpr std::size_t most_chain_bytes = 8 * 1024;

using Digest = std::array<unsigned char, 32>;

Digest sha256(std::string_view bytes) {
  Digest digest{};
  std::size_t size = 0;
  if (EVP_Q_digest(library_context(), "SHA256", nullptr, bytes.data(), bytes.size(), digest.data(),
                   &size) != 1) {
    throw std::bad_alloc();
  }
  return digest;
}

std::string digest_of(const TrustStore& trust) {
  std::vector<std::string> anchors;
  for (const X509Owner& anchor : trust.anchors()) {
    Digest digest{};
    unsigned int size = 0;
    if (X509_digest(anchor.get(), EVP_sha256(), digest.data(), &size) != 1) throw std::bad_alloc();
    anchors.emplace_back(digest.begin(), digest.end());
  }
  std::ranges::sort(anchors);
  std::string all;
  for (const std::string& anchor : anchors) all += anchor;
  return all;
}

std::string_view id_of(const SSL_SESSION* session) {
  unsigned int size = 0;
  const unsigned char* id = SSL_SESSION_get_id(session, &size);
  return {reinterpret_cast<const char*>(id), size};
}

// A client's sessions are of the server that it verified: by this name, under this context.
std::string server_of(const PeerName& name) {
  return (name.is_ip ? "ip:" : "dns:") + name.text;
}

// Whether a certificate belongs to this session. Of one that was packed OpenSSL does not know; and what
// was found good for a session that was offered, but not resumed, is of no account.
bool has_peer(const SSL* ssl, SSL_SESSION* session, const HandshakeRecord& record) {
  if (SSL_SESSION_get0_peer(session) != nullptr) return true;
  return SSL_session_reused(ssl) == 1 && record.good;
}

// OpenSSL calls it with each session that may be resumed; 1 would keep the reference that it gives.
int keep_session(SSL* ssl, SSL_SESSION* session) {
  HandshakeRecord& record = record_of(ssl);
  const Context& context = context_of(ssl);
  record.session_came = true;
  if (!context.resumes() || SSL_SESSION_is_resumable(session) != 1) return 0;
  SentCertificates sent;
  if (has_peer(ssl, session, record)) {
    if (record.good) sent = record.good->encoded;
    // Who was let in against the verdict is asked about each time.
    if (!sent) return 0;
  }
  try {
    std::string key =
        context.is_server() ? std::string(id_of(session)) : server_of(record.peer_name);
    context.sessions().add(std::move(key), session, std::move(sent));
  } catch (const std::bad_alloc&) {
    // Then it is not kept.
  }
  return 0;
}

// On a server OpenSSL says so where a session must not be resumed: where its connection failed (RFC
// 5246 section 7.2.2), for example.
void forget_session(SSL_CTX* handle, SSL_SESSION* session) {
  static_cast<const Context*>(SSL_CTX_get_app_data(handle))->sessions().forget(id_of(session));
}

// Null: a client that was let in without a certificate. What was found for another session that the
// same client has offered does not count for this one.
bool holds(const Context& context, const SentCertificates& sent, HandshakeRecord& record) {
  record.good.reset();
  return !sent || check_again(sent, context, record);
}

SSL_SESSION* find_session(SSL* ssl, const unsigned char* id, int size, int* copy) {
  *copy = 0;  // the reference is given away
  const Context& context = context_of(ssl);
  try {
    Resumable found = context.sessions().find(
        {reinterpret_cast<const char*>(id), static_cast<std::size_t>(size)});
    if (!found.session || !holds(context, found.sent, record_of(ssl))) return nullptr;
    return found.session.release();
  } catch (...) {
    return nullptr;
  }
}

int use_ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                   EVP_MAC_CTX* mac, int encrypt) {
  const Ref<TicketKeys> keys = context_of(ssl).settings().ticket_keys->current();
  const TicketKey* key = &keys->current();
  if (encrypt == 1) {
    std::ranges::copy(key->name, name);
    if (RAND_bytes_ex(library_context(), iv, 16, 0) != 1) return -1;
  } else {
    key = keys->find(std::span<const unsigned char, 16>(name, 16));
    if (key == nullptr) return 0;
  }
  std::array<char, 7> digest = {"SHA256"};
  const std::array parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  const bool ready =
      EVP_MAC_init(mac, key->mac.data(), key->mac.size(), parameters.data()) == 1 &&
      EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->cipher.data(), iv, encrypt) == 1;
  if (!ready) return -1;
  constexpr int good = 1;
  constexpr int good_but_old = 2;
  return key == &keys->current() ? good : good_but_old;
}

// A ticket holds the peer's own certificate; this adds those that came with it, without which it
// could not be judged again.
int add_chain_to_ticket(SSL* ssl, void* /*unused*/) {
  // In a resumed session what was added before is still there, and the chain is not.
  if (SSL_session_reused(ssl) == 1) return 1;
  const STACK_OF(X509)* sent = SSL_get_peer_cert_chain(ssl);
  std::string bytes;
  try {
    for (int i = 0; i < sk_X509_num(sent); ++i) {
      unsigned char* der = nullptr;
      const int size = i2d_X509(sk_X509_value(sent, i), &der);
      const std::unique_ptr<unsigned char, CryptoDeleter> owner(der);
      if (size <= 0) return 0;
      bytes.append(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    }
  } catch (const std::bad_alloc&) {
    return 0;
  }
  if (bytes.size() > most_chain_bytes) return 1;
  return SSL_SESSION_set1_ticket_appdata(SSL_get_session(ssl), bytes.data(), bytes.size());
}

SentCertificates sent_in_ticket(SSL_SESSION* session) {
  X509* leaf = SSL_SESSION_get0_peer(session);
  if (leaf == nullptr) return nullptr;
  SentCertificates sent = encode(leaf, nullptr);
  void* data = nullptr;
  std::size_t size = 0;
  if (SSL_SESSION_get0_ticket_appdata(session, &data, &size) != 1) return sent;
  return std::make_shared<const std::string>(*sent +
                                             std::string(static_cast<const char*>(data), size));
}

SSL_TICKET_RETURN check_ticket(SSL* ssl, SSL_SESSION* session, const unsigned char* /*name*/,
                               std::size_t /*size*/, SSL_TICKET_STATUS status, void* /*unused*/) {
  const bool decrypted = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
  if (!decrypted) return SSL_TICKET_RETURN_IGNORE_RENEW;
  try {
    if (!holds(context_of(ssl), sent_in_ticket(session), record_of(ssl))) {
      return SSL_TICKET_RETURN_IGNORE_RENEW;
    }
  } catch (...) {
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  }
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

}  // namespace

std::string resumption_scope(const Context& context) {
  const Settings& settings = context.settings();
  std::string scope = "sallyport resumption 1\n";
  scope += std::to_string(settings.client_auth) + "\n";
  scope += std::to_string(settings.min_version) + "-" + std::to_string(settings.max_version) + "\n";
  scope += std::string(settings.policy->name) + "\n";
  if (settings.trust) scope += digest_of(*settings.trust);
  return scope;
}

void notice_sessions(SSL_CTX* handle) {
  SSL_CTX_sess_set_new_cb(handle, &keep_session);
  SSL_CTX_set_session_cache_mode(handle, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
}

void enable_resumption(SSL_CTX* handle, const Context& context) {
  const Settings& settings = context.settings();
  SSL_CTX_set_timeout(handle, static_cast<long>(settings.session_lifetime_s));
  if (!context.is_server()) {
    SSL_CTX_clear_options(handle, SSL_OP_NO_TICKET);
    return;
  }
  SSL_CTX_sess_set_new_cb(handle, &keep_session);
  // One suffices: whoever resumes gets the next one.
  SSL_CTX_set_num_tickets(handle, 1);
  if (settings.ticket_keys) {
    SSL_CTX_clear_options(handle, SSL_OP_NO_TICKET);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(handle, &use_ticket_key);
    SSL_CTX_set_session_ticket_cb(handle, &add_chain_to_ticket, &check_ticket, nullptr);
    return;
  }
  SSL_CTX_set_session_cache_mode(handle, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_get_cb(handle, &find_session);
  SSL_CTX_sess_set_remove_cb(handle, &forget_session);
}

void bind_to_server_name(SSL* ssl, std::string_view name) {
  const Digest digest = sha256(context_of(ssl).resumption_scope() + std::string(name));
  SSL_set_session_id_context(ssl, digest.data(), static_cast<unsigned int>(digest.size()));
}

void offer_session(SSL* ssl, const Context& context, HandshakeRecord& record) {
  Resumable known = context.sessions().take(server_of(record.peer_name));
  if (!known.session || !holds(context, known.sent, record)) return;
  if (SSL_set_session(ssl, known.session.get()) != 1) {
    clear_errors();
    return;
  }
  if (record.trace != nullptr) record.trace->offered_session();
}

// A ticket of TLS 1.3 is used once (RFC 8446 appendix C.4), so that nobody can link connections. In
// TLS 1.2 OpenSSL tells nobody of the one that a server renewed.
void keep_resumed(SSL* ssl) {
  if (SSL_version(ssl) >= TLS1_3_VERSION) return;
  SSL_SESSION* session = SSL_get1_session(ssl);
  if (session == nullptr) return;
  keep_session(ssl, session);
  SSL_SESSION_free(session);
}

}  // namespace sally::tls
