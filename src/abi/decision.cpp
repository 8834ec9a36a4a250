#include "abi/boundary.h"
#include "abi/handles.h"
#include "status/table.h"

#include <sallyport/decision.h>

using sally::abi::guarded;
using sally::abi::require;
using sally::abi::usable;
using sally::tls::Answer;
using sally::tls::DecisionFacts;

namespace {

const DecisionFacts no_facts;
constexpr std::size_t largest_signature = 0xffff;  // RFC 8446 section 4.4.3

const DecisionFacts& facts_of(const sally_decision* decision) {
  return decision != nullptr ? decision->object->facts() : no_facts;
}

const char* text_at(const std::vector<std::string>& texts, std::size_t index) {
  return index < texts.size() ? texts[index].c_str() : nullptr;
}

// `build` makes the answer, and may throw.
template <class Build>
sally_status answer(sally_decision* decision, sally_error** error, Build&& build) {
  return guarded(error, [&] {
    auto& handle = usable(decision);
    handle.object->answer(build());
    return SALLY_OK;
  });
}

}  // namespace

int32_t sally_decision_question(const sally_decision* decision) {
  return facts_of(decision).question;
}

const char* sally_decision_server_name(const sally_decision* decision) {
  return facts_of(decision).server_name.c_str();
}

const char* sally_decision_peer_address(const sally_decision* decision) {
  return facts_of(decision).peer_address.c_str();
}

size_t sally_decision_acceptable_ca_count(const sally_decision* decision) {
  return facts_of(decision).acceptable_cas.size();
}

const char* sally_decision_acceptable_ca(const sally_decision* decision, size_t index) {
  return text_at(facts_of(decision).acceptable_cas, index);
}

size_t sally_decision_acceptable_scheme_count(const sally_decision* decision) {
  return facts_of(decision).acceptable_schemes.size();
}

const char* sally_decision_acceptable_scheme(const sally_decision* decision, size_t index) {
  return text_at(facts_of(decision).acceptable_schemes, index);
}

size_t sally_decision_alpn_count(const sally_decision* decision) {
  return facts_of(decision).alpn.size();
}

const char* sally_decision_alpn(const sally_decision* decision, size_t index) {
  return text_at(facts_of(decision).alpn, index);
}

size_t sally_decision_peer_certificate_count(const sally_decision* decision) {
  return facts_of(decision).peer_chain.size();
}

sally_certificate* sally_decision_peer_certificate(const sally_decision* decision, size_t index) {
  const auto& chain = facts_of(decision).peer_chain;
  return index < chain.size() ? chain[index].get() : nullptr;
}

sally_status sally_decision_verdict(const sally_decision* decision) {
  if (decision == nullptr) return SALLY_INVALID_ARGUMENT;
  const sally_error* verdict = sally_decision_verdict_error(decision);
  return verdict != nullptr ? verdict->status() : sally_status{SALLY_OK};
}

const sally_error* sally_decision_verdict_error(const sally_decision* decision) {
  return facts_of(decision).verdict.get();
}

const void* sally_decision_signed_content(const sally_decision* decision) {
  const std::string& content = facts_of(decision).signature.content;
  return content.empty() ? nullptr : content.data();
}

size_t sally_decision_signed_content_size(const sally_decision* decision) {
  return facts_of(decision).signature.content.size();
}

int32_t sally_decision_signature_scheme(const sally_decision* decision) {
  const auto* scheme = facts_of(decision).signature.scheme;
  return scheme != nullptr ? scheme->number : 0;
}

const char* sally_decision_signature_scheme_name(const sally_decision* decision) {
  const auto* scheme = facts_of(decision).signature.scheme;
  return scheme != nullptr ? scheme->name : "";
}

sally_certificate* sally_decision_signing_certificate(const sally_decision* decision) {
  return facts_of(decision).signing_certificate.get();
}

sally_status sally_decision_accept(sally_decision* decision, sally_error** error) {
  return answer(decision, error, [] { return Answer{.kind = Answer::Kind::accept}; });
}

sally_status sally_decision_insecure_accept(sally_decision* decision, sally_error** error) {
  return answer(decision, error, [] { return Answer{.kind = Answer::Kind::insecure_accept}; });
}

sally_status sally_decision_deny(sally_decision* decision, sally_status why, sally_error** error) {
  return answer(decision, error, [&] {
    require(sally::status::find(why) != nullptr, "why is not a status");
    return Answer{.kind = Answer::Kind::deny, .why = why};
  });
}

sally_status sally_decision_use_credential(sally_decision* decision, sally_credential* credential,
                                           sally_error** error) {
  return answer(decision, error, [&] {
    Answer shown{.kind = Answer::Kind::credential};
    if (credential != nullptr) shown.credential = usable(credential).object->current();
    return shown;
  });
}

sally_status sally_decision_signature(sally_decision* decision, const void* signature, size_t size,
                                      sally_error** error) {
  return answer(decision, error, [&] {
    require(signature != nullptr && size != 0, "there is no signature");
    require(size <= largest_signature, "the signature is larger than 65535 bytes");
    return Answer{.kind = Answer::Kind::signature,
                  .signature = std::string(static_cast<const char*>(signature), size)};
  });
}

sally_status sally_decision_use_config(sally_decision* decision, sally_tls_config* config,
                                       sally_error** error) {
  return answer(decision, error, [&] {
    auto& chosen = usable(config);
    require(chosen.object->role() == SALLY_ROLE_SERVER, "config is a config for clients");
    return Answer{.kind = Answer::Kind::config, .context = chosen.object->freeze()};
  });
}

sally_decision* sally_decision_retain(sally_decision* decision) {
  if (decision != nullptr) decision->retain();
  return decision;
}

void sally_decision_release(sally_decision* decision) {
  if (decision != nullptr) decision->release();
}
