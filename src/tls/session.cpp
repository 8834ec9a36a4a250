#include "tls/session.h"

#include "status/text.h"
#include "tls/callbacks.h"
#include "tls/error_queue.h"
#include "tls/explain.h"
#include "tls/openssl.h"
#include "tls/resumption.h"
#include "tls/signing.h"
#include "tls/verification_cache.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <sallyport/decision.h>

namespace sally::tls {

namespace {

using transport::Interest;
using transport::TransferState;

// How much application data is kept that arrived before an alert which explains a failed write.
constexpr std::size_t most_drained = 256 * 1024;

// How many bytes of answers may wait to be sent, beyond what the user wrote.
constexpr std::size_t most_answers = 32 * 1024;

constexpr std::size_t full_record = 16 * 1024;  // RFC 8446 section 5.1
constexpr std::size_t segment_record = 1360;    // with its overhead, what one Ethernet frame takes
constexpr std::uint64_t burst_start = 64 * 1024;  // how much of a burst goes in small records
constexpr std::chrono::seconds burst_pause{1};    // and after which silence a new one begins

void set_peer_name(SSL* ssl, const PeerName& name) {
  X509_VERIFY_PARAM* param = SSL_get0_param(ssl);
  if (name.is_ip) {
    // RFC 6066 section 3: no literal addresses in the server name.
    if (X509_VERIFY_PARAM_set1_ip_asc(param, name.text.c_str()) != 1) throw std::bad_alloc();
    return;
  }
  const bool done = X509_VERIFY_PARAM_set1_host(param, name.text.data(), name.text.size()) == 1 &&
                    SSL_set_tlsext_host_name(ssl, name.text.c_str()) == 1;
  if (!done) throw std::bad_alloc();
}

bool asks_program(int reason) {
  return reason == SSL_ERROR_WANT_X509_LOOKUP || reason == SSL_ERROR_WANT_CLIENT_HELLO_CB ||
         reason == SSL_ERROR_WANT_RETRY_VERIFY || reason == SSL_ERROR_WANT_ASYNC;
}

}  // namespace

Session::Session(Ref<Context> context, PeerName peer_name, transport::Channel& channel)
    : context_(std::move(context)), port_(channel) {
  record_.peer_name = std::move(peer_name);
  if (context_->settings().trace) {
    trace_ = std::make_unique<Tracer>(context_->settings().trace, context_->is_server());
    record_.trace = trace_.get();
  }
  if (context_->may_wait()) {
    inquiry_ = std::make_unique<Inquiry>(context_->settings().questions);
    record_.inquiry = inquiry_.get();
    inquiry_->set_trace(trace_.get());
  }
  const bool asks_about_hello = inquiry_ && inquiry_->asks(SALLY_QUESTION_CLIENT_HELLO);
  port_.keeps = asks_about_hello || context_->settings().hosts != nullptr;
  begin();
}

void Session::begin() {
  clear_errors();
  ssl_.reset(checked(SSL_new(context_->handle())));
  attach(ssl_.get(), record_);
  if (trace_) trace_->follow(ssl_.get());
  BIO* bio = make_record_bio(port_);
  SSL_set_bio(ssl_.get(), bio, bio);
  // The job that a question about a client or for a signature suspends costs a stack of its own.
  const bool of_a_client = context_->is_server() && inquiry_ && inquiry_->asks(SALLY_QUESTION_PEER);
  if (of_a_client || context_->signs_elsewhere()) SSL_set_mode(ssl_.get(), SSL_MODE_ASYNC);
  if (context_->is_server()) {
    SSL_set_accept_state(ssl_.get());
    return;
  }
  SSL_set_connect_state(ssl_.get());
  set_peer_name(ssl_.get(), record_.peer_name);
  if (context_->resumes()) offer_session(ssl_.get(), *context_, record_);
}

// Every call into OpenSSL that can fail goes through here, so that what its error queue holds
// afterwards is this call's own.
template <class Call>
int Session::call(Call&& openssl, int& reason) {
  clear_errors();
  port_.received_before = port_.received;
  const int result = openssl(ssl_.get());
  reason = SSL_get_error(ssl_.get(), result);
  return result;
}

int Session::call_read(std::span<std::byte> buffer, std::size_t& size, int& reason) {
  return call([&](SSL* ssl) { return SSL_read_ex(ssl, buffer.data(), buffer.size(), &size); },
              reason);
}

Progress Session::fail(ErrorRef& sticky, ErrorRef error) {
  if (!sticky) {
    sticky = std::move(error);
    if (trace_ && sticky->status() != SALLY_END_OF_STREAM) trace_->failed(*sticky);
  }
  return {.state = Progress::State::failed, .error = sticky};
}

Progress Session::waiting_for_input() {
  const bool sendable = !port_.outgoing.empty() && !write_error_;
  const Interest output = sendable ? Interest::write : Interest::none;
  return {.state = Progress::State::waiting, .interest = Interest::read | output};
}

Progress Session::handshake() {
  if (read_error_) return fail(read_error_, {});
  if (!established_) {
    if (!may_go_on()) return waiting_for_answer();
    int reason = 0;
    const auto shake_hands = [this](SSL* ssl) {
      const SigningFor scope(record_);
      return SSL_do_handshake(ssl);
    };
    int result = call(shake_hands, reason);
    if (reason == SSL_ERROR_WANT_CLIENT_HELLO_CB && goes_on_as_host()) {
      result = call(shake_hands, reason);
    }
    drop_kept_hello();
    if (trace_) trace_->turn_over();
    paused_ = reason == SSL_ERROR_WANT_ASYNC;
    if (paused_) paused_by_ = std::this_thread::get_id();
    if (result != 1) {
      if (asks_program(reason)) return waiting_for_answer();
      const NativeError native = reason == SSL_ERROR_WANT_READ ? NativeError{} : take_error();
      const Progress sent = send_records();
      if (reason == SSL_ERROR_WANT_READ) {
        // A failed send says less than what the peer may have said before it went: reading will
        // tell.
        if (sent.state == Progress::State::failed && read_error_) return fail(read_error_, {});
        if (port_.outgoing.sent() > std::exchange(sent_before_wait_, port_.outgoing.sent())) {
          ++round_trips_;
        }
        return waiting_for_input();
      }
      return fail(read_error_, explain_failure(ssl_.get(), record_, port_, native,
                                               /*established=*/false, "handshake"));
    }
    established_ = true;
    port_.looks_ahead = true;
    begin_keys();
    settle_questions();
    if (!context_->settings().post_handshake_auth && !trace_) stop_observing_messages(ssl_.get());
    if (trace_) trace_->established();
    settle_peer();
  }
  return is_unconfirmed() ? confirm() : send_records();
}

bool Session::is_unconfirmed() const noexcept {
  return confirmation_awaited_ && established_ && version() == SALLY_TLS_1_3 &&
         record_.certificate_requested && !record_.session_came;
}

// Reads until the ticket has come. What the server says before is no proof and is kept.
Progress Session::confirm() {
  const Progress sent = send_records();
  if (sent.state == Progress::State::waiting) return sent;
  std::array<std::byte, 4096> buffer{};
  while (is_unconfirmed()) {
    if (read_error_) return fail(read_error_, {});
    if (unread_size() >= most_drained) {
      return fail(read_error_,
                  make_error(SALLY_UNCONFIRMED,
                             {.message = "the server sent " + std::to_string(most_drained) +
                                         " bytes and no session ticket",
                              .correlation_id = correlation_id(),
                              .phase = "handshake"}));
    }
    std::size_t size = 0;
    int reason = 0;
    const int result = call_read(buffer, size, reason);
    if (result == 1) {
      append_unread(std::span(buffer).first(size));
      continue;
    }
    if (is_unconfirmed()) return not_read(reason);
  }
  return send_records();
}

// No verify callback runs where a session is resumed: then its chain was checked again before.
void Session::settle_peer() {
  if (SSL_session_reused(ssl_.get()) == 1) {
    record_.peer_verified = record_.good != nullptr;
    if (!context_->is_server()) keep_resumed(ssl_.get());
  }
  if (!record_.peer_verified) record_.good.reset();
}

// OpenSSL takes a session that was not shut down for one that must not be resumed. Whoever just goes
// away without an error did no wrong.
void Session::leave_resumable() noexcept {
  const bool ended_well = !read_error_ || read_error_->status() == SALLY_END_OF_STREAM;
  if (established_ && ended_well && !write_error_) {
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }
}

// A peer that makes us answer (key updates, RFC 8446 section 4.6.3) and does not read the answers
// is not read from either, or they would pile up without bound.
bool Session::answers_pile_up() {
  const auto too_many = [this] {
    return port_.outgoing.size() > limits_.high_watermark + most_answers;
  };
  if (!too_many()) return false;
  send_records();
  return too_many() && !write_error_;
}

// Without asking OpenSSL, for which it is a long way to the answer.
bool Session::has_nothing_to_read() const noexcept {
  return established_ && !close_notify_due_ && !port_.rereads && port_.ahead.empty() &&
         port_.channel.would_receive_nothing() && SSL_has_pending(ssl_.get()) == 0 &&
         SSL_in_init(ssl_.get()) == 0 && !close_notify_received();
}

Progress Session::read(std::span<std::byte> buffer) {
  if (const std::size_t size = reread(buffer); size != 0) {
    return {.state = Progress::State::done, .size = size};
  }
  if (read_error_) return fail(read_error_, {});
  if (answers_pile_up()) return {.state = Progress::State::waiting, .interest = Interest::write};
  // Where they could not be sent, what the peer said before was taken in, and comes first.
  if ((has_unread() && !buffer.empty()) || read_error_) return read(buffer);
  if (has_nothing_to_read()) return not_read(SSL_ERROR_WANT_READ);

  std::size_t size = 0;
  int reason = 0;
  const std::uint64_t queued = port_.outgoing.queued();
  const int result = call_read(buffer, size, reason);
  if (close_notify_due_) end_sending();
  if (result != 1) return not_read(reason);
  send_answers(queued);
  given_ += size;
  record_.renegotiation_refused = false;  // the peer has gone on without it
  return {.state = Progress::State::done, .size = size};
}

bool Session::has_more() const {
  return has_unread() ||
         (!read_error_ && (!port_.ahead.empty() || SSL_has_pending(ssl_.get()) == 1));
}

Progress Session::peek() {
  if (has_unread() || read_error_) return {.state = Progress::State::done};
  if (answers_pile_up()) return {.state = Progress::State::waiting, .interest = Interest::write};
  if (has_nothing_to_read()) return not_read(SSL_ERROR_WANT_READ);
  std::byte byte{};
  std::size_t size = 0;
  int reason = 0;
  const std::uint64_t queued = port_.outgoing.queued();
  const int result = call([&](SSL* ssl) { return SSL_peek_ex(ssl, &byte, 1, &size); }, reason);
  if (close_notify_due_) end_sending();
  if (result == 1) {
    send_answers(queued);
  } else {
    Progress progress = not_read(reason);
    if (progress.state == Progress::State::waiting) return progress;
  }
  return {.state = Progress::State::done};
}

// The peer may wait for the answer to what came before the bytes that were read (a request for a
// certificate, RFC 8446 section 4.6.2), and this side may not read or write again soon.
void Session::send_answers(std::uint64_t queued_before) {
  // What keeps them from being sent is told by the next write.
  if (port_.outgoing.queued() != queued_before) static_cast<void>(send_records());
}

Progress Session::not_read(int reason) {
  if (reason == SSL_ERROR_WANT_READ) {
    // What keeps it from being sent keeps the next write from it, too, and is told there.
    static_cast<void>(send_key_update());
    if (pending_output() != 0) flush();  // an answer to a key update, or what was to be more
    return waiting_for_input();
  }
  // To whom waits for the server's word the handshake is not over yet.
  const bool over = !is_unconfirmed();
  // Of a fatal alert that an earlier call has met OpenSSL says the same as of a close_notify.
  if (reason == SSL_ERROR_ZERO_RETURN && over && record_.alert_received < 0) {
    return fail(read_error_, make_error(SALLY_END_OF_STREAM,
                                        {.correlation_id = correlation_id(), .phase = "read"}));
  }
  const NativeError native = take_error();
  ErrorRef error = explain_failure(ssl_.get(), record_, port_, native, established_ && over,
                                   over ? "read" : "handshake");
  if (!port_.outgoing.empty()) send_records();  // our alert
  return fail(read_error_, std::move(error));
}

// A peer can use a record only when it has all of it: where a burst begins, records of one segment
// spare it the wait for the congestion window to open.
std::size_t Session::record_limit() noexcept {
  if (!limits_.low_latency) return largest_record_;
  const auto now = transport::Clock::now();
  if (last_sealed_ + burst_pause < now) burst_ = 0;
  return burst_ < burst_start ? std::min(segment_record, largest_record_) : largest_record_;
}

// One record's worth, all of it or nothing; of more than a record the first part. With `passes` it may
// leave at once.
Progress Session::encrypt(std::span<const std::byte> data, bool passes) {
  // OpenSSL 3.5 writes in a handshake that the end of its transport cut short: nobody may get what is
  // meant for a peer that was never known.
  if (!established_ && read_error_) return fail(write_error_, read_error_);
  if (ErrorRef error = renew_keys_in_time()) return fail(write_error_, std::move(error));
  std::size_t size = 0;
  int reason = 0;
  port_.passes = passes;
  const int result =
      call([&](SSL* ssl) { return SSL_write_ex(ssl, data.data(), data.size(), &size); }, reason);
  port_.passes = false;
  port_.outgoing.expect(0);
  if (result == 1) {
    sealed_ += size;
    count_records(size);
    if (limits_.low_latency) {
      burst_ += size;
      last_sealed_ = transport::Clock::now();
    }
    return {.state = Progress::State::done, .size = size};
  }
  // OpenSSL writes nothing while a ticket or a key update (RFC 8446 section 4.6) has come only in
  // part.
  if (reason == SSL_ERROR_WANT_READ) return waiting_for_input();
  const NativeError native = take_error();
  return fail(write_error_, read_error_ ? read_error_
                                        : explain_failure(ssl_.get(), record_, port_, native,
                                                          established_, "write"));
}

// Makes a record of what was packed.
Progress Session::seal(bool passes) {
  while (!packed_.empty()) {
    const Progress progress = encrypt(packed_, passes);
    if (progress.state != Progress::State::done) return progress;
    if (progress.size == packed_.size()) break;
    packed_.erase(packed_.begin(), packed_.begin() + static_cast<std::ptrdiff_t>(progress.size));
  }
  std::vector<std::byte>().swap(packed_);
  return {.state = Progress::State::done};
}

// The short way of bytes that others follow: into a record that has begun and is not full by them.
bool Session::pack(std::span<const std::byte> data) noexcept {
  const std::size_t room = std::min(packed_.capacity(), full_record);
  const bool joins = !packed_.empty() && data.size() < room - packed_.size();
  if (!joins || write_error_ || limits_.low_latency || keys_exhausted() || !has_room())
    return false;
  if (data.size() > limits_.high_watermark - pending_output()) return false;
  packed_.insert(packed_.end(), data.begin(), data.end());
  return true;
}

Progress Session::write(std::span<const std::byte> data, bool more) {
  if (write_error_) return fail(write_error_, {});
  if (!has_room()) {
    Progress room = flush();
    if (room.state == Progress::State::failed || !has_room()) return room;
  }
  if (more && pack(data)) return {.state = Progress::State::done, .size = data.size()};

  std::size_t taken = 0;
  const std::size_t wanted = std::min(data.size(), limits_.high_watermark - pending_output());
  while (taken < wanted) {
    if (keys_exhausted()) {
      if (taken > 0) break;
      return refuse_for_exhausted_keys();
    }
    const std::size_t limit = record_limit();
    const auto rest = data.subspan(taken, wanted - taken);
    if (rest.size() > limit) port_.outgoing.expect(rest.size() + rest.size() / 64);
    Progress progress;
    if (packed_.empty() && (rest.size() >= limit || !more)) {
      // Each small record of several would be a system call more.
      const bool passes = !more && (limit == full_record || rest.size() <= limit);
      progress = encrypt(rest.first(std::min(rest.size(), limit)), passes);
      taken += progress.size;
    } else {
      const std::size_t room = limit > packed_.size() ? limit - packed_.size() : 0;
      const auto part = rest.first(std::min(rest.size(), room));
      if (packed_.empty()) packed_.reserve(limit);
      packed_.insert(packed_.end(), part.begin(), part.end());
      taken += part.size();
      progress = packed_.size() < limit ? Progress{.state = Progress::State::done} : seal();
    }
    if (progress.state == Progress::State::failed) return progress;
    if (progress.state == Progress::State::done) continue;
    if (taken > 0) break;
    send_records();
    return progress;
  }
  if (taken < data.size()) note_full();
  if (!more) {
    Progress sent = flush();
    if (sent.state == Progress::State::failed) return sent;
  }
  return {.state = Progress::State::done, .size = taken};
}

Progress Session::flush() {
  if (write_error_ && pending_output() != 0) return fail(write_error_, {});
  Progress sealed = seal(/*passes=*/true);
  if (sealed.state == Progress::State::failed) return sealed;
  Progress sent = send_records();
  return sent.state == Progress::State::done ? sealed : sent;
}

Progress Session::send_records() {
  while (!port_.outgoing.empty()) {
    if (write_error_) return fail(write_error_, {});
    const transport::Transfer transfer = port_.outgoing.send(port_.channel);
    if (transfer.state == TransferState::moved) continue;
    if (transfer.state == TransferState::would_block) {
      return {.state = Progress::State::waiting, .interest = Interest::write};
    }
    const ErrorRef error =
        errno_error(transfer.error_number, {.correlation_id = correlation_id(), .phase = "write"});
    drain_for_alert(error);
    return fail(write_error_, error);
  }
  return {.state = Progress::State::done};
}

// In TLS 1.3 a server refuses a client's certificate after the client's handshake, and its closing
// resets the connection: the write then fails with a bare reset while the alert, which says why,
// lies unread (RFC 8446 appendix E.1 lets it come late).
void Session::drain_for_alert(const ErrorRef& send_error) {
  std::array<std::byte, 4096> buffer{};
  while (!read_error_ && !is_undecided() && unread_size() < most_drained) {
    std::size_t size = 0;
    int reason = 0;
    const int result = call(
        [&](SSL* ssl) {
          const SigningFor scope(record_);
          return established_ ? SSL_read_ex(ssl, buffer.data(), buffer.size(), &size)
                              : SSL_do_handshake(ssl);
        },
        reason);
    if (result == 1 && established_) {
      append_unread(std::span(buffer).first(size));
      continue;
    }
    if (reason != SSL_ERROR_SSL && reason != SSL_ERROR_SYSCALL) break;
    const NativeError native = take_error();
    const ErrorRef error = explain_failure(ssl_.get(), record_, port_, native, established_,
                                           established_ ? "read" : "handshake");
    fail(read_error_, error);
  }
  if (!read_error_) return;
  const bool refused = read_error_->status() == SALLY_RENEGOTIATION_REFUSED;
  if (!refused && read_error_->detail().alert_direction != SALLY_ALERT_RECEIVED) return;
  fail(write_error_, amend(read_error_, [&](ErrorDetail& detail) {
         detail.phase = "write";
         detail.cause = send_error;
       }));
}

void Session::end_sending() {
  if (close_notify_sent_ || !established_ || write_error_) return;
  if (seal().state == Progress::State::failed) return;
  // As in write(): the next read that gets further tries again.
  close_notify_due_ = within_message();
  if (close_notify_due_) return;
  close_notify_sent_ = true;
  int reason = 0;
  call([](SSL* ssl) { return SSL_shutdown(ssl); }, reason);
  clear_errors();
}

bool Session::within_message() const {
  return established_ && SSL_in_init(ssl_.get()) == 1;
}

bool Session::close_notify_received() const {
  return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

transport::Traffic Session::traffic() const noexcept {
  return {.taken = sealed_ + packed_.size(),
          .sealed = sealed_,
          .given = given_,
          .wire_queued = port_.outgoing.queued(),
          .wire_sent = port_.outgoing.sent(),
          .wire_received = port_.received};
}

std::string Session::correlation_id() const {
  return correlation_id_of(ssl_.get());
}

void Session::tell_what_is_known(ErrorDetail& detail) const {
  add_what_is_known(ssl_.get(), record_, detail);
}

std::int32_t Session::version() const noexcept {
  return SSL_version(ssl_.get());
}

SessionFacts Session::facts() const {
  const SSL* ssl = ssl_.get();
  SessionFacts facts;
  facts.version = version();
  facts.version_name = SSL_get_version(ssl);
  const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl);
  const char* suite = cipher != nullptr ? SSL_CIPHER_standard_name(cipher) : nullptr;
  facts.suite = suite != nullptr ? suite : "";
  const int group = static_cast<int>(SSL_get_negotiated_group(ssl_.get()));
  const char* group_name = group != 0 ? SSL_group_to_name(ssl_.get(), group) : nullptr;
  facts.group = group_name != nullptr ? group_name : "";
  const unsigned char* protocol = nullptr;
  unsigned int protocol_size = 0;
  SSL_get0_alpn_selected(ssl, &protocol, &protocol_size);
  if (protocol != nullptr)
    facts.alpn.assign(reinterpret_cast<const char*>(protocol), protocol_size);
  const char* server_name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  // A client may ask for anything.
  facts.server_name = status::one_line(server_name != nullptr ? server_name : "");
  facts.resumed = SSL_session_reused(ssl) == 1;
  // Whom the certificate is of is not known before the proof that the key is, too.
  const bool proving = is_proving();
  facts.peer_verified = record_.peer_verified && !proving;
  const bool asks = context_->settings().client_auth != SALLY_CLIENT_AUTH_NONE && !facts.resumed;
  facts.certificate_requested = (context_->is_server() && asks) || record_.certificate_requested;
  facts.certificate_sent = record_.certificate_sent;
  facts.correlation_id = correlation_id();

  const bool shown = context_->is_server() ? !facts.resumed : record_.certificate_sent;
  X509* own = shown ? SSL_get_certificate(ssl) : nullptr;
  if (own != nullptr) facts.own_certificate = describe(own);
  facts.passed_over = record_.passed_over;

  if (proving) return facts;
  facts.findings = record_.findings;
  if (!record_.peer_verified) {
    // On a server OpenSSL keeps the peer's own certificate apart from the chain.
    X509* leaf = SSL_get0_peer_certificate(ssl);
    if (leaf != nullptr) facts.peer_chain.push_back(describe(leaf));
    const STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl);
    for (int i = context_->is_server() ? 0 : 1; i < sk_X509_num(chain); ++i) {
      facts.peer_chain.push_back(describe(sk_X509_value(chain, i)));
    }
    return facts;
  }
  // Of a session that a server resumed OpenSSL does not know the peer.
  for (const X509Owner& certificate : record_.good->sent) {
    facts.peer_chain.push_back(describe(certificate.get()));
  }
  facts.findings = record_.good->findings;
  facts.pin_matched = record_.good->pin_matched;
  for (const X509Owner& certificate : record_.good->chain) {
    facts.verified_chain.push_back(describe(certificate.get()));
  }
  return facts;
}

}  // namespace sally::tls
