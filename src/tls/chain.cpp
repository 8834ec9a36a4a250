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

Question question_of(X509* leaf, STACK_OF(X509) * sent, const Context& context,
                     const HandshakeRecord& record) {
  return {.trust = context.settings().trust.get(),
          .leaf = leaf,
          .untrusted = sent,
          .purpose = context.is_server() ? Purpose::client : Purpose::server,
          .name = record.peer_name,
          .rules = context.settings().rules};
}

X509Owner share(X509* certificate) {
  X509_up_ref(certificate);
  return X509Owner(certificate);
}

std::vector<X509Owner> sent_of(const Question& question) {
  std::vector<X509Owner> sent;
  sent.push_back(share(question.leaf));
  for (int i = 0; i < sk_X509_num(question.untrusted); ++i) {
    X509* certificate = sk_X509_value(question.untrusted, i);
    if (certificate != question.leaf) sent.push_back(share(certificate));
  }
  return sent;
}

// Null where the chain is not good: `judgement` then says why. A good one that is known already is not
// judged anew.
VerificationCache::Entry look_at(const Question& question, VerificationCache& cache,
                                 Judgement& judgement) {
  const std::string key = cache.enabled() ? digest_of(question) : std::string();
  if (cache.enabled()) {
    if (auto known = cache.find(key, time_of(question.rules))) return known;
  }
  judgement = judge(question);
  if (!judgement.accepted()) return nullptr;
  const TimeWindow window = window_of(judgement, question.trust);
  auto good = std::make_shared<GoodChain>();
  if (!judgement.findings.empty()) good->findings = explain(question, judgement);
  good->pin_matched = judgement.pin_matched;
  good->sent = sent_of(question);
  good->chain = std::move(judgement.chain);
  if (cache.enabled()) cache.remember(key, window, good);
  return good;
}

}  // namespace

bool verify_chain(X509_STORE_CTX* store, const Context& context, HandshakeRecord& record) {
  const Question question = question_of(X509_STORE_CTX_get0_cert(store),
                                        X509_STORE_CTX_get0_untrusted(store), context, record);
  Judgement judgement;
  record.good = look_at(question, context.verified(), judgement);
  if (!record.good) {
    X509_STORE_CTX_set_error(store, judgement.fatal()->code);
    record.verdict = explain(question, judgement);
    return false;
  }
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return true;
}

void share_certificates(X509_STORE_CTX* store, const HandshakeRecord& record) noexcept {
  STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(store);
  const std::size_t count = record.good ? record.good->sent.size() : 0;
  // The digest by which the chain was found is of these very certificates, in this order.
  if (sk_X509_num(sent) != static_cast<int>(count)) return;
  if (sk_X509_value(sent, 0) != X509_STORE_CTX_get0_cert(store)) return;
  for (std::size_t i = 0; i < count; ++i) {
    X509* known = record.good->sent[i].get();
    X509* own = sk_X509_value(sent, static_cast<int>(i));
    X509_up_ref(known);
    sk_X509_set(sent, static_cast<int>(i), known);
    X509_free(own);
  }
}

bool check_again(X509* leaf, const std::vector<X509Owner>& sent, const Context& context,
                 HandshakeRecord& record) {
  const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> stack(
      checked(sk_X509_new_null()), [](STACK_OF(X509) * given) { sk_X509_free(given); });
  for (const X509Owner& certificate : sent) {
    if (sk_X509_push(stack.get(), certificate.get()) == 0) throw std::bad_alloc();
  }
  Judgement judgement;
  record.good =
      look_at(question_of(leaf, stack.get(), context, record), context.verified(), judgement);
  if (!record.good) return false;
  if (context.settings().followed_trust) {
    record.sent_before.clear();
    for (const X509Owner& certificate : sent) {
      X509_up_ref(certificate.get());
      record.sent_before.emplace_back(certificate.get());
    }
  }
  return true;
}

ErrorRef refusal_under(const Ref<TrustStore>& trust, X509* leaf, STACK_OF(X509) * sent,
                       const Context& context, const HandshakeRecord& record) {
  Question question = question_of(leaf, sent, context, record);
  question.trust = trust.get();
  Judgement judgement;
  if (look_at(question, *context.verified_under(trust), judgement)) return {};
  return explain(question, judgement);
}

}  // namespace sally::tls
