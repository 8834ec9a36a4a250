#include "tls/installing.h"

#include "tls/credential.h"
#include "tls/openssl.h"

namespace sally::tls {

namespace {

struct StackDeleter {
  void operator()(STACK_OF(X509) * stack) const noexcept { sk_X509_free(stack); }
};
using StackOwner = std::unique_ptr<STACK_OF(X509), StackDeleter>;

// What is sent after its own certificate.
StackOwner rest_of(const Credential& credential) {
  StackOwner issuers(checked(sk_X509_new_null()));
  const auto& chain = credential.chain();
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (sk_X509_push(issuers.get(), chain[i].get()) == 0) throw std::bad_alloc();
  }
  return issuers;
}

}  // namespace

bool install(SSL_CTX* context, const Credential& credential) {
  const StackOwner issuers = rest_of(credential);
  return SSL_CTX_use_cert_and_key(context, credential.certificate(), credential.key(),
                                  issuers.get(), /*override=*/1) == 1;
}

bool install(SSL* ssl, const Credential& credential) {
  const StackOwner issuers = rest_of(credential);
  return SSL_use_cert_and_key(ssl, credential.certificate(), credential.key(), issuers.get(),
                              /*override=*/1) == 1;
}

}  // namespace sally::tls
