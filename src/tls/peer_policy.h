// Who the peer may be, among those whose chain is good.
#pragma once

#include "tls/verifier.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sally::tls {

struct PolicyAnswer {
  std::vector<Finding> findings;
  bool pin_matched = false;
};

// `chain` is the verified one; on resumption it may be the leaf alone, or empty: pins that nothing
// is left to match are then not matched.
PolicyAnswer check_policy(x509_st* leaf, std::span<const X509Owner> chain,
                          const PeerPolicy& policy);

// Whether it could be the name of a host (RFC 1035 section 2.3.4), in whatever case; underscores pass.
bool is_dns_name(std::string_view name);

// What the setters take. Throw Failure(SALLY_INVALID_ARGUMENT).
AllowedPeer to_allowed_peer(std::int32_t kind, const std::string& pattern);
Pin to_pin(const std::string& text, std::uint32_t flags);

// "sha256/BASE64"
std::string to_text(const Pin& pin);
// The pin of a certificate's key.
Pin pin_of(x509_st* certificate);
// Likewise of the public half of a key.
Pin pin_of(const evp_pkey_st* key);

}  // namespace sally::tls
