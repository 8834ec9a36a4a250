// One TLS connection over any channel: attempts only, no waiting, no locking.
#pragma once

#include "status/error.h"
#include "tls/certificate.h"
#include "tls/context.h"
#include "tls/handshake_record.h"
#include "tls/inquiry.h"
#include "tls/record_bio.h"
#include "tls/tracer.h"
#include "transport/deadline.h"
#include "transport/flow.h"

#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sally::tls {

using transport::Progress;

// What was agreed; plain data.
struct SessionFacts {
  std::int32_t version = 0;
  std::string version_name;
  std::string suite;
  std::string group;
  std::string alpn;
  std::string server_name;
  bool resumed = false;
  bool peer_verified = false;
  bool certificate_requested = false;
  bool certificate_sent = false;
  std::string correlation_id;
  std::vector<Ref<sally_certificate>> peer_chain;
  std::vector<Ref<sally_certificate>> verified_chain;
  bool pin_matched = false;
  ErrorRef findings;
  Ref<sally_certificate> own_certificate;  // what this side showed
  std::vector<std::string> passed_over;    // its credentials that did not fit, and why
};

// The "tls" of include/sallyport/stream_info.h. Throws std::bad_alloc.
std::string to_json(const SessionFacts& facts);

// What was written becomes records in a queue, which flush() hands to the channel.
class Session final : public transport::Flow {
 public:
  // A client of a server called `peer_name`, which becomes the SNI and what the certificate must
  // bear; for a server `peer_name` is empty. The channel must outlive the session. Throws Failure.
  Session(Ref<Context> context, PeerName peer_name, transport::Channel& channel);
  ~Session() override;

  // Done when the handshake is complete and its last flight is handed over. After a failure an
  // alert may be left to flush. Where it waits for a decision, and for nothing else, it waits for no
  // direction of the channel. A session whose context asks questions is to be driven by one thread
  // only, as long as its handshake lasts.
  Progress handshake();
  // What the handshake waits for an answer to, since the last call; null: nothing new.
  Ref<Decision> take_question() noexcept;
  bool is_undecided() const;
  // The handshake is to end where it waits for an answer: that is a denial. False: it did not wait,
  // or there was no way to tell the peer, for whom an alert is otherwise on its way.
  bool deny_undecided() noexcept;

  // Before the handshake, on a client: it is done only when the server has accepted the certificate
  // that it asked for, for which in TLS 1.3 a session ticket is the proof.
  void await_confirmation() noexcept { confirmation_awaited_ = true; }
  // Established, but for that.
  bool is_unconfirmed() const noexcept;

  // On an established server of TLS 1.3: asks the client for a certificate, unless a request of before
  // is unanswered still, and is done when it was verified and the client has proved that the key is
  // its own. What else comes meanwhile can be read after that. Throws Failure where it cannot be asked;
  // a refusal ends the session (session_authenticate.cpp).
  Progress authenticate();

  Progress read(std::span<std::byte> buffer) override;
  bool has_more() const override;
  Progress peek() override;
  // A failure names the peer's alert where that has arrived.
  Progress write(std::span<const std::byte> data, bool more = false) override;
  Progress flush() override;
  // close_notify.
  void end_sending() override;
  bool within_message() const override;
  bool pack(std::span<const std::byte> data) noexcept override;
  std::size_t pending_output() const noexcept override {
    return port_.outgoing.size() + packed_.size();
  }
  transport::Traffic traffic() const noexcept override;

  bool close_notify_received() const;
  bool established() const noexcept { return established_; }
  std::int32_t version() const noexcept;
  // How often the handshake has waited for an answer so far.
  int round_trips() const noexcept { return round_trips_; }
  // Null: nobody is told.
  Tracer* trace() const noexcept { return trace_.get(); }
  // It is not used any more.
  void end_trace() noexcept {
    if (trace_) trace_->ended(traffic());
  }
  SessionFacts facts() const;
  std::string correlation_id() const;
  // Of a handshake that this side gives up: what both sides offered, and what else is known of it.
  void tell_what_is_known(ErrorDetail& detail) const;

