#include "tls/verifier.h"

#include "status/table.h"
#include "tls/error_queue.h"
#include "tls/extra_checks.h"
#include "tls/handshake_record.h"
#include "tls/native_names.h"
#include "tls/openssl.h"
#include "tls/peer_policy.h"
#include "tls/trust_store.h"

#include <algorithm>
#include <ctime>
#include <memory>
#include <new>

namespace sally::tls {

namespace {

// A peer may send many certificates; each detour costs a verification.
constexpr int most_detours = 8;

using StackOwner = std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)>;
using StoreContextOwner = std::unique_ptr<X509_STORE_CTX, void (*)(X509_STORE_CTX*)>;

X509Owner share(X509* certificate) {
  if (certificate != nullptr) X509_up_ref(certificate);
  return X509Owner(certificate);
}

bool is_malformed(X509* certificate) {
  return certificate != nullptr && (X509_get_extension_flags(certificate) & EXFLAG_INVALID) != 0;
}

// OpenSSL finds no issuer for a certificate with an extension that does not decode, and says only
// that.
sally_status status_of(int code, X509* certificate) {
  if (is_malformed(certificate)) return SALLY_CERTIFICATE_MALFORMED;
  return status::from_name(SALLY_DOMAIN_X509, x509_error_name(code));
}

bool says_that_no_crl_is_current(int code) {
  return code == X509_V_ERR_UNABLE_TO_GET_CRL || code == X509_V_ERR_CRL_HAS_EXPIRED ||
         code == X509_V_ERR_CRL_NOT_YET_VALID;
}

bool is_ignored(const Finding& finding, const VerificationRules& rules) {
  if (std::ranges::find(rules.ignored, finding.status) != rules.ignored.end()) return true;
  if (!says_that_no_crl_is_current(finding.code)) return false;
  return rules.revocation == SALLY_REVOCATION_SOFT ||
         (rules.revocation == SALLY_REVOCATION_LEAF && finding.depth > 0);
}

// What comes of an error of OpenSSL's own, and not of a certificate; there is no going on.
bool is_internal(int code) {
  return code == X509_V_ERR_UNSPECIFIED || code == X509_V_ERR_OUT_OF_MEM ||
         code == X509_V_ERR_INVALID_CALL || code == X509_V_ERR_STORE_LOOKUP;
}

struct Recorder {
  const VerificationRules& rules;
  const bool stop_at_first;
  std::vector<Finding> findings{};
  bool out_of_memory = false;

  // Said already. What is fatal is never lost to something alike that was ignored.
  bool knows(const Finding& found) const {
    return std::ranges::any_of(findings, [&](const Finding& other) {
      if (other.depth != found.depth || (other.ignored && !found.ignored)) return false;
      const bool says_more =
          found.status == SALLY_CERTIFICATE_MALFORMED && !is_malformed(found.certificate.get());
      return other.code == found.code || (other.status == found.status && !says_more);
    });
  }
  // Whether to go on.
  bool note(Finding found) {
    found.ignored = is_ignored(found, rules);
    const bool fatal = !found.ignored;
    const bool internal = is_internal(found.code);
    if (!knows(found)) findings.push_back(std::move(found));
    return !internal && !(fatal && stop_at_first);
  }
};

// OpenSSL asks here whether a fault counts. It goes on either way, so that all are found; that it
// is content in the end says nothing, therefore: what was recorded decides.
int record_fault(int ok, X509_STORE_CTX* context) {
  if (ok != 0) return ok;
  // The chain of a CRL's issuer is judged apart; what is wrong with it is one fault of the CRL.
  if (X509_STORE_CTX_get0_parent_ctx(context) != nullptr) return 0;
  auto& recorder = *static_cast<Recorder*>(X509_STORE_CTX_get_app_data(context));
  const int code = X509_STORE_CTX_get_error(context);
  const int depth = X509_STORE_CTX_get_error_depth(context);
  // Trust in an anchor is this side's own: it ends by taking the anchor away, not by a CRL.
  const int anchor = sk_X509_num(X509_STORE_CTX_get0_chain(context)) - 1;
  if (says_that_no_crl_is_current(code) && depth == anchor) return 1;
  try {
    X509* certificate = X509_STORE_CTX_get_current_cert(context);
    if (certificate == nullptr) certificate = X509_STORE_CTX_get0_cert(context);
    return recorder.note({.status = status_of(code, certificate),
                          .code = code,
                          .depth = depth,
                          .certificate = share(certificate)})
               ? 1
               : 0;
  } catch (...) {
    recorder.out_of_memory = true;
    return 0;
  }
}

int x509_purpose(Purpose purpose) {
  return purpose == Purpose::server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT;
}

void set_name(X509_VERIFY_PARAM* param, const PeerName& name) {
  if (name.text.empty() || name.is_email) return;  // e-mail: extra_checks.h
  const bool done =
      name.is_ip ? X509_VERIFY_PARAM_set1_ip_asc(param, name.text.c_str()) == 1
                 : X509_VERIFY_PARAM_set1_host(param, name.text.data(), name.text.size()) == 1;
  if (!done) throw std::bad_alloc();
}

// One path: the one that OpenSSL finds when some certificates are not there.
struct Path {
  std::vector<Finding> findings;
  std::vector<X509Owner> chain;

