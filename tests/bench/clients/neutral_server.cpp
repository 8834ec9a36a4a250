// What the clients talk to: OpenSSL on epoll, as tuned as the server `raw`. It pins what is agreed on,
// so that nobody's client is compared with what another one would pick, and sends and checks bytes by
// the Pattern. A line on its standard input asks what it has seen since it began; it answers in JSON.
#include "epoll_server.h"
#include "openssl_server.h"

#include <atomic>
#include <csignal>
#include <iostream>
#include <mutex>
#include <thread>

namespace bench {

namespace {

struct Seen {
  std::atomic<std::uint64_t> handshakes = 0, resumed = 0, refused = 0;
  std::mutex mutex;
  std::string agreed;  // with the last one whose handshake was full
};
Seen seen;

class WitnessChannel : public OpenSslChannel {
 public:
  using OpenSslChannel::OpenSslChannel;

  Step shake_hands() {
    const Step step = OpenSslChannel::shake_hands();
    if (step == Step::end) ++seen.refused;
    if (step != Step::done) return step;
    ++seen.handshakes;
    if (SSL_session_reused(&ssl()) == 1) {
      ++seen.resumed;
      return step;
    }
    const std::lock_guard lock(seen.mutex);
    seen.agreed = std::string(SSL_get_version(&ssl())) + " " + SSL_get_cipher_name(&ssl()) + " " +
                  OBJ_nid2sn(static_cast<int>(SSL_get_negotiated_group(&ssl())));
    return step;
  }
};

void tell() {
  for (std::string line; std::getline(std::cin, line);) {
    const std::lock_guard lock(seen.mutex);
    std::cout << "{\"handshakes\":" << seen.handshakes << ",\"resumed\":" << seen.resumed
              << ",\"refused\":" << seen.refused << ",\"agreed\":\"" << seen.agreed << "\"}"
              << std::endl;
  }
  std::_Exit(0);  // nobody is left who would ask
}

void pin(SSL_CTX* context) {
  require(SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1, "version");
  require(SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") == 1, "suite");
  require(SSL_CTX_set1_groups_list(context, "X25519") == 1, "group");
  require(SSL_CTX_set1_sigalgs_list(context, "ECDSA+SHA256") == 1, "signatures");
}

}  // namespace

}  // namespace bench

int main(int count, char** arguments) {
  const auto options = bench::Options::parse(count, arguments);
  std::signal(SIGPIPE, SIG_IGN);
  SSL_CTX* context = bench::make_server_context(options);
  bench::pin(context);
  std::thread(&bench::tell).detach();
  bench::serve_all<bench::WitnessChannel>(*context, options, {.gathers = true, .strict = true});
}
