// OpenSSL on epoll.
//
//   --mode tuned     what somebody sets who knows it (the default)
//   --mode packed    the same, and what was read in several records is echoed in as few as will do
//   --mode defaults  as SSL_CTX_new gives it
#include "epoll_server.h"
#include "openssl_server.h"

#include <csignal>

int main(int count, char** arguments) {
  const auto options = bench::Options::parse(count, arguments);
  std::signal(SIGPIPE, SIG_IGN);
  SSL_CTX* context = bench::make_server_context(options);
  bench::serve_all<bench::OpenSslChannel>(*context, options, {.gathers = options.mode == "packed"});
}
