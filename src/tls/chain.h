// Building and checking a peer's chain, beyond what one call of X509_verify_cert does.
#pragma once

struct x509_store_ctx_st;

namespace sally::tls {

class Context;
struct HandshakeRecord;

// Whether the peer's chain passes every check. If not, `record.verdict` says why and the X.509
// error in `store` is the one that the alert is to be picked from.
bool verify_chain(x509_store_ctx_st* store, const Context& context, HandshakeRecord& record);

}  // namespace sally::tls
