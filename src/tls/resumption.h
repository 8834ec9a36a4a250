// Sessions that are resumed (RFC 8446 section 2.2, RFC 5246 section 7.3): kept, offered, and checked
// again, so that resuming lets nobody in whom a full handshake would not.
#pragma once

#include "tls/openssl_types.h"
#include "tls/session_cache.h"

#include <string>
#include <string_view>

struct ssl_st;
struct ssl_ctx_st;

namespace sally::tls {

class Context;
struct HandshakeRecord;

// What a server's sessions are bound to, beside the name that the client asked for: another trust,
// client-auth mode or policy is another scope.
std::string resumption_scope(const Context& context);

// On a client, also where nothing is resumed: that a session came tells it that it was accepted.
void notice_sessions(ssl_ctx_st* handle);
void enable_resumption(ssl_ctx_st* handle, const Context& context);

// On a server, when the client's hello is there; `name` is the one that it asked for.
void bind_to_server_name(ssl_st* ssl, std::string_view name);

// On a client, before the handshake: offers the newest session that fits.
void offer_session(ssl_st* ssl, const Context& context, HandshakeRecord& record);
// On a client, when a session was resumed: of TLS 1.2 it may be resumed again.
void keep_resumed(ssl_st* ssl);

}  // namespace sally::tls
