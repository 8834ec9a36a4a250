// One TLS connection over any channel: attempts only, no waiting, no locking.
#pragma once

#include "status/error.h"
#include "tls/certificate.h"
#include "tls/context.h"
#include "tls/handshake_record.h"
#include "tls/record_bio.h"
#include "transport/transport.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sally::tls {

// What an attempt came to.
struct Progress {
  enum class State {
    done,
    waiting,  // for `interest` on the channel; then try again
    failed    // `error` says why, SALLY_END_OF_STREAM among the reasons
  };
  State state = State::waiting;
  std::size_t size = 0;  // bytes read or taken
  transport::Interest interest = transport::Interest::none;
  ErrorRef error{};
};

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

// What was written becomes records in a queue (`pending_output` bytes), which flush() hands to the
// channel. Every other call flushes too, as far as that is possible at once.
class Session {
 public:
  // A client of a server called `peer_name`, which becomes the SNI and what the certificate must
  // bear; for a server `peer_name` is empty. The channel must outlive the session. Throws Failure.
  Session(Ref<Context> context, PeerName peer_name, transport::Channel& channel);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Done when the handshake is complete and its last flight is handed over. After a failure an
  // alert may be left to flush.
  Progress handshake();
  // At least one byte, or waiting, or failed. A failure is final.
  Progress read(std::span<std::byte> buffer);
  // Takes up to `window` bytes into records and tries to send them. Done: `size` bytes were taken,
  // which may be less than all. Waiting: the channel must take the pending output first, or bring
  // the rest of a message of the peer's. A failure is final; it names the peer's alert where that
  // has arrived.
  Progress write(std::span<const std::byte> data);
  // Whether a message of the peer's has come only in part, for the rest of which write() waits.
  bool within_message() const;
  // Done when nothing is pending.
  Progress flush();
  // Puts close_notify behind what was written. Once.
  void send_close_notify();
  bool close_notify_received() const;

  bool established() const noexcept { return established_; }
  std::size_t pending_output() const noexcept { return port_.outgoing.size(); }
  SessionFacts facts() const;
  std::string correlation_id() const;

  static constexpr std::size_t window = 64 * 1024;

 private:
  template <class Call>
  int call(Call&& openssl, int& reason);
  Progress transfer_done(std::size_t size);
  Progress waiting_for_input();
  Progress fail(ErrorRef& sticky, ErrorRef error);
  void drain_for_alert(const ErrorRef& send_error);

  Ref<Context> context_;
  HandshakeRecord record_;
  RecordPort port_;
  SslOwner ssl_;
  bool established_ = false;
  bool close_notify_sent_ = false;
  bool close_notify_due_ = false;
  ErrorRef read_error_;
  ErrorRef write_error_;
  std::vector<std::byte> drained_;  // application data that was read while looking for an alert
  std::size_t drained_head_ = 0;
};

}  // namespace sally::tls
