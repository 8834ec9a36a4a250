// Asking a client of TLS 1.3 for its certificate when the handshake is long over (RFC 8446 section
// 4.6.2).
#include "tls/error_queue.h"
#include "tls/openssl.h"
#include "tls/session.h"

#include <array>
#include <string>

#include <sallyport/decision.h>

namespace sally::tls {

namespace {

// How much application data is kept that comes before the answer.
constexpr std::size_t most_kept = 256 * 1024;

}  // namespace

void Session::require_authenticable() const {
  const Settings& settings = context_->settings();
  const char* wrong = nullptr;
  if (!context_->is_server())
    wrong = "only a server asks for a certificate";
  else if (!established_)
    wrong = "the handshake is not over";
  else if (close_notify_sent_ || close_notify_due_)
    wrong = "the sending direction has ended";
  else if (!settings.trust && !settings.skip_verification)
    wrong = "a server that asks for client certificates needs a trust store";
  if (wrong != nullptr) throw Failure(SALLY_INVALID_STATE, {.message = wrong});
  if (write_error_) throw Failure(write_error_);
  if (version() < TLS1_3_VERSION) {
    throw Failure(SALLY_NOT_SUPPORTED,
                  {.message = "TLS 1.2 cannot ask for a certificate after the handshake"});
  }
  // It could not be suspended, and nobody is to be let in whom the program has not seen.
  if ((settings.questions & SALLY_QUESTION_PEER) != 0) {
    throw Failure(SALLY_NOT_SUPPORTED,
                  {.message = "the config asks about the peer, which only a handshake can"});
  }
}

void Session::request_certificate() {
  clear_errors();
  // Whoever is asked here has to show one, whatever the handshake demanded.
  SSL_set_verify(ssl_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  const bool asked =
      SSL_verify_client_post_handshake(ssl_.get()) == 1 && SSL_do_handshake(ssl_.get()) == 1;
  if (asked) {
    certificate_due_ = true;
    record_.certificate_requested = true;
    judged_before_ = record_.judgements;
    return;
  }
  const NativeError native = take_error();
  const bool unoffered = native.name == "SSL_R_EXTENSION_NOT_RECEIVED";
  throw Failure(unoffered ? SALLY_NOT_SUPPORTED : SALLY_INTERNAL,
                {.message = unoffered ? "the client did not offer to be asked for a certificate "
                                        "after the handshake"
                                      : "the certificate request cannot be made",
                 .native_domain = SALLY_DOMAIN_OPENSSL,
                 .native_code = static_cast<std::int64_t>(native.code),
                 .native_name = native.name,
                 .correlation_id = correlation_id()});
}

// The client's Finished is there, which proves what its certificate says.
bool Session::is_answered() const {
  return certificate_due_ && record_.judgements != judged_before_ && !within_message();
}

bool Session::is_proving() const {
  return certificate_due_ && record_.judgements != judged_before_ && within_message();
}

Progress Session::authenticate() {
  if (read_error_) return fail(read_error_, {});
  require_authenticable();
  std::array<std::byte, 4096> buffer{};
  while (!is_answered()) {
    if (answers_pile_up()) {
      return {.state = Progress::State::waiting, .interest = transport::Interest::write};
    }
    // Nothing is asked between the parts of a message of the client's.
    if (!certificate_due_ && !within_message()) request_certificate();
    if (unread_size() >= most_kept) {
      return {.state = Progress::State::failed,
              .error = make_error(SALLY_LIMIT_EXCEEDED,
                                  {.message = "the client sent " + std::to_string(most_kept) +
                                              " bytes before its certificate",
                                   .hint = "Read them, and wait for the certificate again.",
                                   .correlation_id = correlation_id()})};
    }
    std::size_t size = 0;
    int reason = 0;
    const int result = call_read(buffer, size, reason);
    if (result == 1) {
      append_unread(std::span(buffer).first(size));
      continue;
    }
    Progress progress = not_read(reason);
    if (progress.state == Progress::State::failed || !is_answered()) return progress;
  }
  certificate_due_ = false;
  return send_records();  // a ticket, perhaps
}

}  // namespace sally::tls
