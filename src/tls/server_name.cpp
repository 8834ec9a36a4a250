#include "tls/server_name.h"

#include "tls/openssl.h"
#include "tls/peer_policy.h"

#include <algorithm>
#include <cstddef>

namespace sally::tls {

namespace {

std::string lowered(std::string_view text) {
  std::string copy(text);
  std::ranges::transform(copy, copy.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return copy;
}

}  // namespace

std::string server_name_of_hello(SSL* ssl) {
  const unsigned char* data = nullptr;
  std::size_t size = 0;
  constexpr std::size_t header = 5;  // two lengths and the type
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &size) != 1) return {};
  if (size < header || data[2] != TLSEXT_NAMETYPE_host_name) return {};
  const std::size_t length = static_cast<std::size_t>(data[3]) << 8 | data[4];
  if (length > size - header) return {};
  return lowered({reinterpret_cast<const char*>(data + header), length});
}

std::string to_name_pattern(std::string_view text) {
  std::string name = lowered(text);
  if (name.ends_with('.')) name.pop_back();
  const bool wildcard = name.starts_with("*.");
  const std::string_view rest = std::string_view(name).substr(wildcard ? 2 : 0);
  const bool of_a_top_level_domain = wildcard && rest.find('.') == std::string_view::npos;
  if (!is_dns_name(rest) || of_a_top_level_domain) return {};
  return name;
}

}  // namespace sally::tls
