// Whom this side trusts: a set of CA certificates, and the CRLs that came with them. Immutable,
// shared by any number of configs.
#pragma once

#include "status/ref.h"
#include "tls/material.h"
#include "tls/openssl_types.h"
#include "tls/pem.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sally::tls {

class TrustStore : public RefCounted<TrustStore> {
 public:
  // Throw Failure, see include/sallyport/trust_store.h. The first reads the sources anew each time.
  explicit TrustStore(const TrustInput& input);
  explicit TrustStore(const PemSource& source, std::vector<CrlOwner> crls = {});
  // The machine's own CA certificates.
  static Ref<TrustStore> system();
  static std::vector<std::string> system_files();  // and folders: what that reads
  // All that `one` and `other` hold.
  static Ref<TrustStore> joined(const TrustStore& one, const TrustStore& other);
  // What this holds, and the CRLs of `source`.
  Ref<TrustStore> with_crls(const MaterialSource& source) const;

  x509_store_st* store() const noexcept { return store_.get(); }
  std::size_t size() const noexcept { return anchors_.size(); }
  // Each once.
  const std::vector<X509Owner>& anchors() const noexcept { return anchors_; }
  // In `store()` too, which does not ask them: the flags of a verification do.
  const std::vector<CrlOwner>& crls() const noexcept { return crls_; }
  // When the first anchor, and the first CRL, is over; 0: none has a time. Seconds since 1970.
  std::int64_t not_after() const noexcept;
  std::int64_t next_update() const noexcept;
  // Whether the machine's own are among them.
  bool has_system_roots() const noexcept { return system_; }
  // Where they came from, for the errors.
  const std::string& source() const noexcept { return source_; }

 private:
  struct Contents {
    std::vector<X509Owner> anchors;
    std::vector<CrlOwner> crls;
    std::string source;
    bool system = false;
  };

  friend class RefCounted<TrustStore>;
  explicit TrustStore(Contents contents);
  ~TrustStore() = default;

  static Contents read(const TrustInput& input);
  static Contents read_system();
  Contents copy() const;

  X509StoreOwner store_;
  std::vector<X509Owner> anchors_;
  std::vector<CrlOwner> crls_;
  std::string source_;
  bool system_ = false;
};

}  // namespace sally::tls
