// library.hpp: facts about the library itself. See library.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <sallyport/base.hpp>
#include <sallyport/error.hpp>
#include <sallyport/library.h>

namespace sally::inline v0 {

// Of the library that runs; the headers' own is SALLY_VERSION_MAJOR, _MINOR and _PATCH.
inline std::string_view library_version() noexcept {
  return detail::view(sally_library_version());
}
// Name and version of the TLS library in use.
inline std::string_view library_tls_backend() noexcept {
  return detail::view(sally_library_tls_backend());
}
// Loads a provider of OpenSSL by its name, for TlsConfig::provider. `configuration` is the path of
// the configuration file that it needs, "" for none.
inline void library_load_provider(const std::string& name, const std::string& configuration = {}) {
  const char* path = configuration.empty() ? nullptr : detail::c_text(configuration);
  detail::check([&](sally_error** error) {
    return sally_library_load_provider(detail::c_text(name), path, error);
  });
}
// How many handles of a SALLY_HANDLE_* are alive; -1 for a kind that does not exist.
inline std::int64_t library_live_handles(std::int32_t kind) noexcept {
  return sally_library_live_handles(kind);
}

}  // namespace sally::inline v0
