#include "pki_openssl.h"

#include "pki_failure.h"

#include <openssl/err.h>

namespace pki {

OSSL_LIB_CTX* library() {
  static const Owner<OSSL_LIB_CTX, OSSL_LIB_CTX_free> context(
      made(OSSL_LIB_CTX_new(), "start a library context"));
  return context.get();
}

void fail_to(const std::string& what) {
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  std::string text = "OpenSSL cannot " + what;
  if (reason != nullptr) text.append(": ").append(reason);
  ERR_clear_error();
  throw Failure(text);
}

}  // namespace pki
