// Stapled OCSP responses (RFC 6066 section 8): asked for and judged by clients, shown by servers.
#pragma once

#include <string_view>

struct ssl_ctx_st;

namespace sally::tls {

class Context;
class Credential;

void install_ocsp(ssl_ctx_st* context, const Context& owner);

// What a server shows with this credential from now on; no bytes take it away. Throws Failure:
// SALLY_OCSP_RESPONSE_INVALID for what clients would refuse.
void set_staple(Credential& credential, std::string_view response);

}  // namespace sally::tls
