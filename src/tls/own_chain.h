// The certificates that this side shows, in the order that they are sent in.
#pragma once

#include "tls/openssl_types.h"

#include <cstddef>
#include <string>
#include <vector>

namespace sally::tls {

struct OwnChain {
  // Its own certificate, then each one's issuer (RFC 5246 section 7.4.2), then issuers by another
  // way (RFC 8446 section 4.4.2 allows them), then what has no part in it.
  std::vector<X509Owner> certificates;
  std::size_t linked = 0;  // how many of them have a part in it
  // One line each; none of it keeps a credential from being used.
  std::vector<std::string> warnings;
};

// `own` is the index of its own certificate. Where the format keeps no order, PKCS#12 for example,
// that the order was another one is not worth a warning.
OwnChain arrange(std::vector<X509Owner> found, std::size_t own, bool format_keeps_order);

}  // namespace sally::tls
