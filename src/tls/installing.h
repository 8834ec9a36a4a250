// Giving a credential to OpenSSL.
#pragma once

struct ssl_ctx_st;
struct ssl_st;

namespace sally::tls {

class Credential;

// In place of the one of its key type. False where OpenSSL refuses it, and has said why.
bool install(ssl_ctx_st* context, const Credential& credential);
bool install(ssl_st* ssl, const Credential& credential);

}  // namespace sally::tls
