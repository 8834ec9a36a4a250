// echo_client: connects with a client certificate, sends messages, and prints what comes back.
//
// It shows how to connect, what there is to know about a connection, and what an error says about
// itself.
#include "options.hpp"

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <unistd.h>
#include <vector>

#include <sallyport/sallyport.hpp>

namespace {

struct Options : TlsOptions {
  std::string connect, name, passphrase;
  std::vector<std::string> messages;
  std::uint32_t timeout_ms = 0;  // each operation has its default
};

sally::Credential load_credential(const Options& options) {
  const std::string& key = options.key.empty() ? options.cert : options.key;
  return options.passphrase.empty()
             ? sally::Credential::from_files(options.cert, key)
             : sally::Credential::from_files(options.cert, key, options.passphrase);
}

sally::TlsConfig make_tls(const Options& options) {
  auto tls = sally::TlsConfig::client().versions(options.min_version, options.max_version);
  // Without a trust store of its own, the config trusts the system's.
  if (!options.ca.empty()) tls.trust(sally::TrustStore::from_file(options.ca));
  if (!options.cert.empty()) tls.credential(load_credential(options));
  if (!options.alpn.empty()) tls.alpn(options.alpn);
  return tls;
}

void print(const sally::StreamInfo& info) {
  const auto certificate = info.peer_certificate();
  std::cout << "connected " << info.peer_address() << ' ' << info.version_name() << ' '
            << info.suite() << ' ' << or_dash(info.group()) << " alpn=" << or_dash(info.alpn())
            << " server=\"" << (certificate ? certificate->subject() : "")
            << "\" client-certificate="
            << (info.client_certificate_sent()        ? "sent"
                : info.client_certificate_requested() ? "not-sent"
                                                      : "not-asked")
            << " id=" << info.correlation_id() << std::endl;
}

// Sends some bytes and waits for as many to come back.
void echo(sally::StreamSocket& socket, std::string& bytes, sally::Timeout timeout) {
  socket.write(bytes, timeout);
  socket.read_exactly(bytes, timeout);
}

void echo_standard_input(sally::StreamSocket& socket, sally::Timeout timeout) {
  std::array<char, 4096> buffer;
  ssize_t size;
  while ((size = ::read(STDIN_FILENO, buffer.data(), buffer.size())) > 0) {
    std::string bytes(buffer.data(), static_cast<std::size_t>(size));
    echo(socket, bytes, timeout);
    std::cout << bytes << std::flush;
  }
}

void run(const Options& options) {
  const Endpoint endpoint = split_endpoint(options.connect);
  // No time-out was asked for: each operation has its default.
  const auto timeout =
      options.timeout_ms == 0 ? sally::Timeout() : std::chrono::milliseconds(options.timeout_ms);
  auto socket = sally::StreamSocket::connect({.host = endpoint.host,
                                              .service = endpoint.port,
                                              .tls = make_tls(options),
                                              .verify_name = options.name},
                                             timeout);
  // In TLS 1.3 the server has not yet judged the client's certificate here: a refusal comes with
  // the first read or write.
  print(socket.info());

  for (std::string message : options.messages) {
    echo(socket, message, timeout);
    std::cout << "echo: " << message << std::endl;
  }
  if (options.messages.empty()) echo_standard_input(socket, timeout);
  // Not left to the destructor: this waits until the server has closed too, and so has got
  // everything.
  socket.close(timeout);
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Sends messages to an echo server, over TLS with a client certificate.");
  app.add_option("--connect", options.connect, "HOST:PORT")->required()->check(check_endpoint);
  add_options(app, options);
  app.add_option("--passphrase", options.passphrase, "of the private key");
  app.add_option("--name", options.name,
                 "name that the server's certificate must bear, if not that of --connect");
  app.add_option("--message", options.messages,
                 "what to send; repeatable; without it, standard input")
      ->allow_extra_args(false);
  app.add_option("--timeout", options.timeout_ms, "milliseconds for each operation");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }

  try {
    run(options);
  } catch (const sally::Error& error) {
    report(error, options.json);
    return 1;
  }
}
