// Which implementations of the algorithms are used: OpenSSL's providers, and queries that choose
// among them.
#pragma once

#include <string>

namespace sally::tls {

// Into the library's own context, for as long as the process lives; a forked child has to load it
// again. `configuration` may be null: an OpenSSL configuration file with what the provider needs to
// know. Throws Failure: SALLY_PROVIDER_UNAVAILABLE.
void load_provider(const char* name, const char* configuration);

// Whether what TLS needs can be fetched by a query ("fips=yes"). Throws Failure:
// SALLY_PROVIDER_UNAVAILABLE, SALLY_INVALID_ARGUMENT for what is no query.
void check_provider_query(const std::string& query);
[[noreturn]] void fail_provider_query(const std::string& query);

}  // namespace sally::tls
