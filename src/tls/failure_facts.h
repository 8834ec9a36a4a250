// What can be told of a handshake that has failed, read from the session as it ended.
#pragma once

#include "status/handshake_facts.h"

#include <memory>
#include <string>

struct ssl_st;

namespace sally::tls {

struct HandshakeRecord;

// Throws std::bad_alloc. Whom this side trusts is told where it was about to judge its peer.
std::shared_ptr<const HandshakeFacts> facts_of_failure(ssl_st* ssl, const HandshakeRecord& record);

// This side's certificate beside its clock: what there is to know where the peer says that it has
// expired.
std::shared_ptr<const JudgedFacts> validity_of_own(const HandshakeFacts& facts);
// The same as a hint, which begins with `hint`.
std::string clock_hint(const HandshakeFacts& facts, std::string hint);

}  // namespace sally::tls
