// Plain TCP on 127.0.0.1, for peers that do not behave. Blocking, but never longer than half a
// minute.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <thread>

namespace sally::test {

class RawSocket {
 public:
  RawSocket() = default;
  explicit RawSocket(int descriptor) : descriptor_(descriptor) {}
  ~RawSocket() { close(); }
  RawSocket(RawSocket&& other) noexcept;
  RawSocket& operator=(RawSocket&& other) noexcept;

  static RawSocket connect(std::uint16_t port);

  int get() const { return descriptor_; }
  explicit operator bool() const { return descriptor_ >= 0; }
  std::string local_address() const;
  // False where the peer is gone.
  bool send(std::string_view bytes);
  // What comes until `size` bytes are there or the connection ends.
  std::string receive(std::size_t size);
  // True once the peer has ended the connection, properly or with a reset; what it sends before is
  // thrown away.
  bool ended();
  // Whether there is something to receive, or an end, within the time.
  bool readable(int timeout_ms) const;
  void end_sending();
  void close();
  void reset();  // closes with a reset instead of an end

 private:
  int descriptor_ = -1;
};

class RawListener {
 public:
  // receive_buffer: of what is accepted, in bytes; 0 for the system's.
  explicit RawListener(int receive_buffer = 0);
  std::uint16_t port() const { return port_; }
  std::string service() const { return std::to_string(port_); }
  RawSocket accept();
  void close() { socket_.close(); }

 private:
  friend class Proxy;
  RawSocket socket_;
  std::uint16_t port_ = 0;
};

// A port of every address of this machine, on which nobody listens, or can while this lives.
class UnusedPort {
 public:
  UnusedPort();
  std::uint16_t port() const { return port_; }
  std::string service() const { return std::to_string(port_); }

 private:
  RawSocket socket_;
  std::uint16_t port_ = 0;
};

// Sits between one client and a server, passes on what they say, and can be told to spoil it.
class Proxy {
 public:
  explicit Proxy(std::uint16_t target);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  std::uint16_t port() const { return listener_.port(); }
  std::string service() const { return listener_.service(); }

  // Each has happened when the call returns.
  void cut() { command('c'); }     // ends both connections, as if the peer's process had died
  void reset() { command('r'); }   // resets both
  void stall() { command('s'); }   // passes nothing on
  void resume() { command('g'); }  // after stall

  // All that the client has said; to be asked for after cut() or reset().
  const std::string& said_by_client() const { return said_; }

 private:
  void command(char what);
  void run();
  bool forward(RawSocket& from, RawSocket& to);
  void obey(char what);

  RawListener listener_;
  const std::uint16_t target_;
  RawSocket client_;
  RawSocket server_;
  std::string said_;
  bool stalled_ = false;
  bool over_ = false;
  int commands_[2] = {-1, -1};
  int answers_[2] = {-1, -1};
  std::thread thread_;
};

}  // namespace sally::test
