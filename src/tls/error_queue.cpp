#include "tls/error_queue.h"

#include "tls/native_names.h"

#include <openssl/err.h>

namespace sally::tls {

void clear_errors() noexcept {
  ERR_clear_error();
}

NativeError take_error() {
  unsigned long chosen = 0;
  while (const unsigned long code = ERR_get_error()) {
    const bool better = ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_LIB(chosen) != ERR_LIB_SSL;
    if (chosen == 0 || better) chosen = code;
  }
  if (chosen == 0) return {};
  std::string name(openssl_error_name(static_cast<std::int64_t>(chosen)));
  if (name.empty()) {
    const char* reason = ERR_reason_error_string(chosen);
    name = reason != nullptr ? reason : "";
  }
  return {chosen, std::move(name)};
}

}  // namespace sally::tls
