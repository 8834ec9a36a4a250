// A network of a child's own, in which names and routes can fail as they do elsewhere: Linux
// namespaces, made without any privilege where the system allows it.
#pragma once

#include "abi/fork_support.h"

#if defined(__linux__)

#include <arpa/inet.h>
#include <array>
#include <cstdlib>
#include <cstring>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <net/route.h>
#include <sched.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <thread>

namespace sally::test {

// Leaves the child with a loopback interface that is down, no route and no name server. False where
// the system does not allow it.
inline bool leave_the_network() {
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) != 0) return false;
  return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
}

// A reason to skip; nullptr where children can have networks of their own.
inline const char* isolation_is_missing() {
  if (!child_may_start_threads) return "a child of this build cannot start threads";
  if (!in_child(leave_the_network)) return "this system allows no namespaces";
  return nullptr;
}

// Puts a file of this content in the place of another one, for this child only.
inline bool stand_in(const char* path, const std::string& content) {
  std::string name = "/tmp/sallyport-stand-in-XXXXXX";
  const int descriptor = ::mkstemp(name.data());
  if (descriptor < 0) return false;
  const auto size = static_cast<ssize_t>(content.size());
  const bool written = ::write(descriptor, content.data(), content.size()) == size;
  ::close(descriptor);
  const bool mounted = written && ::mount(name.c_str(), path, nullptr, MS_BIND, nullptr) == 0;
  ::unlink(name.c_str());
  return mounted;
}

inline bool ask_only(const char* name_server) {
  const std::string server = name_server;
  return stand_in("/etc/nsswitch.conf", "hosts: files dns\nservices: files\n") &&
         stand_in("/etc/resolv.conf", "nameserver " + server + "\noptions timeout:1 attempts:1\n");
}

inline bool switch_loopback_on() {
  const int descriptor = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strncpy(request.ifr_name, "lo", sizeof request.ifr_name - 1);
  request.ifr_flags = IFF_UP;
  const bool done = ::ioctl(descriptor, SIOCSIFFLAGS, &request) == 0;
  ::close(descriptor);
  return done;
}

inline sockaddr_in address_of(const char* text, std::uint16_t port = 0) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  ::inet_pton(AF_INET, text, &address.sin_addr);
  return address;
}

// Packets to the host are turned away, as a router does that knows no way.
inline bool reject(const char* host) {
  const int descriptor = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  rtentry route{};
  const auto set = [](sockaddr& field, const char* text) {
    const sockaddr_in address = address_of(text);
    std::memcpy(&field, &address, sizeof address);
  };
  set(route.rt_dst, host);
  set(route.rt_genmask, "255.255.255.255");
  route.rt_flags = RTF_UP | RTF_HOST | RTF_REJECT;
  const bool done = ::ioctl(descriptor, SIOCADDRT, &route) == 0;
  ::close(descriptor);
  return done;
}

// A name server on 127.0.0.1 that knows every name, and no address of any. It ends with the child.
inline bool serve_names_without_addresses() {
  const int descriptor = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const sockaddr_in own = address_of("127.0.0.1", 53);
  if (::bind(descriptor, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) return false;
  std::thread([descriptor] {
    std::array<unsigned char, 512> message{};
    for (;;) {
      sockaddr_in client{};
      socklen_t length = sizeof client;
      auto* from = reinterpret_cast<sockaddr*>(&client);
      const ssize_t size = ::recvfrom(descriptor, message.data(), message.size(), 0, from, &length);
      if (size < 12) return;
      // RFC 1035 section 4.1.1: an answer, recursion was done, no error; the question alone.
      message[2] = 0x81;
      message[3] = 0x80;
      ::sendto(descriptor, message.data(), static_cast<std::size_t>(size), 0, from, length);
    }
  }).detach();
  return true;
}

// Ends the connection of which this is one end, at its other end, as an administrator does with
// `ss --kill`. False where the kernel was not made for it.
inline bool end_as_an_administrator(int descriptor) {
  sockaddr_in far{};
  sockaddr_in near{};
  socklen_t length = sizeof far;
  ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&far), &length);
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&near), &length);
  struct {
    nlmsghdr header;
    inet_diag_req_v2 request;
  } message{};
  message.header.nlmsg_len = sizeof message;
  message.header.nlmsg_type = SOCK_DESTROY;
  message.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  message.request.sdiag_family = AF_INET;
  message.request.sdiag_protocol = IPPROTO_TCP;
  message.request.idiag_states = ~0U;
  message.request.id.idiag_sport = far.sin_port;
  message.request.id.idiag_dport = near.sin_port;
  message.request.id.idiag_src[0] = far.sin_addr.s_addr;
  message.request.id.idiag_dst[0] = near.sin_addr.s_addr;
  std::memset(message.request.id.idiag_cookie, 0xFF, sizeof message.request.id.idiag_cookie);
  const int link = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  struct {
    nlmsghdr header;
    nlmsgerr error;
  } answer{};
  const bool answered = ::send(link, &message, sizeof message, 0) == sizeof message &&
                        ::recv(link, &answer, sizeof answer, 0) >= ssize_t{sizeof answer};
  ::close(link);
  return answered && answer.header.nlmsg_type == NLMSG_ERROR && answer.error.error == 0;
}

}  // namespace sally::test

#endif
