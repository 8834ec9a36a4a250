#include "tls/chain.h"

#include "tls/context.h"
#include "tls/error_queue.h"
#include "tls/handshake_record.h"
#include "tls/openssl.h"
#include "tls/verdict.h"
#include "tls/verification_cache.h"
#include "tls/verifier.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

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

using StackOwner = std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)>;

StackOwner stack_of(const std::vector<X509Owner>& certificates) {
  StackOwner stack(checked(sk_X509_new_null()),
                   [](STACK_OF(X509) * given) { sk_X509_free(given); });
  for (const X509Owner& certificate : certificates) {
    if (sk_X509_push(stack.get(), certificate.get()) == 0) throw std::bad_alloc();
  }
  return stack;
}

void append(std::string& bytes, X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  const std::unique_ptr<unsigned char, CryptoDeleter> owner(der);
  if (size <= 0) throw std::bad_alloc();
  bytes.append(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
}

// As far as they can be decoded, by what is to judge them.
std::vector<X509Owner> decode(const std::string& sent, const std::string& provider_query) {
  const char* query = provider_query.empty() ? nullptr : provider_query.c_str();
  std::vector<X509Owner> certificates;
  const auto* at = reinterpret_cast<const unsigned char*>(sent.data());
  const auto* const end = at + sent.size();
  while (at < end) {
    X509Owner certificate(checked(X509_new_ex(library_context(), query)));
    X509* target = certificate.get();
    if (d2i_X509(&target, &at, end - at) == nullptr) {
      static_cast<void>(certificate.release());  // a failing decoder frees what it was to fill
      clear_errors();
      break;
    }
    X509_check_purpose(target, -1, 0);  // decodes the extensions
    certificates.push_back(std::move(certificate));
  }
  return certificates;
}

// Several chains of the usual kind. Whoever sends more, a hundred kilobytes for example, which are
// several times as much when decoded, is judged anew each time, and of it nothing is kept that outlives
// the connection: or a client with one good certificate could fill the memory with others beside it.
constexpr std::size_t most_remembered = 32 * 1024;

// What is remembered of peers who sent this, and what comes to be.
class Memory {
 public:
  Memory(VerificationCache& cache, const PeerName& name, SentCertificates sent)
      : cache_(cache),
        sent_(std::move(sent)),
        is_kept_(sent_->size() <= most_remembered),
        key_(is_kept_ && cache.enabled() ? digest_of(name, *sent_) : std::string()) {}

  // Null: nothing good, by now.
  VerificationCache::Entry find(const VerificationRules& rules) const {
    return key_.empty() ? nullptr : cache_.find(key_, time_of(rules));
  }
  // Null where the chain is not good: `judgement` then says why.
  VerificationCache::Entry judge_anew(const Question& question, Judgement& judgement,
                                      bool keeps_sessions) const {
    judgement = judge(question);
    if (!judgement.accepted()) return nullptr;
    const TimeWindow window = window_of(judgement, question.trust);
    auto good = std::make_shared<GoodChain>();
    if (!judgement.findings.empty()) good->findings = explain(question, judgement);
    good->pin_matched = judgement.pin_matched;
    good->sent = sent_of(question);
    if (keeps_sessions && is_kept_) good->encoded = sent_;
    good->chain = std::move(judgement.chain);
    if (!key_.empty()) cache_.remember(key_, window, good);
    return good;
  }

 private:
  VerificationCache& cache_;
  const SentCertificates sent_;
  const bool is_kept_;
  const std::string key_;  // "": it is not remembered
};

}  // namespace

SentCertificates encode(X509* leaf, const STACK_OF(X509) * sent) {
  std::string bytes;
  append(bytes, leaf);
  for (int i = 0; i < sk_X509_num(sent); ++i) {
    // A handshake names the leaf among what was sent, and a session does not.
    X509* certificate = sk_X509_value(sent, i);
    if (certificate != leaf) append(bytes, certificate);
  }
  return std::make_shared<const std::string>(std::string_view(bytes));  // no larger than it is
}

bool verify_chain(X509_STORE_CTX* store, const Context& context, HandshakeRecord& record) {
  const Question question = question_of(X509_STORE_CTX_get0_cert(store),
                                        X509_STORE_CTX_get0_untrusted(store), context, record);
  const Memory memory(context.verified(), question.name, encode(question.leaf, question.untrusted));
  Judgement judgement;
  record.good = memory.find(question.rules);
  if (!record.good) record.good = memory.judge_anew(question, judgement, context.keeps_sessions());
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

bool check_again(const SentCertificates& sent, const Context& context, HandshakeRecord& record) {
  const Memory memory(context.verified(), record.peer_name, sent);
  record.good = memory.find(context.settings().rules);
  if (record.good) return true;
  const std::vector<X509Owner> certificates = decode(*sent, context.settings().provider_query);
  if (certificates.empty()) return false;
  Judgement judgement;
  const StackOwner stack = stack_of(certificates);
  record.good =
      memory.judge_anew(question_of(certificates.front().get(), stack.get(), context, record),
                        judgement, context.keeps_sessions());
  return record.good != nullptr;
}

ErrorRef refusal_under(const Ref<TrustStore>& trust, const Context& context,
                       const HandshakeRecord& record) {
  const std::vector<X509Owner>& sent = record.good->sent;
  const StackOwner stack = stack_of(sent);
  Question question = question_of(sent.front().get(), stack.get(), context, record);
  question.trust = trust.get();
  const std::shared_ptr<VerificationCache> cache = context.verified_under(trust);
  const Memory memory(*cache, question.name, encode(question.leaf, question.untrusted));
  if (memory.find(question.rules)) return {};
  Judgement judgement;
  if (memory.judge_anew(question, judgement, /*keeps_sessions=*/false)) return {};
  return explain(question, judgement);
}

}  // namespace sally::tls
