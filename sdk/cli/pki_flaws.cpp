#include "pki_flaws.h"

#include <algorithm>
#include <utility>

namespace pki {

namespace {

using std::chrono::days;

constexpr int usual_days = 365;

CertificateOwner share(const CertificateOwner& certificate) {
  X509_up_ref(certificate.get());
  return CertificateOwner(certificate.get());
}

template <class... Certificates>
std::vector<CertificateOwner> chain_of(const Certificates&... certificates) {
  std::vector<CertificateOwner> chain;
  (chain.push_back(share(certificates.certificate)), ...);
  return chain;
}

Recipe dated(const Workshop& shop, int from, int until) {
  const Time now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  Recipe recipe = shop.recipe();
  recipe.validity = {.from = now + days(from), .until = now + days(until)};
  return recipe;
}

Bundle expired(const Workshop& shop) {
  return shop.issue(dated(shop, -30, -2));
}

Bundle not_yet_valid(const Workshop& shop) {
  return shop.issue(dated(shop, 400, 800));
}

Bundle wrong_ca(const Workshop& shop) {
  Identity other{.key = generate_key(KeyType::ecdsa_p256)};
  other.certificate =
      make_certificate(authority_recipe("CA that nobody trusts", valid_for(usual_days), {}),
                       other.key.get(), nullptr);
  return shop.issue(shop.recipe(), other, {});
}

Bundle missing_intermediate(const Workshop& shop) {
  const Identity middle = shop.middle("Missing intermediate CA", 0, shop.authority.signing_root());
  return shop.issue(shop.recipe(), middle, {});
}

Bundle wrong_name(const Workshop& shop) {
  Recipe recipe = shop.recipe();
  recipe.common_name = "wrong-name.invalid";
  recipe.names = {{.kind = SALLY_NAME_DNS, .text = recipe.common_name}};
  return shop.issue(recipe);
}

Bundle usable_as(const Workshop& shop, int usage) {
  Recipe recipe = shop.recipe();
  recipe.extended_usage = {usage};
  return shop.issue(recipe);
}
Bundle no_client_usage(const Workshop& shop) {
  return usable_as(shop, NID_server_auth);
}
Bundle no_server_usage(const Workshop& shop) {
  return usable_as(shop, NID_client_auth);
}

Bundle key_mismatch(const Workshop& shop) {
  Bundle bundle = shop.issue(shop.recipe());
  bundle.leaf.key = generate_key(KeyType::ecdsa_p256);
  return bundle;
}

Bundle weak_key(const Workshop& shop) {
  return shop.issue(shop.recipe(), KeyType::rsa_1024);
}

Bundle sha1_signature(const Workshop& shop) {
  Recipe recipe = shop.recipe();
  recipe.digest = "SHA1";
  if (digest_of(shop.authority.issuer().key.get()) != nullptr) return shop.issue(recipe);
  // A signature of Ed25519 has no room for another digest.
  const Identity middle =
      shop.middle("Intermediate CA with SHA-1", 0, shop.authority.signing_root());
  return shop.issue(recipe, middle, chain_of(middle));
}

Bundle bad_signature(const Workshop& shop) {
  Recipe recipe = shop.recipe();
  recipe.forged = true;
  return shop.issue(recipe);
}

Bundle ca_as_leaf(const Workshop& shop) {
  Recipe recipe = shop.recipe();
  recipe.is_ca = true;
  recipe.extended_usage.clear();
  return shop.issue(recipe);
}

Bundle unknown_critical_extension(const Workshop& shop) {
  Recipe recipe = shop.recipe();
  recipe.unknown_critical = true;
  return shop.issue(recipe);
}

Bundle path_length(const Workshop& shop) {
  const Identity last = shop.middle("Last intermediate CA", 0, shop.authority.signing_root());
  const Identity further = shop.middle("Intermediate CA below the last", 0, last);
  return shop.issue(shop.recipe(), further, chain_of(further, last));
}

Bundle name_constraint(const Workshop& shop) {
  const Identity middle = shop.middle("Constrained intermediate CA", 0,
                                      shop.authority.signing_root(), {shop.names.front()});
  return shop.issue(shop.recipe(), middle, chain_of(middle));
}

Bundle revoked(const Workshop& shop) {
  Bundle bundle = shop.issue(shop.recipe());
  bundle.crl =
      make_crl(shop.authority.issuer(), bundle.leaf.certificate.get(), valid_for(usual_days));
  return bundle;
}

constexpr Flaw all[] = {
    {"expired", "its validity is over", true, true, SALLY_CERTIFICATE_EXPIRED, SALLY_OK, expired},
    {"not-yet-valid", "its validity begins in a year", true, true, SALLY_CERTIFICATE_NOT_YET_VALID,
     SALLY_OK, not_yet_valid},
    {"wrong-ca", "issued by a CA that the peer does not trust", true, true,
     SALLY_CERTIFICATE_UNKNOWN_CA, SALLY_OK, wrong_ca},
    {"missing-intermediate", "the CA between it and the root is not in the chain", true, true,
     SALLY_CERTIFICATE_UNKNOWN_CA, SALLY_OK, missing_intermediate},
    {"wrong-name", "for another host than the one that is looked for", true, false,
     SALLY_CERTIFICATE_NAME_MISMATCH, SALLY_OK, wrong_name},
    {"no-client-usage", "extendedKeyUsage has serverAuth, but not clientAuth", false, true,
     SALLY_CERTIFICATE_WRONG_USAGE, SALLY_OK, no_client_usage},
    {"no-server-usage", "extendedKeyUsage has clientAuth, but not serverAuth", true, false,
     SALLY_CERTIFICATE_WRONG_USAGE, SALLY_OK, no_server_usage},
    {"key-mismatch", "the private key is that of another certificate", true, true, SALLY_OK,
     SALLY_CREDENTIAL_KEY_MISMATCH, key_mismatch},
    {"weak-key", "RSA key of 1024 bits", true, true, SALLY_CERTIFICATE_WEAK_KEY,
     SALLY_CREDENTIAL_WEAK_KEY, weak_key},
    {"sha1-signature", "signed with SHA-1", true, true, SALLY_CERTIFICATE_WEAK_SIGNATURE,
     SALLY_CREDENTIAL_WEAK_SIGNATURE, sha1_signature},
    {"bad-signature", "one bit of its signature is another", true, true,
     SALLY_CERTIFICATE_BAD_SIGNATURE, SALLY_OK, bad_signature},
    {"ca-as-leaf", "a CA's own certificate, whose key must sign no handshake", true, true,
     SALLY_CERTIFICATE_WRONG_USAGE, SALLY_OK, ca_as_leaf},
    {"unknown-critical-extension", "a critical extension that nobody knows", true, true,
     SALLY_CERTIFICATE_UNKNOWN_CRITICAL_EXTENSION, SALLY_OK, unknown_critical_extension},
    {"path-length", "one CA more in the chain than a path length allows", true, true,
     SALLY_CERTIFICATE_PATH_TOO_LONG, SALLY_OK, path_length},
    {"name-constraint", "a name that its issuer must not name", true, true,
     SALLY_CERTIFICATE_NAME_CONSTRAINT, SALLY_OK, name_constraint},
    {"revoked", "on the revocation list that comes with it", true, true, SALLY_CERTIFICATE_REVOKED,
     SALLY_OK, revoked},
};

}  // namespace

Recipe Workshop::recipe() const {
  return leaf_recipe(role, names, valid_for(usual_days));
}

Bundle Workshop::issue(const Recipe& recipe, KeyType key) const {
  Bundle bundle{.leaf = {.key = generate_key(key)}, .above = authority.above()};
  bundle.leaf.certificate = make_certificate(recipe, bundle.leaf.key.get(), &authority.issuer());
  return bundle;
}

Bundle Workshop::issue(const Recipe& recipe, const Identity& issuer,
                       std::vector<CertificateOwner> above) const {
  Bundle bundle{.leaf = {.key = generate_key(KeyType::ecdsa_p256)}, .kept = std::move(above)};
  for (const CertificateOwner& each : bundle.kept) bundle.above.push_back(each.get());
  bundle.leaf.certificate = make_certificate(recipe, bundle.leaf.key.get(), &issuer);
  return bundle;
}

Identity Workshop::middle(const char* what, std::optional<long> path_length, const Identity& issuer,
                          std::vector<Name> excluded) const {
  Identity identity{.key = generate_key(KeyType::ecdsa_p256)};
  Recipe recipe = authority_recipe(what, valid_for(usual_days), path_length);
  recipe.excluded = std::move(excluded);
  identity.certificate = make_certificate(recipe, identity.key.get(), &issuer);
  return identity;
}

std::span<const Flaw> flaws() {
  return all;
}

const Flaw* find_flaw(std::string_view kind) {
  const auto* found = std::find_if(std::begin(all), std::end(all),
                                   [&](const Flaw& flaw) { return flaw.kind == kind; });
  return found != std::end(all) ? found : nullptr;
}

}  // namespace pki
