#include "pump.h"

#include <array>
#include <cerrno>
#include <exception>
#include <poll.h>
#include <span>
#include <string_view>
#include <sys/eventfd.h>
#include <system_error>
#include <thread>
#include <unistd.h>

namespace {

using Buffer = std::array<char, 65536>;

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// A descriptor that ends a poll.
class Bell {
 public:
  Bell() : descriptor_(::eventfd(0, EFD_CLOEXEC)) {
    if (descriptor_ < 0) fail("eventfd");
  }
  ~Bell() { ::close(descriptor_); }
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;

  void ring() const noexcept { static_cast<void>(::eventfd_write(descriptor_, 1)); }
  int get() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

// False: the bell rang first.
bool wait_for_input(const Bell& bell) {
  std::array<pollfd, 2> either{pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{bell.get(), POLLIN, 0}};
  while (::poll(either.data(), either.size(), -1) < 0) {
    if (errno != EINTR) fail("poll");
  }
  return either[1].revents == 0;
}

void send_input(sally::StreamSocket& socket, const Bell& bell) {
  Buffer buffer;
  while (wait_for_input(bell)) {
    const ssize_t size = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) fail("standard input");
    if (size == 0) return socket.shutdown();
    socket.write(std::string_view(buffer.data(), static_cast<std::size_t>(size)));
  }
}

void write_output(std::string_view data) {
  while (!data.empty()) {
    const ssize_t size = ::write(STDOUT_FILENO, data.data(), data.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) fail("standard output");
    data.remove_prefix(static_cast<std::size_t>(size));
  }
}

void receive_output(sally::StreamSocket& socket) {
  Buffer buffer;
  while (const std::size_t size = socket.read_some(buffer)) {
    write_output({buffer.data(), size});
  }
}

}  // namespace

void pump(sally::StreamSocket& socket) {
  const Bell bell;
  std::exception_ptr sending, input, receiving;
  std::thread sender([&] {
    try {
      send_input(socket, bell);
    } catch (const sally::Error&) {
      // The reading direction goes on: a peer that refused this side says why there, and one that
      // takes no more may still send.
      sending = std::current_exception();
    } catch (...) {
      input = std::current_exception();
      socket.cancel(SALLY_DIRECTION_READ);
    }
  });
  try {
    receive_output(socket);
  } catch (...) {
    receiving = std::current_exception();
  }
  bell.ring();
  // What the peer did not want any more is not a failure of sending it.
  const bool was_sending = sending == nullptr;
  socket.cancel(SALLY_DIRECTION_WRITE);
  sender.join();
  if (input) std::rethrow_exception(input);
  if (receiving) std::rethrow_exception(receiving);
  if (sending && !was_sending) std::rethrow_exception(sending);
  socket.close(sally::Timeout::attempt());
}
