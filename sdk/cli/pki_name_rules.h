// What may stand in a certificate's names. Each function says what is wrong with one, "" for
// nothing.
#pragma once

#include <string>
#include <string_view>

namespace pki {

// RFC 5280 section 4.2.1.6: the preferred name syntax, and a wildcard as RFC 9525 allows it.
std::string host_complaint(std::string_view text);
// A mailbox of RFC 5321 section 4.1.2, with a dot-string before the @.
std::string email_complaint(std::string_view text);
// RFC 3986, absolute; "spiffe" as the SPIFFE-ID standard says.
std::string uri_complaint(std::string_view text);

// For a terminal: control bytes and what is not ASCII as \xNN.
std::string printable(std::string_view text);

}  // namespace pki
