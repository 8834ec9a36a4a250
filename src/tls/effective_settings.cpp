// What a context really does, read back from OpenSSL rather than from what was asked for.
#include "status/error.h"
#include "status/table.h"
#include "tls/callbacks.h"
#include "tls/certificate.h"
#include "tls/code_points.h"
#include "tls/context.h"
#include "tls/error_queue.h"
#include "tls/handshake_record.h"
#include "tls/hosts.h"
#include "tls/openssl.h"
#include "tls/peer_policy.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include <sallyport/decision.h>

namespace sally::tls {

namespace {

using Json = nlohmann::ordered_json;
using Bytes = std::span<const unsigned char>;

std::size_t big_endian(Bytes bytes) {
  std::size_t number = 0;
  for (const unsigned char byte : bytes) number = number << 8 | byte;
  return number;
}

// A cursor over a TLS structure (RFC 8446 section 3).
class Reader {
 public:
  explicit Reader(Bytes bytes) : rest_(bytes) {}
  bool empty() const { return rest_.empty(); }
  std::size_t number(std::size_t width) { return big_endian(take(width)); }
  // A vector with a length of `width` bytes in front.
  Bytes vector(std::size_t width) { return take(number(width)); }
  Bytes take(std::size_t size) {
    if (size > rest_.size())
      throw Failure(SALLY_INTERNAL, {.message = "a ClientHello that does not parse"});
    const Bytes taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }

 private:
  Bytes rest_;
};

void capture_hello(int sent, int, int content_type, const void* data, std::size_t size, SSL*,
                   void* user) {
  if (sent == 0 || content_type != SSL3_RT_HANDSHAKE) return;
  const auto* bytes = static_cast<const unsigned char*>(data);
  try {
    static_cast<std::vector<unsigned char>*>(user)->assign(bytes, bytes + size);
  } catch (...) {
    return;  // an empty hello fails to parse, which is reported
  }
}

// OpenSSL has no getters for groups and signature schemes, but a ClientHello made from the context
// lists them.
std::vector<unsigned char> client_hello(const Context& context) {
  std::vector<unsigned char> hello;
  HandshakeRecord record;
  clear_errors();
  const SslOwner ssl(checked(SSL_new(context.handle())));
  attach(ssl.get(), record);
  SSL_set_msg_callback(ssl.get(), &capture_hello);
  SSL_set_msg_callback_arg(ssl.get(), &hello);
  SSL_set0_rbio(ssl.get(), checked(BIO_new(BIO_s_mem())));
  SSL_set0_wbio(ssl.get(), checked(BIO_new(BIO_s_mem())));
  SSL_set_connect_state(ssl.get());
  SSL_do_handshake(ssl.get());
  clear_errors();
  return hello;
}

Bytes extension(const std::vector<unsigned char>& hello, std::size_t wanted) {
  Reader reader{Bytes(hello)};
  reader.take(4 + 2 + SSL3_RANDOM_SIZE);  // header, legacy_version, random
  reader.vector(1);                       // legacy_session_id
  reader.vector(2);                       // cipher_suites
  reader.vector(1);                       // legacy_compression_methods
  Reader extensions(reader.vector(2));
  while (!extensions.empty()) {
    const std::size_t type = extensions.number(2);
    const Bytes body = extensions.vector(2);
    if (type == wanted) return body;
  }
  return {};
}

Json code_points(Bytes body, std::string (&name)(std::size_t)) {
  Json list = Json::array();
  if (body.empty()) return list;
  Reader reader(Reader(body).vector(2));
  while (!reader.empty()) list.push_back(name(reader.number(2)));
  return list;
}

Json suites(const Context& context) {
  Json list = Json::array();
  const SslOwner ssl(checked(SSL_new(context.handle())));
  STACK_OF(SSL_CIPHER)* ciphers = SSL_get1_supported_ciphers(ssl.get());
  for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i) {
    list.push_back(SSL_CIPHER_standard_name(sk_SSL_CIPHER_value(ciphers, i)));
  }
  sk_SSL_CIPHER_free(ciphers);
  clear_errors();
  return list;
}

const char* version_name(long version) {
  if (version == TLS1_2_VERSION) return "TLSv1.2";
  return version == TLS1_3_VERSION ? "TLSv1.3" : "other";
}

const char* client_auth_name(int mode) {
  if ((mode & SSL_VERIFY_FAIL_IF_NO_PEER_CERT) != 0) return "require";
  return (mode & SSL_VERIFY_PEER) != 0 ? "request" : "none";
}

const char* revocation_name(std::int32_t mode) {
  if (mode == SALLY_REVOCATION_LEAF) return "leaf";
  return mode == SALLY_REVOCATION_CHAIN ? "chain" : "soft";
}

const char* trust_change_name(std::int32_t mode) {
  if (mode == SALLY_TRUST_CHANGE_DRAIN) return "drain";
  return mode == SALLY_TRUST_CHANGE_DROP ? "drop" : "keep";
}

const char* ocsp_name(std::int32_t mode) {
  if (mode == SALLY_OCSP_OFF) return "off";
  return mode == SALLY_OCSP_REQUIRE ? "require" : "request";
}

const char* ca_hints_name(std::int32_t mode) {
  if (mode == SALLY_CA_HINTS_NONE) return "none";
  return mode == SALLY_CA_HINTS_STORE ? "store" : "trust";
}

// By what a server tells its clients apart, and what it tells them.
void add_names(const Context& context, Json& json) {
  const Settings& settings = context.settings();
  json["hosts"] = settings.hosts ? settings.hosts->names() : std::vector<std::string>();
  json["unknown_name"] = settings.unknown_name == SALLY_UNKNOWN_NAME_REFUSE ? "refuse" : "serve";
  json["ca_hints"] = ca_hints_name(settings.ca_hints);
  json["named_cas"] = std::max(0, sk_X509_NAME_num(SSL_CTX_get_client_CA_list(context.handle())));
}

Json verification(const Context& context) {
  SSL_CTX* ctx = context.handle();
  const X509_VERIFY_PARAM* param = SSL_CTX_get0_param(ctx);
  const unsigned long flags = X509_VERIFY_PARAM_get_flags(param);
  const unsigned int host_flags = X509_VERIFY_PARAM_get_hostflags(param);
  const int mode = SSL_CTX_get_verify_mode(ctx);
  Json json;
  if (context.is_server())
    json["client_auth"] = client_auth_name(mode);
  else
    json["ocsp"] = ocsp_name(context.settings().ocsp);
  const bool judges = !context.settings().skip_verification && (mode & SSL_VERIFY_PEER) != 0;
  json["peer_verified"] = judges;
  json["x509_strict"] = (flags & X509_V_FLAG_X509_STRICT) != 0;
  json["partial_chain"] = (flags & X509_V_FLAG_PARTIAL_CHAIN) != 0;
  json["subject_consulted"] = (host_flags & X509_CHECK_FLAG_NEVER_CHECK_SUBJECT) == 0;
  json["partial_wildcards"] = (host_flags & X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS) == 0;
  json["depth"] = SSL_CTX_get_verify_depth(ctx);
  json["security_level"] = SSL_CTX_get_security_level(ctx);
  const VerificationRules& rules = context.settings().rules;
  json["crl_check"] = (flags & X509_V_FLAG_CRL_CHECK) != 0;
  json["revocation"] = revocation_name(rules.revocation);
  if (rules.clock) json["clock"] = "program";
  json["time"] = rules.time == 0 ? Json(nullptr) : Json(utc_time(rules.time));
  json["insecure_ignored"] = Json::array();
  for (const sally_status ignored : rules.ignored)
    json["insecure_ignored"].push_back(status::find(ignored)->name);
  json["allowed_peers"] = Json::array();
  for (const AllowedPeer& peer : rules.policy.allowed)
    json["allowed_peers"].push_back(peer.pattern);
  json["pins"] = Json::array();
  for (const Pin& pin : rules.policy.pins) json["pins"].push_back(to_text(pin));
  json["cache_entries"] = rules.cache_entries;
  const Ref<TrustStore>& trust = context.settings().trust;
  json["trust_source"] = trust ? Json(trust->source()) : Json(nullptr);
  json["trust_anchors"] = trust ? trust->size() : 0;
  json["crls"] = trust ? trust->crls().size() : 0;
  json["trust_change"] = trust_change_name(context.settings().trust_change);
  return json;
}

// What is left to the program.
Json questions(const Context& context) {
  const std::uint32_t asked = context.settings().questions;
  Json list = Json::array();
  if ((asked & SALLY_QUESTION_CREDENTIAL) != 0) list.push_back("credential");
  if ((asked & SALLY_QUESTION_PEER) != 0) list.push_back("peer");
  if ((asked & SALLY_QUESTION_CLIENT_HELLO) != 0) list.push_back("client hello");
  if ((asked & SALLY_QUESTION_SIGNATURE) != 0) list.push_back("signature");
  return list;
}

}  // namespace

