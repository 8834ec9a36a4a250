#include "tls/signer_provider.h"

#include "status/error.h"
#include "tls/error_queue.h"
#include "tls/openssl.h"
#include "tls/signing.h"

#include <array>
#include <cstring>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <utility>

namespace sally::tls {

namespace {

constexpr const char* provider_name = "sallyport";
constexpr const char* provider_query = "provider=sallyport";
// How make_remote_key hands over a key: the address of a shared_ptr, within this process.
constexpr const char* remote_parameter = "sallyport-remote-key";

using RemoteKeyRef = std::shared_ptr<const RemoteKey>;

// What OpenSSL calls key data. A public key only, where OpenSSL compares one with ours.
struct KeyData {
  const char* type;
  RemoteKeyRef key{};
};

EVP_PKEY* public_half(const void* data) {
  const auto* key_data = static_cast<const KeyData*>(data);
  return key_data->key ? key_data->key->public_half.get() : nullptr;
}

template <class Function>
OSSL_DISPATCH entry(int id, Function* function) {
  return {id, reinterpret_cast<void (*)()>(function)};
}

// What all key types share.

void free_key(void* data) {
  delete static_cast<KeyData*>(data);
}

int has(const void* data, int selection) {
  const auto* key_data = static_cast<const KeyData*>(data);
  if (!key_data->key) return 0;
  return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 || key_data->key->certificate ? 1 : 0;
}

int match(const void* one, const void* other, int selection) {
  EVP_PKEY* first = public_half(one);
  EVP_PKEY* second = public_half(other);
  if (first == nullptr || second == nullptr) return 0;
  if ((selection & OSSL_KEYMGMT_SELECT_KEYPAIR) == 0)
    return EVP_PKEY_parameters_eq(first, second) == 1 ? 1 : 0;
  return EVP_PKEY_eq(first, second) == 1 ? 1 : 0;
}

struct KeyContextDeleter {
  void operator()(EVP_PKEY_CTX* context) const noexcept { EVP_PKEY_CTX_free(context); }
};
using KeyContextOwner = std::unique_ptr<EVP_PKEY_CTX, KeyContextDeleter>;

KeyOwner import_public(const char* type, const OSSL_PARAM* params) {
  const KeyContextOwner context(
      EVP_PKEY_CTX_new_from_name(library_context(), type, "provider=default"));
  EVP_PKEY* key = nullptr;
  const bool done = context && EVP_PKEY_fromdata_init(context.get()) == 1 &&
                    EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY,
                                      const_cast<OSSL_PARAM*>(params)) == 1;
  return KeyOwner(done ? key : nullptr);
}

int import(void* data, int /*selection*/, const OSSL_PARAM params[]) {
  auto& key_data = *static_cast<KeyData*>(data);
  try {
    const void* remote = nullptr;
    std::size_t size = 0;
    const OSSL_PARAM* given = OSSL_PARAM_locate_const(params, remote_parameter);
    if (given != nullptr) {
      if (OSSL_PARAM_get_octet_ptr(given, &remote, &size) != 1 || size != sizeof(RemoteKeyRef))
        return 0;
      key_data.key = *static_cast<const RemoteKeyRef*>(remote);
      return 1;
    }
    KeyOwner imported = import_public(key_data.type, params);
    if (!imported) return 0;
    key_data.key = std::make_shared<const RemoteKey>(RemoteKey{.public_half = std::move(imported)});
    return 1;
  } catch (...) {
    return 0;
  }
}

int get_params(void* data, OSSL_PARAM params[]) {
  const EVP_PKEY* key = public_half(data);
  return key != nullptr ? EVP_PKEY_get_params(key, params) : 0;
}

const OSSL_PARAM* gettable_params(void* /*provider*/) {
  static const OSSL_PARAM params[] = {
      OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, nullptr),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, nullptr),
      OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, nullptr),
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),
      OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, nullptr, 0),
      OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, nullptr, 0),
      OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, nullptr, 0),
      OSSL_PARAM_END};
  return params;
}

const OSSL_PARAM* import_types(int /*selection*/) {
  static const OSSL_PARAM params[] = {
      OSSL_PARAM_octet_ptr(remote_parameter, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),
      OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0),
      OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, nullptr, 0),
      OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, nullptr, 0),
      OSSL_PARAM_END};
  return params;
}

// What differs: the name of the signature algorithm. OpenSSL finds a key type by any of its names.
struct Rsa {
  static constexpr const char* type = "RSA";
  static constexpr const char* names = "RSA:rsaEncryption";
  static constexpr const char* signature = "RSA";
};
struct Ec {
  static constexpr const char* type = "EC";
  static constexpr const char* names = "EC:id-ecPublicKey";
  static constexpr const char* signature = "ECDSA";
};
struct Ed25519 {
  static constexpr const char* type = "ED25519";
  static constexpr const char* names = "ED25519:1.3.101.112";
  static constexpr const char* signature = "ED25519";
};

