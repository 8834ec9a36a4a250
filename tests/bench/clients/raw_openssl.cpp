// OpenSSL on epoll, with what somebody sets who knows it.
//
//   --mode packed    what is there to be written at once becomes one write
#include "epoll_peer.h"
#include "openssl_channel.h"
#include "openssl_sessions.h"

#include <csignal>

namespace bench {

namespace {

SSL_CTX* make_context(const Options& options) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  require(context != nullptr, "SSL_CTX_new");
  require(SSL_CTX_use_certificate_chain_file(context, options.file("client.pem").c_str()) == 1,
          "client.pem");
  require(SSL_CTX_use_PrivateKey_file(context, options.file("client.key").c_str(),
                                      SSL_FILETYPE_PEM) == 1,
          "client.key");
  require(SSL_CTX_load_verify_locations(context, options.file("ca.pem").c_str(), nullptr) == 1,
          "ca.pem");
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  return context;
}

struct Contexts {
  explicit Contexts(const Options& options)
      : full(make_context(options)), resuming(make_context(options)) {
    sessions.keep_those_of(resuming);
  }

  SSL_CTX* const full;
  SSL_CTX* const resuming;
  OpenSslSessions sessions;
};

class Channel : public OpenSslChannel {
 public:
  Channel(Contexts& contexts, int descriptor, bool resume)
      : OpenSslChannel(resume ? *contexts.resuming : *contexts.full, descriptor) {
    require(SSL_set1_host(&ssl(), "localhost") == 1, "name");
    SSL_set_tlsext_host_name(&ssl(), "localhost");
    if (resume) contexts.sessions.offer_one(&ssl());
  }
};

}  // namespace

}  // namespace bench

int main(int count, char** arguments) {
  const auto options = bench::Options::parse(count, arguments);
  std::signal(SIGPIPE, SIG_IGN);
  bench::Contexts contexts(options);
  return bench::run_client<bench::Channel>(contexts, options);
}
