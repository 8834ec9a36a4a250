// The secure socket: bytes over a transport, under TLS or not yet, and its operations.
#pragma once

#include "socket/admission.h"
#include "socket/establishment.h"
#include "socket/operation.h"
#include "socket/outcome.h"
#include "socket/patience.h"
#include "socket/questions.h"
#include "socket/stream_operation.h"
#include "status/ref.h"
#include "tls/config.h"
#include "tls/session.h"
#include "transport/flow.h"
#include "transport/loop_call.h"
#include "transport/runtime.h"
#include "transport/transport.h"

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sally::socket {

class Dialer;

// What a client connects to.
struct Target {
  std::string host;
  std::string service;
  tls::PeerName peer_name{};
  Ref<tls::Config> config{};          // null: plain
  Ref<transport::Runtime> runtime{};  // null: the shared one
  transport::FlowLimits limits{};
  bool confirmed = false;  // connected only when the server accepted the certificate
  Decider decider{};
};

// What a listener hands over.
struct Established {
  std::unique_ptr<transport::Transport> transport;
  std::unique_ptr<tls::Session> session;  // null: plain
  Ref<transport::Runtime> runtime{};      // keeps the transport's loop; null: the shared one
  transport::FlowLimits limits{};
  Establishment report{};
  std::unique_ptr<Admission> admission{};  // goes when the stream is closed
  Decider decider{};                       // of an upgrade
};

struct StreamFacts {
  tls::SessionFacts session;  // empty on a plain stream
  bool secured = false;
  std::string local_address;
  std::string peer_address;
  Establishment establishment;
  transport::Traffic traffic;
};

// In the form that include/sallyport/stream_info.h documents. Throws std::bad_alloc.
std::string to_json(const StreamFacts& facts);

// Any thread may call any of it at any time. One mutex guards the flow and the transport's
// attempts; it is never held while waiting or while somebody is told. An operation is attempted,
// and only then waits: a blocking one on its caller's thread (run), an asynchronous one on the
// stream's loop (submit). Both kinds mix.
class Stream : public RefCounted<Stream> {
 public:
  explicit Stream(Target target);
  explicit Stream(Established established);
  Stream(std::unique_ptr<transport::Transport> transport, std::unique_ptr<tls::Session> session)
      : Stream(Established{.transport = std::move(transport), .session = std::move(session)}) {}

  // See include/sallyport/stream.h for what each verb promises. `moved` is set in any case.
  Outcome run(Request&& request, const Patience& patience, std::size_t& moved);
  Outcome run(Request&& request, const Patience& patience);
  // Throws Failure where it cannot begin; otherwise it completes, once.
  void submit(Ref<StreamOperation> operation);
  // A write of which more follow, where all of it can be taken at once and nothing else is to be done:
  // then that is all, and no operation is made. False: nothing was done.
  bool pack(Piece data) noexcept;

  Outcome connect(const Patience& patience, std::int64_t handshake_ms) {
    return run({.verb = Verb::connect, .handshake_ms = handshake_ms}, patience);
  }
  Outcome read_some(std::span<std::byte> buffer, std::size_t& size, const Patience& patience) {
    return run({.verb = Verb::read_some, .into = buffer}, patience, size);
  }
  Outcome write(std::span<const std::byte> data, std::size_t& taken, const Patience& patience) {
    return run({.verb = Verb::write, .data = data}, patience, taken);
  }
  Outcome shutdown(const Patience& patience) { return run({.verb = Verb::shutdown}, patience); }
  Outcome close(const Patience& patience) { return run({.verb = Verb::close}, patience); }

  void cancel(unsigned directions) noexcept;
  // A SALLY_TLS_*, or 0.
  std::int32_t protection() const noexcept;
  void require_protection(std::int32_t least) noexcept;
  // Of a secured stream; throw what the session throws (stream_keys.cpp).
  Outcome export_key(std::string_view label, std::optional<std::span<const std::byte>> context,
                     std::span<std::byte> key) const;
  Outcome channel_binding(std::string_view type, std::string& value) const;
  Outcome update_keys(bool request_peer);
  // The transport's, for the caller's own poller; throws nothing, and is not to be closed. `number` is
  // set where it is OK (stream_lend.cpp).
  Outcome lend_descriptor(int& number);
  // For which SALLY_DIRECTION_* to watch it after an attempt in `direction` would have had to wait;
  // 0: for none, another attempt tells.
  unsigned lent_interest(unsigned direction) const noexcept;
  // What a client verifies unless told otherwise; empty on the accepting side.
  const tls::PeerName& peer_name() const noexcept { return target_.peer_name; }
  Outcome facts(StreamFacts& facts) const;
  // Whether there is anyone to answer questions.
  bool has_decider() const noexcept { return decider_ != nullptr; }

  // The last handle is gone: cancels, says goodbye if that is possible at once, closes; never
  // waits.
  void abandon() noexcept;
  // The same in a forked child, where nothing but the descriptor may be touched.
  void abandon_in_child() noexcept;

 private:
  friend class RefCounted<Stream>;
  friend class StreamOperation;
  ~Stream();

  using Lock = std::unique_lock<std::mutex>;
  using Attempted = std::optional<Outcome>;  // nothing: it has to wait
  enum class State { idle, connecting, open, closed };
  class LoopWait;
  class TrustWatch;

  // Beginning and ending (stream.cpp).
  std::optional<Outcome> admit(Operation& operation);
  std::optional<Outcome> admit_close(Operation& operation);
  std::optional<Outcome> ended(const Operation& operation) const;
  void retire(Operation& operation, Outcome& outcome) noexcept;
  void leave_writers(Operation& operation) noexcept;
  std::optional<Outcome> usable() const;
  std::optional<Outcome> usable_for_bytes() const;
  std::optional<Outcome> usable_for_keys() const;
  std::int32_t protection_now() const noexcept;
  std::optional<Outcome> wait(Lock& lock, BlockingOperation& operation);
  ErrorRef cannot_wait(const Operation& operation) const;
  bool has_bytes_left() const noexcept;
  bool leave_to_loop(Operation& closing, const Outcome& outcome) noexcept;
  bool go_on_closing(Operation& closing) noexcept;
  void leave_close_to_loop() noexcept;
  void say_goodbye() noexcept;
  void close_transport() noexcept;

  // One attempt of each verb (stream_attempt.cpp, stream_connect.cpp).
  Attempted attempt(Operation& operation) noexcept;
  Attempted attempt_verb(Operation& operation);
  Attempted attempt_read(Operation& operation);
  void read_on(Request& request);
  Attempted attempt_authenticate(Operation& operation);
  Attempted attempt_wait(Operation& operation);
  Attempted attempt_write(Operation& operation);
  bool coalesces(const Operation& operation) const noexcept;
  Attempted attempt_flush(Operation& operation);
  Attempted attempt_close(Operation& operation);
  Attempted attempt_connect(Operation& operation);
  Attempted attempt_upgrade(Operation& operation);
  Attempted attempt_handshake(Operation& operation);
  void collect_sent() noexcept;

  void dial();
  void dialed(std::unique_ptr<transport::Transport> transport, ErrorRef error, DialReport report);
  void drop_dialer() noexcept;
  void begin_flow(const Operation& operation, const Ref<tls::Config>& config,
                  const tls::PeerName& name);
  void end_connect(const Operation& operation, Outcome& outcome) noexcept;

  // A caller with a poller of its own (stream_lend.cpp).
  void note_missing(const Operation& operation) noexcept;
  void schedule_answers(const Outcome& outcome) noexcept;

  // Decisions (stream_decide.cpp).
  bool asks(const Request& request) const noexcept;
  Outcome run_on_loop(Request&& request, const Patience& patience);
  void attend_questions();

  // Trust that changes (stream_trust.cpp).
  void watch_trust();
  void review_trust() noexcept;
  ErrorRef review_shown(Verb verb) noexcept;
  void lose_trust(const ErrorRef& why) noexcept;
  void limit_drain(transport::Deadline deadline) noexcept;
  void end_drained_sending() noexcept;
  void drop_untrusted() noexcept;
  ErrorRef untrusted(Verb verb) const noexcept;
  void end_trust_watch() noexcept;

  // On the loop (stream_drive.cpp).
  void open_loop(transport::EventLoop& loop);
  void schedule() noexcept;
  bool begin_schedule() noexcept;
  void schedule_flush() noexcept;
  void advance(bool& pending) noexcept;
  void attempt_until_quiet() noexcept;
  void rely_on_loop(bool relies) noexcept;
  void attend() noexcept;
  Operation* next_ended() const noexcept;
  bool start_clock(StreamOperation& operation) noexcept;
  void attempt_all() noexcept;
  void attempt_async(Operation* operation) noexcept;
  void attempt_writers() noexcept;
  void flush_in_turn() noexcept;
  void arm() noexcept;
  bool completes_at_once(StreamOperation& operation) noexcept;
  void retire_async(StreamOperation& operation, Outcome outcome) noexcept;
  void settle(Operation& operation, Outcome outcome) noexcept;
  void deliver_later(StreamOperation& settled) noexcept;
  static void tell(const Ref<QuestionEvent>& asked, StreamOperation* done) noexcept;
  static void deliver(StreamOperation& settled) noexcept;

  mutable std::mutex mutex_;
  State state_ = State::idle;
  bool closing_ = false;  // nothing new starts, and what is pending ends
  bool sending_ended_ = false;
  bool draining_ = false;  // the peer is no longer trusted: what is written already is the last
  std::int32_t least_protection_ = 0;  // for bytes
  OperationList operations_;
  Operation* exclusive_ = nullptr;  // connect, upgrade
  Operation* reader_ = nullptr;
  Operation* closer_ = nullptr;
  OperationLine writers_;  // in the order of their calls; the first may write
  OperationLine sending_;  // writes of which everything was taken, in that order
  std::vector<Operation*> waits_;
  const Target target_;
  const Decider decider_;
  Ref<transport::Runtime> runtime_;
  Establishment establishment_;
  std::unique_ptr<Admission> admission_;
  std::unique_ptr<transport::Transport> transport_;
  std::unique_ptr<transport::Flow> flow_;  // after the transport: it must go first
  tls::Session* session_ = nullptr;        // the flow, where it is secured
  std::unique_ptr<Questions> questions_;   // while a handshake lasts that may ask
  Ref<QuestionEvent> asked_;               // to be delivered
  bool handshaking_ = false;
  transport::Deadline phase_began_{};

  // What the loop leaves for who connects.
  std::shared_ptr<std::unique_ptr<Dialer>> dialer_;  // what it points to is the loop's alone
  bool dialed_ = false;
  ErrorRef dial_error_;

  std::unique_ptr<transport::LoopCall> call_;
  std::unique_ptr<LoopWait> wait_read_, wait_write_;
  bool scheduled_ = false;
  bool advancing_ = false;  // with the lock
  bool telling_ = false;    // without it, and then looks again
  bool again_ = false;
  bool attention_ = false;  // an asynchronous operation has begun, or is to end
  bool flush_due_ = false;  // bytes were promised to be sent whose writer has gone
  transport::Interest sends_wait_ = transport::Interest::none;  // for what the turn's flush waits
  bool yields_ = false;                 // an attempt wants to go on in another turn of the loop
  StreamOperation* settled_ = nullptr;  // to be delivered, the oldest first
  StreamOperation* last_settled_ = nullptr;
  bool lent_ = false;       // the descriptor, to a poller of the caller's
  bool in_flight_ = false;  // what an attempt to close found that the peer may not have got yet
  // What the last attempt of reading, and of writing, waited for.
  transport::Interest read_missing_ = transport::Interest::read;
  transport::Interest write_missing_ = transport::Interest::write;
  std::unique_ptr<TrustWatch> trust_watch_;  // null: changes of the trust change nothing here
};

}  // namespace sally::socket
