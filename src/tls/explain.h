// Turns a failed TLS call into an error that says why.
#pragma once

#include "status/error.h"

struct ssl_st;

namespace sally::tls {

struct HandshakeRecord;
struct RecordPort;
struct NativeError;

// "0f3c...": a hash of the client random, the same on both sides; "" before there is one.
std::string correlation_id_of(const ssl_st* ssl);

// In the order of how much each says: our own refusal of the peer's certificate, the peer's alert,
// a failed transport, an end of the transport, what OpenSSL gives as the reason. With all that there is
// to tell of the handshake, where that is what failed.
ErrorRef explain_failure(ssl_st* ssl, const HandshakeRecord& record, RecordPort& port,
                         const NativeError& native, bool established, const char* phase);

// The same for a handshake that this side gives up, because it takes too long for example: what is known
// so far.
void add_what_is_known(ssl_st* ssl, const HandshakeRecord& record, ErrorDetail& detail);

}  // namespace sally::tls
