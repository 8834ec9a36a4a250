// Judges a peer's chain: the one place that does, for connections and for the offline call.
#pragma once

#include "tls/openssl_types.h"
#include "tls/rules.h"

#include <cstdint>
#include <vector>

struct stack_st_X509;
struct X509_VERIFY_PARAM_st;

namespace sally::tls {

class TrustStore;
struct PeerName;

enum class Purpose { any, server, client };

// What is asked; it is borrowed.
struct Question {
  const TrustStore* trust;  // null: nobody is trusted
  x509_st* leaf;
  stack_st_X509* untrusted;  // as sent; may hold the leaf, may be null
  Purpose purpose;
  const PeerName& name;  // empty: any
  const VerificationRules& rules;
};

struct Finding {
  sally_status status = SALLY_CERTIFICATE_INVALID;
  int code = 0;           // X509_V_ERR_*
  int depth = 0;          // 0: the leaf
  X509Owner certificate;  // may be null
  bool ignored = false;
};

struct Judgement {
  // In the order of finding; the first one that is not ignored decides. Where every path fails,
  // they are those of the first path.
  std::vector<Finding> findings;
  std::vector<X509Owner> chain;  // as it was built, the leaf first
  std::int64_t time = 0;         // for which the judgement holds
  bool pin_matched = false;

  const Finding* fatal() const noexcept;
  bool accepted() const noexcept { return fatal() == nullptr; }
};

// Throws std::bad_alloc.
Judgement judge(const Question& question);

// Seconds since 1970: what the rules say, or the clock.
std::int64_t time_of(const VerificationRules& rules);
// What the clock of the rules says, the program's or the system's: for this side's own material.
std::int64_t clock_of(const VerificationRules& rules);

// The rules as OpenSSL takes them, all but the time and the name.
void apply_rules(X509_VERIFY_PARAM_st* param, const VerificationRules& rules, Purpose purpose,
                 const TrustStore* trust);

}  // namespace sally::tls
