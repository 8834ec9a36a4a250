// No TLS at all: what the sockets cost.
#include "epoll_server.h"

namespace bench {

namespace {

struct None {};

class PlainChannel {
 public:
  PlainChannel(None&, int descriptor) : descriptor_(descriptor) {}

  Step shake_hands() { return Step::done; }
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
  void say_goodbye() {}

 private:
  static Step failed(ssize_t result, Step wait) {
    return result < 0 && (errno == EAGAIN || errno == EINTR) ? wait : Step::end;
  }

  const int descriptor_;
};

}  // namespace

}  // namespace bench

int main(int count, char** arguments) {
  const auto options = bench::Options::parse(count, arguments);
  bench::None none;
  bench::serve_all<bench::PlainChannel>(none, options, {.strict = options.strict});
}
