// Whom this side trusts: a set of CA certificates. Immutable, shared by any number of configs.
#pragma once

#include "status/ref.h"
#include "tls/openssl_types.h"
#include "tls/pem.h"

#include <cstddef>
#include <string>
#include <vector>

namespace sally::tls {

class TrustStore : public RefCounted<TrustStore> {
 public:
  // Throws Failure, see include/sallyport/trust_store.h.
  explicit TrustStore(const PemSource& source, std::vector<CrlOwner> crls = {});
  // The machine's own CA certificates.
  static Ref<TrustStore> system();
  static std::vector<std::string> system_files();  // and folders: what it reads

  x509_store_st* store() const noexcept { return store_.get(); }
  std::size_t size() const noexcept { return anchors_.size(); }
  const std::vector<X509Owner>& anchors() const noexcept { return anchors_; }
  const std::vector<CrlOwner>& crls() const noexcept { return crls_; }
  // Where they came from, for the errors.
  const std::string& source() const noexcept { return source_; }

 private:
  friend class RefCounted<TrustStore>;
  TrustStore(std::vector<X509Owner> anchors, std::string source, std::vector<CrlOwner> crls = {});
  ~TrustStore() = default;

  X509StoreOwner store_;
  std::vector<X509Owner> anchors_;
  std::vector<CrlOwner> crls_;
  std::string source_;
};

}  // namespace sally::tls
