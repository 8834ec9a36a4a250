// No TLS at all: what the sockets cost.
#include "epoll_peer.h"

namespace bench {

namespace {

struct None {};

class PlainChannel {
 public:
  PlainChannel(None&, int descriptor, bool) : descriptor_(descriptor) {}

  Step shake_hands() {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size);
    return error == 0 ? Step::done : Step::end;
  }
  Step read(void* buffer, std::size_t capacity, std::size_t& size) {
    const ssize_t result = ::recv(descriptor_, buffer, capacity, 0);
    if (result > 0) size = static_cast<std::size_t>(result);
    return result > 0 ? Step::done : failed(result, Step::want_read);
  }
  Step write(const void* data, std::size_t wanted, std::size_t& size) {
    const ssize_t result = ::send(descriptor_, data, wanted, MSG_NOSIGNAL);
    if (result > 0) size = static_cast<std::size_t>(result);
    return result > 0 ? Step::done : failed(result, Step::want_write);
  }
  bool has_more() { return false; }
  Step close() {
    if (!goodbye_said_) {
      goodbye_said_ = true;
      ::shutdown(descriptor_, SHUT_WR);
      return Step::want_read;
    }
    char byte;
    const ssize_t result = ::recv(descriptor_, &byte, 1, 0);
    return result == 0 ? Step::done : failed(result, Step::want_read);
  }

 private:
  static Step failed(ssize_t result, Step wait) {
    return result < 0 && (errno == EAGAIN || errno == EINTR) ? wait : Step::end;
  }

  const int descriptor_;
  bool goodbye_said_ = false;
};

}  // namespace

}  // namespace bench

int main(int count, char** arguments) {
  const auto options = bench::Options::parse(count, arguments);
  bench::None none;
  return bench::run_client<bench::PlainChannel>(none, options);
}
