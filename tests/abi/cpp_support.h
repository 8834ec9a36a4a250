// What the tests of the C++ wrappers share: streams over loopback, and a way to look at what is
// thrown.
#pragma once

#include "lib/zoo.h"

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

#include <sallyport/sallyport.hpp>

namespace sally::cpp {

using namespace std::chrono_literals;

// No test waits longer than this for what should happen at once.
inline constexpr auto soon = 30s;

using test::Zoo;

inline sally::Credential credential(const std::string& name) {
  return sally::Credential::from_files(Zoo::chain_path(name), Zoo::key_path(name));
}

inline sally::TrustStore trust() {
  return sally::TrustStore::from_file(Zoo::ca_path("ca-root"));
}

inline sally::TlsConfig server_config() {
  return sally::TlsConfig::server()
      .credential(credential("server-good"))
      .trust(trust())
      .client_auth(SALLY_CLIENT_AUTH_REQUIRE);
}

// A client that the server of above lets in, and one without a certificate.
inline sally::TlsConfig anonymous_config() {
  return sally::TlsConfig::client().trust(trust());
}
inline sally::TlsConfig client_config() {
  return anonymous_config().credential(credential("client-good"));
}

inline sally::StreamListener listen(const sally::TlsConfig& tls = server_config()) {
  return sally::StreamListener::bind("127.0.0.1", "0", tls);
}

inline sally::StreamSocket connect(std::uint16_t port,
                                   const sally::TlsConfig& tls = client_config()) {
  return sally::StreamSocket::connect({.host = "127.0.0.1",
                                       .service = std::to_string(port),
                                       .tls = tls,
                                       .verify_name = "localhost"},
                                      soon);
}
inline sally::StreamSocket connect(const sally::StreamListener& listener,
                                   const sally::TlsConfig& tls = client_config()) {
  return connect(listener.port(), tls);
}

struct Pair {
  sally::StreamListener listener = listen();
  sally::StreamSocket client = connect(listener);
  sally::StreamSocket server = listener.accept(soon);
};

// Not under TLS before it is upgraded.
struct PlainPair {
  sally::StreamListener listener =
      sally::StreamListener::bind({.host = "127.0.0.1", .service = "0", .plain = true});
  sally::StreamSocket client = sally::StreamSocket::connect(
      {.host = "127.0.0.1", .service = std::to_string(listener.port()), .plain = true}, soon);
  sally::StreamSocket server = listener.accept(soon);
};

// The error that `action` throws.
template <class Action>
sally::Error error_of(Action&& action) {
  try {
    static_cast<void>(action());
  } catch (const sally::Error& error) {
    return error;
  }
  throw std::logic_error("nothing was thrown");
}

template <class Action>
sally_status status_of(Action&& action) {
  return error_of(std::forward<Action>(action)).status();
}

}  // namespace sally::cpp