  const Finding* fatal() const {
    const auto found =
        std::ranges::find_if(findings, [](const Finding& each) { return !each.ignored; });
    return found != findings.end() ? &*found : nullptr;
  }
};

class PathFinder {
 public:
  PathFinder(const Question& question, std::int64_t now) : question_(question), now_(now) {}

  // The first path, with all that is wrong with it.
  Path first() { return walk(/*stop_at_first=*/false); }
  // The path without one certificate more.
  Path without(X509* certificate) {
    excluded_.push_back(share(certificate));
    return walk(/*stop_at_first=*/true);
  }
  bool excludes(X509* certificate) const {
    return std::ranges::any_of(excluded_, [certificate](const X509Owner& other) {
      return X509_cmp(other.get(), certificate) == 0;
    });
  }

 private:
  StackOwner rest_of(const STACK_OF(X509) * all) const {
    StackOwner rest(checked(sk_X509_new_null()), [](STACK_OF(X509) * s) { sk_X509_free(s); });
    for (int i = 0; i < sk_X509_num(all); ++i) add(rest.get(), sk_X509_value(all, i));
    return rest;
  }
  StackOwner rest_of_anchors() const {
    StackOwner rest(checked(sk_X509_new_null()), [](STACK_OF(X509) * s) { sk_X509_free(s); });
    if (question_.trust == nullptr) return rest;
    for (const X509Owner& anchor : question_.trust->anchors()) add(rest.get(), anchor.get());
    return rest;
  }
  void add(STACK_OF(X509) * rest, X509* certificate) const {
    if (!excludes(certificate) && sk_X509_push(rest, certificate) == 0) throw std::bad_alloc();
  }

  Path walk(bool stop_at_first) {
    clear_errors();
    const StoreContextOwner context(checked(X509_STORE_CTX_new_ex(library_context(), nullptr)),
                                    &X509_STORE_CTX_free);
    const X509StoreOwner nobody(question_.trust == nullptr ? checked(X509_STORE_new()) : nullptr);
    X509_STORE* store = nobody ? nobody.get() : question_.trust->store();
    StackOwner untrusted(nullptr, [](STACK_OF(X509) * s) { sk_X509_free(s); });
    StackOwner anchors(nullptr, [](STACK_OF(X509) * s) { sk_X509_free(s); });
    if (!excluded_.empty()) untrusted = rest_of(question_.untrusted);
    STACK_OF(X509)* const sent = untrusted ? untrusted.get() : question_.untrusted;
    if (X509_STORE_CTX_init(context.get(), store, question_.leaf, sent) != 1)
      throw std::bad_alloc();
    if (!excluded_.empty()) {
      anchors = rest_of_anchors();
      X509_STORE_CTX_set0_trusted_stack(context.get(), anchors.get());
    }

    X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
    apply_rules(param, question_.rules, question_.purpose, question_.trust);
    X509_VERIFY_PARAM_set_time(param, now_);
    set_name(param, question_.name);

    Recorder recorder{.rules = question_.rules, .stop_at_first = stop_at_first};
    X509_STORE_CTX_set_app_data(context.get(), &recorder);
    X509_STORE_CTX_set_verify_cb(context.get(), &record_fault);
    const int result = X509_verify_cert(context.get());
    if (recorder.out_of_memory) throw std::bad_alloc();
    return finish(context.get(), result > 0, std::move(recorder));
  }

  Path finish(X509_STORE_CTX* context, bool content, Recorder recorder) {
    Path path;
    const STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(context);
    for (int i = 0; i < sk_X509_num(chain); ++i)
      path.chain.push_back(share(sk_X509_value(chain, i)));
    const auto has_fatal = [&] {
      return std::ranges::any_of(recorder.findings,
                                 [](const Finding& found) { return !found.ignored; });
    };
    // OpenSSL gave up without having asked.
    if ((!content || path.chain.empty()) && !has_fatal()) {
      const int error = X509_STORE_CTX_get_error(context);
      const int code = error != X509_V_OK ? error : X509_V_ERR_UNSPECIFIED;
      recorder.findings.push_back({.status = status_of(code, question_.leaf),
                                   .code = code,
                                   .certificate = share(question_.leaf)});
    }
    for (Finding& found : extra_checks(question_, path.chain)) recorder.note(std::move(found));
    path.findings = std::move(recorder.findings);
    clear_errors();
    return path;
  }

