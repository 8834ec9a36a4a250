#include "tls/inquiry.h"

#include "status/table.h"
#include "status/text.h"
#include "tls/code_points.h"
#include "tls/credential_choice.h"
#include "tls/distinguished_name.h"
#include "tls/handshake_record.h"
#include "tls/openssl.h"
#include "tls/tracer.h"

#include <openssl/async.h>
#include <span>
#include <string_view>
#include <utility>

#include <sallyport/decision.h>

namespace sally::tls {

const Ref<Decision>& Inquiry::place(std::int32_t question) const noexcept {
  switch (question) {
    case SALLY_QUESTION_CREDENTIAL:
      return asked_[0];
    case SALLY_QUESTION_PEER:
      return asked_[1];
    case SALLY_QUESTION_SIGNATURE:
      return asked_[3];
    default:
      return asked_[2];
  }
}

void Inquiry::ask(DecisionFacts facts) {
  if (given_up_) return;
  if (trace_ != nullptr)
    trace_->asked(facts.question, facts.verdict ? facts.verdict->status() : SALLY_OK);
  auto decision = make_ref<Decision>(std::move(facts));
  const_cast<Ref<Decision>&>(place(decision->facts().question)) = decision;
  new_ = std::move(decision);
}

std::optional<Answer> Inquiry::answer_to(std::int32_t question) const {
  if (given_up_) return Answer{.nobody = true};
  const Ref<Decision>& decision = place(question);
  return decision ? decision->result() : std::nullopt;
}

void Inquiry::tell_answers() noexcept {
  if (trace_ == nullptr) return;
  for (const Ref<Decision>& decision : asked_) {
    if (!decision) continue;
    const std::int32_t question = decision->facts().question;
    const auto bit = static_cast<std::uint32_t>(question);
    if ((told_ & bit) != 0) continue;
    const std::optional<Answer> answer = decision->result();
    if (!answer) continue;
    told_ |= bit;
    trace_->answered(question, *answer);
  }
}

bool Inquiry::waits() const {
  if (given_up_) return false;
  for (const Ref<Decision>& decision : asked_) {
    if (decision && !decision->result()) return true;
  }
  return false;
}

void Inquiry::give_up() noexcept {
  given_up_ = true;
  new_ = {};
  for (const Ref<Decision>& decision : asked_) {
    if (decision) decision->close();
  }
}

namespace {

// RFC 8446 section 6.2, for what a program gives as its reason.
int alert_for(sally_status why) {
  constexpr sally_status first_alert = SALLY_ALERT_CLOSE_NOTIFY;
  constexpr sally_status last_alert = first_alert + 255;
  switch (why) {
    case SALLY_CERTIFICATE_EXPIRED:
    case SALLY_CERTIFICATE_NOT_YET_VALID:
      return SSL_AD_CERTIFICATE_EXPIRED;
    case SALLY_CERTIFICATE_REVOKED:
      return SSL_AD_CERTIFICATE_REVOKED;
    case SALLY_CERTIFICATE_UNKNOWN_CA:
    case SALLY_CERTIFICATE_SELF_SIGNED:
    case SALLY_CERTIFICATE_INVALID_CA:
    case SALLY_CERTIFICATE_PATH_TOO_LONG:
      return SSL_AD_UNKNOWN_CA;
    case SALLY_CERTIFICATE_WRONG_USAGE:
      return SSL_AD_UNSUPPORTED_CERTIFICATE;
    case SALLY_CERTIFICATE_REVOCATION_UNKNOWN:
      return SSL_AD_CERTIFICATE_UNKNOWN;
    default:
      break;
  }
  const status::Row* row = status::find(why);
  if (row != nullptr && why >= SALLY_CERTIFICATE_UNKNOWN_CA && why <= SALLY_CERTIFICATE_INVALID) {
    return SSL_AD_BAD_CERTIFICATE;
  }
  if (row != nullptr && why > first_alert && why <= last_alert) return why - first_alert;
  return SSL_AD_HANDSHAKE_FAILURE;
}

// OpenSSL picks the alert by the X.509 error, and reaches only some of them.
int x509_error_for(int alert) {
  switch (alert) {
    case SSL_AD_CERTIFICATE_EXPIRED:
      return X509_V_ERR_CERT_HAS_EXPIRED;
    case SSL_AD_CERTIFICATE_REVOKED:
      return X509_V_ERR_CERT_REVOKED;
    case SSL_AD_UNKNOWN_CA:
      return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
      return X509_V_ERR_INVALID_PURPOSE;
    case SSL_AD_BAD_CERTIFICATE:
      return X509_V_ERR_CERT_REJECTED;
    case SSL_AD_CERTIFICATE_UNKNOWN:
      return X509_V_ERR_NO_EXPLICIT_POLICY;
    case SSL_AD_INTERNAL_ERROR:
      return X509_V_ERR_UNSPECIFIED;
    default:
      return X509_V_ERR_APPLICATION_VERIFICATION;
  }
}

const char* subject_of_question(std::int32_t question) {
  switch (question) {
    case SALLY_QUESTION_CREDENTIAL:
      return "the server's request for a certificate";
    case SALLY_QUESTION_PEER:
      return "the peer's certificate";
    case SALLY_QUESTION_SIGNATURE:
      return "the signature by this side's key";
    default:
      return "the client's hello";
  }
}

}  // namespace

void note_denial(HandshakeRecord& record, std::int32_t question, const Answer& answer) {
  const bool too_late = answer.why == SALLY_TIMED_OUT && answer.nobody;
  if (record.verdict && !too_late && answer.why == SALLY_OK) return;
  ErrorDetail detail;
  detail.message =
      std::string(subject_of_question(question)) + (too_late        ? ": nobody decided in time"
                                                    : answer.nobody ? ": nobody has answered"
                                                                    : "");
  if (record.verdict) {
    detail.subject = record.verdict->detail().subject;
    detail.issuer = record.verdict->detail().issuer;
    detail.depth = record.verdict->detail().depth;
  }
  detail.cause = answer.why != SALLY_OK && !answer.nobody ? make_error(answer.why) : record.verdict;
  record.verdict =
      make_error(too_late ? SALLY_TIMED_OUT : SALLY_DECISION_DENIED, std::move(detail));
}

bool suspend_until_answered(const Inquiry& inquiry, std::int32_t question) {
  while (!inquiry.answer_to(question)) {
    if (ASYNC_get_current_job() == nullptr || ASYNC_pause_job() != 1) return false;
  }
  return true;
}

namespace {

// The certificates as the peer sent them, its own first.
std::vector<Ref<sally_certificate>> describe_chain(X509* leaf, const STACK_OF(X509) * sent) {
  std::vector<Ref<sally_certificate>> chain;
  if (leaf != nullptr) chain.push_back(describe(leaf));
  for (int i = 0; i < sk_X509_num(sent); ++i) {
    X509* certificate = sk_X509_value(sent, i);
    if (leaf == nullptr || i > 0 || X509_cmp(leaf, certificate) != 0) {
      chain.push_back(describe(certificate));
    }
  }
  return chain;
}

int conclude_peer(X509_STORE_CTX* store, HandshakeRecord& record, const Answer& answer) {
  const bool passed = !record.verdict;
  const bool accepted = answer.kind == Answer::Kind::insecure_accept ||
                        (answer.kind == Answer::Kind::accept && passed);
  if (accepted) {
    record.verdict = {};
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
  }
  const sally_status why =
      answer.why == SALLY_OK && record.verdict ? record.verdict->status() : answer.why;
  record.peer_verified = false;
  note_denial(record, SALLY_QUESTION_PEER, answer);
  X509_STORE_CTX_set_error(store, x509_error_for(alert_for(why)));
  return 0;
}

}  // namespace

int decide_on_peer(SSL* ssl, X509_STORE_CTX* store, HandshakeRecord& record,
                   const Context& context) {
  Inquiry& inquiry = *record.inquiry;
  try {
    if (!inquiry.was_asked(SALLY_QUESTION_PEER)) {
      const bool judged = !context.settings().skip_verification;
      if (!judged) record.verdict = {};
      if (judged && !record.peer_verified && !record.verdict) {
        record.verdict = make_error(SALLY_CERTIFICATE_INVALID);
      }
      inquiry.ask({.question = SALLY_QUESTION_PEER,
                   .server_name = record.peer_name.text,
                   .peer_chain = describe_chain(X509_STORE_CTX_get0_cert(store),
                                                X509_STORE_CTX_get0_untrusted(store)),
                   .verdict = record.verdict});
    }
    if (SSL_is_server(ssl) == 1) {
      // SSL_set_retry_verify would accept the certificate here.
      if (!suspend_until_answered(inquiry, SALLY_QUESTION_PEER))
        return conclude_peer(store, record, {.nobody = true});
    } else if (!inquiry.answer_to(SALLY_QUESTION_PEER)) {
      return SSL_set_retry_verify(ssl);
    }
    return conclude_peer(store, record, *inquiry.answer_to(SALLY_QUESTION_PEER));
  } catch (const Failure& failure) {
    record.verdict = failure.error();
  } catch (...) {
    record.verdict = out_of_memory_error();
  }
  record.peer_verified = false;
  X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED);
  return 0;
}

