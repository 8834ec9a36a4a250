#include "tls/offline.h"

#include "tls/context.h"
#include "tls/error_queue.h"
#include "tls/openssl.h"
#include "tls/pem.h"
#include "tls/verdict.h"

#include <algorithm>
#include <climits>
#include <memory>
#include <nlohmann/json.hpp>

namespace sally::tls {

namespace {

using Json = nlohmann::ordered_json;

// One DER certificate after the other.
std::vector<X509Owner> read_der(std::string_view bytes) {
  std::vector<X509Owner> certificates;
  const auto* next = reinterpret_cast<const unsigned char*>(bytes.data());
  const unsigned char* const end = next + bytes.size();
  while (next != end) {
    clear_errors();
    X509Owner certificate(checked(X509_new_ex(library_context(), nullptr)));
    X509* target = certificate.get();
    if (d2i_X509(&target, &next, end - next) == nullptr) {
      // A failing decoder frees what it was given to fill.
      if (target == nullptr) static_cast<void>(certificate.release());
      throw Failure(SALLY_CERTIFICATE_MALFORMED,
                    {.message = "neither PEM nor DER", .native_name = take_error().name});
    }
    X509_check_purpose(target, -1, 0);  // decodes the extensions, see read_certificates
    clear_errors();
    certificates.push_back(std::move(certificate));
  }
  return certificates;
}

std::vector<X509Owner> read(std::string_view bytes) {
  if (bytes.size() > INT_MAX)
    throw Failure(SALLY_LIMIT_EXCEEDED, {.message = "more than 2 GiB of certificates"});
  constexpr unsigned char sequence = 0x30;
  if (!bytes.empty() && static_cast<unsigned char>(bytes.front()) == sequence)
    return read_der(bytes);
  return read_certificates(PemSource::from_memory(bytes), SALLY_CERTIFICATE_MALFORMED);
}

std::string to_json(const OfflineVerdict& verdict) {
  Json json;
  json["accepted"] = verdict.error->status() == SALLY_OK;
  json["verdict"] = Json::parse(verdict.error->json());
  json["pin_matched"] = verdict.pin_matched;
  json["chain"] = Json::array();
  for (const Ref<sally_certificate>& certificate : verdict.chain)
    json["chain"].push_back(Json::parse(to_json(certificate->data)));
  return json.dump();
}

}  // namespace

OfflineVerdict judge_offline(const OfflineQuestion& asked) {
  std::vector<X509Owner> shown = read(asked.leaf);
  if (shown.empty())
    throw Failure(SALLY_CREDENTIAL_NO_CERTIFICATE,
                  {.message = "there is no certificate to verify"});
  std::ranges::move(read(asked.intermediates), std::back_inserter(shown));
  const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> untrusted(
      checked(sk_X509_new_null()), [](STACK_OF(X509) * stack) { sk_X509_free(stack); });
  for (const X509Owner& certificate : shown) {
    if (sk_X509_push(untrusted.get(), certificate.get()) == 0) throw std::bad_alloc();
  }
  const Ref<TrustStore> trust = asked.trust ? asked.trust : default_trust();
  const Question question{.trust = trust.get(),
                          .leaf = shown.front().get(),
                          .untrusted = untrusted.get(),
                          .purpose = asked.purpose,
                          .name = asked.name,
                          .rules = asked.rules};
  const Judgement judgement = judge(question);
  OfflineVerdict verdict{.error = explain(question, judgement)};
  verdict.pin_matched = judgement.pin_matched;
  for (const X509Owner& certificate : judgement.chain)
    verdict.chain.push_back(describe(certificate.get()));
  verdict.json = to_json(verdict);
  return verdict;
}

}  // namespace sally::tls
