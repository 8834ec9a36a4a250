// Which of this side's credentials fit a handshake.
#pragma once

#include "tls/credential.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

struct ssl_st;

namespace sally::tls {

struct HandshakeRecord;

// The signature schemes that the peer accepts of this side's certificate, most wanted first; empty: it
// has not said so.
std::vector<std::uint16_t> peer_schemes(ssl_st* ssl);

// On a client that was asked for a certificate: the first that fits is shown, none where none does.
// Why each of the others before it was not goes into `record.passed_over`.
void choose_for_client(ssl_st* ssl, std::span<const Ref<Credential>> credentials,
                       HandshakeRecord& record);

// Some of a server's credentials, in the order of their adding.
struct CredentialSet {
  std::vector<Ref<Credential>> credentials{};
  std::size_t key_types = 0;  // how many different ones they have

  void add(Ref<Credential> credential);
};

// On a server, once it knows what the client offers. The first that fits of each key type is at the
// TLS library's choice, which knows the cipher suites. A set counts only where none of those before it
// fits; where none fits at all, the first of each type in the first set, so that the client can say
// what is wrong with it.
void choose_for_server(ssl_st* ssl, std::span<const CredentialSet* const> ranks,
                       HandshakeRecord& record);

}  // namespace sally::tls