namespace {

DecisionFacts facts_of_request(SSL* ssl, const HandshakeRecord& record) {
  DecisionFacts facts{.question = SALLY_QUESTION_CREDENTIAL, .server_name = record.peer_name.text};
  const STACK_OF(X509_NAME)* names = SSL_get0_peer_CA_list(ssl);
  for (int i = 0; i < sk_X509_NAME_num(names); ++i) {
    facts.acceptable_cas.push_back(to_text(sk_X509_NAME_value(names, i)));
  }
  for (const std::uint16_t scheme : peer_schemes(ssl)) {
    facts.acceptable_schemes.push_back(signature_scheme_name(scheme));
  }
  facts.peer_chain = describe_chain(SSL_get0_peer_certificate(ssl), SSL_get_peer_cert_chain(ssl));
  facts.signatures_too = record.inquiry->asks(SALLY_QUESTION_SIGNATURE);
  return facts;
}

bool show(SSL* ssl, const Credential* credential) {
  SSL_certs_clear(ssl);
  if (credential == nullptr) return true;
  STACK_OF(X509)* issuers = sk_X509_new_null();
  const std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> owner(
      checked(issuers), [](STACK_OF(X509) * stack) { sk_X509_free(stack); });
  const auto& chain = credential->chain();
  for (std::size_t i = 1; i < chain.size(); ++i) {
    if (sk_X509_push(issuers, chain[i].get()) == 0) throw std::bad_alloc();
  }
  return SSL_use_cert_and_key(ssl, credential->certificate(), credential->key(), issuers,
                              /*override=*/1) == 1;
}

}  // namespace

