// What is compared: one way for a program to speak mutual TLS 1.3 over TCP.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sally::bench {

// Everything waits for its result, and throws where it fails.
class Connection {
 public:
  virtual ~Connection() = default;
  // At least one byte; 0: the peer closed properly.
  virtual std::size_t read_some(std::span<std::byte> buffer) = 0;
  virtual void write(std::span<const std::byte> data) = 0;
  // Leaves the connection as an idle one is left: the asynchronous ones with a read begun.
  virtual void park() {}
  // close_notify, and that of the peer, and the end of the socket.
  virtual void close() = 0;
};

class Contender {
 public:
  virtual ~Contender() = default;
  // On 127.0.0.1; answers the port.
  virtual std::uint16_t listen() = 0;
  // The next client, its handshake done.
  virtual std::unique_ptr<Connection> accept() = 0;
  virtual std::unique_ptr<Connection> connect(std::uint16_t port) = 0;
};

// The first of them is what the others are compared with.
const std::vector<std::string>& contender_names();
// Throws where there is none of that name.
std::unique_ptr<Contender> make_contender(const std::string& name);

// How raw OpenSSL is used.
enum class RawMode {
  blocking,
  non_blocking,  // with poll
  lean           // blocking, with SSL_MODE_RELEASE_BUFFERS
};
std::unique_ptr<Contender> make_raw_openssl(RawMode mode);

std::unique_ptr<Contender> make_asio();

// Which form of Sallyport's operations.
enum class SallyMode {
  blocking,
  queue,      // asynchronous, completed through a queue; the runtime has a thread
  watched,    // likewise, and the queue's descriptor is polled, as a language's event loop would
  caller_run  // asynchronous, completed by a function, on a runtime that the caller runs
};
std::unique_ptr<Contender> make_sallyport(SallyMode mode);

}  // namespace sally::bench
