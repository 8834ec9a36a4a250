#include "transport/descriptor.h"
#include "transport/event_loop.h"
#include "transport/tcp.h"
#include "transport/watched_descriptor.h"

#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <new>
#include <sys/socket.h>
#include <utility>

namespace sally::transport {

namespace {

// The port that the system chose for us can be the very port that we connect to, when nobody
// listens there: TCP then connects the socket with itself.
bool connected_to_itself(int descriptor) {
  const Endpoint local = local_endpoint(descriptor);
  const Endpoint peer = peer_endpoint(descriptor);
  return local.size == peer.size && std::memcmp(&local.storage, &peer.storage, peer.size) == 0;
}

int outcome(int descriptor) {
  int error_number = 0;
  socklen_t size = sizeof error_number;
  if (::getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error_number, &size) != 0) return errno;
  if (error_number != 0) return error_number;
  if (!connected_to_itself(descriptor)) return 0;
  // Closed properly, it would hold the port for a minute, and keep it from the server that belongs
  // there.
  const linger at_once{1, 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  return ECONNREFUSED;
}

}  // namespace

// Its own wait handler: `waiting` keeps it alive until it was told.
struct ConnectAttempt::State final : WaitHandler, std::enable_shared_from_this<State> {
  State(EventLoop& event_loop, const Endpoint& target, Done then)
      : loop(event_loop), endpoint(target), done(std::move(then)) {}

  void start();
  void give_up() noexcept;
  void on_wait_over(WaitResult result) noexcept override;
  void finish() noexcept;
  void fail_later(int error_number);
  ErrorRef failure(int error_number) const noexcept;

  EventLoop& loop;
  const Endpoint endpoint;
  Done done;  // empty once called or given up
  std::shared_ptr<WatchedDescriptor> watched;
  std::shared_ptr<State> waiting;
};

void ConnectAttempt::State::start() {
  Descriptor descriptor(
      ::socket(endpoint.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_IP));
  if (descriptor.get() < 0) return fail_later(errno);
  // Interrupted, it goes on by itself, like one in progress.
  const int started = ::connect(descriptor.get(), endpoint.address(), endpoint.size);
  if (started != 0 && errno != EINPROGRESS && errno != EINTR) return fail_later(errno);

  watched = WatchedDescriptor::make(loop, descriptor.release());
  waiting = shared_from_this();
  watched->wait_async(Interest::write, *this);
}

void ConnectAttempt::State::give_up() noexcept {
  const Done dropped = std::exchange(done, nullptr);
  if (watched) watched->close(false);
}

void ConnectAttempt::State::on_wait_over(WaitResult) noexcept {
  const auto self = std::exchange(waiting, nullptr);
  if (done) finish();
}

void ConnectAttempt::State::finish() noexcept {
  const Done then = std::exchange(done, nullptr);
  const int unwatchable = watched->refusal();
  const int error_number = unwatchable != 0 ? unwatchable : outcome(watched->number());
  if (error_number != 0) {
    watched->close(false);
    return then(nullptr, failure(error_number));
  }
  std::unique_ptr<Transport> transport;
  try {
    transport = make_tcp_transport(loop, watched->detach(), endpoint);
  } catch (const std::bad_alloc&) {
    return then(nullptr, out_of_memory_error());
  }
  then(std::move(transport), nullptr);
}

void ConnectAttempt::State::fail_later(int error_number) {
  loop.post([self = shared_from_this(), error_number] {
    const Done then = std::exchange(self->done, nullptr);
    if (then) then(nullptr, self->failure(error_number));
  });
}

ErrorRef ConnectAttempt::State::failure(int error_number) const noexcept {
  try {
    const std::string address = to_string(endpoint);
    return errno_error(error_number, {.message = address, .address = address, .phase = "connect"});
  } catch (const std::bad_alloc&) {
    return out_of_memory_error();
  }
}

ConnectAttempt::ConnectAttempt(EventLoop& loop, const Endpoint& endpoint, Done done)
    : state_(std::make_shared<State>(loop, endpoint, std::move(done))) {
  state_->start();
}

ConnectAttempt::~ConnectAttempt() {
  state_->give_up();
}

}  // namespace sally::transport