template <class Kind>
void* new_key(void* /*provider*/) {
  return new (std::nothrow) KeyData{Kind::type};
}

template <class Kind>
const char* query_operation_name(int operation) {
  return operation == OSSL_OP_SIGNATURE ? Kind::signature : nullptr;
}

template <class Kind>
const OSSL_DISPATCH* keys_of() {
  static const std::array functions = {
      entry(OSSL_FUNC_KEYMGMT_NEW, &new_key<Kind>),
      entry(OSSL_FUNC_KEYMGMT_FREE, &free_key),
      entry(OSSL_FUNC_KEYMGMT_HAS, &has),
      entry(OSSL_FUNC_KEYMGMT_MATCH, &match),
      entry(OSSL_FUNC_KEYMGMT_IMPORT, &import),
      entry(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, &import_types),
      entry(OSSL_FUNC_KEYMGMT_GET_PARAMS, &get_params),
      entry(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, &gettable_params),
      entry(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, &query_operation_name<Kind>),
      OSSL_DISPATCH{0, nullptr}};
  return functions.data();
}

// One signature to be made.
struct Signing {
  const char* type;
  RemoteKeyRef key{};
  const char* digest = "";
  bool pss = false;
};

template <class Kind>
void* new_signing(void* /*provider*/, const char* /*query*/) {
  return new (std::nothrow) Signing{Kind::type};
}

void free_signing(void* context) {
  delete static_cast<Signing*>(context);
}

// TLS knows no others; null for these.
const char* known_digest(const char* name) {
  if (name == nullptr || *name == '\0') return "";
  constexpr std::array<std::array<const char*, 3>, 3> digests = {
      {{"SHA2-256", "SHA256", "SHA-256"},
       {"SHA2-384", "SHA384", "SHA-384"},
       {"SHA2-512", "SHA512", "SHA-512"}}};
  for (const auto& names : digests) {
    for (const char* alias : names)
      if (OPENSSL_strcasecmp(name, alias) == 0) return names.front();
  }
  return nullptr;
}

bool read_padding(const OSSL_PARAM& param, bool& pss) {
  int number = 0;
  const char* text = nullptr;
  if (param.data_type == OSSL_PARAM_UTF8_STRING &&
      OSSL_PARAM_get_utf8_string_ptr(&param, &text) == 1) {
    pss = std::strcmp(text, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0;
    return pss || std::strcmp(text, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) == 0;
  }
  if (OSSL_PARAM_get_int(&param, &number) != 1) return false;
  pss = number == RSA_PKCS1_PSS_PADDING;
  return pss || number == RSA_PKCS1_PADDING;
}

// RFC 8446 section 4.2.3: the salt is as long as the digest.
bool is_digest_long(const OSSL_PARAM& param) {
  int number = 0;
  const char* text = nullptr;
  if (param.data_type == OSSL_PARAM_UTF8_STRING)
    return OSSL_PARAM_get_utf8_string_ptr(&param, &text) == 1 &&
           std::strcmp(text, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) == 0;
  return OSSL_PARAM_get_int(&param, &number) == 1 && number == RSA_PSS_SALTLEN_DIGEST;
}

int set_signing_params(void* context, const OSSL_PARAM params[]) {
  auto& signing = *static_cast<Signing*>(context);
  if (params == nullptr) return 1;
  const OSSL_PARAM* padding = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
  if (padding != nullptr && !read_padding(*padding, signing.pss)) return 0;
  const OSSL_PARAM* salt = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
  return salt == nullptr || is_digest_long(*salt) ? 1 : 0;
}

const OSSL_PARAM* settable_signing_params(void* /*context*/, void* /*provider*/) {
  static const OSSL_PARAM params[] = {
      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, nullptr, 0),
      OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, nullptr, 0), OSSL_PARAM_END};
  return params;
}

int begin_signing(void* context, const char* digest, void* data, const OSSL_PARAM params[]) {
  auto& signing = *static_cast<Signing*>(context);
  const char* known = known_digest(digest);
  if (known == nullptr) return 0;
  if (data != nullptr) signing.key = static_cast<const KeyData*>(data)->key;
  signing.digest = known;
  return signing.key ? set_signing_params(context, params) : 0;
}

