// The secure socket: a TLS session over a transport, its operations in blocking form.
#pragma once

#include "socket/operation.h"
#include "socket/outcome.h"
#include "socket/patience.h"
#include "status/ref.h"
#include "tls/context.h"
#include "tls/session.h"
#include "transport/transport.h"

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>

namespace sally::socket {

class Dialer;

// What a client connects to.
struct Target {
  std::string host;
  std::string service;
  tls::PeerName peer_name;
  Ref<tls::Context> context;
};

struct StreamFacts {
  tls::SessionFacts session;
  std::string local_address;
  std::string peer_address;
};

// Any thread may call any of it at any time. One mutex guards the session and the transport's
// attempts; it is never held while waiting. Each operation attempts on the caller's thread, and
// only then waits.
class Stream : public RefCounted<Stream> {
 public:
  explicit Stream(Target target);
  // Established already, by a listener.
  Stream(std::unique_ptr<transport::Transport> transport, std::unique_ptr<tls::Session> session);

  // See include/sallyport/stream.h for what each promises.
  // `handshake_ms` bounds the handshake within `patience`, from its start; 0: no bound of its own.
  Outcome connect(const Patience& patience, std::int64_t handshake_ms);
  Outcome read_some(std::span<std::byte> buffer, std::size_t& size, const Patience& patience);
  Outcome write(std::span<const std::byte> data, std::size_t& taken, const Patience& patience);
  Outcome shutdown(const Patience& patience);
  Outcome close(const Patience& patience);
  void cancel(unsigned directions) noexcept;
  Outcome facts(StreamFacts& facts) const;

  // The last handle is gone: cancels, says goodbye if that is possible at once, closes; never
  // waits.
  void abandon() noexcept;
  // The same in a forked child, where nothing but the descriptor may be touched.
  void abandon_in_child() noexcept;

 private:
  friend class RefCounted<Stream>;
  ~Stream();

  using Lock = std::unique_lock<std::mutex>;
  enum class State { idle, connecting, open, closed };
  class Flusher;

  Outcome usable() const;
  Outcome wait(Lock& lock, Operation& operation, transport::Interest interest,
               const Patience& patience);
  Outcome wait_for_turn(Lock& lock, Operation& operation, const Patience& patience);
  Outcome flush(Lock& lock, Operation& operation, const Patience& patience);

  Outcome dial(Lock& lock, Operation& operation, const Patience& patience);
  void dialed(std::unique_ptr<transport::Transport> transport, ErrorRef error);
  Outcome shake_hands(Lock& lock, Operation& operation, const Patience& patience);
  Outcome end_connect(Outcome outcome, const char* phase);

  Outcome say_goodbye(Lock& lock, Operation& operation, const Patience& patience);
  void flush_in_background();
  void close_transport() noexcept;

  mutable std::mutex mutex_;
  State state_ = State::idle;
  bool closing_ = false;  // nothing new starts, and what is pending ends
  bool reading_ = false;
  bool sending_ended_ = false;
  bool writer_needs_input_ =
      false;  // the first writer waits for the rest of a message of the peer's
  OperationList operations_;
  std::deque<Operation*> writers_;  // in the order of their calls; the first may write
  const Target target_;
  std::unique_ptr<transport::Transport> transport_;
  std::unique_ptr<tls::Session> session_;  // after the transport: it must go first
  std::unique_ptr<Flusher> flusher_;

  // What the loop leaves for the thread that connects.
  std::shared_ptr<std::unique_ptr<Dialer>> dialer_;  // what it points to is the loop's alone
  bool dialed_ = false;
  ErrorRef dial_error_;
};

}  // namespace sally::socket
