#include "tls/callbacks.h"

#include "status/error.h"
#include "status/text.h"
#include "tls/chain.h"
#include "tls/context.h"
#include "tls/credential_choice.h"
#include "tls/distinguished_name.h"
#include "tls/handshake_record.h"
#include "tls/hello_facts.h"
#include "tls/hosts.h"
#include "tls/inquiry.h"
#include "tls/key_log.h"
#include "tls/ocsp.h"
#include "tls/openssl.h"
#include "tls/resumption.h"
#include "tls/server_name.h"
#include "tls/tracer.h"

#include <algorithm>
#include <new>
#include <span>
#include <utility>

#include <sallyport/decision.h>

namespace sally::tls {

HandshakeRecord& record_of(const SSL* ssl) {
  return *static_cast<HandshakeRecord*>(SSL_get_app_data(ssl));
}

const Context& context_of(const SSL* ssl) {
  return *static_cast<const Context*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
}

namespace {

constexpr int most_acceptable_cas = 16;

// The X.509 error that makes OpenSSL send the alert of RFC 8446 section 6.2, where its own choice
// is another: a certificate that "is not currently valid" is certificate_expired, one that is
// "corrupt, contained signatures that did not verify" bad_certificate.
int error_for_alert(sally_status verdict, int error) {
  switch (verdict) {
    case SALLY_CERTIFICATE_NOT_YET_VALID:
      return X509_V_ERR_CERT_HAS_EXPIRED;
    case SALLY_CERTIFICATE_BAD_SIGNATURE:
    case SALLY_CERTIFICATE_MALFORMED:
      return X509_V_ERR_CERT_REJECTED;
    default:
      return error;
  }
}

int judge_peer(const SSL* ssl, X509_STORE_CTX* store, HandshakeRecord& record) {
  const Context& context = context_of(ssl);
  ++record.judgements;
  const bool asks = record.inquiry != nullptr && record.inquiry->asks(SALLY_QUESTION_PEER);
  if (asks && record.inquiry->was_asked(SALLY_QUESTION_PEER)) {
    return decide_on_peer(const_cast<SSL*>(ssl), store, record, context);
  }
  // A client that is asked again was found good before, by another certificate: that must not count for
  // this one, not even where memory is too short to judge it.
  record.peer_verified = false;
  record.good.reset();
  try {
    record.peer_verified = verify_chain(store, context, record);
  } catch (...) {
    record.verdict = out_of_memory_error();
  }
  if (asks) return decide_on_peer(const_cast<SSL*>(ssl), store, record, context);
  if (record.peer_verified) return 1;
  if (!context.settings().skip_verification) {
    X509_STORE_CTX_set_error(
        store, error_for_alert(record.verdict->status(), X509_STORE_CTX_get_error(store)));
    return 0;
  }
  record.findings = std::exchange(record.verdict, {});
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return 1;
}

// OpenSSL calls this once for a peer's chain and takes the answer as final; the X.509 error left in
// `store` picks the alert.
int verify_peer(X509_STORE_CTX* store, void* /*unused*/) {
  const auto* ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  HandshakeRecord& record = record_of(ssl);
  const int answer = judge_peer(ssl, store, record);
  // Not before the last use of what `store` has for the peer's own certificate.
  if (answer == 1) share_certificates(store, record);
  return answer;
}

void note_alert(const SSL* ssl, int where, int value) {
  constexpr int fatal = 2;
  const int level = value >> 8;
  const int description = value & 0xff;
  if ((where & SSL_CB_ALERT) == 0) return;
  const bool sent = (where & SSL_CB_READ) == 0;
  if (Tracer* trace = record_of(ssl).trace) trace->alert(sent, level, description);
  if (description == SSL3_AD_CLOSE_NOTIFY) return;
  if (sent && description == SSL_AD_NO_RENEGOTIATION) record_of(ssl).renegotiation_refused = true;
  // RFC 8446 section 6.1: a closure alert, which ends nothing by itself.
  if (!sent && description == SSL_AD_USER_CANCELLED) record_of(ssl).canceled = true;
  if (description == SSL_AD_USER_CANCELLED) return;
  if (level != fatal && SSL_version(ssl) < TLS1_3_VERSION) return;
  int& noted = sent ? record_of(ssl).alert_sent : record_of(ssl).alert_received;
  if (noted < 0) noted = description;
}

std::size_t big_endian(std::span<const unsigned char> bytes) {
  std::size_t number = 0;
  for (const unsigned char byte : bytes) number = number << 8 | byte;
  return number;
}

// Whether a Certificate message (RFC 5246 section 7.4.2, RFC 8446 section 4.4.2) holds a
// certificate.
bool holds_certificate(std::span<const unsigned char> message, bool tls13) {
  constexpr std::size_t header = 4;
  std::size_t list = header;
  if (tls13) {
    if (message.size() <= header) return false;
    list += 1u + message[header];  // certificate_request_context
  }
  return message.size() >= list + 3 && big_endian(message.subspan(list, 3)) > 0;
}

void note_message(int sent, int /*version*/, int content_type, const void* data, std::size_t size,
                  SSL* ssl, void* /*unused*/) {
  const std::span message(static_cast<const unsigned char*>(data), size);
  if (content_type != SSL3_RT_HANDSHAKE || message.empty()) return;
  HandshakeRecord& record = record_of(ssl);
  if (record.trace != nullptr) record.trace->message(sent != 0, message.front(), message);
  if (message.front() == SSL3_MT_SERVER_HELLO) note_server_hello(message, record.hellos);
  if (sent == 0 || message.front() != SSL3_MT_CERTIFICATE) return;
  record.certificate_shown = holds_certificate(message, SSL_version(ssl) == TLS1_3_VERSION);
  if (SSL_is_server(ssl) == 0) record.certificate_sent = record.certificate_shown;
}

void note_certificate_request(const SSL* ssl, HandshakeRecord& record) {
  record.certificate_requested = true;
  record.acceptable_cas.clear();  // called again after a decision
  const STACK_OF(X509_NAME)* names = SSL_get0_peer_CA_list(ssl);
  const int count = std::min(sk_X509_NAME_num(names), most_acceptable_cas);
  for (int i = 0; i < count; ++i)
    record.acceptable_cas.push_back(to_text(sk_X509_NAME_value(names, i)));
}

// On a client it is called when the server asks for a certificate, and only then; on a server when
// the client's hello was read. Where another callback returned -1 it is called again.
int choose_credential(SSL* ssl, void* /*unused*/) {
  HandshakeRecord& record = record_of(ssl);
  const Context& context = context_of(ssl);
  const auto& credentials = context.settings().credentials;
  try {
    if (SSL_is_server(ssl) == 0) {
      note_certificate_request(ssl, record);
      if (const auto decided = decide_on_credential(ssl, record)) return *decided;
      choose_for_client(ssl, credentials, record);
    } else if (credentials.size() > 1) {
      context.credentials().choose(ssl, record.server_name.value_or(""), record);
    }
    return 1;
  } catch (...) {
    return 0;  // memory is short
  }
}

int select_alpn(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size,
                const unsigned char* offered, unsigned int offered_size, void* /*unused*/) {
  const std::string& ours = context_of(ssl).alpn_wire();
  unsigned char* selected = nullptr;
  const int found = SSL_select_next_proto(
      &selected, chosen_size, reinterpret_cast<const unsigned char*>(ours.data()),
      static_cast<unsigned int>(ours.size()), offered, offered_size);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 section 3.2
  *chosen = selected;
  return SSL_TLSEXT_ERR_OK;
}

// Without a callback OpenSSL neither acknowledges nor remembers the name that the client asked for.
int accept_server_name(SSL* /*ssl*/, int* /*alert*/, void* /*unused*/) {
  return SSL_TLSEXT_ERR_OK;
}

// RFC 6066 section 3.
bool is_unknown(const std::string& name, const Context& context, const HandshakeRecord& record) {
  if (name.empty() || record.host_found) return false;
  return context.settings().unknown_name == SALLY_UNKNOWN_NAME_REFUSE &&
         !context.credentials().bear(name);
}

// Called again after a decision, by the config of a host, and for the second hello of TLS 1.3 (RFC 8446
// section 4.1.2), by which nobody gets to another host than by the first.
int answer_hello(SSL* ssl, int* alert, HandshakeRecord& record) {
  const Context& context = context_of(ssl);
  const Settings& settings = context.settings();
  const std::string name = server_name_of_hello(ssl);
  if (record.server_name && *record.server_name != name) {
    record.verdict = make_error(SALLY_TLS_PROTOCOL_VIOLATION,
                                {.message = "the client's second hello asks for another server",
                                 .expected = status::one_line(*record.server_name),
                                 .found = status::one_line(name)});
    *alert = SSL_AD_ILLEGAL_PARAMETER;
    return SSL_CLIENT_HELLO_ERROR;
  }
  const bool first = !record.server_name;
  record.server_name = name;
  if (first && settings.hosts) record.host = settings.hosts->find(name);
  if (record.host) return SSL_CLIENT_HELLO_RETRY;  // the session begins anew
  // A host's question about the hello would be about what its name has answered.
  const bool asks = (settings.questions & SALLY_QUESTION_CLIENT_HELLO) != 0 && !record.host_found;
  if (asks) {
    const int answer = decide_on_hello(ssl, alert, record);
    if (answer != SSL_CLIENT_HELLO_SUCCESS) return answer;
  }
  if (is_unknown(name, context, record)) {
    record.verdict = make_error(SALLY_SERVER_NAME_UNKNOWN, {.found = status::one_line(name)});
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    return SSL_CLIENT_HELLO_ERROR;
  }
  bind_to_server_name(ssl, name);
  return SSL_CLIENT_HELLO_SUCCESS;
}

// A ticket or a session of TLS 1.3; the id of an older one cannot be told from one that means nothing
// (RFC 8446 appendix D.4).
void trace_offer(SSL* ssl, Tracer& trace) {
  for (const int type : {TLSEXT_TYPE_psk, TLSEXT_TYPE_session_ticket}) {
    const unsigned char* data = nullptr;
    std::size_t size = 0;
    const bool is_there =
        SSL_client_hello_get0_ext(ssl, static_cast<unsigned int>(type), &data, &size) == 1;
    if (is_there && size > 0) return trace.offered_session();
  }
}

int read_client_hello(SSL* ssl, int* alert, void* /*unused*/) {
  try {
    note_client_hello(ssl, record_of(ssl).hellos);
    if (record_of(ssl).trace != nullptr) trace_offer(ssl, *record_of(ssl).trace);
    return answer_hello(ssl, alert, record_of(ssl));
  } catch (...) {
    record_of(ssl).verdict = out_of_memory_error();
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_CLIENT_HELLO_ERROR;
  }
}

}  // namespace

void install_callbacks(SSL_CTX* context, const Context& owner) {
  if (SSL_CTX_set_app_data(context, const_cast<Context*>(&owner)) != 1) throw std::bad_alloc();
  SSL_CTX_set_cert_verify_callback(context, &verify_peer, nullptr);
  SSL_CTX_set_info_callback(context, &note_alert);
  SSL_CTX_set_msg_callback(context, &note_message);
  SSL_CTX_set_cert_cb(context, &choose_credential, nullptr);
  if (owner.settings().key_log) install_key_log(context);
  install_ocsp(context, owner);
  if (!owner.is_server()) return;
  SSL_CTX_set_tlsext_servername_callback(context, &accept_server_name);
  SSL_CTX_set_client_hello_cb(context, &read_client_hello, nullptr);
  if (!owner.alpn_wire().empty()) SSL_CTX_set_alpn_select_cb(context, &select_alpn, nullptr);
}

void attach(SSL* ssl, HandshakeRecord& record) {
  if (SSL_set_app_data(ssl, &record) != 1) throw std::bad_alloc();
}

void stop_observing_messages(SSL* ssl) {
  SSL_set_msg_callback(ssl, nullptr);
}

}  // namespace sally::tls
