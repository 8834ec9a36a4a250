#include "tls/ocsp.h"

#include "status/error.h"
#include "tls/callbacks.h"
#include "tls/certificate.h"
#include "tls/context.h"
#include "tls/error_queue.h"
#include "tls/handshake_record.h"
#include "tls/ocsp_response.h"
#include "tls/openssl.h"
#include "tls/verification_cache.h"
#include "tls/verifier.h"

#include <ctime>

namespace sally::tls {

namespace {

std::string_view staple_of(const SSL* ssl) {
  const unsigned char* bytes = nullptr;
  const long size = SSL_get_tlsext_status_ocsp_resp(const_cast<SSL*>(ssl), &bytes);
  if (bytes == nullptr || size <= 0) return {};
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

ErrorDetail about(const X509* certificate, std::string expected, std::string found) {
  return {.message = "'" + subject_of(certificate) + "': " + found,
          .depth = 0,
          .subject = subject_of(certificate),
          .issuer = issuer_of(certificate),
          .expected = std::move(expected),
          .found = std::move(found)};
}

// Null for a certificate that is trusted by itself and was issued by somebody else.
X509* issuer_in(const std::vector<X509Owner>& chain) {
  if (chain.size() > 1) return chain[1].get();
  X509* alone = chain.front().get();
  const bool own = X509_check_issued(alone, alone) == X509_V_OK;
  clear_errors();
  return own ? alone : nullptr;
}

// Null where nothing is wrong.
ErrorRef judge_staple(const SSL* ssl, const HandshakeRecord& record, const Settings& settings) {
  if (!record.good || record.good->chain.empty()) return {};  // no certificate, no staple
  const std::vector<X509Owner>& chain = record.good->chain;
  X509* certificate = chain.front().get();
  X509* issuer = issuer_in(chain);

  const std::string_view staple = staple_of(ssl);
  OcspAnswer answer{.kind = OcspAnswer::Kind::nothing, .found = "no response"};
  if (!staple.empty() && issuer == nullptr)
    answer.found = "a response that cannot be judged: the issuer is not known";
  else if (!staple.empty())
    answer = read_ocsp_response(staple, certificate, issuer, clock_of(settings.rules));
  switch (answer.kind) {
    case OcspAnswer::Kind::good:
      return {};
    case OcspAnswer::Kind::revoked:
      return make_error(SALLY_CERTIFICATE_REVOKED,
                        about(certificate, "a certificate that is not revoked", answer.found));
    case OcspAnswer::Kind::invalid:
      return make_error(
          SALLY_OCSP_RESPONSE_INVALID,
          about(certificate, "an answer of its issuer that is in date", answer.found));
    case OcspAnswer::Kind::nothing:
      break;
  }
  if (demands_staple(certificate)) {
    return make_error(
        SALLY_OCSP_RESPONSE_MISSING,
        about(certificate, "a response, which the certificate itself demands", answer.found));
  }
  if (settings.ocsp != SALLY_OCSP_REQUIRE) return {};
  return make_error(SALLY_OCSP_RESPONSE_MISSING,
                    about(certificate, "a response, which this side demands", answer.found));
}

// On a client, when the server has said all, whether it stapled or not. In TLS 1.2 the response comes
// behind the certificate, so it cannot be judged with it.
int check_staple(SSL* ssl, void* /*unused*/) {
  const Context& context = context_of(ssl);
  // A resumed session was judged when it was made.
  if (context.settings().skip_verification || SSL_session_reused(ssl) == 1) return 1;
  HandshakeRecord& record = record_of(ssl);
  try {
    record.verdict = judge_staple(ssl, record, context.settings());
  } catch (...) {
    record.verdict = out_of_memory_error();
  }
  if (!record.verdict) return 1;
  record.peer_verified = false;
  return 0;
}

int show_staple(SSL* ssl, void* /*unused*/) {
  const X509* shown = SSL_get_certificate(ssl);
  if (shown == nullptr) return SSL_TLSEXT_ERR_NOACK;
  try {
    const Settings& settings = context_of(ssl).settings();
    for (const Ref<Credential>& credential : settings.credentials) {
      if (X509_cmp(credential->certificate(), shown) != 0) continue;
      const std::string response = credential->staple().at(clock_of(settings.rules));
      if (response.empty()) break;
      void* copy = checked(OPENSSL_memdup(response.data(), response.size()));
      SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(response.size()));
      return SSL_TLSEXT_ERR_OK;
    }
  } catch (...) {
    return SSL_TLSEXT_ERR_NOACK;  // the client decides whether it goes without
  }
  return SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

void install_ocsp(SSL_CTX* context, const Context& owner) {
  if (owner.is_server()) {
    SSL_CTX_set_tlsext_status_cb(context, &show_staple);
    return;
  }
  if (owner.settings().ocsp == SALLY_OCSP_OFF) return;
  SSL_CTX_set_tlsext_status_type(context, TLSEXT_STATUSTYPE_ocsp);
  SSL_CTX_set_tlsext_status_cb(context, &check_staple);
}

void set_staple(Credential& credential, std::string_view response) {
  if (response.empty()) return credential.staple().set({}, 0);
  X509* certificate = credential.certificate();
  X509* issuer = nullptr;
  for (const X509Owner& member : credential.chain()) {
    if (X509_check_issued(member.get(), certificate) == X509_V_OK) issuer = member.get();
  }
  clear_errors();
  const OcspAnswer answer = read_ocsp_response(response, certificate, issuer, std::time(nullptr));
  if (answer.kind != OcspAnswer::Kind::good) {
    throw Failure(
        SALLY_OCSP_RESPONSE_INVALID,
        about(certificate, "an answer that the certificate is good, and in date", answer.found));
  }
  credential.staple().set(std::string(response), answer.until);
}

}  // namespace sally::tls
