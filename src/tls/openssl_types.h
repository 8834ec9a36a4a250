// OpenSSL's types by name only, so that the layers above can hold our owners without seeing its
// headers.
#pragma once

#include <memory>

struct ssl_st;
struct ssl_ctx_st;
struct ssl_session_st;
struct x509_st;
struct x509_store_st;
struct X509_crl_st;
struct evp_pkey_st;

namespace sally::tls {

struct SslDeleter {
  void operator()(ssl_st* ssl) const noexcept;
};
struct SslContextDeleter {
  void operator()(ssl_ctx_st* context) const noexcept;
};
struct SessionDeleter {
  void operator()(ssl_session_st* session) const noexcept;
};
struct X509Deleter {
  void operator()(x509_st* certificate) const noexcept;
};
struct CrlDeleter {
  void operator()(X509_crl_st* crl) const noexcept;
};
struct X509StoreDeleter {
  void operator()(x509_store_st* store) const noexcept;
};
struct KeyDeleter {
  void operator()(evp_pkey_st* key) const noexcept;
};

using SslOwner = std::unique_ptr<ssl_st, SslDeleter>;
using SslContextOwner = std::unique_ptr<ssl_ctx_st, SslContextDeleter>;
using SessionOwner = std::unique_ptr<ssl_session_st, SessionDeleter>;
using X509Owner = std::unique_ptr<x509_st, X509Deleter>;
using CrlOwner = std::unique_ptr<X509_crl_st, CrlDeleter>;
using X509StoreOwner = std::unique_ptr<x509_store_st, X509StoreDeleter>;
using KeyOwner = std::unique_ptr<evp_pkey_st, KeyDeleter>;

}  // namespace sally::tls
