// What Sallyport's public API says of what was made, before it is handed out.
#pragma once

#include "pki_authority.h"
#include "pki_secret.h"

#include <string>
#include <vector>

#include <sallyport/sallyport.hpp>

namespace pki {

// What somebody shows to a peer: its certificate and key, and the issuers that it sends.
struct Bundle {
  Identity leaf = {};
  std::vector<const X509*> above = {};  // borrowed, perhaps from `kept`
  std::vector<CertificateOwner> kept = {};
  CrlOwner crl = {};  // which the peer has
};

// The chain file: the own certificate first, the root left out.
Secret chain_pem(const Bundle& bundle);

struct Asked {
  const X509* root;
  Role role;
  Name name;  // that the peer is looked for by
};

// The judgement of a peer that trusts the root.
sally::Verdict judge(const Bundle& bundle, const Asked& asked);
// What loading it answers.
sally_status loading_status(const Bundle& bundle);

}  // namespace pki
