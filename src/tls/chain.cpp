#include "tls/chain.h"

#include "tls/context.h"
#include "tls/handshake_record.h"
#include "tls/openssl.h"
#include "tls/verdict.h"
#include "tls/verification_cache.h"
#include "tls/verifier.h"

#include <memory>

namespace sally::tls {

namespace {

void leave_chain(X509_STORE_CTX* store, const std::vector<X509Owner>& chain) {
  STACK_OF(X509)* copy = checked(sk_X509_new_null());
  for (const X509Owner& certificate : chain) {
    if (sk_X509_push(copy, certificate.get()) == 0) {
      sk_X509_pop_free(copy, &X509_free);
      throw std::bad_alloc();
    }
    X509_up_ref(certificate.get());
  }
  X509_STORE_CTX_set0_verified_chain(store, copy);
}

void accept(X509_STORE_CTX* store, const GoodChain& good, HandshakeRecord& record) {
  leave_chain(store, good.chain);
  X509_STORE_CTX_set_error(store, X509_V_OK);
  record.pin_matched = good.pin_matched;
  record.findings = good.findings;
}

}  // namespace

bool verify_chain(X509_STORE_CTX* store, const Context& context, HandshakeRecord& record) {
  const Settings& settings = context.settings();
  const Question question{.trust = settings.trust.get(),
                          .leaf = X509_STORE_CTX_get0_cert(store),
                          .untrusted = X509_STORE_CTX_get0_untrusted(store),
                          .purpose = context.is_server() ? Purpose::client : Purpose::server,
                          .name = record.peer_name,
                          .rules = settings.rules};
  VerificationCache& cache = context.verified();
  const std::string key = cache.enabled() ? digest_of(question) : std::string();
  if (cache.enabled()) {
    if (const auto known = cache.find(key, time_of(settings.rules))) {
      accept(store, *known, record);
      return true;
    }
  }

  Judgement judgement = judge(question);
  if (const Finding* fatal = judgement.fatal()) {
    X509_STORE_CTX_set_error(store, fatal->code);
    record.verdict = explain(question, judgement);
    return false;
  }
  const TimeWindow window = window_of(judgement, question.trust);
  auto good = std::make_shared<GoodChain>();
  if (!judgement.findings.empty()) good->findings = explain(question, judgement);
  good->pin_matched = judgement.pin_matched;
  good->chain = std::move(judgement.chain);
  accept(store, *good, record);
  if (cache.enabled()) cache.remember(key, window, std::move(good));
  return true;
}

}  // namespace sally::tls
