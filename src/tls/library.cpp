#include "tls/library.h"

#include "status/error.h"
#include "tls/openssl.h"
#include "tls/signer_provider.h"
#include "transport/event_loop.h"
#include "transport/fork.h"

#include <cstdint>
#include <new>
#include <openssl/provider.h>

namespace sally::tls {

namespace {

#ifdef SALLYPORT_PRIVATE_OPENSSL
// An OpenSSL that only we use. The host's openssl.cnf speaks to the host's, and may name modules
// that fit no other. No clean-up at exit: threads of the program may be in the library still.
constexpr std::uint64_t habits = OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ATEXIT;
#else
// Its clean-up at exit is not registered by the private context alone.
constexpr std::uint64_t habits = OPENSSL_INIT_ADD_ALL_CIPHERS;
#endif

struct LibraryContext {
  LibraryContext() {
    // The first call to OpenSSL decides about its habits.
    if (OPENSSL_init_crypto(habits, nullptr) != 1) throw std::bad_alloc();
    // Its clean-up is registered now, and must find no loop at work, not even one made before.
    transport::EventLoop::rest_first_at_exit();
    context = checked(OSSL_LIB_CTX_new());
    // Loaded by name: the automatic fallback would depend on what the machine's configuration
    // activates.
    if (OSSL_PROVIDER_load(context, "default") == nullptr) {
      throw Failure(SALLY_INTERNAL, {.message = "OpenSSL's default provider cannot be loaded"});
    }
    load_signer_provider(context);
  }
  OSSL_LIB_CTX* context = nullptr;
};

transport::PerProcess<LibraryContext> shared_context;

}  // namespace

OSSL_LIB_CTX* library_context() {
  return shared_context.get().context;
}

const char* backend_version() noexcept {
  return OpenSSL_version(OPENSSL_VERSION);
}

BioOwner memory_bio(std::string_view bytes) {
  if (bytes.size() > INT_MAX)
    throw Failure(SALLY_LIMIT_EXCEEDED, {.message = "more than 2 GiB of PEM"});
  // No bytes may well have no address, which OpenSSL refuses.
  const char* data = bytes.empty() ? "" : bytes.data();
  return BioOwner(checked(BIO_new_mem_buf(data, static_cast<int>(bytes.size()))));
}

void SslDeleter::operator()(ssl_st* ssl) const noexcept {
  SSL_free(ssl);
}
void SslContextDeleter::operator()(ssl_ctx_st* context) const noexcept {
  SSL_CTX_free(context);
}
void SessionDeleter::operator()(ssl_session_st* session) const noexcept {
  SSL_SESSION_free(session);
}
void X509Deleter::operator()(x509_st* certificate) const noexcept {
  X509_free(certificate);
}
void CrlDeleter::operator()(X509_crl_st* crl) const noexcept {
  X509_CRL_free(crl);
}
void X509StoreDeleter::operator()(x509_store_st* store) const noexcept {
  X509_STORE_free(store);
}
void KeyDeleter::operator()(evp_pkey_st* key) const noexcept {
  EVP_PKEY_free(key);
}

}  // namespace sally::tls
