// The client's side of one server that is measured, and its connections.
#pragma once

#include "program.h"

#include <functional>
#include <list>
#include <memory>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <time.h>
#include <vector>

namespace bench::load {

[[noreturn]] void fail(const std::string& what);
std::uint64_t now_ns();

// What all connections share.
class Poller {
 public:
  Poller();
  void add(int descriptor, void* owner, std::uint32_t interest);
  void change(int descriptor, void* owner, std::uint32_t interest);
  // Calls the Connection that each event is for. Gives up where nothing happens for too long.
  void run_once();

 private:
  int poller_;
};

class Connection;

// A server: where it listens, what it is spoken to with, and which sessions it gave.
class Target {
 public:
  Target(Poller& poller, std::uint16_t port, pid_t process, const std::string& directory, bool tls);
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;
  ~Target();

  // Processor time of the server, all its threads, also those that have ended.
  std::uint64_t server_cpu_ns() const;
  SSL_SESSION* take_session();
  void keep_session(SSL_SESSION* session);
  std::size_t sessions() const { return sessions_.size(); }
  void forget_sessions();

  Poller& poller;
  const sockaddr_in address;
  SSL_CTX* context = nullptr;  // null: plain TCP
  std::vector<std::unique_ptr<Connection>> connections;
  std::string agreed;  // version, suite, group

 private:
  const pid_t process_;
  std::vector<SSL_SESSION*> sessions_;
};

// Bytes to and from one server; what is done with them is the listener's.
class Connection {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void connected(Connection&) {}
    virtual void received(Connection&, const unsigned char*, std::size_t) {}
    virtual void ended(Connection&) { fail("the server closed the connection"); }
  };

  Connection(Target& target, Listener& listener, SSL_SESSION* session = nullptr);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  void ready(std::uint32_t events);
  // Into the buffer, a record each; flush() sends all that it holds.
  void write(const void* data, std::size_t size);
  void flush();
  // Close_notify; the server then ends the connection.
  void say_goodbye();
  bool resumed() const;
  bool established() const { return established_; }
  Target& target() { return target_; }

  Listener* listener;
  std::uint64_t expected = 0;  // the listener's

 private:
  void read_all();
  void shake_hands();

  Target& target_;
  int descriptor_;
  SSL* ssl_ = nullptr;
  BIO* sealed_ = nullptr;  // what waits to be sent, within ssl_
  std::string plain_;      // the same, without TLS
  bool established_ = false;
  bool ended_ = false;
  bool wants_room_ = false;
};

}  // namespace bench::load
