// The name of the server that a client asks for (RFC 6066 section 3), and the patterns that names are
// compared with.
#pragma once

#include <string>
#include <string_view>

struct ssl_st;

namespace sally::tls {

// Within the callback that reads the hello, when OpenSSL itself does not say yet. As it was sent, but in
// lower case; "" where there is none, or a malformed one, which OpenSSL refuses after that.
std::string server_name_of_hello(ssl_st* ssl);

// As names are compared: in lower case, without the dot of the root. "" for what is neither a DNS name
// nor "*." and one of two labels at least.
std::string to_name_pattern(std::string_view text);

}  // namespace sally::tls
