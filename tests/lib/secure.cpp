#include "lib/secure.h"

#include "lib/zoo.h"

#include <algorithm>
#include <stdexcept>

namespace sally::test {

namespace {

void expect(const Result& result, const char* what) {
  if (!result.ok())
    throw std::runtime_error(std::string(what) + ": " + sally_error_json(result.error.get()));
}

Owned<sally_tls_config> make_config(std::int32_t role, const TlsSetup& setup) {
  Owned<sally_tls_config> config;
  expect(called([&](sally_error** error) {
           return sally_tls_config_create(role, Out(config), error);
         }),
         "config");
  if (!setup.credential.empty()) {
    const auto credential = Zoo::credential(setup.credential);
    expect(called([&](sally_error** error) {
             return sally_tls_config_add_credential(config.get(), credential.get(), error);
           }),
           "credential");
  }
  if (!setup.trust.empty()) {
    const auto trust = Zoo::trust(setup.trust);
    expect(called([&](sally_error** error) {
             return sally_tls_config_set_trust(config.get(), trust.get(), error);
           }),
           "trust");
  }
  if (setup.client_auth != 0) {
    expect(called([&](sally_error** error) {
             return sally_tls_config_set_client_auth(config.get(), setup.client_auth, error);
           }),
           "client auth");
  }
  expect(called([&](sally_error** error) {
           return sally_tls_config_set_versions(config.get(), setup.min_version, setup.max_version,
                                                error);
         }),
         "versions");
  expect(called([&](sally_error** error) {
           return sally_tls_config_set_alpn(config.get(), setup.alpn.data(), setup.alpn.size(),
                                            error);
         }),
         "ALPN");
  return config;
}

}  // namespace

Owned<sally_tls_config> client_config(const TlsSetup& setup) {
  return make_config(SALLY_ROLE_CLIENT, setup);
}
Owned<sally_tls_config> server_config(const TlsSetup& setup) {
  return make_config(SALLY_ROLE_SERVER, setup);
}

Stream::Stream(sally_tls_config* config, const std::string& host, const std::string& service,
               const std::string& verify_name) {
  sally_stream_options options{};
  options.struct_size = sizeof options;
  options.host = host.c_str();
  options.verify_name = verify_name.c_str();
  options.service = service.c_str();
  options.tls = config;
  expect(called([&](sally_error** error) {
           return sally_stream_create(&options, Out(handle_), error);
         }),
         "stream");
}

Result Stream::connect(std::int64_t timeout_ms) {
  return called(
      [&](sally_error** error) { return sally_stream_connect(get(), timeout_ms, error); });
}

Result Stream::read_some(std::string& bytes, std::size_t capacity, std::int64_t timeout_ms) {
  bytes.resize(capacity);
  std::size_t size = 0;
  Result result = called([&](sally_error** error) {
    return sally_stream_read_some(get(), bytes.data(), capacity, &size, timeout_ms, error);
  });
  bytes.resize(size);
  return result;
}

Result Stream::read_status(std::int64_t timeout_ms) {
  std::string thrown_away;
  return read_some(thrown_away, 4096, timeout_ms);
}

std::string Stream::read_text(std::size_t size, std::int64_t timeout_ms) {
  std::string text;
  std::string part;
  // A record at a time comes, and a buffer as large as the rest would be cleared for each.
  constexpr std::size_t most = 64 << 10;
  while (text.size() < size &&
         read_some(part, std::min(size - text.size(), most), timeout_ms).ok()) {
    text += part;
  }
  return text;
}

Result Stream::write(std::string_view data, std::int64_t timeout_ms, std::size_t* taken) {
  std::size_t ignored = 0;
  return called([&](sally_error** error) {
    return sally_stream_write(get(), data.data(), data.size(), 0,
                              taken != nullptr ? taken : &ignored, timeout_ms, error);
  });
}

Result Stream::shutdown(std::int64_t timeout_ms) {
  return called(
      [&](sally_error** error) { return sally_stream_shutdown(get(), timeout_ms, error); });
}

Result Stream::close(std::int64_t timeout_ms) {
  return called([&](sally_error** error) { return sally_stream_close(get(), timeout_ms, error); });
}

Result Stream::cancel(std::uint32_t directions) {
  return called([&](sally_error** error) { return sally_stream_cancel(get(), directions, error); });
}

Owned<sally_stream_info> Stream::info(Result* result) const {
  Owned<sally_stream_info> info;
  Result outcome =
      called([&](sally_error** error) { return sally_stream_copy_info(get(), Out(info), error); });
  if (result != nullptr) *result = std::move(outcome);
  return info;
}

Listener::Listener(const Owned<sally_tls_config>& config, sally_listener_options options) {
  options.struct_size = sizeof options;
  if (options.host == nullptr) options.host = "127.0.0.1";
  if (options.service == nullptr) options.service = "0";
  options.tls = config.get();
  expect(called([&](sally_error** error) {
           return sally_listener_bind(&options, Out(handle_), error);
         }),
         "listener");
}

Stream Listener::accept(std::int64_t timeout_ms, Result* result) {
  Owned<sally_stream> stream;
  Result outcome = called([&](sally_error** error) {
    return sally_listener_accept(get(), timeout_ms, Out(stream), error);
  });
  if (result != nullptr) *result = std::move(outcome);
  return Stream(std::move(stream));
}

Result Listener::accept_status(std::int64_t timeout_ms) {
  Result result;
  accept(timeout_ms, &result);
  return result;
}

Refusal Listener::next_refusal(std::int64_t timeout_ms) {
  Refusal refusal;
  Owned<sally_bytes> peer;
  refusal.result = called([&](sally_error** error) {
    return sally_listener_next_refusal(get(), timeout_ms, Out(peer), Out(refusal.why), error);
  });
  if (peer) refusal.peer = static_cast<const char*>(sally_bytes_data(peer.get()));
  return refusal;
}

Result Listener::close() {
  return called([&](sally_error** error) { return sally_listener_close(get(), error); });
}

Pair tls_pair(std::int32_t version) {
  Listener listener(server_config());
  const auto client =
      client_config({.credential = "client-good", .min_version = version, .max_version = version});
  return connect_pair(listener, client.get());
}

Pair connect_pair(Listener& listener, sally_tls_config* client) {
  Pair pair{listener.stream(client), {}};
  expect(pair.client.connect(), "connect");
  Result accepted;
  pair.server = listener.accept(generous_ms, &accepted);
  expect(accepted, "accept");
  return pair;
}

std::string pattern(std::size_t size, std::uint32_t seed) {
  std::string bytes(size, '\0');
  std::uint32_t state = seed * 2654435761u + 1;
  for (char& byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

}  // namespace sally::test
