#include "tls/explain.h"

#include "status/table.h"
#include "status/text.h"
#include "tls/callbacks.h"
#include "tls/certificate.h"
#include "tls/context.h"
#include "tls/error_queue.h"
#include "tls/failure_facts.h"
#include "tls/handshake_record.h"
#include "tls/native_names.h"
#include "tls/openssl.h"
#include "tls/record_bio.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace sally::tls {

namespace {

sally_status general_status(bool established) {
  return established ? SALLY_UNKNOWN : SALLY_HANDSHAKE_FAILED;
}

// RFC 8446 section 6: an alert that nobody knows ends the connection too.
sally_status alert_status(int description, bool established) {
  const sally_status status = status::from_code(SALLY_DOMAIN_ALERT, description);
  return status == SALLY_UNKNOWN ? general_status(established) : status;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts)
    all += (all.empty() ? "'" : ", '") + status::clipped(text, longest_listed) + "'";
  return all;
}

// RFC 8446 section 5.1: a record starts with its type (20 to 24) and the major version 3. Old
// clients offer TLS in the hello of SSL 2 (RFC 5246 appendix E.2), which OpenSSL understands well
// enough to name the version.
bool looks_like_tls(std::span<const std::byte> first) {
  const auto at = [&](std::size_t i) { return std::to_integer<unsigned>(first[i]); };
  if (first.empty()) return true;
  constexpr unsigned client_hello = 1;
  if (first.size() > 3 && (at(0) & 0x80) != 0 && at(2) == client_hello && at(3) == 3) return true;
  if (at(0) < 20 || at(0) > 24) return false;
  return first.size() < 2 || at(1) == 3;
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool looks_like_http(std::string_view first) {
  constexpr std::array starts = {"HTTP/",    "GET ",    "POST ",  "HEAD ",    "PUT ",
                                 "OPTIONS ", "DELETE ", "PATCH ", "CONNECT ", "PRI * HTTP/2"};
  return std::ranges::any_of(starts,
                             [first](std::string_view start) { return first.starts_with(start); });
}

std::string listed(const std::vector<std::string>& texts) {
  std::string all;
  for (std::size_t i = 0; i < texts.size() && i < most_listed; ++i)
    all += (all.empty() ? " " : "; ") + texts[i];
  if (texts.size() > most_listed)
    all += "; and " + std::to_string(texts.size() - most_listed) + " more";
  return all;
}

// What a client should know when a server refuses or vanishes, and a certificate was in play.
std::string certificate_hint(const HandshakeRecord& record) {
  if (!record.certificate_requested) return {};
  const bool none_fitted = !record.certificate_sent && !record.passed_over.empty();
  std::string hint = "The server asked for a client certificate ";
  if (record.certificate_sent)
    hint += "and got one; it may have refused it.";
  else if (none_fitted)
    hint +=
        "and none was sent, because none of this side's fits." + listed(record.passed_over) + ".";
  else
    hint += "and none was sent: give this side a credential.";
  if (!record.acceptable_cas.empty()) {
    hint += " It accepts certificates of: " + joined(record.acceptable_cas) + ".";
  }
  if (record.certificate_sent && !record.passed_over.empty())
    hint += " Others of this side were passed over." + listed(record.passed_over) + ".";
  return hint;
}

bool wants_post_quantum(const SSL* ssl) {
  return context_of(ssl).settings().require_post_quantum;
}

// Of a server that refuses without a reason. One that has answered found a group.
std::string refusal_hint(const SSL* ssl, const HandshakeRecord& record) {
  const bool answered = record.hellos.version != 0;
  if (answered || !wants_post_quantum(ssl)) return certificate_hint(record);
  return "This side's config requires a post-quantum key exchange: the server must have one of "
         "its groups, X25519MLKEM768 for example.";
}

// The two halves of a refused client certificate: whom the server accepts, and who issued what it
// got.
void describe_own_certificate(const SSL* ssl, const HandshakeRecord& record, ErrorDetail& detail) {
  if (!record.certificate_requested) return;
  if (!record.acceptable_cas.empty())
    detail.expected = "a certificate of " + joined(record.acceptable_cas);
  const X509* own = record.certificate_sent ? SSL_get_certificate(ssl) : nullptr;
  if (own == nullptr) {
    detail.found = "no certificate";
    return;
  }
  detail.depth = 0;
  detail.whose = "own";
  detail.subject = subject_of(own);
  detail.issuer = issuer_of(own);
  detail.found = "a certificate of '" + detail.issuer + "'";
}

std::string unknown_ca_hint(const HandshakeRecord& record, const ErrorDetail& detail) {
  std::string hint = status::find(SALLY_ALERT_UNKNOWN_CA)->hint;
  if (!detail.issuer.empty())
    hint += " This side's certificate was issued by '" + detail.issuer + "'.";
  if (!record.acceptable_cas.empty())
    hint += " The server says that it accepts those of " + joined(record.acceptable_cas) + ".";
  return hint;
}

// The table knows most reasons from loading a credential. Here that was done long ago: what does not
// decode, or is of a strange kind, came from the peer.
bool is_of_loading(sally_status status, unsigned long code) {
  return status::find(status)->layer == SALLY_LAYER_CREDENTIAL && ERR_GET_LIB(code) != ERR_LIB_SSL;
}

sally_status refine(sally_status status, unsigned long code, int alert_sent, bool established) {
  if (status == SALLY_CREDENTIAL_BAD_FORMAT && alert_sent == SSL_AD_BAD_CERTIFICATE)
    return SALLY_CERTIFICATE_MALFORMED;
  if (is_of_loading(status, code)) return general_status(established);
  if (status == SALLY_CREDENTIAL_UNSUPPORTED_KEY) return SALLY_CERTIFICATE_INVALID;
  // SSL_R_WRONG_VERSION_NUMBER is said of later records too, but this peer began as TLS does: a
  // client, for example, that gives up before it has learned the version sends its alert in a
  // record of TLS 1.0.
  if (status == SALLY_PEER_NOT_TLS) return SALLY_TLS_PROTOCOL_VIOLATION;
  return status == SALLY_UNKNOWN || status == SALLY_OK ? general_status(established) : status;
}

// OpenSSL gives one reason for two things: that a peer has nothing in common with this side, and that it
// chose what was not offered, or left out what it must send. Which of them it is shows by the alert (RFC
// 8446 section 6.2), or by the message that was being read.
sally_status refine_by_context(sally_status status, int alert_sent, OSSL_HANDSHAKE_STATE state) {
  const bool reads_certificate = state == TLS_ST_CR_CERT || state == TLS_ST_SR_CERT;
  // What cannot even be decoded is refused before there is anything to judge.
  if (status == SALLY_HANDSHAKE_FAILED && reads_certificate) return SALLY_CERTIFICATE_MALFORMED;

  const bool reads_signature =
      state == TLS_ST_CR_KEY_EXCH || state == TLS_ST_CR_CERT_VRFY || state == TLS_ST_SR_CERT_VRFY;
  if (status == SALLY_TLS_NO_COMMON_SIGNATURE && reads_signature)
    return SALLY_TLS_PROTOCOL_VIOLATION;

  const bool accuses = alert_sent == SSL_AD_ILLEGAL_PARAMETER ||
                       alert_sent == SSL_AD_MISSING_EXTENSION ||
                       alert_sent == SSL_AD_INAPPROPRIATE_FALLBACK;
  if ((status == SALLY_TLS_VERSION_MISMATCH || status == SALLY_TLS_NO_COMMON_GROUP) && accuses)
    return SALLY_TLS_PROTOCOL_VIOLATION;
  return status;
}

// A proof that is wrong has no status of its own, and OpenSSL no more than "bad signature" and "digest
// check failed" for it. What it means shows by the message that was being read.
void describe_wrong_proof(int alert_sent, OSSL_HANDSHAKE_STATE state, ErrorDetail& detail) {
  if (alert_sent != SSL_AD_DECRYPT_ERROR) return;
  if (state == TLS_ST_CR_FINISHED || state == TLS_ST_SR_FINISHED) {
    detail.message =
        "the peer's Finished message does not fit the handshake that this side has seen";
    detail.hint =
        "Something between the two sides changed their handshake, or the TLS software of one of "
        "them is faulty. Try without proxies and scanners between.";
  } else if (state == TLS_ST_CR_KEY_EXCH || state == TLS_ST_CR_CERT_VRFY ||
             state == TLS_ST_SR_CERT_VRFY) {
    detail.message =
        "the peer has not proved that its certificate's key is its own: its signature is wrong";
    detail.hint =
        "The peer shows a certificate whose key it does not have: look there for a key file or "
        "token of another certificate. Or something between the two sides changed their handshake.";
  }
}

}  // namespace

