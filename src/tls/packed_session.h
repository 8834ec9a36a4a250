// A session as bytes.
#pragma once

#include "tls/openssl_types.h"

#include <cstddef>
#include <memory>

namespace sally::tls {

// Without the certificate of the peer, a quarter of a kilobyte, where OpenSSL's own object takes one
// and the decoded certificate five more. Immutable; wiped when it goes.
class PackedSession {
 public:
  // Throws std::bad_alloc.
  explicit PackedSession(ssl_session_st* session);
  ~PackedSession();
  PackedSession(const PackedSession&) = delete;
  PackedSession& operator=(const PackedSession&) = delete;

  // A new object, which names no peer. Throws std::bad_alloc.
  SessionOwner unpack() const;

 private:
  std::size_t size_ = 0;
  std::unique_ptr<unsigned char[]> bytes_;
};

}  // namespace sally::tls
