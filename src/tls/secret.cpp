#include "tls/secret.h"

#include <algorithm>
#include <openssl/crypto.h>

namespace sally::tls {

Secret::Secret(std::string_view text) : bytes_(text.size() + 1) {
  std::copy(text.begin(), text.end(), bytes_.begin());
}

Secret::~Secret() {
  OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

}  // namespace sally::tls
