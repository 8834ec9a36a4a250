// GnuTLS on epoll.
#include "epoll_peer.h"

#include <csignal>
#include <gnutls/gnutls.h>

namespace bench {

namespace {

void must(int result, const char* what) {
  if (result < 0) throw std::runtime_error(std::string(what) + ": " + gnutls_strerror(result));
}

struct Setup {
  gnutls_certificate_credentials_t credentials{};
  gnutls_priority_t priorities{};
  std::vector<gnutls_datum_t> sessions;
};

class GnuTlsChannel {
 public:
  GnuTlsChannel(Setup& setup, int descriptor, bool resume) : setup_(setup), resume_(resume) {
    must(gnutls_init(&session_, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL), "init");
    must(gnutls_priority_set(session_, setup.priorities), "priorities");
    must(gnutls_credentials_set(session_, GNUTLS_CRD_CERTIFICATE, setup.credentials),
         "credentials");
    gnutls_session_set_verify_cert(session_, "localhost", 0);
    must(gnutls_server_name_set(session_, GNUTLS_NAME_DNS, "localhost", 9), "name");
    gnutls_transport_set_int(session_, descriptor);
    if (!resume || setup.sessions.empty()) return;
    const gnutls_datum_t kept = setup.sessions.back();
    setup.sessions.pop_back();
    must(gnutls_session_set_data(session_, kept.data, kept.size), "session");
    gnutls_free(kept.data);
  }
  GnuTlsChannel(const GnuTlsChannel&) = delete;
  GnuTlsChannel& operator=(const GnuTlsChannel&) = delete;
  ~GnuTlsChannel() { gnutls_deinit(session_); }

  Step shake_hands() {
    const int result = gnutls_handshake(session_);
    return result == 0 ? Step::done : waited(result);
  }
  Step read(void* buffer, std::size_t capacity, std::size_t& size) {
    const ssize_t result = gnutls_record_recv(session_, buffer, capacity);
    if (result > 0) size = static_cast<std::size_t>(result);
    return result > 0 ? Step::done : waited(result);
  }
  Step write(const void* data, std::size_t wanted, std::size_t& size) {
    const ssize_t result = gnutls_record_send(session_, data, wanted);
    if (result > 0) size = static_cast<std::size_t>(result);
    return result > 0 ? Step::done : waited(result);
  }
  bool has_more() { return gnutls_record_check_pending(session_) > 0; }
  Step close() {
    const int result = gnutls_bye(session_, GNUTLS_SHUT_RDWR);
    if (result != 0) return waited(result);
    if (resume_ && (gnutls_session_get_flags(session_) & GNUTLS_SFLAGS_SESSION_TICKET) != 0) {
      gnutls_datum_t kept{};
      must(gnutls_session_get_data2(session_, &kept), "session");
      setup_.sessions.push_back(kept);
    }
    return Step::done;
  }

 private:
  Step waited(ssize_t result) {
    if (result == 0 || gnutls_error_is_fatal(static_cast<int>(result)) != 0) return Step::end;
    return gnutls_record_get_direction(session_) == 1 ? Step::want_write : Step::want_read;
  }

  Setup& setup_;
  const bool resume_;
  gnutls_session_t session_{};
};

}  // namespace

}  // namespace bench

int main(int count, char** arguments) {
  using bench::must;
  const auto options = bench::Options::parse(count, arguments);
  std::signal(SIGPIPE, SIG_IGN);
  bench::Setup setup;
  must(gnutls_certificate_allocate_credentials(&setup.credentials), "credentials");
  must(gnutls_certificate_set_x509_trust_file(setup.credentials, options.file("ca.pem").c_str(),
                                              GNUTLS_X509_FMT_PEM),
       "ca.pem");
  must(
      gnutls_certificate_set_x509_key_file(setup.credentials, options.file("client.pem").c_str(),
                                           options.file("client.key").c_str(), GNUTLS_X509_FMT_PEM),
      "client.pem");
  must(gnutls_priority_init(&setup.priorities, nullptr, nullptr), "priorities");
  return bench::run_client<bench::GnuTlsChannel>(setup, options);
}
