// The TLS library underneath: which one it is.
#pragma once

namespace sally::tls {

// Name and version as the library itself says at run time.
const char* backend_version() noexcept;

}  // namespace sally::tls