  const Question& question_;
  const std::int64_t now_;
  std::vector<X509Owner> excluded_;
};

// The certificate without which there would not be this fault; null where no other path can help.
X509* to_blame(const Finding& finding, const std::vector<X509Owner>& chain) {
  const bool of_the_issuer = finding.status == SALLY_CERTIFICATE_BAD_SIGNATURE ||
                             finding.status == SALLY_CERTIFICATE_NAME_CONSTRAINT;
  const auto depth = static_cast<std::size_t>(finding.depth + (of_the_issuer ? 1 : 0));
  return depth > 0 && depth < chain.size() ? chain[depth].get() : nullptr;
}

// OpenSSL follows the best certificate that could be the issuer and never turns back. RFC 8446
// section 4.4.2 asks for more: a peer may send what this side has no use for, the other half of a
// cross-certified pair for example; and this side may trust an old CA beside its new one. So the
// certificate that is to blame is taken away, and the chain is built again.
void find_another_path(PathFinder& finder, Path& first) {
  const bool hopeless = std::ranges::any_of(first.findings, [&](const Finding& found) {
    return !found.ignored && to_blame(found, first.chain) == nullptr;
  });
  if (hopeless) return;
  X509* blamed = to_blame(*first.fatal(), first.chain);
  Path path;
  for (int detour = 0; blamed != nullptr && detour < most_detours; ++detour) {
    if (finder.excludes(blamed)) return;
    path = finder.without(blamed);
    const Finding* fatal = path.fatal();
    if (fatal == nullptr) {
      first = std::move(path);
      return;
    }
    blamed = to_blame(*fatal, path.chain);
  }
}

}  // namespace

const Finding* Judgement::fatal() const noexcept {
  const auto found =
      std::ranges::find_if(findings, [](const Finding& each) { return !each.ignored; });
  return found != findings.end() ? &*found : nullptr;
}

std::int64_t time_of(const VerificationRules& rules) {
  return rules.time != 0 ? rules.time : clock_of(rules);
}

std::int64_t clock_of(const VerificationRules& rules) {
  if (!rules.clock) return std::time(nullptr);
  // A clock that fails lets nobody in: nothing is valid yet.
  return std::clamp<std::int64_t>(rules.clock->now(rules.clock->user.get()), 0, latest_time);
}

void apply_rules(X509_VERIFY_PARAM* param, const VerificationRules& rules, Purpose purpose,
                 const TrustStore* trust) {
  X509_VERIFY_PARAM_clear_flags(param, X509_VERIFY_PARAM_get_flags(param));
  unsigned long flags = X509_V_FLAG_X509_STRICT | X509_V_FLAG_TRUSTED_FIRST;
  if (rules.partial_chain) flags |= X509_V_FLAG_PARTIAL_CHAIN;
  const bool has_crls = trust != nullptr && !trust->crls().empty();
  // A CRL that was loaded is never passed over, whatever is asked.
  if (has_crls || rules.revocation != SALLY_REVOCATION_SOFT)
    flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
  if (X509_VERIFY_PARAM_set_flags(param, flags) != 1) throw std::bad_alloc();
  X509_VERIFY_PARAM_set_depth(param, rules.max_depth);
  X509_VERIFY_PARAM_set_auth_level(param, rules.security_level);
  // RFC 9525: only subjectAltName counts, and a wildcard stands for one whole label.
  X509_VERIFY_PARAM_set_hostflags(
      param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (purpose == Purpose::any) return;
  X509_VERIFY_PARAM_set_purpose(param, x509_purpose(purpose));
  X509_VERIFY_PARAM_set_trust(
      param, purpose == Purpose::server ? X509_TRUST_SSL_SERVER : X509_TRUST_SSL_CLIENT);
}

Judgement judge(const Question& question) {
  Judgement judgement;
  judgement.time = time_of(question.rules);
  PathFinder finder(question, judgement.time);
  Path path = finder.first();
  if (path.fatal() != nullptr) find_another_path(finder, path);
  judgement.findings = std::move(path.findings);
  judgement.chain = std::move(path.chain);
  if (!judgement.accepted()) return judgement;

  PolicyAnswer answer = check_policy(question.leaf, judgement.chain, question.rules.policy);
  judgement.pin_matched = answer.pin_matched;
  for (Finding& found : answer.findings) judgement.findings.push_back(std::move(found));
  return judgement;
}

}  // namespace sally::tls
