#include "tls/provider.h"

#include "status/error.h"
#include "tls/error_queue.h"
#include "tls/openssl.h"

#include <memory>
#include <openssl/conf.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>

namespace sally::tls {

namespace {

std::string loaded_providers() {
  std::string names;
  const auto add = [](OSSL_PROVIDER* provider, void* list) {
    auto& all = *static_cast<std::string*>(list);
    try {
      all += (all.empty() ? "" : ", ") + std::string(OSSL_PROVIDER_get0_name(provider));
    } catch (...) {
      return 0;
    }
    return 1;
  };
  OSSL_PROVIDER_do_all(library_context(), add, &names);
  return names;
}

[[noreturn]] void fail_loading(const std::string& name, const char* what) {
  const NativeError native = take_error();
  throw Failure(SALLY_PROVIDER_UNAVAILABLE,
                {.message = "'" + name + "': " + what,
                 .native_domain = native.code == 0 ? SALLY_DOMAIN_NONE : SALLY_DOMAIN_OPENSSL,
                 .native_code = static_cast<std::int64_t>(native.code),
                 .native_name = native.name,
                 .expected = name,
                 .found = loaded_providers(),
                 .phase = "load"});
}

template <class T>
using Fetched = std::unique_ptr<T, void (*)(T*)>;

// One of each kind that no handshake does without.
bool can_fetch(const char* query) {
  OSSL_LIB_CTX* context = library_context();
  const Fetched<EVP_MD> digest(EVP_MD_fetch(context, "SHA2-256", query), &EVP_MD_free);
  if (!digest) return false;
  const Fetched<EVP_CIPHER> cipher(EVP_CIPHER_fetch(context, "AES-128-GCM", query),
                                   &EVP_CIPHER_free);
  const Fetched<EVP_KDF> derivation(EVP_KDF_fetch(context, "HKDF", query), &EVP_KDF_free);
  const Fetched<EVP_SIGNATURE> signature(EVP_SIGNATURE_fetch(context, "ECDSA", query),
                                         &EVP_SIGNATURE_free);
  const Fetched<EVP_KEYEXCH> exchange(EVP_KEYEXCH_fetch(context, "ECDH", query), &EVP_KEYEXCH_free);
  return cipher && derivation && signature && exchange;
}

// A fetch takes a query that does not parse for none at all, and would give whatever there is; to set
// it as the default of a context, here one that is thrown away, tells.
bool is_query(const std::string& query) {
  const std::unique_ptr<OSSL_LIB_CTX, void (*)(OSSL_LIB_CTX*)> scratch(checked(OSSL_LIB_CTX_new()),
                                                                       &OSSL_LIB_CTX_free);
  const bool parses = EVP_set_default_properties(scratch.get(), query.c_str()) == 1;
  clear_errors();
  return parses;
}

}  // namespace

void load_provider(const char* name, const char* configuration) {
  OSSL_LIB_CTX* context = library_context();
  clear_errors();
  if (configuration != nullptr && OSSL_LIB_CTX_load_config(context, configuration) != 1) {
    fail_loading(name, "its configuration cannot be loaded");
  }
  if (OSSL_PROVIDER_available(context, name) == 1) return;
  clear_errors();
  if (OSSL_PROVIDER_load(context, name) == nullptr) {
    fail_loading(name, "OpenSSL cannot load it");
  }
  clear_errors();
}

void check_provider_query(const std::string& query) {
  if (!is_query(query)) {
    throw Failure(SALLY_INVALID_ARGUMENT,
                  {.message = "'" + query + "' is no property query of OpenSSL (property(7))"});
  }
  clear_errors();
  if (can_fetch(query.c_str())) return clear_errors();
  fail_provider_query(query);
}

void fail_provider_query(const std::string& query) {
  clear_errors();
  throw Failure(SALLY_PROVIDER_UNAVAILABLE,
                {.message = "no provider that is loaded has what TLS needs with '" + query + "'",
                 .expected = query,
                 .found = loaded_providers()});
}

}  // namespace sally::tls
