// How loaded bytes are encoded, told from the bytes: no file name is asked.
#pragma once

#include <string_view>

namespace sally::tls {

enum class Encoding {
  pem,            // RFC 7468: there is a BEGIN line
  signed_object,  // DER of a certificate, a CRL or a request: told apart only by decoding
  private_key,    // DER of PKCS#8 (RFC 5958), SEC 1 (RFC 5915) or PKCS#1 (RFC 8017)
  encrypted_key,  // DER of an encrypted PKCS#8 key
  pkcs12,         // RFC 7292, DER or BER
  other
};

// Looks at the outermost values only; what is cut off or damaged further in is what it began as.
Encoding encoding_of(std::string_view bytes);

}  // namespace sally::tls
