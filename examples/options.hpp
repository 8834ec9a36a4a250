// options.hpp: the command line that the C++ examples share. Nothing here is about Sallyport, but
// report().
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/sallyport.hpp>

struct TlsOptions {
  std::string cert, key, ca;
  std::vector<std::string> alpn;
  std::int32_t min_version = 0;
  std::int32_t max_version = 0;
  bool json = false;
};

inline void add_options(CLI::App& app, TlsOptions& options) {
  const std::map<std::string, std::int32_t> versions{{"1.2", SALLY_TLS_1_2},
                                                     {"1.3", SALLY_TLS_1_3}};
  app.add_option("--cert", options.cert, "certificate chain of this side (PEM)");
  app.add_option("--key", options.key, "its private key (PEM), if it is not with the chain")
      ->needs("--cert");
  app.add_option("--ca", options.ca, "CA of the other side (PEM)");
  app.add_option("--alpn", options.alpn, "application protocol; repeatable, most wanted first")
      ->allow_extra_args(false);
  app.add_option("--min-version", options.min_version, "lowest TLS version")
      ->transform(CLI::CheckedTransformer(versions).description("{1.2,1.3}"));
  app.add_option("--max-version", options.max_version, "highest TLS version")
      ->transform(CLI::CheckedTransformer(versions).description("{1.2,1.3}"));
  app.add_flag("--json", options.json, "say everything about an error, as a line of JSON");
}

struct Endpoint {
  std::string host;
  std::string port;
};

// "HOST:PORT", IPv6 addresses as "[::1]:4433". An empty port: this is no endpoint.
inline Endpoint split_endpoint(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return {text, ""};
  const std::string host = text.substr(0, colon);
  const std::string port = text.substr(colon + 1);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return {host.substr(1, host.size() - 2), port};
  }
  if (host.find(':') != std::string::npos) return {text, ""};  // "::1:4433" could mean two things
  return {host, port};
}

// A validator for CLI11: what is wrong with it, or "".
inline std::string check_endpoint(const std::string& text) {
  const bool good = !split_endpoint(text).port.empty();
  return good ? "" : text + " is not HOST:PORT (IPv6 as [::1]:4433)";
}

inline std::string_view or_dash(std::string_view text) {
  return text.empty() ? "-" : text;
}

// Tells the user why it ends here: what happened, how to mend it, and with --json everything there
// is to know.
inline void report(const sally::Error& error, bool json) {
  std::cerr << "error: " << error.name() << ": " << error.message() << '\n';
  if (!error.hint().empty()) std::cerr << "hint: " << error.hint() << '\n';
  if (json) std::cerr << error.json() << '\n';
}
