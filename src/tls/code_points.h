// IANA's names of the numbers that TLS sends.
#pragma once

#include <cstddef>
#include <string>

namespace sally::tls {

// "x25519"; of a number that is not known here "0x1234".
std::string group_name(std::size_t code);             // RFC 8446 section 4.2.7
std::string signature_scheme_name(std::size_t code);  // RFC 8446 section 4.2.3

}  // namespace sally::tls
