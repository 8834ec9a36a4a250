// What a session derives from its keys for others, and how it renews them.
#include "status/error.h"
#include "tls/error_queue.h"
#include "tls/openssl.h"
#include "tls/session.h"

#include <array>
#include <limits>

namespace sally::tls {

namespace {

// RFC 8446 section 5.5: AES-GCM is good for 2^24.5 full records under one key; RFC 9147 section
// 4.5.3 says 2^23 of AES-CCM. TLS 1.3 has a new key long before, TLS 1.2 has none to give.
constexpr std::uint64_t records_until_renewal = 1u << 22;
constexpr std::uint64_t most_records_gcm = 1u << 24;
constexpr std::uint64_t most_records_ccm = 1u << 22;
constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

std::uint64_t records_per_key(const SSL* ssl) {
  const SSL_CIPHER* suite = SSL_get_current_cipher(ssl);
  const int cipher = suite != nullptr ? SSL_CIPHER_get_cipher_nid(suite) : NID_undef;
  if (cipher == NID_chacha20_poly1305) return no_limit;
  if (SSL_version(ssl) == TLS1_3_VERSION) return records_until_renewal;
  const bool gcm = cipher == NID_aes_128_gcm || cipher == NID_aes_256_gcm;
  return gcm ? most_records_gcm : most_records_ccm;
}

// RFC 6066 section 4: a peer may have asked for smaller records than others get.
std::size_t largest_record(const SSL* ssl) {
  constexpr std::size_t usual = 16 * 1024;
  const SSL_SESSION* session = SSL_get0_session(ssl);
  if (session == nullptr) return usual;
  const unsigned code = SSL_SESSION_get_max_fragment_length(session);
  return code >= TLSEXT_max_fragment_length_512 && code <= TLSEXT_max_fragment_length_4096
             ? std::size_t{256} << code
             : usual;
}

[[noreturn]] void fail_deriving(const char* what) {
  const NativeError native = take_error();
  throw Failure(SALLY_INTERNAL, {.message = what,
                                 .native_domain = SALLY_DOMAIN_OPENSSL,
                                 .native_code = static_cast<std::int64_t>(native.code),
                                 .native_name = native.name});
}

// RFC 5929 section 4.1.
std::string certificate_hash(X509* certificate) {
  int digest = NID_undef;
  const bool known = X509_get_signature_info(certificate, &digest, nullptr, nullptr, nullptr) == 1;
  if (!known || digest == NID_undef) {
    throw Failure(SALLY_NOT_SUPPORTED,
                  {.message = "tls-server-end-point is not defined for this certificate: its "
                              "signature goes without a hash function of its own",
                   .depth = 0,
                   .subject = subject_of(certificate),
                   .issuer = issuer_of(certificate)});
  }
  if (digest == NID_md5 || digest == NID_sha1) digest = NID_sha256;
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  const std::unique_ptr<unsigned char, CryptoDeleter> owner(der);
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  std::size_t hash_size = 0;
  if (size <= 0 || EVP_Q_digest(library_context(), OBJ_nid2sn(digest), nullptr, der,
                                static_cast<std::size_t>(size), hash.data(), &hash_size) != 1) {
    fail_deriving("the certificate cannot be hashed");
  }
  return {reinterpret_cast<const char*>(hash.data()), hash_size};
}

}  // namespace

void Session::begin_keys() {
  extended_master_secret_ = SSL_get_extms_support(ssl_.get()) == 1;
  key_limit_ = records_per_key(ssl_.get());
  largest_record_ = largest_record(ssl_.get());
}

// Without the extended master secret a man in the middle can make two sessions of TLS 1.2 share
// their keys, and with them what is exported (RFC 7627 section 1, RFC 9266 section 3).
void Session::export_key(std::string_view label, std::optional<std::span<const std::byte>> context,
                         std::span<std::byte> key) const {
  if (!established_) throw Failure(SALLY_INVALID_STATE, {.message = "the handshake is not over"});
  if (version() < TLS1_3_VERSION && !extended_master_secret_) {
    throw Failure(SALLY_EXTENDED_MASTER_SECRET_MISSING);
  }
  clear_errors();
  const auto* data = context ? reinterpret_cast<const unsigned char*>(context->data()) : nullptr;
  const int done = SSL_export_keying_material(
      ssl_.get(), reinterpret_cast<unsigned char*>(key.data()), key.size(), label.data(),
      label.size(), data, context ? context->size() : 0, context ? 1 : 0);
  if (done != 1) fail_deriving("the key cannot be exported");
}

std::string Session::channel_binding(std::string_view type) const {
  if (!established_) throw Failure(SALLY_INVALID_STATE, {.message = "the handshake is not over"});
  if (type == "tls-exporter") {
    constexpr std::size_t size = 32;  // RFC 9266 section 2
    constexpr std::byte nothing{};    // a context that is there and empty
    std::string value(size, '\0');
    export_key("EXPORTER-Channel-Binding", std::span(&nothing, 0),
               std::as_writable_bytes(std::span(value)));
    return value;
  }
  if (type != "tls-server-end-point") {
    throw Failure(SALLY_NOT_SUPPORTED, {.message = "this type of channel binding is not supported",
                                        .expected = "tls-exporter, tls-server-end-point",
                                        .found = std::string(type.substr(0, 64))});
  }
  const bool server = context_->is_server();
  // A resumed server has shown no certificate this time, and OpenSSL does not say which one it was.
  if (server && SSL_session_reused(ssl_.get()) == 1) {
    throw Failure(SALLY_NOT_SUPPORTED,
                  {.message = "tls-server-end-point of a resumed session is the client's only"});
  }
  X509* certificate =
      server ? SSL_get_certificate(ssl_.get()) : SSL_get0_peer_certificate(ssl_.get());
  if (certificate == nullptr) {
    throw Failure(SALLY_INTERNAL, {.message = "the session has no server certificate"});
  }
  return certificate_hash(certificate);
}

void Session::update_keys(bool request_peer) {
  if (!established_ || write_error_ || close_notify_sent_) {
    throw Failure(write_error_ ? write_error_
                               : make_error(SALLY_INVALID_STATE,
                                            {.message = "the sending direction has ended"}));
  }
  if (version() < TLS1_3_VERSION) {
    throw Failure(SALLY_NOT_SUPPORTED, {.message = "TLS 1.2 cannot renew its keys"});
  }
  key_update_asks_ = key_update_asks_ || request_peer;
  key_update_due_ = true;
  if (ErrorRef error = send_key_update()) throw Failure(std::move(error));
}

// A KeyUpdate (RFC 8446 section 4.6.3) behind what was sealed before; the key is a new one from the
// next record on. It has to wait while a message of the peer's has come only in part.
ErrorRef Session::send_key_update() {
  if (!key_update_due_ || within_message() || close_notify_sent_) return {};
  const int kind = key_update_asks_ ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED;
  clear_errors();
  if (SSL_key_update(ssl_.get(), kind) != 1 || SSL_do_handshake(ssl_.get()) != 1) {
    const NativeError native = take_error();
    return make_error(SALLY_INTERNAL, {.message = "the keys cannot be renewed",
                                       .native_domain = SALLY_DOMAIN_OPENSSL,
                                       .native_code = static_cast<std::int64_t>(native.code),
                                       .native_name = native.name,
                                       .correlation_id = correlation_id(),
                                       .phase = "write"});
  }
  key_update_due_ = false;
  key_update_asks_ = false;
  key_records_ = 0;
  return {};
}

// Before a record is made.
ErrorRef Session::renew_keys_in_time() {
  if (key_records_ >= key_limit_ && version() == TLS1_3_VERSION) key_update_due_ = true;
  return send_key_update();
}

void Session::count_records(std::size_t bytes) noexcept {
  key_records_ += (bytes + largest_record_ - 1) / largest_record_;
}

bool Session::keys_exhausted() const noexcept {
  return key_records_ >= key_limit_ && version() < TLS1_3_VERSION;
}

Progress Session::refuse_for_exhausted_keys() const {
  return {.state = Progress::State::failed,
          .error = make_error(
              SALLY_LIMIT_EXCEEDED,
              {.message = "the keys of this TLS 1.2 session have protected as many records as "
                          "is safe",
               .hint = "TLS 1.2 has no way to renew its keys. Close, and connect again, or have "
                       "both sides speak TLS 1.3.",
               .correlation_id = correlation_id(),
               .phase = "write"})};
}

}  // namespace sally::tls
