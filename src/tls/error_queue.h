// The choke point to OpenSSL's error queue: empty before each call, drained after it.
#pragma once

#include "status/error.h"

#include <string>

namespace sally::tls {

// The queue belongs to the thread, not to a connection: what another stream, or the host program,
// left there would be read as our failure, so every call into OpenSSL starts from empty.
void clear_errors() noexcept;

struct NativeError {
  unsigned long code = 0;  // 0: the queue was empty
  std::string name;  // "SSL_R_...", "PEM_R_..."; where it has no known name, OpenSSL's own words
};

// The most specific entry: the first with a reason of libssl's own, else the first that does not just
// point to another library. Leaves the queue empty.
NativeError take_error();

}  // namespace sally::tls
