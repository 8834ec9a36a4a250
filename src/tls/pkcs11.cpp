#include "tls/pkcs11.h"

#include "status/error.h"

#include <algorithm>

#if defined(SALLYPORT_HAS_PKCS11)
#include "tls/pkcs11_module.h"
#endif

namespace sally::tls {

bool is_token_uri(std::string_view uri) {
  return uri.starts_with("pkcs11:");
}

// A PIN that is written into the path by mistake is refused, and one all the same.
std::string shown_uri(std::string_view uri) {
  return std::string(uri.substr(0, std::min(uri.find('?'), uri.find(";pin-value"))));
}

#if defined(SALLYPORT_HAS_PKCS11)

PemSource read_token_certificates(const std::string& text) {
  const pkcs11::Uri uri(text);
  const pkcs11::ModuleUse use;
  CK_OBJECT_CLASS kind = CKO_CERTIFICATE;
  CK_CERTIFICATE_TYPE x509 = CKC_X_509;
  std::vector<CK_ATTRIBUTE> attributes = uri.object();
  attributes.push_back({CKA_CLASS, &kind, sizeof kind});
  attributes.push_back({CKA_CERTIFICATE_TYPE, &x509, sizeof x509});
  std::string all;
  for (const pkcs11::Slot& slot : pkcs11::find_slots(uri)) {
    pkcs11::Session session(slot, uri);
    for (const CK_OBJECT_HANDLE object : session.find(attributes, uri))
      all += session.attribute(object, CKA_VALUE).value_or(std::string());
  }
  return PemSource::from_memory(all, uri.shown());
}

#else

namespace {

[[noreturn]] void fail(const std::string& uri) {
  throw Failure(SALLY_NOT_SUPPORTED,
                {.message = "this build has no PKCS#11",
                 .hint = "Build it where p11-kit's headers are (libp11-kit-dev).",
                 .source = shown_uri(uri),
                 .phase = "load"});
}

}  // namespace

PemSource read_token_certificates(const std::string& uri) {
  fail(uri);
}

std::shared_ptr<TokenSigner> open_token_key(const std::string& uri,
                                            std::shared_ptr<const Secret> /*pin*/) {
  fail(uri);
}

#endif

}  // namespace sally::tls
