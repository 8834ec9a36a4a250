// What may be agreed on, under a name with a date: versions, suites, groups and signature schemes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

struct ssl_ctx_st;

namespace sally::tls {

// Lists are in OpenSSL's words, most wanted first. A policy never changes once it is released; what
// is to change gets a new date.
struct Policy {
  const char* name;
  std::int32_t min_version;
  std::int32_t max_version;
  const char* suites_1_2;
  const char* suites_1_3;
  const char* hybrid_groups;  // before all others, where the TLS library has them
  const char* groups;
  const char* signatures;
};

// The one that "" and "default" stand for.
const Policy& default_policy() noexcept;
// By its name or its alias. Throws Failure(SALLY_INVALID_ARGUMENT), which names those that there
// are.
const Policy& find_policy(std::string_view name);

// Those of a list of groups that the TLS library has, with what `context` makes it fetch. Leaves
// the context's own groups changed.
std::string known_groups(ssl_ctx_st* context, std::string_view list);
// Makes them the context's, and tells which they are, by IANA's names. Throws Failure: SALLY_NOT_SUPPORTED where only post-quantum ones will
// do and there is none.
std::vector<std::string> set_groups(ssl_ctx_st* context, const Policy& policy,
                                    bool post_quantum_only);
// Whether the TLS library has a group of the policy that is post-quantum.
bool has_post_quantum(const Policy& policy);
[[noreturn]] void fail_without_post_quantum(const Policy& policy);

}  // namespace sally::tls