std::optional<int> decide_on_credential(SSL* ssl, HandshakeRecord& record) {
  Inquiry* inquiry = record.inquiry;
  if (inquiry == nullptr || !inquiry->asks(SALLY_QUESTION_CREDENTIAL)) return {};
  constexpr int again = -1;
  constexpr int failed = 0;  // OpenSSL sends internal_error, and leaves no choice
  constexpr int done = 1;
  try {
    if (!inquiry->was_asked(SALLY_QUESTION_CREDENTIAL)) inquiry->ask(facts_of_request(ssl, record));
    const std::optional<Answer> answer = inquiry->answer_to(SALLY_QUESTION_CREDENTIAL);
    if (!answer) return again;
    if (answer->kind == Answer::Kind::accept) return {};
    if (answer->kind == Answer::Kind::credential) {
      return show(ssl, answer->credential.get()) ? done : failed;
    }
    note_denial(record, SALLY_QUESTION_CREDENTIAL, *answer);
  } catch (const Failure& failure) {
    record.verdict = failure.error();
  } catch (...) {
    record.verdict = out_of_memory_error();
  }
  return failed;
}

namespace {

using Bytes = std::span<const unsigned char>;

// A vector with a length of `size` bytes before it (RFC 8446 section 3.4), taken off `bytes`. What
// does not fit gives nothing: OpenSSL will refuse it after the question.
Bytes take_vector(Bytes& bytes, std::size_t size) {
  std::size_t length = 0;
  if (bytes.size() < size) return bytes = {};
  for (std::size_t i = 0; i < size; ++i) length = length << 8 | bytes[i];
  bytes = bytes.subspan(size);
  if (bytes.size() < length) return bytes = {};
  const Bytes taken = bytes.first(length);
  bytes = bytes.subspan(length);
  return taken;
}

// A peer may call itself anything.
std::string to_string(Bytes bytes) {
  return status::one_line({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

Bytes hello_extension(SSL* ssl, unsigned int type) {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, type, &data, &size) != 1) return {};
  return {data, size};
}

DecisionFacts facts_of_hello(SSL* ssl) {
  DecisionFacts facts{.question = SALLY_QUESTION_CLIENT_HELLO};
  // RFC 6066 section 3: a list, of which only the first of the kind host_name (0) counts.
  Bytes name_extension = hello_extension(ssl, TLSEXT_TYPE_server_name);
  Bytes names = take_vector(name_extension, 2);
  if (!names.empty() && names.front() == TLSEXT_NAMETYPE_host_name) {
    names = names.subspan(1);
    facts.server_name = to_string(take_vector(names, 2));
  }
  // RFC 7301 section 3.1.
  Bytes alpn_extension = hello_extension(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation);
  Bytes protocols = take_vector(alpn_extension, 2);
  while (!protocols.empty()) {
    std::string protocol = to_string(take_vector(protocols, 1));
    if (!protocol.empty()) facts.alpn.push_back(std::move(protocol));
  }
  // RFC 8446 section 4.2.3.
  Bytes schemes_extension = hello_extension(ssl, TLSEXT_TYPE_signature_algorithms);
  Bytes schemes = take_vector(schemes_extension, 2);
  for (; schemes.size() >= 2; schemes = schemes.subspan(2)) {
    const std::size_t scheme = std::size_t{schemes[0]} << 8 | schemes[1];
    facts.acceptable_schemes.push_back(signature_scheme_name(scheme));
  }
  return facts;
}

}  // namespace

int decide_on_hello(SSL* ssl, int* alert, HandshakeRecord& record) {
  Inquiry* inquiry = record.inquiry;
  if (inquiry == nullptr || !inquiry->asks(SALLY_QUESTION_CLIENT_HELLO)) {
    return SSL_CLIENT_HELLO_SUCCESS;
  }
  *alert = SSL_AD_INTERNAL_ERROR;
  try {
    if (!inquiry->was_asked(SALLY_QUESTION_CLIENT_HELLO)) inquiry->ask(facts_of_hello(ssl));
    const std::optional<Answer> answer = inquiry->answer_to(SALLY_QUESTION_CLIENT_HELLO);
    if (!answer) return SSL_CLIENT_HELLO_RETRY;
    if (answer->kind == Answer::Kind::accept) return SSL_CLIENT_HELLO_SUCCESS;
    *alert = alert_for(answer->why);
    note_denial(record, SALLY_QUESTION_CLIENT_HELLO, *answer);
  } catch (...) {
    record.verdict = out_of_memory_error();
  }
  return SSL_CLIENT_HELLO_ERROR;
}

}  // namespace sally::tls
