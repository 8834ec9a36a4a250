#include "abi/peer_name.h"

#include "abi/boundary.h"
#include "transport/endpoint.h"

#include <algorithm>

namespace sally::abi {

namespace {

constexpr std::size_t longest_name = 253;
constexpr std::size_t longest_label = 63;

// Letters, digits, hyphens, and the underscore that real names use; what is not ASCII must come as
// A-labels (RFC 5890).
bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

bool is_dns_name(const std::string& name) {
  if (name.empty() || name.size() > longest_name) return false;
  std::size_t label = 0;
  for (const char c : name) {
    if (c == '.' && label == 0) return false;
    label = c == '.' ? 0 : label + 1;
    if (c != '.' && (!is_name_byte(c) || label > longest_label)) return false;
  }
  return label > 0;
}

}  // namespace

std::string to_host(const std::string& host) {
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  return bracketed ? host.substr(1, host.size() - 2) : host;
}

tls::PeerName to_peer_name(const std::string& name) {
  const std::string host = to_host(name);
  std::string address = host.substr(0, host.find('%'));
  if (transport::is_ip_literal(address)) return {.text = std::move(address), .is_ip = true};
  std::string dns = host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
  if (!is_dns_name(dns)) {
    throw Failure(SALLY_INVALID_ARGUMENT,
                  {.message = "'" + name + "' is no host name",
                   .hint = "Names that are not ASCII are given in their xn-- form (RFC 5890).",
                   .found = name});
  }
  return {.text = std::move(dns)};
}

}  // namespace sally::abi
