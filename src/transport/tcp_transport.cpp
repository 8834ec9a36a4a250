#include "transport/descriptor.h"
#include "transport/tcp.h"
#include "transport/watched_descriptor.h"

#include <array>
#include <cerrno>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace sally::transport {

namespace {

// More would be legal (IOV_MAX is 1024), but 64 full TLS records are more than a socket buffer
// takes.
constexpr std::size_t max_buffers = 64;

Transfer failed(int error_number) noexcept {
  return {TransferState::failed, 0, error_number};
}
Transfer moved(std::size_t size) noexcept {
  return {TransferState::moved, size, 0};
}

bool would_block(int error_number) noexcept {
  return error_number == EAGAIN || error_number == EWOULDBLOCK;
}
Transfer unmoved(int error_number) noexcept {
  return would_block(error_number) ? Transfer{} : failed(error_number);
}

class TcpTransport final : public Transport {
 public:
  TcpTransport(EventLoop& loop, Descriptor descriptor, const Endpoint& peer)
      : local_address_(to_string(local_endpoint(descriptor.get()))),
        peer_address_(to_string(peer)),
        watched_(WatchedDescriptor::make(loop, descriptor.release())) {}
  ~TcpTransport() override { close(); }

  Transfer try_receive(std::span<std::byte> buffer) noexcept override;
  Transfer try_send(std::span<const std::span<const std::byte>> buffers) noexcept override;
  bool would_receive_nothing() const noexcept override {
    return relies_ && watched_->refusal() == 0 && watched_->is_exhausted(Interest::read);
  }

  WaitResult wait(Interest interest, Deadline deadline, Waker& waker) noexcept override {
    return watched_->wait(interest, deadline, waker);
  }
  void wait_async(Interest interest, WaitHandler& handler) noexcept override {
    watched_->wait_async(interest, handler);
  }
  void cancel_waits() noexcept override { watched_->cancel_waits(); }
  void rely_on_loop(bool relies) noexcept override { relies_ = relies; }

  bool has_in_flight() const noexcept override;
  void shutdown_send() noexcept override;
  void close(bool abort = false) noexcept override;
  void break_off() noexcept override;
  int lend_descriptor() noexcept override;
  void close_in_child() noexcept override { watched_->close_in_child(); }

  EventLoop& loop() const noexcept override { return watched_->loop(); }
  std::string local_address() const override { return local_address_; }
  std::string peer_address() const override { return peer_address_; }

 private:
  void disconnect(bool abort) noexcept;

  bool lent_ = false;
  const std::string local_address_;
  const std::string peer_address_;
  const std::shared_ptr<WatchedDescriptor> watched_;
  bool relies_ = false;
};

Transfer TcpTransport::try_receive(std::span<std::byte> buffer) noexcept {
  if (const int refusal = watched_->refusal(); refusal != 0) return failed(refusal);
  if (buffer.empty()) return moved(0);  // recv would answer 0, which reads as an end
  if (would_receive_nothing()) return {};
  watched_->begin_attempt(Interest::read);
  ssize_t size = 0;
  do {
    size = ::recv(watched_->number(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  } while (size < 0 && errno == EINTR);
  const int error_number = size < 0 ? errno : 0;
  // A stream that gives less than was asked for has no more (epoll(7)).
  const bool less = size > 0 && static_cast<std::size_t>(size) < buffer.size();
  watched_->end_attempt(Interest::read, less || would_block(error_number));
  if (size > 0) return moved(static_cast<std::size_t>(size));
  if (size == 0) return {TransferState::ended, 0, 0};
  return unmoved(error_number);
}

Transfer TcpTransport::try_send(std::span<const std::span<const std::byte>> buffers) noexcept {
  if (const int refusal = watched_->refusal(); refusal != 0) return failed(refusal);
  std::array<iovec, max_buffers> vectors;
  std::size_t count = 0;
  for (const auto buffer : buffers) {
    if (buffer.empty()) continue;
    if (count == max_buffers) break;
    vectors[count++] = {const_cast<std::byte*>(buffer.data()), buffer.size()};
  }
  if (count == 0) return moved(0);

  constexpr int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  watched_->begin_attempt(Interest::write);
  ssize_t size = 0;
  do {
    // For one buffer the system has a shorter way.
    size = count == 1 ? ::send(watched_->number(), vectors[0].iov_base, vectors[0].iov_len, flags)
                      : ::sendmsg(watched_->number(), &message, flags);
  } while (size < 0 && errno == EINTR);
  const int error_number = size < 0 ? errno : 0;
  watched_->end_attempt(Interest::write, would_block(error_number));
  // Why it fails the peer may have said, where the loop has not looked yet.
  if (error_number != 0 && !would_block(error_number)) relies_ = false;
  return size >= 0 ? moved(static_cast<std::size_t>(size)) : unmoved(error_number);
}

bool TcpTransport::has_in_flight() const noexcept {
  if (watched_->refusal() == ENOTCONN) return false;
  int unconfirmed = 0;
  return ::ioctl(watched_->number(), SIOCOUTQ, &unconfirmed) == 0 && unconfirmed > 0;
}

void TcpTransport::shutdown_send() noexcept {
  if (watched_->refusal() != ENOTCONN) ::shutdown(watched_->number(), SHUT_WR);
}

void TcpTransport::close(bool abort) noexcept {
  if (abort && watched_->refusal() != ENOTCONN) {
    const linger at_once{1, 0};
    ::setsockopt(watched_->number(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  if (lent_ && watched_->refusal() != ENOTCONN) disconnect(abort);
  // Shut down by us, a connection would end with FIN before the closing could reset it.
  watched_->close(!abort);
}

void TcpTransport::break_off() noexcept {
  lent_ ? disconnect(/*abort=*/true) : close(/*abort=*/true);
}

int TcpTransport::lend_descriptor() noexcept {
  if (watched_->refusal() == ENOTCONN) return -1;
  lent_ = true;
  return watched_->number();
}

// Ends the connection while the descriptor, or a copy of it, stays open: the peer learns of it all
// the same, and whoever watches is woken.
void TcpTransport::disconnect(bool abort) noexcept {
  if (abort) {
    sockaddr nobody{};
    nobody.sa_family = AF_UNSPEC;
    ::connect(watched_->number(), &nobody, sizeof nobody);  // a reset, where it is TCP
  }
  ::shutdown(watched_->number(), SHUT_RDWR);
}

}  // namespace

std::unique_ptr<Transport> make_tcp_transport(EventLoop& loop, int descriptor,
                                              const Endpoint& peer) {
  Descriptor owned(descriptor);
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on,
               sizeof on);  // fails where it is no TCP: fine
  return std::make_unique<TcpTransport>(loop, std::move(owned), peer);
}

}  // namespace sally::transport
