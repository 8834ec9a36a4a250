// echo_server_coro: the echo server with coroutines: each client is served by a function that reads
// like a loop, and none has a thread of its own. It ends when it is killed.
#include "options.hpp"

#include <CLI/CLI.hpp>
#include <array>
#include <exception>
#include <iostream>
#include <span>
#include <string>

#include <sallyport/sallyport.hpp>

sally::Task<> serve(sally::StreamSocket peer) {
  std::array<std::byte, 16384> buffer;
  while (const std::size_t size = co_await peer.async_read_some(buffer)) {
    co_await peer.async_write(std::span(buffer).first(size));
  }
  co_await peer.async_close();
}

void tell(const std::string& peer, std::exception_ptr failure) try {
  if (failure) std::rethrow_exception(failure);
  std::cout << "closed " + peer + '\n' << std::flush;
} catch (const sally::Error& error) {
  std::cout << "failed " + peer + ' ' + error.what() + '\n' << std::flush;
}

sally::Task<> accept(sally::StreamListener& listener) {
  while (true) {
    auto peer = co_await listener.async_accept();
    const sally::StreamInfo info = peer.info();
    const std::string name(info.peer_address());
    std::cout << "accepted " + name + '\n' << std::flush;
    sally::spawn(serve(std::move(peer)), [name](std::exception_ptr why) { tell(name, why); });
  }
}

int main(int argc, char** argv) try {
  std::string where = "127.0.0.1:4433", cert, key, ca;
  CLI::App app("Echoes what its clients send, over TLS with client certificates.");
  app.add_option("--listen", where, "HOST:PORT; port 0 picks one")->check(check_endpoint);
  app.add_option("--cert", cert, "certificate chain of this side (PEM)")->required();
  app.add_option("--key", key, "its private key (PEM)")->required();
  app.add_option("--ca", ca, "CA of the clients (PEM)")->required();
  CLI11_PARSE(app, argc, argv);
  auto tls = sally::TlsConfig::server()
                 .credential(sally::Credential::from_files(cert, key))
                 .trust(sally::TrustStore::from_file(ca))
                 .client_auth(SALLY_CLIENT_AUTH_REQUIRE);
  const Endpoint endpoint = split_endpoint(where);
  auto listener = sally::StreamListener::bind(endpoint.host, endpoint.port, tls);
  std::cout << "listening on " << listener.address() << std::endl;
  sally::sync_wait(accept(listener));
} catch (const sally::Error& error) {
  report(error, /*json=*/false);
  return 1;
}
