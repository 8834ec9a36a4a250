// Where credentials and trust stores come from.
#pragma once

#include "tls/source.h"

#include <string>

namespace sally::tls {

// `key_uri` and `passphrase` may be null, see include/sallyport/credential.h.
Origin<Credential> credential_files(const char* chain_uri, const char* key_uri,
                                    const char* passphrase);

Origin<TrustStore> trust_files(const char* uri);
Origin<TrustStore> system_trust();

}  // namespace sally::tls
