// The functions that OpenSSL calls during a handshake.
#pragma once

struct ssl_ctx_st;
struct ssl_st;

namespace sally::tls {

class Context;
struct HandshakeRecord;

// What belongs to a session whose callbacks were installed.
HandshakeRecord& record_of(const ssl_st* ssl);
const Context& context_of(const ssl_st* ssl);

// For every session of the context; each session must have a record attached before its handshake.
// The context must outlive `context`.
void install_callbacks(ssl_ctx_st* context, const Context& owner);
void attach(ssl_st* ssl, HandshakeRecord& record);
// The handshake is over: stop looking at each message, which costs a call for every record.
void stop_observing_messages(ssl_st* ssl);

}  // namespace sally::tls
