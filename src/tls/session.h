// One TLS connection over any channel: attempts only, no waiting, no locking.
#pragma once

#include "status/error.h"
#include "tls/certificate.h"
#include "tls/context.h"
#include "tls/handshake_record.h"
#include "tls/inquiry.h"
#include "tls/record_bio.h"
#include "transport/deadline.h"
#include "transport/flow.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
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
};

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

  Progress read(std::span<std::byte> buffer) override;
  bool has_more() const override;
  Progress peek() override;
  // A failure names the peer's alert where that has arrived.
  Progress write(std::span<const std::byte> data, bool more = false) override;
  Progress flush() override;
  // close_notify.
  void end_sending() override;
  bool within_message() const override;
  std::size_t pending_output() const noexcept override {
    return port_.outgoing.size() + packed_.size();
  }
  transport::Traffic traffic() const noexcept override;

  bool close_notify_received() const;
  bool established() const noexcept { return established_; }
  std::int32_t version() const noexcept;
  // How often the handshake has waited for an answer so far.
  int round_trips() const noexcept { return round_trips_; }
  SessionFacts facts() const;
  std::string correlation_id() const;

 private:
  template <class Call>
  int call(Call&& openssl, int& reason);
  void begin();
  bool may_go_on();
  void begin_anew(Ref<Context> context);
  void settle_questions() noexcept;
  bool is_paused_elsewhere() const noexcept;
  Progress waiting_for_answer();
  Progress waiting_for_input();
  Progress not_read(int reason);
  std::size_t record_limit() noexcept;
  Progress encrypt(std::span<const std::byte> data);
  Progress seal();
  Progress send_records();
  bool answers_pile_up() const noexcept;
  Progress fail(ErrorRef& sticky, ErrorRef error);
  void drain_for_alert(const ErrorRef& send_error);

  Ref<Context> context_;
  HandshakeRecord record_;
  std::unique_ptr<Inquiry> inquiry_;  // null: nothing is asked, or the handshake is over
  RecordPort port_;
  SslOwner ssl_;
  bool established_ = false;
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
};

}  // namespace sally::tls
