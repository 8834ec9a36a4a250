// Secure sockets for tests: the C ABI with owners, results, and time-outs that end a test which
// would hang.
#pragma once

#include "lib/handles.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sally::test {

// Longer than anything takes that works, on a slow machine under a sanitizer; shorter than a test's
// time limit.
inline constexpr std::int64_t generous_ms = 30'000;
// For what must time out.
inline constexpr std::int64_t short_ms = 50;

struct TlsSetup {
  std::string credential{};  // an entry of the zoo; "" for none
  std::string trust = "ca-root";
  std::int32_t client_auth = 0;
  std::int32_t min_version = 0;
  std::int32_t max_version = 0;
  std::vector<const char*> alpn{};
};

// Throw where a setter fails.
Owned<sally_tls_config> client_config(const TlsSetup& setup = {.credential = "client-good"});
Owned<sally_tls_config> server_config(const TlsSetup& setup = {
                                          .credential = "server-good",
                                          .client_auth = SALLY_CLIENT_AUTH_REQUIRE});

class Stream {
 public:
  Stream() = default;
  explicit Stream(Owned<sally_stream> stream) : handle_(std::move(stream)) {}
  // Not yet connected; throws where it cannot be made.
  Stream(sally_tls_config* config, const std::string& host, const std::string& service,
         const std::string& verify_name = "localhost");

  Result connect(std::int64_t timeout_ms = generous_ms);
  Result read_some(std::string& bytes, std::size_t capacity, std::int64_t timeout_ms = generous_ms);
  // What the next read answers; the bytes that it may bring are thrown away.
  Result read_status(std::int64_t timeout_ms = generous_ms);
  // Exactly `size` bytes, or fewer where a read fails.
  std::string read_text(std::size_t size, std::int64_t timeout_ms = generous_ms);
  Result write(std::string_view data, std::int64_t timeout_ms = generous_ms,
               std::size_t* taken = nullptr);
  Result shutdown(std::int64_t timeout_ms = generous_ms);
  Result close(std::int64_t timeout_ms = generous_ms);
  Result cancel(std::uint32_t directions);
  Owned<sally_stream_info> info(Result* result = nullptr) const;

  sally_stream* get() const { return handle_.get(); }
  void release() { handle_.reset(); }

 private:
  Owned<sally_stream> handle_;
};

struct Refusal {
  Result result;       // of the call that took it
  std::string peer{};  // address
  Owned<sally_error> why{};

  sally_status status() const { return sally_error_status(why.get()); }
};

class Listener {
 public:
  // On 127.0.0.1 and a free port, with the options given; throws where it cannot be made.
  explicit Listener(const Owned<sally_tls_config>& config, sally_listener_options options = {});

  std::uint16_t port() const { return sally_listener_port(handle_.get()); }
  std::string service() const { return std::to_string(port()); }
  // Of this listener, by address, under the name of the zoo's good servers.
  Stream stream(sally_tls_config* config) const { return Stream(config, "127.0.0.1", service()); }
  Stream accept(std::int64_t timeout_ms = generous_ms, Result* result = nullptr);
  Result accept_status(std::int64_t timeout_ms = generous_ms);
  Refusal next_refusal(std::int64_t timeout_ms = generous_ms);
  Result close();

  sally_listener* get() const { return handle_.get(); }
  void release() { handle_.reset(); }

 private:
  Owned<sally_listener> handle_;
};

// The two ends of an established connection under mutual TLS.
struct Pair {
  Stream client;
  Stream server;
};
Pair tls_pair(std::int32_t version = SALLY_TLS_1_3);
// Throws where either end does not come about.
Pair connect_pair(Listener& listener, sally_tls_config* client);

// `size` bytes that differ by place and by seed, so that what is lost, doubled or mixed up shows.
std::string pattern(std::size_t size, std::uint32_t seed = 1);

}  // namespace sally::test
