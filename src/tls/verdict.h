// Why a peer's certificate chain was refused.
#pragma once

#include "status/error.h"

struct x509_store_ctx_st;

namespace sally::tls {

class Context;
struct PeerName;

// After a failed verification, from the state that it left in `store`.
ErrorRef explain_verdict(x509_store_ctx_st* store, const PeerName& name, const Context& context);

}  // namespace sally::tls
