// sally serve: a server to try clients with.
#include "commands.h"
#include "options.h"
#include "serve_events.h"
#include "serve_server.h"
#include "trace_output.h"

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <pthread.h>
#include <stdexcept>
#include <string>

#include <sallyport/sallyport.hpp>

namespace {

struct Options {
  std::string mode, listen, port_file;
  Identity identity;
  std::int32_t client_auth = SALLY_CLIENT_AUTH_REQUIRE;
  std::int32_t min_version = 0;
  std::int32_t max_version = 0;
  std::uint32_t max_connections = 1024;
  std::uint64_t bytes = 0;
  bool trace = false;
  bool json = false;
};

// SIGINT and SIGTERM, which wait to be asked for: they are blocked on all threads that come after.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  void wait() const {
    int signal = 0;
    while (::sigwait(&set_, &signal) != 0) {
    }
  }

 private:
  sigset_t set_;
};

sally::TlsConfig make_tls(const Options& options) {
  auto tls = sally::TlsConfig::server()
                 .credential(load_credential(options.identity))
                 .client_auth(options.client_auth)
                 .versions(options.min_version, options.max_version);
  if (const auto trust = load_trust(options.identity.ca)) tls.trust(*trust);
  return tls;
}

// Whoever waits for the file finds it whole.
void write_port(const std::string& path, std::uint16_t port) {
  const std::string unfinished = path + ".new";
  std::ofstream file(unfinished);
  file << port << '\n';
  file.close();
  if (!file || std::rename(unfinished.c_str(), path.c_str()) != 0) {
    throw std::runtime_error("cannot write '" + path + "'");
  }
}

sally::StreamListener bind(const Options& options, const sally::TlsConfig& tls) {
  const Endpoint endpoint = parse_endpoint(options.listen);
  sally::ListenerOptions listener{.host = endpoint.host, .service = endpoint.service};
  listener.tls = tls;
  listener.max_connections = options.max_connections;
  listener.max_refusals = 1024;
  return sally::StreamListener::bind(listener);
}

void run(const Options& options) {
  if (options.client_auth != SALLY_CLIENT_AUTH_NONE && options.identity.ca.empty()) {
    throw std::runtime_error("--client-auth optional and required need --client-ca");
  }
  const std::map<std::string, Mode> modes{
      {"echo", Mode::echo}, {"sink", Mode::sink}, {"source", Mode::source}};
  const Signals signals;
  ServeEvents events(options.json);
  sally::TlsConfig tls = make_tls(options);
  std::optional<TraceOutput> output;
  if (options.trace) {
    output.emplace([&events](const sally::TraceRecord& record) { events.traced(record); });
    tls.trace(output->trace());
  }
  auto listener = bind(options, tls);
  const std::uint16_t port = listener.port();
  events.listening(std::string(listener.address()), port, options.mode);
  if (!options.port_file.empty()) write_port(options.port_file, port);
  Server server(std::move(listener), modes.at(options.mode), options.bytes, events);
  server.start();
  signals.wait();
  server.stop();
  output.reset();
  events.stopped();
}

}  // namespace

void add_serve(CLI::App& app) {
  auto options = std::make_shared<Options>();
  const std::map<std::string, std::int32_t> modes{{"none", SALLY_CLIENT_AUTH_NONE},
                                                  {"optional", SALLY_CLIENT_AUTH_REQUEST},
                                                  {"required", SALLY_CLIENT_AUTH_REQUIRE}};
  auto* command = app.add_subcommand("serve", "a server that echoes, swallows or sends bytes");
  command->footer(
      "It serves until it gets SIGINT or SIGTERM.\n"
      "Exit codes: 0 it was ended by a signal; 2 it could not begin: bad usage, an unusable file, "
      "or\n"
      "an address that it cannot listen on.");
  command->add_option("mode", options->mode, "what is done with the bytes of clients")
      ->required()
      ->check(CLI::IsMember({"echo", "sink", "source"}))
      ->type_name("MODE");
  command->add_option("--listen", options->listen, "where; port 0 picks a free one")
      ->required()
      ->check(is_endpoint())
      ->type_name("HOST:PORT");
  add_credential_options(*command, options->identity);
  command->get_option("--cert")->required();
  add_trust_option(*command, options->identity, "--client-ca",
                   "CA of the clients, file or folder; repeatable");
  command
      ->add_option("--client-auth", options->client_auth,
                   "whether clients are asked for a certificate, and need one; default required")
      ->transform(CLI::CheckedTransformer(modes).description("{none,optional,required}"))
      ->type_name("MODE");
  add_version_option(*command, "--tls-min", options->min_version, "lowest TLS version");
  add_version_option(*command, "--tls-max", options->max_version, "highest TLS version");
  command
      ->add_option("--max-connections", options->max_connections,
                   "at the same time; further clients wait in the system's backlog")
      ->check(CLI::Range(1u, 1000000u))
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option("--bytes", options->bytes,
                   "how many source sends to each client; default: until the client is gone")
      ->type_name("N");
  command->add_option("--port-file", options->port_file, "file for the number of the port")
      ->type_name("FILE");
  command->add_flag("--trace", options->trace, "each step of each connection besides");
  command->add_flag("--json", options->json, "what happens, as lines of JSON");
  command->callback([options] { run(*options); });
}
