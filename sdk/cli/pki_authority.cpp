#include "pki_authority.h"

#include "pki_encoding.h"
#include "pki_failure.h"
#include "pki_key.h"

#include <openssl/err.h>

namespace pki {

namespace {

using Path = std::filesystem::path;

Identity load_identity(const Path& certificate, const Path& key) {
  Identity identity{.certificate = read_certificate(certificate.string()),
                    .key = read_key(key.string())};
  if (X509_check_private_key(identity.certificate.get(), identity.key.get()) != 1) {
    ERR_clear_error();
    throw Unusable(key.string() + " is not the key of " + certificate.string());
  }
  return identity;
}

}  // namespace

Authority Authority::load(const Path& folder) {
  const Path root = folder / file::root;
  const Path root_key = folder / file::root_key;
  const Path middle = folder / file::intermediate;
  if (!std::filesystem::exists(root))
    throw Unusable("there is no CA in " + folder.string(),
                   "Make one with: sally pki init --dir " + folder.string());
  Authority authority;
  if (!std::filesystem::exists(middle)) {
    authority.root_ = load_identity(root, root_key);
    return authority;
  }
  authority.intermediate_ = load_identity(middle, folder / file::intermediate_key);
  authority.root_ = std::filesystem::exists(root_key)
                        ? load_identity(root, root_key)
                        : Identity{.certificate = read_certificate(root.string())};
  return authority;
}

std::vector<const X509*> Authority::above() const {
  if (!intermediate_) return {};
  return {intermediate_->certificate.get()};
}

const Identity& Authority::signing_root() const {
  if (!root_.key)
    throw Unusable("the key of the root CA is not in its folder",
                   "This needs it: put ca.key back for a while.");
  return root_;
}

}  // namespace pki
