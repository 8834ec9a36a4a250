// What a caller calls its peer, as the layers below want it.
#pragma once

#include "tls/handshake_record.h"

#include <string>

namespace sally::abi {

// A DNS name (without its trailing dot) or a literal address (without brackets and zone). Throws
// Failure(SALLY_INVALID_ARGUMENT).
tls::PeerName to_peer_name(const std::string& name);

// What the resolver understands: without brackets.
std::string to_host(const std::string& host);

}  // namespace sally::abi