  // Trust that changes under an established connection (session_review.cpp).
  const Settings& settings() const noexcept { return context_->settings(); }
  // Judges the peer again where the followed trust has a generation beyond `reviewed`, which becomes
  // that one. Why the peer would no longer be let in; null: it would, or there is nothing to judge.
  ErrorRef review(std::uint64_t& reviewed) noexcept;
  // Whether the peer has shown a certificate, and proved that it is its own, since as many judgements as
  // `judged`, which become as many as there are.
  bool has_shown_since(std::uint64_t& judged) const;
  // It ends here, both ways: what was read before but not handed out, and what was written but not
  // sent, is of no account any more.
  void give_up(const ErrorRef& why) noexcept;

  // See include/sallyport/stream.h; what they cannot do they throw as Failure (session_keys.cpp).
  void export_key(std::string_view label, std::optional<std::span<const std::byte>> context,
                  std::span<std::byte> key) const;
  std::string channel_binding(std::string_view type) const;
  // Only queues: flush() sends it.
  void update_keys(bool request_peer);
  // After how many records under one key it is renewed, or nothing more is taken. For tests: the
  // real one is out of their reach.
  void set_key_limit(std::uint64_t records) noexcept { key_limit_ = records; }

 private:
  template <class Call>
  int call(Call&& openssl, int& reason);
  int call_read(std::span<std::byte> buffer, std::size_t& size, int& reason);
  void settle_peer();
  void leave_resumable() noexcept;
  Progress confirm();
  void begin();
  bool may_go_on();
  void begin_anew(Ref<Context> context);
  bool goes_on_as_host();
  void drop_kept_hello() noexcept;
  void settle_questions() noexcept;
  bool is_paused_elsewhere() const noexcept;
  Progress waiting_for_answer();
  Progress waiting_for_input();
  bool has_nothing_to_read() const noexcept;
  Progress not_read(int reason);
  std::size_t record_limit() noexcept;
  Progress encrypt(std::span<const std::byte> data, bool passes = false);
  Progress seal(bool passes = false);
  Progress send_records();
  bool answers_pile_up();
  void send_answers(std::uint64_t queued_before);
  Progress fail(ErrorRef& sticky, ErrorRef error);
  void drain_for_alert(const ErrorRef& send_error);

  // session_authenticate.cpp
  void require_authenticable() const;
  void request_certificate();
  bool is_answered() const;
  bool is_proving() const;

  // session_keys.cpp
  void begin_keys();
  ErrorRef send_key_update();
  ErrorRef renew_keys_in_time();
  void count_records(std::size_t bytes) noexcept;
  bool keys_exhausted() const noexcept;
  Progress refuse_for_exhausted_keys() const;

  Ref<Context> context_;
  HandshakeRecord record_;
  std::unique_ptr<Tracer> trace_;
  std::unique_ptr<Inquiry> inquiry_;  // null: nothing is asked, or the handshake is over
  RecordPort port_;
  SslOwner ssl_;
  bool established_ = false;
  bool confirmation_awaited_ = false;
  bool close_notify_sent_ = false;
  bool close_notify_due_ = false;
  bool paused_ = false;  // a job of OpenSSL's that only the thread which began it can go on with,
  std::thread::id paused_by_;  // and that must end before the SSL is freed
  ErrorRef read_error_;
  ErrorRef write_error_;
  std::vector<std::byte> packed_;  // taken, but not yet a record
  std::uint64_t sealed_ = 0;
  int round_trips_ = 0;
  std::uint64_t sent_before_wait_ = 0;
  std::uint64_t burst_ = 0;  // bytes sealed since the last pause
  transport::Deadline last_sealed_ = transport::Deadline::min();
  bool certificate_due_ = false;     // the client was asked for one,
  std::uint64_t judged_before_ = 0;  // after so many judgements
  bool extended_master_secret_ = false;
  bool key_update_due_ = false;
  bool key_update_asks_ = false;   // and the peer is to renew its keys too
  std::uint64_t key_records_ = 0;  // sealed under the present key, or more
  std::uint64_t key_limit_ = std::numeric_limits<std::uint64_t>::max();
  std::size_t largest_record_ = 16 * 1024;
};

}  // namespace sally::tls
