#include "tls/chain.h"

#include "tls/context.h"
#include "tls/handshake_record.h"
#include "tls/openssl.h"
#include "tls/verdict.h"

#include <memory>

namespace sally::tls {

namespace {

// A peer may send many certificates; each detour costs a verification.
constexpr int most_detours = 8;

bool leads_nowhere(int error) {
  return error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
         error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
         error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN;
}

// OpenSSL follows the first certificate that could be the issuer and never turns back. RFC 8446
// section 4.4.2 asks for more: a peer may send what this side has no use for, the other half of a
// cross-certified pair for example. So the certificate that led nowhere is taken out of what the
// peer sent, and the chain is built again.
bool find_another_path(X509_STORE_CTX* store) {
  STACK_OF(X509)* const sent = X509_STORE_CTX_get0_untrusted(store);
  const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> rest(
      sk_X509_dup(sent), [](STACK_OF(X509) * stack) { sk_X509_free(stack); });
  bool found = false;
  for (int detour = 0; rest && !found && detour < most_detours; ++detour) {
    if (!leads_nowhere(X509_STORE_CTX_get_error(store)) ||
        X509_STORE_CTX_get_error_depth(store) == 0)
      break;
    X509* dead_end = X509_STORE_CTX_get_current_cert(store);
    const int index = sk_X509_find(rest.get(), dead_end);
    if (index < 0) break;
    sk_X509_delete(rest.get(), index);
    X509_STORE_CTX_set0_verified_chain(store, nullptr);
    X509_STORE_CTX_set_error(store, X509_V_OK);
    X509_STORE_CTX_set0_untrusted(store, rest.get());
    found = X509_verify_cert(store) > 0;
  }
  X509_STORE_CTX_set0_untrusted(store, sent);
  return found;
}

// RFC 8446 section 4.4.2.2: where there is a key usage it must allow signatures, which is what
// every handshake of ours proves the key by. OpenSSL is content with key agreement.
bool may_sign(X509* certificate) {
  const std::uint32_t usage = X509_get_key_usage(certificate);  // all bits where there is none
  return (usage & KU_DIGITAL_SIGNATURE) != 0;
}

}  // namespace

bool verify_chain(X509_STORE_CTX* store, const Context& context, HandshakeRecord& record) {
  if (X509_verify_cert(store) <= 0) {
    record.verdict = explain_verdict(store, record.peer_name, context);
    const int error = X509_STORE_CTX_get_error(store);
    if (!find_another_path(store)) {
      X509_STORE_CTX_set_error(store, error);
      return false;
    }
    record.verdict = {};
  }
  X509* leaf = X509_STORE_CTX_get0_cert(store);
  if (may_sign(leaf)) return true;
  X509_STORE_CTX_set_error(store, X509_V_ERR_INVALID_PURPOSE);
  X509_STORE_CTX_set_error_depth(store, 0);
  X509_STORE_CTX_set_current_cert(store, leaf);
  record.verdict = explain_verdict(store, record.peer_name, context);
  return false;
}

}  // namespace sally::tls
