// The CA in its folder: ca.pem and ca.key, and perhaps intermediate.pem and intermediate.key.
#pragma once

#include "pki_certificate.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace pki {

namespace file {
inline constexpr char root[] = "ca.pem";
inline constexpr char root_key[] = "ca.key";
inline constexpr char intermediate[] = "intermediate.pem";
inline constexpr char intermediate_key[] = "intermediate.key";
}  // namespace file

class Authority {
 public:
  // Throws Unusable where something is missing, or does not fit together. With an intermediate CA
  // the root's key may be kept elsewhere.
  static Authority load(const std::filesystem::path& folder);

  // Who issues certificates of everyday use.
  const Identity& issuer() const { return intermediate_ ? *intermediate_ : root_; }
  // What a peer is sent besides its own certificate: the intermediate CA, or nothing.
  std::vector<const X509*> above() const;
  const X509* root() const { return root_.certificate.get(); }
  // Throws Unusable where its key is not there.
  const Identity& signing_root() const;

 private:
  Identity root_;
  std::optional<Identity> intermediate_;
};

}  // namespace pki