int sign(void* context, unsigned char* signature, std::size_t* size, std::size_t capacity,
         const unsigned char* content, std::size_t content_size) {
  const auto& signing = *static_cast<const Signing*>(context);
  const int most = EVP_PKEY_get_size(signing.key->public_half.get());
  if (most <= 0) return 0;
  if (signature == nullptr) {
    *size = static_cast<std::size_t>(most);
    return 1;
  }
  try {
    const SignatureScheme* scheme = find_scheme(signing.type, signing.digest, signing.pss);
    if (scheme == nullptr) return 0;
    const auto made = sign_in_handshake(
        signing.key, {scheme, std::string(reinterpret_cast<const char*>(content), content_size)});
    if (!made || made->size() > capacity) return 0;
    std::memcpy(signature, made->data(), made->size());
    *size = made->size();
    return 1;
  } catch (...) {
    return 0;
  }
}

template <class Kind>
const OSSL_DISPATCH* signatures_of() {
  static const std::array functions = {
      entry(OSSL_FUNC_SIGNATURE_NEWCTX, &new_signing<Kind>),
      entry(OSSL_FUNC_SIGNATURE_FREECTX, &free_signing),
      entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, &begin_signing),
      entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, &sign),
      entry(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, &set_signing_params),
      entry(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, &settable_signing_params),
      OSSL_DISPATCH{0, nullptr}};
  return functions.data();
}

const OSSL_ALGORITHM* query(void* /*provider*/, int operation, int* no_cache) {
  static const std::array keys = {
      OSSL_ALGORITHM{Rsa::names, provider_query, keys_of<Rsa>(), nullptr},
      OSSL_ALGORITHM{Ec::names, provider_query, keys_of<Ec>(), nullptr},
      OSSL_ALGORITHM{Ed25519::names, provider_query, keys_of<Ed25519>(), nullptr},
      OSSL_ALGORITHM{nullptr, nullptr, nullptr, nullptr}};
  static const std::array signatures = {
      OSSL_ALGORITHM{Rsa::signature, provider_query, signatures_of<Rsa>(), nullptr},
      OSSL_ALGORITHM{Ec::signature, provider_query, signatures_of<Ec>(), nullptr},
      OSSL_ALGORITHM{Ed25519::signature, provider_query, signatures_of<Ed25519>(), nullptr},
      OSSL_ALGORITHM{nullptr, nullptr, nullptr, nullptr}};
  *no_cache = 0;
  if (operation == OSSL_OP_KEYMGMT) return keys.data();
  return operation == OSSL_OP_SIGNATURE ? signatures.data() : nullptr;
}

int init(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH* /*core*/,
         const OSSL_DISPATCH** functions, void** provider) {
  static const std::array ours = {entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, &query),
                                  OSSL_DISPATCH{0, nullptr}};
  *functions = ours.data();
  *provider = const_cast<OSSL_CORE_HANDLE*>(handle);
  return 1;
}

}  // namespace

void load_signer_provider(OSSL_LIB_CTX* context) {
  // Without the preference a plain key could be taken for one of ours, and fail to sign.
  const bool loaded = OSSL_PROVIDER_add_builtin(context, provider_name, &init) == 1 &&
                      OSSL_PROVIDER_load(context, provider_name) != nullptr &&
                      EVP_set_default_properties(context, "?provider=default") == 1;
  if (loaded) return;
  throw Failure(SALLY_INTERNAL, {.message = "OpenSSL does not load the provider for signers"});
}

bool can_sign(EVP_PKEY* key, const std::string& query) {
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(checked(EVP_MD_CTX_new()),
                                                                   &EVP_MD_CTX_free);
  const char* digest = EVP_PKEY_is_a(key, Ed25519::type) == 1 ? nullptr : "SHA2-256";
  const bool can = EVP_DigestSignInit_ex(context.get(), nullptr, digest, library_context(),
                                         query.c_str(), key, nullptr) == 1;
  clear_errors();
  return can;
}

KeyOwner make_remote_key(RemoteKeyRef key) {
  clear_errors();
  const char* type = EVP_PKEY_get0_type_name(key->public_half.get());
  const KeyContextOwner context(
      EVP_PKEY_CTX_new_from_name(library_context(), type, provider_query));
  void* remote = &key;
  std::array params = {OSSL_PARAM_construct_octet_ptr(remote_parameter, &remote, sizeof key),
                       OSSL_PARAM_construct_end()};
  EVP_PKEY* made = nullptr;
  const bool done = context && EVP_PKEY_fromdata_init(context.get()) == 1 &&
                    EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_KEYPAIR, params.data()) == 1;
  if (done) return KeyOwner(made);
  const NativeError native = take_error();
  throw Failure(SALLY_INTERNAL, {.message = "OpenSSL does not take a key that signs elsewhere",
                                 .native_domain = SALLY_DOMAIN_OPENSSL,
                                 .native_code = static_cast<std::int64_t>(native.code),
                                 .native_name = native.name});
}

}  // namespace sally::tls
