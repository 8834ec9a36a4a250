#include "transport/endpoint.h"

#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <net/if.h>
#include <netinet/in.h>

namespace sally::transport {

namespace {

std::string format_ipv4(const sockaddr_in& address) {
  std::array<char, INET_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
  return text.data();
}

std::string format_ipv6(const sockaddr_in6& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET6, &address.sin6_addr, text.data(), text.size());
  std::string result = text.data();
  if (address.sin6_scope_id == 0) return result;
  std::array<char, IF_NAMESIZE> zone{};
  const char* name = ::if_indextoname(address.sin6_scope_id, zone.data());
  return result + '%' + (name != nullptr ? name : std::to_string(address.sin6_scope_id));
}

// The system's structures are told apart by their first member, so they are copied out rather than
// pointed into.
template <class Address>
Address as(const Endpoint& endpoint) {
  static_assert(sizeof(Address) <= sizeof endpoint.storage);
  Address address;
  std::memcpy(&address, &endpoint.storage, sizeof address);
  return address;
}

template <class Call>
Endpoint ask(Call call, int descriptor) {
  Endpoint endpoint;
  endpoint.size = sizeof endpoint.storage;
  if (call(descriptor, reinterpret_cast<sockaddr*>(&endpoint.storage), &endpoint.size) != 0)
    return {};
  return endpoint;
}

}  // namespace

std::uint16_t Endpoint::port() const {
  if (family() == AF_INET) return ntohs(as<sockaddr_in>(*this).sin_port);
  if (family() == AF_INET6) return ntohs(as<sockaddr_in6>(*this).sin6_port);
  return 0;
}

std::string to_string(const Endpoint& endpoint) {
  const auto port = ':' + std::to_string(endpoint.port());
  if (endpoint.family() == AF_INET) return format_ipv4(as<sockaddr_in>(endpoint)) + port;
  if (endpoint.family() == AF_INET6)
    return '[' + format_ipv6(as<sockaddr_in6>(endpoint)) + ']' + port;
  return {};
}

std::string source_of(const Endpoint& endpoint) {
  if (endpoint.family() == AF_INET) return format_ipv4(as<sockaddr_in>(endpoint));
  if (endpoint.family() != AF_INET6) return {};
  sockaddr_in6 address = as<sockaddr_in6>(endpoint);
  address.sin6_scope_id = 0;
  // A mapped IPv4 address differs in its end only.
  if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr) == 0) {
    std::memset(&address.sin6_addr.s6_addr[8], 0, 8);
  }
  return format_ipv6(address);
}

Endpoint local_endpoint(int descriptor) {
  return ask(::getsockname, descriptor);
}
Endpoint peer_endpoint(int descriptor) {
  return ask(::getpeername, descriptor);
}

bool is_ip_literal(const std::string& host) {
  if (host.find('\0') != std::string::npos) return false;
  in6_addr address;
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

}  // namespace sally::transport
