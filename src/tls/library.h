// The TLS library underneath: which one it is.
#pragma once

namespace sally::tls {

// Name and version as the library itself says at run time.
const char* backend_version() noexcept;

// Makes what all sessions share. The TLS library cleans up while a program exits, and what was made
// later is ended earlier: so this comes before any event loop is made. Throws Failure.
void prepare();

}  // namespace sally::tls
