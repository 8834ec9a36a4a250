#include "pki_judging.h"

#include "pki_encoding.h"
#include "pki_key.h"

namespace pki {

namespace {

sally::TrustStore trusting(const X509* root, const X509_CRL* crl) {
  sally::TrustStore trust = sally::TrustStore::from_memory(view(pem_of(root)));
  if (crl != nullptr) trust.add_crl_from_memory(view(pem_of(crl)));
  return trust;
}

// A host that the name stands for.
std::string reference(const Name& name) {
  return name.text.starts_with("*.") ? "any" + name.text.substr(1) : name.text;
}

}  // namespace

Secret chain_pem(const Bundle& bundle) {
  Secret chain = pem_of(bundle.leaf.certificate.get());
  for (const X509* each : bundle.above) append(chain, pem_of(each));
  return chain;
}

sally::Verdict judge(const Bundle& bundle, const Asked& asked) {
  const Secret chain = chain_pem(bundle);
  const bool named = asked.role == Role::server && asked.name.kind != SALLY_NAME_URI;
  return sally::verify(
      {.trust = trusting(asked.root, bundle.crl.get()),
       .leaf = view(chain),
       .name = named ? reference(asked.name) : "",
       .name_kind = named ? asked.name.kind : 0,
       .purpose = asked.role == Role::server ? SALLY_PURPOSE_SERVER : SALLY_PURPOSE_CLIENT});
}

sally_status loading_status(const Bundle& bundle) {
  try {
    sally::Credential::from_memory(view(chain_pem(bundle)), view(key_pem(bundle.leaf.key.get())));
    return SALLY_OK;
  } catch (const sally::Error& error) {
    return error.status();
  }
}

}  // namespace pki
