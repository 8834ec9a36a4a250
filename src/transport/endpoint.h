// Socket addresses, and the names that resolve to them.
#pragma once

#include "status/error.h"

#include <functional>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <vector>

namespace sally::transport {

class EventLoop;

struct Endpoint {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
  std::uint16_t port() const;
};

// "192.0.2.1:4433", "[2001:db8::1%eth0]:4433"
std::string to_string(const Endpoint& endpoint);
// What connections are counted by that may come from one host: the IPv4 address, or the first 64 bits
// of an IPv6 address, since a host has all of such a network to itself.
std::string source_of(const Endpoint& endpoint);
Endpoint local_endpoint(int descriptor);
Endpoint peer_endpoint(int descriptor);

// A literal address without brackets or zone.
bool is_ip_literal(const std::string& host);

struct Resolution {
  std::vector<Endpoint> endpoints;  // in the order in which to try them; empty only with an error
  ErrorRef error;
};

// Asks the system, blocking. Passive: to listen on; an empty host then means every address. One
// endpoint of each kind, streams only.
Resolution resolve(const std::string& host, const std::string& service, bool passive);

// The same on one of a few helper threads, so that a slow name server holds up nobody else; an
// address and a port in digits take none. `done` is called on the loop's thread, later. Destroying
// or cancelling the query means that it is never called (the look-up itself cannot be stopped, and
// its thread is not waited for).
class ResolveQuery {
 public:
  // That the system gives not one thread is an answer, too.
  ResolveQuery(EventLoop& loop, std::string host, std::string service,
               std::function<void(Resolution)> done);
  ~ResolveQuery();  // on the loop's thread
  ResolveQuery(const ResolveQuery&) = delete;
  ResolveQuery& operator=(const ResolveQuery&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sally::transport
