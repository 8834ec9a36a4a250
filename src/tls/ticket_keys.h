// The keys with which a server encrypts what its clients keep for it (RFC 5077, RFC 8446 section
// 4.6.1), shared by a fleet of servers. Immutable; replaced through a TicketKeySource.
#pragma once

#include "status/ref.h"
#include "tls/material.h"
#include "tls/source.h"

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace sally::tls {

struct TicketKey {
  std::array<unsigned char, 16> name;
  std::array<unsigned char, 32> mac;     // HMAC with SHA-256
  std::array<unsigned char, 32> cipher;  // AES-256-CBC
};

class TicketKeys : public RefCounted<TicketKeys> {
 public:
  static constexpr std::size_t most = 16;

  // One key after another, 80 bytes each: name, MAC key, cipher key. The first one encrypts, all
  // decrypt. Throws Failure(SALLY_TICKET_KEYS_BAD_FORMAT).
  explicit TicketKeys(const MaterialSource& input);

  const TicketKey& current() const noexcept { return keys_.front(); }
  // Null where it is not among them.
  const TicketKey* find(std::span<const unsigned char, 16> name) const noexcept;
  std::size_t size() const noexcept { return keys_.size(); }

 private:
  friend class RefCounted<TicketKeys>;
  ~TicketKeys();

  std::vector<TicketKey> keys_;  // wiped
};

using TicketKeySource = Source<TicketKeys, MaterialSource>;

}  // namespace sally::tls
