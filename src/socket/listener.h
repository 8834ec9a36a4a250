// Accepts connections, and hands out those whose handshake succeeded.
#pragma once

#include "socket/listener_operation.h"
#include "socket/outcome.h"
#include "socket/patience.h"
#include "socket/server_handshake.h"
#include "socket/stream.h"
#include "status/ref.h"
#include "tls/config.h"
#include "transport/endpoint.h"
#include "transport/runtime.h"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace sally::socket {

class ListenerShard;

struct ListenerLimits {
  std::int64_t handshake_timeout_ms = 0;
  std::size_t pending_handshakes = 0;
  std::size_t unaccepted = 0;
  std::size_t refusals = 0;
  std::size_t live = 0;        // connections, from the accept to the close; 0: as many as there are
  std::size_t per_source = 0;  // of these, from one source; likewise
  int backlog = 0;
};

struct ListenerSetup {
  std::string host;
  std::string service;
  Ref<tls::Config> config;  // null: plain
  ListenerLimits limits{};
  Ref<transport::Runtime> runtime{};  // null: the shared one
  transport::FlowLimits flow{};
  Decider decider{};
};

struct Refusal {
  std::string peer;
  ErrorRef error;
};

// What users call locks a mutex, and waits on a condition or leaves an operation; connections are
// accepted and shake hands on the loops (ListenerShard), and touch what is shared to ask for room
// and to deliver.
class Listener final : public RefCounted<Listener> {
 public:
  // Resolves, binds and listens. Throws Failure.
  static Ref<Listener> bind(ListenerSetup setup);

  const std::string& address() const noexcept { return address_; }
  std::uint16_t port() const noexcept { return port_; }
  Outcome accept(const Patience& patience, Ref<Stream>& stream);
  Outcome next_refusal(const Patience& patience, Refusal& refusal);
  // Stops listening, lets what is connected end by itself, and closes at the deadline what has not.
  Outcome drain(const Patience& patience);
  // Throws Failure where it cannot begin.
  void submit(Ref<ListenerOperation> operation);
  std::uint64_t dropped_refusals() const noexcept;
  // Where its asynchronous operations complete.
  transport::EventLoop& home() const noexcept;
  // Never waits. Must be called before the last reference goes.
  void close() noexcept;
  void close_in_child() noexcept;

 private:
  friend class RefCounted<Listener>;
  friend class ListenerOperation;
  friend class ListenerShard;
  friend class Admission;
  using Lock = std::unique_lock<std::mutex>;
  using Operations = std::list<Ref<ListenerOperation>>;

  explicit Listener(ListenerSetup setup);
  ~Listener();
  void listen(const transport::Endpoint& endpoint);

  ErrorRef cannot_wait() const noexcept;
  template <class Ready>
  Outcome wait_until(Lock& lock, const Patience& patience, Ready&& ready);
  Operations& waiting(ListenerVerb verb) noexcept;
  Ref<ListenerOperation> take_waiting(ListenerVerb verb) noexcept;
  void end(ListenerOperation& operation, sally_status status) noexcept;
  void complete(Ref<ListenerOperation> operation) noexcept;
  bool fulfil(ListenerOperation& operation);
  void resume();
  void start_draining() noexcept;
  bool has_room(const Lock& lock) const noexcept;
  bool is_drained() const noexcept { return live_ == 0; }
  void close_live() noexcept;

  // For the shards, on their loops.
  enum class Admitted { yes, no_room, too_many_of_its_source };
  bool has_room() const noexcept;
  // Takes a place, which the connection gives back as it departs; of a handshake too, where there
  // will be one, until it is over.
  Admitted admit(const std::string& source);
  void departed(const std::string& source) noexcept;
  void handshake_over() noexcept;
  void deliver(ServerHandshake::Result result, const std::string& source);
  void refuse(std::string peer, ErrorRef error) noexcept;

  ListenerSetup setup_;  // as it was made, to the end
  const Ref<transport::Runtime> runtime_;
  std::vector<Ref<ListenerShard>> shards_;
  std::string address_;
  std::uint16_t port_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t handshakes_ = 0;
  std::size_t live_ = 0;
  std::map<std::string, std::size_t> sources_;  // where there is a limit for them
  std::set<Stream*> streams_;                   // handed out or still here
  std::deque<Ref<Stream>> established_;
  std::deque<Refusal> refusals_;
  Operations accepts_, refusal_waits_, drains_;
  std::uint64_t dropped_refusals_ = 0;
  bool draining_ = false;
  bool closed_ = false;
};

}  // namespace sally::socket