std::string effective_settings(const Context& context) {
  SSL_CTX* ctx = context.handle();
  const std::uint64_t options = SSL_CTX_get_options(ctx);
  const std::vector<unsigned char> hello = client_hello(context);
  Json json;
  json["role"] = context.is_server() ? "server" : "client";
  json["policy"] = context.settings().policy->name;
  json["min_version"] = version_name(SSL_CTX_get_min_proto_version(ctx));
  json["max_version"] = version_name(SSL_CTX_get_max_proto_version(ctx));
  json["suites"] = suites(context);
  json["groups"] = code_points(extension(hello, TLSEXT_TYPE_supported_groups), group_name);
  json["signature_schemes"] =
      code_points(extension(hello, TLSEXT_TYPE_signature_algorithms), signature_scheme_name);
  json["post_quantum_required"] = context.settings().require_post_quantum;
  json["provider"] = context.settings().provider_query;
  json["alpn"] = context.settings().alpn;
  json["compression"] = (options & SSL_OP_NO_COMPRESSION) == 0;
  json["renegotiation"] = (options & SSL_OP_NO_RENEGOTIATION) == 0;
  json["early_data_bytes"] = SSL_CTX_get_max_early_data(ctx);
  const bool tickets = (options & SSL_OP_NO_TICKET) == 0 || SSL_CTX_get_num_tickets(ctx) > 0;
  const bool remembers = (SSL_CTX_get_session_cache_mode(ctx) & SSL_SESS_CACHE_SERVER) != 0;
  json["resumption"] = tickets || remembers;
  const bool logs_keys = SSL_CTX_get_keylog_callback(ctx) != nullptr;
  json["insecure_key_log"] = logs_keys ? Json(context.settings().key_log->path()) : Json(nullptr);
  if (context.is_server())
    add_names(context, json);
  else
    json["post_handshake_auth"] = context.settings().post_handshake_auth;
  if (context.settings().questions != 0) json["questions"] = questions(context);
  json["verification"] = verification(context);
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace sally::tls
