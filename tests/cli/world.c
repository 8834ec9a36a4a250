/* Another world for one program, by LD_PRELOAD: WORLD_TIME is its clock, in seconds since 1970, the name
 * "many.test" has the addresses 127.0.0.1 and 127.0.0.2, and 192.0.2.1 (RFC 5737) is 127.0.0.1. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

static time_t world_time(void) {
  const char* text = getenv("WORLD_TIME");
  return text == NULL ? 0 : (time_t)atoll(text);
}

int clock_gettime(clockid_t clock, struct timespec* now) {
  int (*real)(clockid_t, struct timespec*);
  *(void**)&real = dlsym(RTLD_NEXT, "clock_gettime");
  const int failed = real(clock, now);
  if (clock == CLOCK_REALTIME && world_time() != 0) now->tv_sec = world_time();
  return failed;
}

time_t time(time_t* now) {
  struct timespec real;
  clock_gettime(CLOCK_REALTIME, &real);
  if (now != NULL) *now = real.tv_sec;
  return real.tv_sec;
}

int gettimeofday(struct timeval* now, void* zone) {
  (void)zone;
  now->tv_sec = time(NULL);
  now->tv_usec = 0;
  return 0;
}

int getaddrinfo(const char* host, const char* service, const struct addrinfo* hints,
                struct addrinfo** found) {
  int (*real)(const char*, const char*, const struct addrinfo*, struct addrinfo**);
  *(void**)&real = dlsym(RTLD_NEXT, "getaddrinfo");
  if (host == NULL || strcmp(host, "many.test") != 0) return real(host, service, hints, found);
  int failed = real("127.0.0.1", service, hints, found);
  if (failed != 0) return failed;
  struct addrinfo* last = *found;
  while (last->ai_next != NULL) last = last->ai_next;
  return real("127.0.0.2", service, hints, &last->ai_next);
}

int connect(int socket, const struct sockaddr* address, socklen_t size) {
  int (*real)(int, const struct sockaddr*, socklen_t);
  *(void**)&real = dlsym(RTLD_NEXT, "connect");
  struct sockaddr_in here;
  if (address->sa_family != AF_INET || size != sizeof here) return real(socket, address, size);
  memcpy(&here, address, sizeof here);
  if (here.sin_addr.s_addr == inet_addr("192.0.2.1")) here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return real(socket, (const struct sockaddr*)&here, sizeof here);
}
