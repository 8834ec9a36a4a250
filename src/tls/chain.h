// Judging the peer of a connection.
#pragma once

#include "status/error.h"
#include "tls/openssl_types.h"
#include "tls/session_cache.h"

struct stack_st_X509;
struct x509_store_ctx_st;

namespace sally::tls {

class Context;
class TrustStore;
struct HandshakeRecord;

// Whether the peer's chain passes every check. If not, `record.verdict` says why and the X.509
// error in `store` is the one that the alert is to be picked from; if so, `record.good` has the
// verified chain, and OpenSSL gets no copy of it.
bool verify_chain(x509_store_ctx_st* store, const Context& context, HandshakeRecord& record);

// After a chain that was found good: what the peer has just sent gives way to the same certificates as
// they were decoded for whoever sent them first, so that many connections of one peer hold them once.
// OpenSSL keeps what `store` holds when the verify callback returns.
void share_certificates(x509_store_ctx_st* store, const HandshakeRecord& record) noexcept;

// What a peer sent, in their order; `sent` may hold the leaf. Throws std::bad_alloc.
SentCertificates encode(x509_st* leaf, const stack_st_X509* sent);

// Whether the peer of an earlier session would still be let in, by the very same checks. Sets
// `record.good`.
bool check_again(const SentCertificates& sent, const Context& context, HandshakeRecord& record);

// Why the peer of an established connection would not be let in under `trust`, a later generation of
// the context's; null where it would. `record.good` is what it was let in by.
ErrorRef refusal_under(const Ref<TrustStore>& trust, const Context& context,
                       const HandshakeRecord& record);

}  // namespace sally::tls
