// Which of this side's credentials fit a handshake.
#pragma once

#include "tls/credential.h"

#include <span>

struct ssl_st;

namespace sally::tls {

struct HandshakeRecord;

// On a client that was asked for a certificate: the first that fits is shown, none where none does.
// Why each of the others before it was not goes into `record.passed_over`.
void choose_for_client(ssl_st* ssl, std::span<const Ref<Credential>> credentials,
                       HandshakeRecord& record);

// On a server, once it knows what the client offers. The first that fits of each key type is at the
// TLS library's choice, which knows the cipher suites; where none fits at all, the first of each
// type, so that the client can say what is wrong with it. `credentials` are those of the host that
// the client asked for.
void choose_for_server(ssl_st* ssl, std::span<const Ref<Credential>> credentials,
                       HandshakeRecord& record);

}  // namespace sally::tls
