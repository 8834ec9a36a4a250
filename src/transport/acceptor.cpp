#include "transport/descriptor.h"
#include "transport/tcp.h"
#include "transport/watched_descriptor.h"

#include <cerrno>
#include <netinet/in.h>
#include <new>
#include <sys/socket.h>

namespace sally::transport {

namespace {

[[noreturn]] void fail_to_listen(const Endpoint& endpoint) {
  const int error_number = errno;
  const std::string address = to_string(endpoint);
  throw Failure(
      errno_error(error_number, {.message = "listening on " + address, .address = address}));
}

void set_option(int descriptor, int level, int option, int value) noexcept {
  ::setsockopt(descriptor, level, option, &value, sizeof value);
}

Descriptor listen_on(const Endpoint& endpoint, int backlog, Acceptor::Sharing sharing) {
  Descriptor descriptor(
      ::socket(endpoint.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_IP));
  if (descriptor.get() < 0) fail_to_listen(endpoint);
  set_option(descriptor.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  // The system's default differs from host to host.
  if (endpoint.family() == AF_INET6) set_option(descriptor.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (sharing == Acceptor::Sharing::joins)
    set_option(descriptor.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  if (::bind(descriptor.get(), endpoint.address(), endpoint.size) != 0) fail_to_listen(endpoint);
  // Not before: a strange socket that shares its port would then be shared with.
  if (sharing == Acceptor::Sharing::first)
    set_option(descriptor.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  if (::listen(descriptor.get(), backlog > 0 ? backlog : SOMAXCONN) != 0) fail_to_listen(endpoint);
  return descriptor;
}

// What befell one connection before it was accepted (Linux hands its network's errors on, see
// accept(2)) says nothing of the next.
bool concerns_one_connection(int error_number) noexcept {
  switch (error_number) {
    case EINTR:
    case ECONNABORTED:
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

}  // namespace

struct Acceptor::State {
  State(EventLoop& loop, Descriptor descriptor)
      : endpoint(local_endpoint(descriptor.get())),
        watched(WatchedDescriptor::make(loop, descriptor.release())) {}

  const Endpoint endpoint;
  const std::shared_ptr<WatchedDescriptor> watched;
};

Acceptor::Acceptor(EventLoop& loop, const Endpoint& endpoint, int backlog, Sharing sharing)
    : state_(std::make_shared<State>(loop, listen_on(endpoint, backlog, sharing))) {}

Acceptor::~Acceptor() {
  close();
}

const Endpoint& Acceptor::endpoint() const noexcept {
  return state_->endpoint;
}

Acceptor::Accepted Acceptor::try_accept() noexcept {
  if (const int refusal = state_->watched->refusal(); refusal != 0) {
    // What the system was short of may be there again.
    state_->watched->try_again();
    return {TransferState::failed, nullptr, refusal, {}};
  }
  while (true) {
    Endpoint peer;
    peer.size = sizeof peer.storage;
    state_->watched->begin_attempt(Interest::read);
    const int descriptor =
        ::accept4(state_->watched->number(), reinterpret_cast<sockaddr*>(&peer.storage), &peer.size,
                  SOCK_NONBLOCK | SOCK_CLOEXEC);
    const int error_number = descriptor < 0 ? errno : 0;
    const bool none = error_number == EAGAIN || error_number == EWOULDBLOCK;
    state_->watched->end_attempt(Interest::read, none);
    if (none) return {};
    if (concerns_one_connection(error_number)) continue;
    if (descriptor < 0) return {TransferState::failed, nullptr, error_number, {}};
    try {
      return {TransferState::moved, make_tcp_transport(state_->watched->loop(), descriptor, peer),
              0, source_of(peer)};
    } catch (const std::bad_alloc&) {
      return {TransferState::failed, nullptr, ENOMEM, {}};
    }
  }
}

void Acceptor::wait_async(WaitHandler& handler) noexcept {
  state_->watched->wait_async(Interest::read, handler);
}

void Acceptor::stop_listening() noexcept {
  state_->watched->shut_down();
}

void Acceptor::close() noexcept {
  state_->watched->close(true);
}

void Acceptor::close_in_child() noexcept {
  state_->watched->close_in_child();
}

}  // namespace sally::transport
