// options.h: what several commands are told on their command lines, and how it is loaded.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sallyport/sallyport.hpp>

struct Endpoint {
  std::string host;
  std::string service;
};

// As it is given: "localhost:4433", "[::1]:4433".
std::string to_text(const Endpoint& endpoint);

// "HOST:PORT", IPv6 addresses as "[::1]:4433". Throws CLI::ValidationError for anything else.
Endpoint parse_endpoint(const std::string& text);
// The same as a check, for options.
CLI::Validator is_endpoint();

// Whom this side trusts, and who it is.
struct Identity {
  std::vector<std::string> ca;
  std::string cert, key, passphrase_file;
};

void add_trust_option(CLI::App& app, Identity& identity, const std::string& flag,
                      const std::string& help);
void add_credential_options(CLI::App& app, Identity& identity);

// The CAs of all the files; without any, std::nullopt: those of this machine.
std::optional<sally::TrustStore> load_trust(const std::vector<std::string>& files);
// Throws sally::Error, and std::runtime_error for the file with the passphrase.
sally::Credential load_credential(const Identity& identity);

// Versions as "1.2" and "1.3".
CLI::Option* add_version_option(CLI::App& app, const std::string& flag, std::int32_t& version,
                                const std::string& help);

// Seconds, fractions too; more than nothing and at most a day.
CLI::Option* add_timeout_option(CLI::App& app, double& seconds, const std::string& help);
inline std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

// The whole of a regular file, or of a pipe, of at most 16 MiB; throws std::runtime_error with its
// name.
std::string read_file(const std::string& path);

// Whether a name is an address, which is never sent as SNI (RFC 6066 section 3).
bool is_address(const std::string& name);
