// sally connect: standard input and output over a socket.
#include "commands.h"
#include "options.h"
#include "pump.h"
#include "report.h"
#include "starttls.h"
#include "terminal.h"
#include "trace_output.h"

#include <csignal>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unistd.h>

#include <sallyport/sallyport.hpp>

namespace {

struct Options {
  std::string target, name, starttls;
  Identity identity;
  std::int32_t min_version = 0;
  std::int32_t max_version = 0;
  double timeout = 30;
  bool confirm = false;
  bool report = false;
  bool trace = false;
  bool json = false;
};

sally::TlsConfig make_tls(const Options& options) {
  auto tls = sally::TlsConfig::client().versions(options.min_version, options.max_version);
  if (const auto trust = load_trust(options.identity.ca)) tls.trust(*trust);
  if (!options.identity.cert.empty()) tls.credential(load_credential(options.identity));
  return tls;
}

sally::StreamSocket establish(const Options& options, const sally::TlsConfig& tls) {
  Progress progress;
  progress.show("connecting to " + options.target);
  const Endpoint endpoint = parse_endpoint(options.target);
  const auto timeout = milliseconds(options.timeout);
  const bool plain = !options.starttls.empty();
  sally::StreamOptions stream{.host = endpoint.host, .service = endpoint.service};
  stream.plain = plain;
  stream.confirmed = options.confirm;
  stream.verify_name = plain ? "" : options.name;
  if (!plain) stream.tls = tls;
  auto socket = sally::StreamSocket::connect(stream, timeout);
  if (plain) {
    agree_on_tls(options.starttls, socket, timeout);
    socket.upgrade(tls, options.name, timeout);
  }
  return socket;
}

// In one piece, since the trace is told at the same time.
void say(const std::string& text) {
  std::cerr << text << std::flush;
}

void tell(const sally::StreamInfo& info, const Options& options) {
  if (options.json) {
    say(dump(to_json(info)) + '\n');
  } else if (options.report) {
    std::ostringstream text;
    print_report(text, info, Style(STDERR_FILENO));
    say(text.str());
  }
}

// Why it failed, as it is to be told; std::nullopt: it did not.
std::optional<std::string> talk(const Options& options, const sally::TlsConfig& tls) {
  std::ostringstream text;
  try {
    auto socket = establish(options, tls);
    tell(socket.info(), options);
    pump(socket);
    return std::nullopt;
  } catch (const sally::Error& error) {
    if (options.json) {
      text << error.json() << '\n';
    } else {
      print_error(text, error, Style(STDERR_FILENO));
    }
  } catch (const std::runtime_error& error) {
    if (options.json) {
      text << dump({{"message", error.what()}}) << '\n';
    } else {
      text << Style(STDERR_FILENO).bad("error") << ": " << error.what() << '\n';
    }
  }
  return text.str();
}

void run(const Options& options) {
  sally::TlsConfig tls = make_tls(options);
  std::optional<TraceOutput> output;
  if (options.trace) {
    output.emplace([json = options.json](const sally::TraceRecord& record) {
      say(std::string(json ? record.json() : record.text()) + '\n');
    });
    tls.trace(output->trace());
  }
  const auto failure = talk(options, tls);
  output.reset();
  if (!failure) return;
  say(*failure);
  end_with(exit_bad);
}

}  // namespace

void add_connect(CLI::App& app) {
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand("connect", "standard input and output over a socket");
  command->footer(
      "The end of standard input ends the sending direction; sally goes on until the server has\n"
      "ended the other one. Reports and errors go to standard error.\n"
      "Exit codes: 0 both directions ended properly; 1 the connection failed; 2 bad usage, or a\n"
      "file that is unusable.");
  command->add_option("target", options->target, "the server; IPv6 as [::1]:4433")
      ->required()
      ->check(is_endpoint())
      ->type_name("HOST:PORT");
  add_trust_option(*command, options->identity, "--ca",
                   "CA of the server, file or folder; repeatable; without it, this machine's");
  add_credential_options(*command, options->identity);
  command->add_option("--name", options->name,
                      "name that the server's certificate must bear, and that is asked for (SNI)");
  add_version_option(*command, "--tls-min", options->min_version, "lowest TLS version");
  add_version_option(*command, "--tls-max", options->max_version, "highest TLS version");
  command->add_option("--starttls", options->starttls, "begin in plain, in this protocol")
      ->check(CLI::IsMember(starttls_protocols()))
      ->type_name("PROTOCOL");
  command->add_flag("--confirm", options->confirm,
                    "connected only when the server has accepted the certificate");
  command->add_flag("--report", options->report, "how the connection came about");
  command->add_flag("--trace", options->trace, "what happens on the connection, step by step");
  command->add_flag("--json", options->json,
                    "the report, the trace and the error as lines of JSON");
  add_timeout_option(*command, options->timeout, "to connect; the same again for STARTTLS");
  command->callback([options] { run(*options); });
}
