/*
 * For gnutls-serv, which listens on every address and does not say on which port: loaded into it,
 * this binds to loopback instead, and tells.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int bind(int descriptor, const struct sockaddr *address, socklen_t size) {
  int (*real)(int, const struct sockaddr *, socklen_t);
  *(void **)&real = dlsym(RTLD_NEXT, "bind");
  if (address->sa_family == AF_INET && size >= sizeof(struct sockaddr_in)) {
    struct sockaddr_in local;
    memcpy(&local, address, sizeof local);
    local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return real(descriptor, (const struct sockaddr *)&local, sizeof local);
  }
  if (address->sa_family == AF_INET6 && size >= sizeof(struct sockaddr_in6)) {
    struct sockaddr_in6 local;
    memcpy(&local, address, sizeof local);
    local.sin6_addr = in6addr_loopback;
    return real(descriptor, (const struct sockaddr *)&local, sizeof local);
  }
  return real(descriptor, address, size);
}

int listen(int descriptor, int backlog) {
  struct sockaddr_in address;
  socklen_t size = sizeof address;
  int (*real)(int, int);
  *(void **)&real = dlsym(RTLD_NEXT, "listen");
  const int result = real(descriptor, backlog);
  if (getsockname(descriptor, (struct sockaddr *)&address, &size) == 0 &&
      address.sin_family == AF_INET) {
    dprintf(2, "\nlistening on 127.0.0.1:%d\n", ntohs(address.sin_port));
  }
  return result;
}