std::string correlation_id_of(const SSL* ssl) {
  std::array<unsigned char, SSL3_RANDOM_SIZE> random{};
  SSL_get_client_random(ssl, random.data(), random.size());
  if (std::ranges::all_of(random, [](unsigned char byte) { return byte == 0; })) return {};
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  std::size_t size = 0;
  if (EVP_Q_digest(library_context(), "SHA256", nullptr, random.data(), random.size(),
                   digest.data(), &size) != 1) {
    return {};
  }
  constexpr std::size_t shown = 8;
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < shown; ++i) {
    text += digits[digest[i] >> 4];
    text += digits[digest[i] & 15];
  }
  return text;
}

namespace {

// RFC 8446 section 6.1: whoever gives up says that first, and then ends the connection. Before TLS 1.3
// the alert itself may be fatal (RFC 5246 section 7.2.2).
bool was_canceled(const HandshakeRecord& record, const NativeError& native, bool over) {
  const auto code = static_cast<unsigned long>(native.code);
  return record.canceled && (over || ERR_GET_REASON(code) == SSL_R_TLSV1_ALERT_USER_CANCELLED);
}

ErrorRef explain_end(const SSL* ssl, const HandshakeRecord& record, RecordPort& port,
                     const NativeError& native, bool established, const char* phase) {
  const bool is_client = SSL_is_server(ssl) == 0;
  ErrorDetail detail{.native_domain = native.code == 0 ? SALLY_DOMAIN_NONE : SALLY_DOMAIN_OPENSSL,
                     .native_code = static_cast<std::int64_t>(native.code),
                     .native_name = native.name,
                     .correlation_id = correlation_id_of(ssl),
                     .phase = phase};
  if (record.alert_sent >= 0) {
    detail.alert = record.alert_sent;
    detail.alert_direction = SALLY_ALERT_SENT;
  }

  if (record.verdict) {
    return amend(record.verdict, [&](ErrorDetail& verdict) {
      verdict.alert = detail.alert;
      verdict.alert_direction = detail.alert_direction;
      verdict.correlation_id = detail.correlation_id;
      verdict.phase = phase;
    });
  }
  if (record.alert_received >= 0) {
    detail.alert = record.alert_received;
    detail.alert_direction = SALLY_ALERT_RECEIVED;
    if (is_client) describe_own_certificate(ssl, record, detail);
    const bool none_fitted = !record.certificate_sent && !record.passed_over.empty();
    const bool unexplained = record.alert_received == SSL_AD_HANDSHAKE_FAILURE ||
                             record.alert_received == SSL_AD_INSUFFICIENT_SECURITY;
    if (is_client && (none_fitted || unexplained)) detail.hint = refusal_hint(ssl, record);
    if (is_client && !none_fitted && record.alert_received == SSL_AD_UNKNOWN_CA)
      detail.hint = unknown_ca_hint(record, detail);
    const sally_status status = alert_status(record.alert_received, established);
    if (status::find(status)->is_catch_all)
      detail.message =
          "the peer sent " + status::unknown_name(SALLY_DOMAIN_ALERT, record.alert_received);
    return make_error(status, std::move(detail));
  }
  const bool closed_early = !established && (SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
  const bool gone = !established && (port.ended || port.error_number != 0 || closed_early);
  if (was_canceled(record, native, gone)) {
    detail.alert = SSL_AD_USER_CANCELLED;
    detail.alert_direction = SALLY_ALERT_RECEIVED;
    return make_error(SALLY_ALERT_USER_CANCELED, std::move(detail));
  }
  if (!established && !looks_like_tls(port.first())) {
    port.hear_more();
    const std::string_view first = text_of(port.first());
    detail.expected = "a TLS record";
    detail.found = first;
    return make_error(looks_like_http(first) ? SALLY_PEER_SPEAKS_HTTP : SALLY_PEER_NOT_TLS,
                      std::move(detail));
  }
  if (port.error_number != 0) {
    detail.native_domain = SALLY_DOMAIN_NONE;
    detail.native_name.clear();
    if (is_client) detail.hint = certificate_hint(record);
    return errno_error(port.error_number, std::move(detail));
  }

  if (port.ended || closed_early) {
    if (is_client) detail.hint = certificate_hint(record);
    return make_error(established ? SALLY_TRUNCATED : SALLY_HANDSHAKE_INTERRUPTED,
                      std::move(detail));
  }
  const sally_status general =
      refine(status_from_code(SALLY_DOMAIN_OPENSSL, static_cast<std::int64_t>(native.code)),
             native.code, record.alert_sent, established);
  const sally_status status = refine_by_context(general, record.alert_sent, SSL_get_state(ssl));
  if (status == SALLY_HANDSHAKE_FAILED) {
    describe_wrong_proof(record.alert_sent, SSL_get_state(ssl), detail);
  }
  if (status == SALLY_TLS_NO_COMMON_GROUP && wants_post_quantum(ssl)) {
    detail.hint =
        "This side's config requires a post-quantum key exchange, and the client offers "
        "none of its groups, X25519MLKEM768 for example.";
  }
  return make_error(status, std::move(detail));
}

// A peer of TLS 1.2 that is told no_renegotiation may go on (RFC 5246 section 7.2.2). Where it breaks
// off instead, this was the reason, whatever the end looks like.
bool broke_off_unrenegotiated(const HandshakeRecord& record, const RecordPort& port) {
  if (!record.renegotiation_refused) return false;
  if (record.alert_received >= 0) {
    return record.alert_received == SSL_AD_HANDSHAKE_FAILURE ||
           record.alert_received == SSL_AD_NO_RENEGOTIATION;
  }
  return port.ended || port.error_number != 0;
}

// Alerts come to an established session too, in TLS 1.3 such as end its client's handshake; and a client
// may be asked for a certificate late. Whoever only knocks at a server leaves nothing to tell, and is to
// cost nothing.
bool has_facts(const SSL* ssl, const HandshakeRecord& record, bool established) {
  if (record.verdict || record.alert_received >= 0) return true;
  if (established) return record.alert_sent == SSL_AD_CERTIFICATE_REQUIRED;
  return SSL_is_server(ssl) == 0 || record.hellos.client_version_count != 0;
}

// RFC 8446 section 6.2: those that a certificate gets.
bool is_about_certificate(int alert) {
  return (alert >= SSL_AD_BAD_CERTIFICATE && alert <= SSL_AD_CERTIFICATE_UNKNOWN) ||
         alert == SSL_AD_UNKNOWN_CA;
}

void add_facts(SSL* ssl, const HandshakeRecord& record, const std::string& hint,
               ErrorDetail& detail) {
  detail.handshake = facts_of_failure(ssl, record);
  const auto& shown = detail.handshake->shown;
  if (detail.alert_direction != SALLY_ALERT_RECEIVED || !shown) return;
  if (detail.subject.empty() && is_about_certificate(detail.alert)) {
    detail.depth = 0;
    detail.whose = "own";
    detail.subject = shown->subject;
    detail.issuer = shown->issuer;
    detail.found = "a certificate of '" + shown->issuer + "'";
  }
  if (detail.alert != SSL_AD_CERTIFICATE_EXPIRED) return;
  detail.judged = validity_of_own(*detail.handshake);
  detail.hint = clock_hint(*detail.handshake, hint);
}

}  // namespace

ErrorRef explain_failure(SSL* ssl, const HandshakeRecord& record, RecordPort& port,
                         const NativeError& native, bool established, const char* phase) {
  ErrorRef end = explain_end(ssl, record, port, native, established, phase);
  if (has_facts(ssl, record, established)) {
    end = amend(end, [&, hint = end->hint()](ErrorDetail& detail) {
      add_facts(ssl, record, hint, detail);
    });
    clear_errors();
  }
  if (!established || record.verdict || !broke_off_unrenegotiated(record, port)) return end;
  return make_error(SALLY_RENEGOTIATION_REFUSED, {.native_domain = SALLY_DOMAIN_NONE,
                                                  .alert_direction = SALLY_ALERT_SENT,
                                                  .alert = SSL_AD_NO_RENEGOTIATION,
                                                  .correlation_id = correlation_id_of(ssl),
                                                  .phase = phase,
                                                  .cause = std::move(end)});
}

void add_what_is_known(SSL* ssl, const HandshakeRecord& record, ErrorDetail& detail) {
  if (detail.correlation_id.empty()) detail.correlation_id = correlation_id_of(ssl);
  if (record.canceled && detail.alert < 0) {
    detail.alert = SSL_AD_USER_CANCELLED;
    detail.alert_direction = SALLY_ALERT_RECEIVED;
  }
  if (!detail.handshake && has_facts(ssl, record, /*established=*/false)) {
    detail.handshake = facts_of_failure(ssl, record);
  }
  clear_errors();
}

}  // namespace sally::tls
