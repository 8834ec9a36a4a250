// Distinguished names as text.
#pragma once

#include <string>

struct X509_name_st;

namespace sally::tls {

// RFC 2253 form, UTF-8 left as it is, but for what cannot be shown: that becomes \xNN (status/text.h).
std::string to_text(const X509_name_st* name);

}  // namespace sally::tls
